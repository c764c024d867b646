//! The decision: an ordered chain of questions, each answered from facts and the given time.

use jiff::{SignedDuration, Timestamp};

use crate::facts::{Claim, Grant, Observed, OurSecret, Resource, SecretFact};
use crate::names::Epoch;
use crate::step::{Disposal, Step};
use crate::verdict::Verdict;
use crate::{idle, operation, ownership, removal};

/// What to do next for one resource. Total, deterministic and free of effects.
///
/// The order of the questions matters. A deleted resource is cleaned up whatever else is wrong with it; a suspended one is
/// left alone, deleted or not, because its owner said so; and the right to the IAM user is settled before anything is
/// asked of IAM, since without it no id could be attributed to us.
#[must_use]
pub fn decide(observed: &Observed, now: Timestamp) -> Step {
    let resource = &observed.resource;
    if resource.deleting && !resource.finalizer {
        return wait_for_change(Verdict::unchanged());
    }
    if resource.suspended {
        return wait_for_change(Verdict::suspended(resource));
    }
    if let Some(next) = backing_off(observed, now) {
        return Step::Wait { until: Some(next), verdict: Verdict::unchanged() };
    }
    if resource.deleting {
        return removal::decide(observed, now);
    }
    let Some(grant) = &observed.grant else {
        return Step::ReadGrant;
    };
    let Some(claim) = &observed.claim else {
        return Step::ReadClaims;
    };
    let Some(secret) = &observed.secret else {
        return Step::ReadSecret;
    };
    let no_right = no_right(observed, grant, claim);
    match &resource.recorded.operation {
        Some(open) => {
            let obstacle = no_right.or_else(|| unusable(resource, secret));
            operation::decide(observed, open, claim, secret, obstacle.as_ref(), now)
        }
        None => idle::decide(observed, claim, secret, no_right, now),
    }
}

fn backing_off(observed: &Observed, now: Timestamp) -> Option<Timestamp> {
    let failures = observed.resource.recorded.failures?;
    // A time far ahead is a clock that was wrong when it was written. It must not silence the resource.
    let believable = failures.next <= later(now, SignedDuration::from_mins(20));
    (now < failures.next && believable && !observed.resource.changed_since_failure).then_some(failures.next)
}

/// What keeps the resource from having a credential of the IAM user at all. The grant comes first: who is not granted the user
/// is told nothing of who else has it.
fn no_right(observed: &Observed, grant: &Grant, claim: &Claim) -> Option<Verdict> {
    let resource = &observed.resource;
    match (grant, claim) {
        (Grant::Refused { namespace, annotation }, _) => {
            Some(Verdict::iam_user_not_granted(resource, namespace, annotation.as_deref()))
        }
        (Grant::Granted, Claim::Lost { winner, .. }) => Some(Verdict::iam_user_in_use(resource, winner.as_deref())),
        (Grant::Granted, Claim::Won | Claim::Contested) => None,
    }
}

/// What keeps anything from being published to the Secret.
pub(crate) fn unusable(resource: &Resource, secret: &SecretFact) -> Option<Verdict> {
    match secret {
        SecretFact::NotOurs => Some(Verdict::secret_conflict(&resource.secret_name)),
        SecretFact::Ours(OurSecret { immutable: true, .. }) => Some(Verdict::secret_immutable(&resource.secret_name)),
        SecretFact::Absent | SecretFact::Ours(_) => None,
    }
}

/// Removes an orphan, once it is certain that nobody can still publish it.
///
/// Three things must hold first. The resource did not change since the listing, or the id may belong to a later attempt.
/// The Secret carries `epoch`, or the process that holds the orphan's password could publish it after we destroyed it. And
/// a Secret that does not exist can carry nothing, so there we wait until every holder has given up.
pub(crate) fn remove_orphan(
    observed: &Observed,
    orphan: &crate::facts::Listed,
    epoch: Epoch,
    attempted_at: Timestamp,
    now: Timestamp,
) -> Step {
    let Some(listing) = observed.listing.as_ref().filter(|_| confirmed(observed)) else {
        return Step::ConfirmListing;
    };
    // The takeover was decided at `attempted_at` and written within the hold time; whoever got a password before that
    // holds it as long again.
    let given_up = later(later(attempted_at, observed.settings.hold), observed.settings.hold);
    let delete = || Step::DeleteCredential(orphan.id.clone(), Disposal::Orphan);
    match &observed.secret {
        None => Step::ReadSecret,
        Some(SecretFact::Ours(secret)) if secret.fence < epoch => Step::FenceSecret(epoch),
        Some(SecretFact::Absent) if now < given_up => {
            Step::Wait { until: Some(given_up), verdict: Verdict::settling() }
        }
        // Confirming read the Secret again, so it was absent after the listing. An absence before every holder had given
        // up says nothing.
        Some(SecretFact::Absent) if listing.taken_at < given_up => Step::StartOver,
        // A publication may be on its way for longer than anybody waits. It must not count once its credential was removed.
        Some(SecretFact::Absent) => operation::void_earlier(observed).unwrap_or_else(delete),
        Some(SecretFact::NotOurs | SecretFact::Ours(_)) => delete(),
    }
}

/// Verdict that needs a human, looked at again at the pace of `recheck`.
pub(crate) fn stall(observed: &Observed, verdict: Verdict, now: Timestamp) -> Step {
    Step::Wait { until: Some(later(now, observed.settings.recheck)), verdict }
}

fn wait_for_change(verdict: Verdict) -> Step {
    Step::Wait { until: None, verdict }
}

/// The next whole second: what status keeps of a time that must not come early. A time that is told must be the one that is
/// kept, or it is told twice.
#[must_use]
pub fn whole_second(time: Timestamp) -> Timestamp {
    let seconds = time.as_second() + i64::from(time.subsec_nanosecond() > 0);
    Timestamp::from_second(seconds).unwrap_or(time)
}

/// `time + span`, or the end of time.
pub(crate) fn later(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

/// The resource had not changed when it was read after the listing.
pub(crate) fn confirmed(observed: &Observed) -> bool {
    observed.listing.as_ref().is_some_and(|listing| listing.confirmed)
}

pub(crate) fn has_two(observed: &Observed) -> bool {
    ownership::listed(observed).len() >= 2
}
