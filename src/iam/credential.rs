//! A credential as IAM returns it.

use jiff::Timestamp;
use keyspaces_credential_protocol::{CredentialId, ServiceUserName};

use super::password::Password;

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
    /// The user name for Amazon Keyspaces. IAM may use the name of a deleted credential again, so it identifies nothing.
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
    /// It is refused until it is made active again. It still occupies one of the user's two slots.
    Inactive,
    /// IAM returned another status (`Expired` belongs to other services). The credential is not usable. The operator reports
    /// it, and does not delete it for that.
    Unknown(String),
}
