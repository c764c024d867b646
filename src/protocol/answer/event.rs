//! What an event says of a step that was performed.

use crate::facts::{CredentialId, IamUserName, Observed};

use super::outcome::{Deleted, Outcome};
use super::reason::Reason;
use super::step::{Change, Disposal, Step, Update};

/// Something that happened, for `kubectl describe` and the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What, in one word.
    pub reason: Reason,
    /// What, in a sentence.
    pub message: String,
}

impl Event {
    fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }

    /// The event of a step with this outcome, if it is worth one. `before` are the facts before the step.
    #[must_use]
    pub fn of(before: &Observed, step: &Step, outcome: &Outcome) -> Option<Self> {
        match (step, outcome) {
            (_, Outcome::Failed(_)) => None,
            (Step::Record(update), _) => Self::of_update(before, update),
            (Step::Create(_), Outcome::Issued { id, service_user_name, .. }) => Some(Self::new(
                Reason::CredentialCreated,
                format!("created credential {id} ({service_user_name}) in IAM"),
            )),
            (Step::Reset(..), Outcome::Issued { id, .. }) => {
                Some(Self::new(Reason::PasswordReset, format!("reset the password of credential {id} in IAM")))
            }
            (Step::DeleteFormerSecret(name), _) => Some(Self::new(
                Reason::FormerSecretDeleted,
                format!("deleted Secret {name}: the credential is in another Secret"),
            )),
            (Step::DeleteCredential(id, disposal), Outcome::Deleted(deleted)) => {
                Self::of_delete(&before.resource.iam_user, id, *disposal, *deleted)
            }
            (Step::Deactivate(id), _) => Some(Self::new(
                Reason::RetiringDeactivated,
                format!("set credential {id} to Inactive in IAM: its overlap is over"),
            )),
            _ => None,
        }
    }

    fn of_update(before: &Observed, update: &Update) -> Option<Self> {
        match update.change {
            Change::Begin | Change::Accept => {
                update.report.as_ref().map(|report| Self::new(report.reason, report.message.clone()))
            }
            // The same words each time, so that Kubernetes counts them as one event.
            Change::TakeOver => Some(Self::new(
                Reason::TakenOver,
                "an earlier attempt ended without an accepted credential; a new one begins, and what the earlier one created is deleted",
            )),
            Change::MoveSecret => Some(Self::new(
                Reason::SecretMoved,
                format!(
                    "the credential is published to Secret {} from now on, and no longer to {}",
                    before.resource.wanted_secret,
                    before.resource.secret_name()
                ),
            )),
            Change::CloseEarlier
            | Change::Abandon
            | Change::CloseWindow
            | Change::MarkInactive
            | Change::ForgetRetiring
            | Change::AnnounceCopy
            | Change::ForgetFormerSecret => None,
        }
    }

    fn of_delete(user: &IamUserName, id: &CredentialId, disposal: Disposal, deleted: Deleted) -> Option<Self> {
        let (reason, why) = match disposal {
            Disposal::Leftover => (Reason::LeftoverDeleted, "an attempt created it, and it was never accepted"),
            Disposal::Retired => {
                (Reason::RetiredDeleted, "it was replaced, and its overlap is over or its slot is needed")
            }
            Disposal::Foreign => (Reason::ForeignDeleted, "its slot is needed and spec.foreignCredentials is Delete"),
            Disposal::ResourceDeleted => (Reason::CredentialDeleted, "the resource is deleted"),
        };
        match deleted {
            Deleted::Now => Some(Self::new(reason, format!("deleted credential {id} from IAM: {why}"))),
            Deleted::Before => None,
            Deleted::NotTheirs => Some(Self::new(
                Reason::CredentialNotOurs,
                format!(
                    "IAM says that credential {id} is not one of IAM user {user}, so it is left alone and forgotten"
                ),
            )),
        }
    }
}
