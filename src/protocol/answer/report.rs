//! What a user is told: the state, the reason and a message that says what is wrong, what still works and what to do.

use jiff::Timestamp;

use crate::facts::{CredentialId, Listed, Means, Operation, Purpose, Resource, SecretName, Strategy};

use super::reason::Reason;

/// The state of a resource in the terms of kstatus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// All is as wanted.
    Ready,
    /// Work goes on, or waits for something that comes by itself.
    Reconciling,
    /// A human has to act.
    Stalled,
    /// `spec.suspend`: nobody looks.
    Suspended,
}

/// What to tell the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The state.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// What is wrong, what still works, what to do. It holds no time that moves, or the condition would change for
    /// ever.
    pub message: String,
}

impl Report {
    /// A report.
    #[must_use]
    pub fn new(state: State, reason: Reason, message: impl Into<String>) -> Self {
        Self { state, reason, message: message.into() }
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
            format!("; a reset whose reply was lost may still take effect, so the password is reset once more at {at}")
        });
        let message = format!(
            "Secret {} holds the credential of {service_user_name}{}{}",
            resource.secret_name(),
            retires.unwrap_or_default(),
            resets.unwrap_or_default()
        );
        Self::new(State::Ready, Reason::Published, message)
    }

    /// An operation runs.
    pub(crate) fn working(operation: &Operation) -> Self {
        let why = match operation.purpose {
            Purpose::First => "the resource has none yet",
            Purpose::Requested => "the annotation keyspaces.dev/rotate asks for it; the published one goes on working",
            Purpose::Scheduled => "spec.rotation.interval asks for it; the published one goes on working",
            Purpose::SecretLost => "the Secret is gone; whoever has its password can log in until the overlap is over",
            Purpose::SecretDamaged => {
                "the Secret no longer holds what was published; whoever has that password can log in until the \
                                       overlap is over"
            }
            Purpose::CredentialGone => "IAM no longer has the published one, so nobody can log in",
            Purpose::ResetInDoubt => "a reset whose reply was lost may have taken effect after the last one",
        };
        let reset = |id| {
            format!("resetting the password of credential {id}, which stops working until the Secret is written: ")
        };
        let message = match (&operation.means, operation.purpose) {
            (Means::Create, _) => format!("creating a new credential: {why}"),
            (Means::Reset(id), Purpose::ResetInDoubt) => reset(id) + why,
            (Means::Reset(id), Purpose::Scheduled) => reset(id) + "spec.rotation.interval asks for it",
            (Means::Reset(id), _) => reset(id) + "the annotation keyspaces.dev/rotate asks for it",
        };
        Self::new(State::Reconciling, operation.purpose.into(), message)
    }

    pub(crate) fn suspended(resource: &Resource) -> Self {
        let resetting = resource.record.operation.as_ref().is_some_and(|open| open.means != Means::Create);
        let message = if resource.deleting {
            "spec.suspend is true, so the credential is not removed from IAM and the deletion waits; set spec.suspend to false to go on"
        } else if resetting {
            "spec.suspend is true: nothing is read or written in IAM or the Secret; a reset is open, so the password in the Secret may \
             not log in; set spec.suspend to false to go on"
        } else {
            "spec.suspend is true: nothing is read or written in IAM or the Secret, and what is published stays as it is; set \
             spec.suspend to false to go on"
        };
        Self::new(State::Suspended, Reason::Suspended, message)
    }

    /// The deletion waits for what an attempt may have left behind.
    pub(crate) fn deleting_leftovers(until: Timestamp) -> Self {
        let message = format!(
            "an earlier attempt may have left a credential that IAM does not show yet; the deletion goes on by itself at {until}"
        );
        Self::new(State::Reconciling, Reason::Deleting, message)
    }

    /// The deletion waits for a reset that may still take effect.
    pub(crate) fn deleting_after_reset(until: Timestamp) -> Self {
        let message = format!(
            "a reset whose reply was lost may still take effect; at {until} the password is reset once more, so that the retained \
             Secret holds the password that works, and the deletion goes on by itself"
        );
        Self::new(State::Reconciling, Reason::Deleting, message)
    }

    /// A leftover cannot be deleted yet.
    pub(crate) fn leftover_waits(leftover: &CredentialId, secret: &SecretName, until: Timestamp) -> Self {
        let message = format!(
            "credential {leftover} is left from an earlier attempt; Secret {secret} does not exist, so another operator process could \
             still publish that credential; it is deleted at {until}"
        );
        Self::new(State::Reconciling, Reason::CleaningUp, message)
    }

    /// Another process has taken the operation over, and waits for a slot.
    pub(crate) fn others_turn(until: Timestamp) -> Self {
        let message = format!(
            "another operator process goes on with this operation and waits for a slot; this one takes over at {until} if that has \
             not helped by then"
        );
        Self::new(State::Reconciling, Reason::CleaningUp, message)
    }

    /// The Secret of the retiring credential was put back, and that credential is switched off.
    pub(crate) fn put_back_switched_off(resource: &Resource, id: &CredentialId, until: Timestamp) -> Self {
        let message = format!(
            "Secret {} holds the replaced credential {id}, which is Inactive in IAM and cannot log in; it is deleted at {until}; to keep \
             it: aws iam update-service-specific-credential --user-name {} --service-specific-credential-id {id} --status Active",
            resource.secret_name(),
            resource.iam_user
        );
        Self::new(State::Reconciling, Reason::CleaningUp, message)
    }

    /// The Secret holds what an attempt published after it was closed.
    pub(crate) fn closed_publication_waits(resource: &Resource, id: &CredentialId, until: Timestamp) -> Self {
        let message = format!(
            "Secret {} holds credential {id} of an attempt that was given up; it becomes the current one if IAM still lists it at {until}",
            resource.secret_name()
        );
        Self::new(State::Reconciling, Reason::CleaningUp, message)
    }

    pub(crate) fn rotation_waits(retiring: &CredentialId, gone_at: Timestamp) -> Self {
        Self::new(
            State::Reconciling,
            Reason::RotationWaits,
            format!(
                "the rotation begins when the replaced credential {retiring} is deleted, at {gone_at}; the published credential \
                 works meanwhile; to end the overlap now, annotate the resource with keyspaces.dev/retire={retiring}"
            ),
        )
    }

    pub(crate) fn reset_waits(gone_at: Timestamp) -> Self {
        Self::new(
            State::Reconciling,
            Reason::RotationWaits,
            format!(
                "the rotation begins when the Secret of the former name is deleted, at {gone_at}, since a reset would make the \
                 password in it useless; the published credential works meanwhile"
            ),
        )
    }

    pub(crate) fn iam_user_not_granted(resource: &Resource, namespace: &str, remedy: &str) -> Self {
        let message = format!(
            "namespace {namespace} is not granted IAM user {}, so nothing is created or changed: what is published goes on working, \
             and a lost Secret is not replaced; {remedy}",
            resource.iam_user
        );
        Self::new(State::Stalled, Reason::IamUserNotGranted, message)
    }

    pub(crate) fn iam_user_in_use(resource: &Resource, winner: Option<&str>) -> Self {
        let holder = match winner {
            Some(name) => format!("the older KeyspacesCredential {name} of this namespace"),
            None => "an older KeyspacesCredential of another namespace".to_owned(),
        };
        let message = format!(
            "IAM user {} already belongs to {holder}, so nothing is created or changed for this one; delete this one and create \
             it again with an IAM user of its own in spec.iamUserName",
            resource.iam_user
        );
        Self::new(State::Stalled, Reason::IamUserInUse, message)
    }

    pub(crate) fn iam_user_contested(resource: &Resource) -> Self {
        let message = format!(
            "another KeyspacesCredential for IAM user {} is in the middle of an operation; waiting until it has ended",
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
            "Secret {name} has immutable: true, which cannot be undone, so it keeps what it holds; delete it (kubectl delete secret \
             {name}) and it is made again with a new credential, or choose another spec.secret.name"
        );
        Self::new(State::Stalled, Reason::SecretImmutable, message)
    }

    /// Both slots are taken. The command names a foreign credential or none, never one that this resource uses.
    pub(crate) fn no_free_slot(resource: &Resource, used: &[&Listed], foreign: &[&Listed]) -> Self {
        let iam_user = &resource.iam_user;
        let used: Vec<&str> = used.iter().map(|listed| listed.id.as_str()).collect();
        let used = match used.as_slice() {
            [] => String::new(),
            ids => format!("; this resource uses {}, and that goes on working", ids.join(" and ")),
        };
        let strangers: Vec<String> =
            foreign.iter().map(|listed| format!("{} (created {})", listed.id, listed.created_at)).collect();
        let command = format!(
            "aws iam delete-service-specific-credential --user-name {iam_user} --service-specific-credential-id"
        );
        let remedy = match foreign {
            [] => "the annotation keyspaces.dev/credential-id of the Secret says which of them applications log in with; delete the other \
                   one in IAM"
                .to_owned(),
            [one] => format!(
                "this resource does not know {}; if nobody uses that one, free its slot with: {command} {}",
                strangers.join(""),
                one.id
            ),
            [..] => format!(
                "this resource does not know {}; free the slot of one that nobody uses with: {command} ID",
                strangers.join(" and ")
            ),
        };
        let message = format!(
            "IAM allows two credentials per user and service, and both of user {iam_user} are taken{used}; {remedy}"
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

    pub(crate) fn credential_missing(id: &CredentialId) -> Self {
        let message = format!(
            "IAM does not list credential {id}; it is replaced if IAM still does not list it after --consistency-window"
        );
        Self::new(State::Reconciling, Reason::CredentialMissing, message)
    }
}
