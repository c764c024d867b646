//! The record: the protocol's memory, which outlives every process.

use jiff::Timestamp;

use super::credential::{Issued, Published};
use super::names::{CredentialId, Epoch, SecretName, ServiceUserName};
use super::operation::{Operation, ResetInDoubt, Window};
use super::time::whole_second;

/// What the protocol remembers of a resource. Conditions are not part of it: they are output.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Record {
    /// `status.credential`: the credential that the Secret holds.
    pub current: Option<Issued>,
    /// `status.publishedEpoch`: the attempt that published the current password. A Secret of an earlier attempt was put
    /// back by somebody.
    pub published_by: Option<Epoch>,
    /// `status.retiring`: the credential that the current one replaced, until it is deleted.
    pub retiring: Option<Retiring>,
    /// `status.operation`: the open operation.
    pub operation: Option<Operation>,
    /// `status.completedEpoch`: attempts up to this epoch are closed. What they publish is accepted only if it is
    /// current or retiring already.
    pub closed: Epoch,
    /// `status.unresolved`: the attempts of earlier operations may have left a credential behind.
    pub window: Option<Window>,
    /// `status.resetInDoubt`: a reset of the password that may still take effect.
    pub reset_in_doubt: Option<ResetInDoubt>,
    /// `status.binding`: the Secret that the last operation published to, or that the credential was moved to.
    pub secret_name: Option<SecretName>,
    /// `status.formerSecrets`: Secrets that the credential was moved from and that still hold it.
    pub former_secrets: Vec<FormerSecret>,
    /// `status.lastHandledRotate`: the last rotation request that was handled.
    pub handled_rotate: Option<String>,
    /// `status.lastRotatedAt`: when the Secret last got a new credential or password.
    pub rotated_at: Option<Timestamp>,
    /// `status.failures`: consecutive failures.
    pub failures: Option<Failures>,
}

impl Record {
    /// The id of the current credential.
    #[must_use]
    pub fn current_id(&self) -> Option<&CredentialId> {
        self.current.as_ref().map(|current| &current.id)
    }

    /// The id of the retiring credential.
    #[must_use]
    pub fn retiring_id(&self) -> Option<&CredentialId> {
        self.retiring.as_ref().map(|retiring| &retiring.id)
    }

    /// Whether this is the current credential with the password that was published last. A Secret of an earlier attempt
    /// is from before a reset: somebody put it back, and its password no longer logs in.
    #[must_use]
    pub fn is_current(&self, published: &Published) -> bool {
        self.current_id() == Some(&published.credential.id) && Some(published.epoch) >= self.published_by
    }

    /// The record as Kubernetes stores it, in whole seconds. The end of a wait is rounded up, so that nothing comes
    /// early; the beginning of a window is rounded down, so that nothing falls out of it.
    #[must_use]
    pub(crate) fn in_whole_seconds(mut self) -> Self {
        if let Some(current) = &mut self.current {
            current.issued_at = second(current.issued_at);
        }
        if let Some(retiring) = &mut self.retiring {
            retiring.since = whole_second(retiring.since);
        }
        if let Some(operation) = &mut self.operation {
            operation.from = second(operation.from);
            operation.attempted_at = whole_second(operation.attempted_at);
        }
        if let Some(window) = &mut self.window {
            window.from = second(window.from);
            window.end = whole_second(window.end);
        }
        if let Some(doubt) = &mut self.reset_in_doubt {
            doubt.until = whole_second(doubt.until);
        }
        for former in &mut self.former_secrets {
            former.since = whole_second(former.since);
        }
        self.rotated_at = self.rotated_at.map(second);
        self
    }
}

/// The second that a time lies in.
fn second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
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
    pub published_by: Option<Epoch>,
}

/// How far a replaced credential has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RetiringStage {
    /// It works.
    Active,
    /// It is switched off in IAM, and can be switched on again by hand.
    Inactive,
}

/// A Secret that the credential was moved from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FormerSecret {
    /// Its name.
    pub name: SecretName,
    /// When the Secret of the new name was there.
    pub since: Timestamp,
}

/// Consecutive failures, recorded so that a restart is no burst of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Failures {
    /// How many in a row.
    pub count: u32,
    /// When the last one was.
    pub last: Timestamp,
    /// Not before this time is the next try.
    pub next: Timestamp,
}
