//! The operation: the recorded intent to replace the credential, and what its attempts may leave behind.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::names::{CredentialId, Epoch, SecretName};

/// Why a new credential or a new password is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The resource has none yet.
    First,
    /// The annotation asks for a rotation.
    Requested,
    /// The credential has reached the age that the spec allows.
    Scheduled,
    /// The Secret is gone, and the password with it.
    SecretLost,
    /// The Secret no longer holds what was published.
    SecretDamaged,
    /// IAM no longer has the credential.
    CredentialGone,
    /// A reset whose reply was lost may have landed late and killed the published password.
    ResetInDoubt,
}

/// How an operation gets a new password.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Means {
    /// Create a credential.
    Create,
    /// Reset the password of this one.
    Reset(CredentialId),
}

/// The intent, recorded before any Create or Reset (rule 3): `status.operation`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The present attempt.
    pub epoch: Epoch,
    /// The first attempt of the operation.
    pub first_epoch: Epoch,
    /// Why.
    pub purpose: Purpose,
    /// How the new password is made.
    pub means: Means,
    /// The Secret that it is published to. It stays the same for the whole operation: the fence of another Secret would
    /// stop nobody.
    pub secret_name: SecretName,
    /// The rotation request that is handled when this operation completes.
    pub rotate: Option<String>,
    /// When the first attempt began.
    pub from: Timestamp,
    /// When the present attempt began.
    pub attempted_at: Timestamp,
    /// The ids that List showed before the first attempt.
    pub baseline: BTreeSet<CredentialId>,
}

impl Operation {
    /// Whether an earlier attempt has an unknown outcome: it may have created a credential that nobody holds.
    #[must_use]
    pub fn is_taken_over(&self) -> bool {
        self.epoch > self.first_epoch
    }

    /// Whether an earlier attempt may have left a credential behind. A reset leaves none.
    #[must_use]
    pub fn may_leave_a_credential(&self) -> bool {
        self.is_taken_over() && self.means == Means::Create
    }
}

/// The ids and times within which a credential of unknown origin is a leftover of an operation that is over.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Window {
    /// The last attempt of that operation.
    pub epoch: Epoch,
    /// The ids that are known not to be its leftovers.
    pub baseline: BTreeSet<CredentialId>,
    /// When its first attempt began.
    pub from: Timestamp,
    /// What IAM does not show by then did not happen.
    pub end: Timestamp,
}

/// A reset whose outcome is unknown. List shows no passwords, so the only remedy is another reset once this one can no
/// longer land (rule 14).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResetInDoubt {
    /// The credential.
    pub id: CredentialId,
    /// When it can no longer land.
    pub until: Timestamp,
}
