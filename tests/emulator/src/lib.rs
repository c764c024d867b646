//! An emulator of two services that belong together: IAM's Query protocol for service-specific credentials, and the login of
//! Amazon Keyspaces over TLS. Both use the same state, so that a password works exactly while its credential is Active.
//!
//! It follows the documented and observed behaviour of IAM, including what makes IAM hard to use: two slots, lists that are
//! behind, unordered and paged, ids that belong to a user id and not to a name. It records every request. A test can make every
//! request go wrong: see [`Fault`].
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use keyspaces_emulator::{Emulator, Fault, FaultKind, Operation, Options};
//!
//! let emulator = Emulator::start(Options::with_users(["orders-app"]))?;
//! // The next Create takes effect, and its reply is lost.
//! emulator.set_fault(Fault::on(Operation::Create, FaultKind::Close).after_effect());
//! let endpoint = emulator.iam_url();
//! # Ok(())
//! # }
//! ```

mod act;
mod clock;
mod control;
mod cql;
mod emulator;
mod error;
mod faults;
mod handle;
mod http;
mod operation;
mod options;
mod password;
mod query;
mod random;
mod record;
mod server;
mod state;
mod tls;
mod world;
mod xml;

pub use emulator::Emulator;
pub use error::IamError;
pub use faults::{Fault, FaultKind, FaultStatus, When};
pub use handle::Handle;
pub use operation::Operation;
pub use options::{Lag, Options};
pub use password::Password;
pub use record::{Call, Login};
pub use state::{CredentialInfo, IssuedCredential, User};
