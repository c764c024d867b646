//! What status records: the protocol's memory, which outlives every process.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::facts::Published;
use crate::names::{CredentialId, Epoch, SecretName, ServiceUserName};

/// The facts in status. Conditions are not among them: those are output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Recorded {
    /// The credential that the Secret holds.
    pub credential: Option<Issued>,
    /// The credential that it replaced, which still works.
    pub retiring: Option<Retiring>,
    /// The write-ahead intent.
    pub operation: Option<Operation>,
    /// The epoch of the last operation that was completed or given up.
    pub completed: Epoch,
    /// The attempt that published what the Secret holds. A Secret of an earlier one was put back by somebody.
    pub published: Option<Epoch>,
    /// The last rotation request that was handled.
    pub handled_rotate: Option<String>,
    /// When the Secret last got a new credential.
    pub rotated_at: Option<Timestamp>,
    /// An earlier attempt whose outcome may still show up.
    pub unresolved: Option<Unresolved>,
    /// A reset of the password that may still land.
    pub reset_in_doubt: Option<ResetInDoubt>,
    /// Secrets that the credential was moved from, which still hold it.
    pub former_secrets: Vec<FormerSecret>,
    /// Consecutive failures.
    pub failures: Option<Failures>,
}

impl Recorded {
    /// Whether this is the current credential with the password that was published last. One of an earlier attempt is from
    /// before a reset: somebody put it back, and it no longer logs in.
    #[must_use]
    pub fn is_current(&self, published: &Published) -> bool {
        let same = self.credential.as_ref().is_some_and(|current| current.id == published.credential.id);
        same && Some(published.epoch) >= self.published
    }
}

/// A credential that IAM issued to us, without its password.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Issued {
    /// Its id.
    pub id: CredentialId,
    /// The user name that logs in with it.
    pub service_user_name: ServiceUserName,
    /// When IAM created it.
    pub issued_at: Timestamp,
}

/// A replaced credential in its overlap.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Retiring {
    /// Its id.
    pub id: CredentialId,
    /// The user name that logs in with it.
    pub service_user_name: ServiceUserName,
    /// When its replacement was accepted.
    pub since: Timestamp,
    /// Whether it still works.
    pub stage: RetiringStage,
    /// The attempt that published its last password.
    pub published: Option<Epoch>,
}

/// How far a replaced credential has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetiringStage {
    /// It works.
    Active,
    /// It is switched off in IAM, and can be switched on again by hand.
    Inactive,
}

/// Why a new credential is made.
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

/// The write-ahead intent of replacing the credential.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The attempt that may create.
    pub epoch: Epoch,
    /// The epoch of the operation's first attempt; a later `epoch` means that an attempt's outcome is unknown.
    pub first_epoch: Epoch,
    /// Why.
    pub purpose: Purpose,
    /// How the new password comes about.
    pub means: Means,
    /// The Secret that it is published to. It stays the same for the whole operation: the fence of another one would stop nobody.
    pub secret_name: SecretName,
    /// The rotation request that completing this operation handles.
    pub rotate: Option<String>,
    /// When the first attempt began.
    pub started_at: Timestamp,
    /// When the present attempt began.
    pub attempted_at: Timestamp,
    /// The ids that List showed before the first attempt.
    pub baseline: BTreeSet<CredentialId>,
}

impl Operation {
    /// Whether an earlier attempt may have created a credential that nobody holds.
    #[must_use]
    pub fn recovering(&self) -> bool {
        self.epoch > self.first_epoch
    }
}

/// The window of an operation that is over but whose attempts are not all accounted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Unresolved {
    /// The last epoch of that operation.
    pub epoch: Epoch,
    /// The ids that List showed before its first attempt.
    pub baseline: BTreeSet<CredentialId>,
    /// When its first attempt began.
    pub started_at: Timestamp,
    /// When what has not shown up by then is believed not to have happened.
    pub until: Timestamp,
}

/// A reset whose outcome is not known. List shows no passwords, so the only remedy is another reset once this one can no
/// longer land.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ResetInDoubt {
    /// The credential.
    pub id: CredentialId,
    /// When it can no longer land.
    pub until: Timestamp,
}

/// A Secret that the credential was moved from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FormerSecret {
    /// Its name.
    pub name: SecretName,
    /// Since when its successor is there.
    pub since: Timestamp,
}

/// Consecutive failures, kept in status so that a restart is no burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failures {
    /// How many in a row.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
    /// Not before this time is the next try.
    pub next: Timestamp,
}
