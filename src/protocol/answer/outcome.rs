//! What came of a step, and how the pass goes on.

use jiff::Timestamp;

use crate::facts::{Claim, CredentialId, Grant, Listing, SecretFact, ServiceUserName};

use super::backoff::Class;

/// What came of a step, as whoever performed it learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done, and there is nothing to learn.
    Done,
    /// It did not come to an end, or nobody knows whether it did.
    Failed(Class),
    /// The grant.
    Grant(Grant),
    /// The claim.
    Claim(Claim),
    /// The Secret as it was read, or as it is after the write.
    Secret(SecretFact),
    /// The listing.
    Listing(Listing),
    /// What the step rests on changed since it was read.
    Changed,
    /// IAM issued a credential, or a password for one.
    Issued {
        /// The credential.
        id: CredentialId,
        /// The user name that logs in with it.
        service_user_name: ServiceUserName,
        /// When the reply came.
        at: Timestamp,
    },
    /// What became of a Delete.
    Deleted(Deleted),
}

/// What became of a Delete in IAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Deleted {
    /// IAM deleted the credential.
    Now,
    /// IAM had no such credential any more.
    Before,
    /// IAM says that the credential is not one of this user.
    NotTheirs,
}

/// How the pass goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With the next decision.
    Decide,
    /// From the beginning: what was read may be out of date.
    StartOver,
    /// Not before this time, or before something changes.
    Rest(Option<Timestamp>),
}
