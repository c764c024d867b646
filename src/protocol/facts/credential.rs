//! A credential of ours.

use jiff::Timestamp;

use super::names::{CredentialId, Epoch, ServiceUserName};

/// A credential that IAM issued to this operator, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issued {
    /// Its id.
    pub id: CredentialId,
    /// The user name that logs in with it.
    pub service_user_name: ServiceUserName,
    /// When IAM created it.
    pub issued_at: Timestamp,
}

/// A credential that was published.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Published {
    /// The credential.
    pub credential: Issued,
    /// The attempt that published it.
    pub epoch: Epoch,
}
