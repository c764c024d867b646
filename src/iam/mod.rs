//! Service-specific credentials in IAM: the port that the rest of the operator sees, and its AWS adapter.
//!
//! There are five operations: [`Iam::create`], [`Iam::reset`], [`Iam::list`], [`Iam::delete`], [`Iam::deactivate`]. None of
//! them repeats a request; List sends one request per page. Each needs a [`Turn`], so that the operator keeps to its rate.
//! Replies are parsed here, once. Every failure is an [`IamError`] of one [`IamErrorKind`], and every kind has one
//! [`Class`](keyspaces_credential_protocol::Class).
//!
//! Two promises are kept in this folder and nowhere else:
//!
//! * **The password is not shown.** It goes from IAM's reply straight into a [`Password`]; no error carries a raw reply.
//! * **A refusal is only reported when it is certain.** Every other failure of a Create or a Reset is
//!   [`IamErrorKind::Ambiguous`].
//!
//! | file | duty |
//! |---|---|
//! | `adapter` | the client, its settings, the five calls |
//! | `credential` | a credential as Create, Reset and List return it |
//! | `reply` | IAM's replies into those types |
//! | `classify` | errors of the SDK into [`IamError`] |
//! | `pace` | how often IAM is asked |
//! | `witness` | what became of a request: sent or not, answered in full or cut |
//! | `error`, `scrub`, `password` | the vocabulary |

mod adapter;
mod classify;
mod credential;
mod error;
mod pace;
mod password;
mod reply;
mod scrub;
mod witness;

#[cfg(test)]
#[path = "../../tests/unit/iam/adapter/mod.rs"]
mod tests;

pub use adapter::Iam;
pub use credential::{CredentialStatus, IssuedCredential, ListedCredential, SERVICE_NAME};
pub use error::{IamError, IamErrorKind, Operation};
pub use keyspaces_credential_protocol::Deleted;
pub use pace::{Rate, Turn, Urgency};
pub use password::{InvalidPassword, Password};
