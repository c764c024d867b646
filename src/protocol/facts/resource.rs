//! The resource: what its owner wants, and what is recorded of it.

use jiff::{SignedDuration, Timestamp};

use super::names::{IamUserName, SecretName};
use super::record::Record;

/// The resource as a quorum read showed it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each read from another field of the resource")]
pub struct Resource {
    /// The IAM user whose credential is kept.
    pub iam_user: IamUserName,
    /// When the API server created it. Nobody can edit that.
    pub created_at: Timestamp,
    /// `spec.secret.name`: the Secret that its owner wants.
    pub wanted_secret: SecretName,
    /// `metadata.deletionTimestamp` is set.
    pub deleting: bool,
    /// It has the finalizer of this operator.
    pub finalizer: bool,
    /// `spec.suspend`.
    pub suspended: bool,
    /// `spec.deletionPolicy`.
    pub deletion_policy: DeletionPolicy,
    /// `spec.foreignCredentials`.
    pub foreign: ForeignPolicy,
    /// `spec.rotation`.
    pub rotation: Rotation,
    /// The value of the annotation that asks for a rotation.
    pub rotate: Option<String>,
    /// The value of the annotation that ends the overlap of the credential that it names.
    pub retire: Option<String>,
    /// The owner changed the spec or the annotation since the last failure: try at once.
    pub changed_since_failure: bool,
    /// The protocol's memory.
    pub record: Record,
}

impl Resource {
    /// The Secret of the credential: the one that the open operation publishes to, else the one that holds it, else the
    /// wanted one.
    #[must_use]
    pub fn secret_name(&self) -> &SecretName {
        let by_operation = self.record.operation.as_ref().map(|operation| &operation.secret_name);
        by_operation.or(self.record.secret_name.as_ref()).unwrap_or(&self.wanted_secret)
    }
}

/// How and when a credential is replaced, and how long the replaced one lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rotation {
    /// How.
    pub strategy: Strategy,
    /// How old a credential may become; unset: it is replaced only on request.
    pub interval: Option<SignedDuration>,
    /// How long a replaced credential goes on working.
    pub overlap: SignedDuration,
    /// How long it then stays, Inactive, before it is deleted.
    pub inactive_for: SignedDuration,
    /// Spreads the rotations of many resources. Stable for one resource.
    pub seed: u64,
}

/// How a rotation gets a new password. What is lost is always replaced by a new credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// By a second credential with a user name of its own; the first one goes on working for the overlap.
    Overlap,
    /// By resetting the password of the current credential. The old password is dead before the new one is published.
    InPlace,
}

/// What is done with credentials of the IAM user that are not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForeignPolicy {
    /// They are left alone.
    Keep,
    /// The oldest one is deleted when its slot is needed.
    Delete,
}

/// What becomes of the credential and the Secret when the resource is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeletionPolicy {
    /// Both are deleted.
    Delete,
    /// Both stay.
    Retain,
}
