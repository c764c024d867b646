//! What a user is told while nothing is done: the vocabulary of conditions and events.

use jiff::Timestamp;

use crate::facts::{Listed, Resource, Strategy};
use crate::grant::remedy;
use crate::names::{CredentialId, SecretName};
use crate::recorded::{Means, Operation, Purpose};

/// The state of a resource in kstatus' terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// All is as wanted.
    Ready,
    /// Work is going on, or waits for something that comes by itself.
    Reconciling,
    /// A human has to act.
    Stalled,
    /// `spec.suspend`: not looked at.
    Suspended,
    /// As before: nothing new to tell.
    Unchanged,
}

/// Why. One word for the condition and the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The Secret holds a working credential.
    Published,
    /// The first credential is being made.
    Creating,
    /// A new credential is being made because the annotation asks for it.
    Rotating,
    /// A new credential is being made because the present one is lost.
    Healing,
    /// A rotation was asked for while the replaced credential still works.
    RotationWaits,
    /// IAM may still show what an earlier attempt did.
    Settling,
    /// The resource is being deleted.
    Deleting,
    /// `spec.suspend`.
    Suspended,
    /// The namespace may not ask for the IAM user.
    IamUserNotGranted,
    /// Another resource has the IAM user.
    IamUserInUse,
    /// Another resource of the same IAM user is in the middle of an operation.
    IamUserContested,
    /// The Secret belongs to something else.
    SecretConflict,
    /// The Secret is immutable.
    SecretImmutable,
    /// Both credentials of the user are taken.
    NoFreeSlot,
    /// Somebody switched the credential off in IAM.
    CredentialInactive,
    /// List does not show the credential, but may be late.
    CredentialMissing,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Published,
        Self::Creating,
        Self::Rotating,
        Self::Healing,
        Self::RotationWaits,
        Self::Settling,
        Self::Deleting,
        Self::Suspended,
        Self::IamUserNotGranted,
        Self::IamUserInUse,
        Self::IamUserContested,
        Self::SecretConflict,
        Self::SecretImmutable,
        Self::NoFreeSlot,
        Self::CredentialInactive,
        Self::CredentialMissing,
    ];

    /// The word in conditions and events.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "Published",
            Self::Creating => "Creating",
            Self::Rotating => "Rotating",
            Self::Healing => "Healing",
            Self::RotationWaits => "RotationWaits",
            Self::Settling => "Settling",
            Self::Deleting => "Deleting",
            Self::Suspended => "Suspended",
            Self::IamUserNotGranted => "IamUserNotGranted",
            Self::IamUserInUse => "IamUserInUse",
            Self::IamUserContested => "IamUserContested",
            Self::SecretConflict => "SecretConflict",
            Self::SecretImmutable => "SecretImmutable",
            Self::NoFreeSlot => "NoFreeSlot",
            Self::CredentialInactive => "CredentialInactive",
            Self::CredentialMissing => "CredentialMissing",
        }
    }
}

impl From<Purpose> for Reason {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::First => Self::Creating,
            Purpose::Requested | Purpose::Scheduled | Purpose::ResetInDoubt => Self::Rotating,
            Purpose::SecretLost | Purpose::SecretDamaged | Purpose::CredentialGone => Self::Healing,
        }
    }
}

/// What to tell the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The state.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// What happens, or what to do. It holds no time that moves, or the condition would change for ever.
    pub message: String,
}

impl Verdict {
    fn new(state: State, reason: Reason, message: impl Into<String>) -> Self {
        Self { state, reason, message: message.into() }
    }

    pub(crate) fn unchanged() -> Self {
        Self::new(State::Unchanged, Reason::Published, "")
    }

    /// The Secret holds a working credential.
    pub(crate) fn ready(
        resource: &Resource,
        service_user_name: &str,
        retires_at: Option<Timestamp>,
        doubt_ends_at: Option<Timestamp>,
    ) -> Self {
        let retires = retires_at.map(|at| format!("; the replaced one works until {at}"));
        let resets = doubt_ends_at.map(|at| {
            format!("; a reset whose reply was lost may still land, so the password is reset once more at {at}")
        });
        let message = format!(
            "Secret {} holds the credential of {service_user_name}{}{}",
            resource.secret_name,
            retires.unwrap_or_default(),
            resets.unwrap_or_default()
        );
        Self::new(State::Ready, Reason::Published, message)
    }

    /// What is told while an operation runs.
    #[must_use]
    pub fn working(operation: &Operation) -> Self {
        let why = match operation.purpose {
            Purpose::First => "it is the first",
            Purpose::Requested => "the annotation keyspaces.dev/rotate asks for it",
            Purpose::Scheduled => "spec.rotation.interval asks for it",
            Purpose::SecretLost => "the Secret is gone",
            Purpose::SecretDamaged => "the Secret no longer holds what was published",
            Purpose::CredentialGone => "IAM no longer has the present one",
            Purpose::ResetInDoubt => "a reset whose reply was lost may have landed after the last one",
        };
        let message = match operation.means {
            Means::Create => format!("creating a new credential: {why}"),
            Means::Reset(_) => format!("resetting the password: {why}"),
        };
        Self::new(State::Reconciling, operation.purpose.into(), message)
    }

    pub(crate) fn suspended(resource: &Resource) -> Self {
        let message = if resource.deleting {
            "spec.suspend is true, so the credential is not removed from IAM and the deletion waits; set spec.suspend to false to go on"
        } else {
            "spec.suspend is true: nothing is read or written in IAM or the Secret"
        };
        Self::new(State::Suspended, Reason::Suspended, message)
    }

    pub(crate) fn deleting(message: &str) -> Self {
        Self::new(State::Reconciling, Reason::Deleting, message)
    }

    pub(crate) fn settling() -> Self {
        Self::new(
            State::Reconciling,
            Reason::Settling,
            "an earlier attempt may have left a credential that IAM does not show yet; waiting for it",
        )
    }

    pub(crate) fn rotation_waits(retiring: &CredentialId, gone_at: Timestamp) -> Self {
        Self::new(
            State::Reconciling,
            Reason::RotationWaits,
            format!(
                "the rotation begins when the replaced credential {retiring} is gone, at {gone_at}; to end its time now, \
                 annotate the resource with keyspaces.dev/retire={retiring}"
            ),
        )
    }

    pub(crate) fn reset_waits(gone_at: Timestamp) -> Self {
        Self::new(
            State::Reconciling,
            Reason::RotationWaits,
            format!(
                "the rotation begins when the Secret of the former name is gone, at {gone_at}: a reset would kill its password"
            ),
        )
    }

    pub(crate) fn iam_user_not_granted(resource: &Resource, namespace: &str, annotation: Option<&str>) -> Self {
        let user = &resource.iam_user;
        let message = format!(
            "namespace {namespace} is not granted IAM user {user}, so nothing is created or changed; {}",
            remedy(user, namespace, annotation)
        );
        Self::new(State::Stalled, Reason::IamUserNotGranted, message)
    }

    pub(crate) fn iam_user_in_use(resource: &Resource, winner: Option<&str>) -> Self {
        let holder = match winner {
            Some(name) => format!("the older KeyspacesCredential {name} of this namespace"),
            None => "an older KeyspacesCredential of another namespace".to_owned(),
        };
        let message = format!(
            "IAM user {} already belongs to {holder}; use an IAM user of its own for each resource, or delete one of the two",
            resource.iam_user
        );
        Self::new(State::Stalled, Reason::IamUserInUse, message)
    }

    pub(crate) fn iam_user_contested(resource: &Resource) -> Self {
        let message = format!(
            "another KeyspacesCredential for IAM user {} is in the middle of an operation; waiting for it to step back",
            resource.iam_user
        );
        Self::new(State::Reconciling, Reason::IamUserContested, message)
    }

    pub(crate) fn secret_conflict(name: &SecretName) -> Self {
        let message = format!(
            "Secret {name} exists and is not controlled by this resource, so it is left as it is; \
             delete that Secret, or choose another spec.secret.name"
        );
        Self::new(State::Stalled, Reason::SecretConflict, message)
    }

    pub(crate) fn secret_immutable(name: &SecretName) -> Self {
        let message = format!(
            "Secret {name} has immutable: true, which cannot be undone; delete it (kubectl delete secret {name}) \
             and it is made again with a new credential, or choose another spec.secret.name"
        );
        Self::new(State::Stalled, Reason::SecretImmutable, message)
    }

    pub(crate) fn no_free_slot<'a>(resource: &Resource, taken: impl Iterator<Item = &'a Listed>) -> Self {
        let user = &resource.iam_user;
        let mut ids: Vec<String> =
            taken.map(|listed| format!("{} (created {})", listed.id, listed.created_at)).collect();
        ids.sort();
        let message = format!(
            "IAM allows two credentials per user and service, and user {user} has {}; free one with: aws iam \
             delete-service-specific-credential --user-name {user} --service-specific-credential-id ID",
            ids.join(" and ")
        );
        Self::new(State::Stalled, Reason::NoFreeSlot, message)
    }

    pub(crate) fn credential_inactive(resource: &Resource, listed: &Listed) -> Self {
        let (user, id) = (&resource.iam_user, &listed.id);
        // A reset leaves a credential Inactive.
        let first = match resource.rotation.strategy {
            Strategy::Overlap => "",
            Strategy::InPlace => "set spec.rotation.strategy to Overlap and ",
        };
        let message = format!(
            "credential {id} is not Active in IAM and cannot log in; switch it on with: aws iam \
             update-service-specific-credential --user-name {user} --service-specific-credential-id {id} --status Active; \
             or replace it: {first}annotate the resource with a new value of keyspaces.dev/rotate"
        );
        Self::new(State::Stalled, Reason::CredentialInactive, message)
    }

    pub(crate) fn credential_missing() -> Self {
        Self::new(
            State::Reconciling,
            Reason::CredentialMissing,
            "IAM does not list the credential; it is replaced if that lasts for the settle time",
        )
    }
}
