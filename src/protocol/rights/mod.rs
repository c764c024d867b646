//! Which resource may have an IAM user.

mod claim;
mod grant;

pub use claim::{Contender, claim};
pub(crate) use grant::remedy;
pub use grant::{GRANT_ANNOTATION, grant};
