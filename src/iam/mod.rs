//! Service-specific credentials in IAM: the port that the rest of the operator sees, and its AWS adapter.
//!
//! Five operations, each one request and no retry: [`Iam::create`], [`Iam::reset`], [`Iam::list`], [`Iam::delete`],
//! [`Iam::deactivate`]. Each needs a [`Turn`], so that nobody asks faster than the account can bear. What comes back is
//! parsed here, once; what goes wrong is an [`IamError`] of one [`IamErrorKind`], and every kind has one
//! [`Class`](keyspaces_credential_protocol::Class).
//!
//! Two promises are kept in this folder and nowhere else:
//!
//! * **The password is not shown.** It goes from IAM's reply straight into a [`Password`]; no error carries a raw reply.
//! * **"Refused" is only said when it is certain.** Whatever else happens to a Create or a Reset is [`IamErrorKind::Ambiguous`].
//!
//! | file | duty |
//! |---|---|
//! | `adapter` | the client, its settings, the five calls |
//! | `reply` | IAM's replies into the types below |
//! | `classify` | errors of the SDK into [`IamError`] |
//! | `pace` | how often IAM is asked |
//! | `witness` | what became of a request: sent or not, answered in full or cut |
//! | `error`, `scrub`, `password` | the vocabulary |

mod adapter;
mod classify;
mod error;
mod pace;
mod password;
mod reply;
mod scrub;
mod witness;

#[cfg(test)]
#[path = "../../tests/unit/iam/adapter/mod.rs"]
mod tests;

use jiff::Timestamp;
use keyspaces_credential_protocol::{CredentialId, ServiceUserName};

pub use adapter::Iam;
pub use error::{IamError, IamErrorKind, Operation};
pub use pace::{Rate, Turn, Urgency};
pub use password::{InvalidPassword, Password};

/// The service that the credentials are for: Amazon Keyspaces.
///
/// Source: *Amazon Keyspaces Developer Guide*, "Create service-specific credentials for programmatic access".
pub const SERVICE_NAME: &str = "cassandra.amazonaws.com";

/// A credential as Create and Reset return it: the only time that IAM shows the password.
///
/// It has no `Debug`, as its password has none.
///
/// Source: *IAM API Reference*, `ServiceSpecificCredential`.
pub struct IssuedCredential {
    /// What identifies it from now on.
    pub id: CredentialId,
    /// The user name for Amazon Keyspaces. A name that was freed is given out again, so it identifies nothing.
    pub service_user_name: ServiceUserName,
    /// The password, shown once.
    pub password: Password,
    /// IAM's time of creation, by IAM's clock.
    pub issued_at: Timestamp,
}

/// A credential as List shows it: never with a password.
///
/// Source: *IAM API Reference*, `ServiceSpecificCredentialMetadata`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedCredential {
    /// What identifies it.
    pub id: CredentialId,
    /// The user name for Amazon Keyspaces.
    pub service_user_name: ServiceUserName,
    /// IAM's time of creation, by IAM's clock.
    pub created_at: Timestamp,
    /// Whether Amazon Keyspaces accepts it.
    pub status: CredentialStatus,
}

/// Whether Amazon Keyspaces accepts a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialStatus {
    /// It is accepted.
    Active,
    /// It is refused until it is made active again. It still takes one of the user's two places.
    Inactive,
    /// IAM said something else (`Expired` belongs to other services): not usable, worth a report, no reason to delete.
    Unknown(String),
}

/// How a Delete succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// IAM deleted it now.
    Now,
    /// IAM knows no such credential of this user, or no such user; or it is that of an earlier user of the same name.
    WasGone,
    /// IAM knows the credential as that of another user, or of an earlier user of the same name.
    NotTheirs,
}
