//! What is known about one resource at the start of a decision. Types and questions about them; nothing is decided
//! here.

mod credential;
mod listing;
mod memory;
mod names;
mod observed;
mod operation;
mod record;
mod resource;
mod rights;
mod secret;
mod time;

pub use credential::{Issued, Published};
pub use listing::{Listed, Listing, Usable};
pub use memory::{Attempt, Memory, Sighting, Stage};
pub(crate) use names::is_user_name_byte;
pub use names::{CredentialId, Epoch, IamUserName, InvalidName, SecretName, ServiceUserName};
pub use observed::{Observed, Settings};
pub use operation::{Means, Operation, Purpose, ResetInDoubt, Window};
pub use record::{Failures, FormerSecret, Record, Retiring, RetiringStage};
pub use resource::{DeletionPolicy, ForeignPolicy, Resource, Rotation, Strategy};
pub use rights::{Claim, Grant};
pub use secret::{OurSecret, Rendering, SecretFact};
pub use time::{CLOCK_SKEW, earlier, is_believable, later, whole_second};
