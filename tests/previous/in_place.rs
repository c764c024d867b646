//! Rotation by reset: the same credential and user name with another password.
//!
//! A weaker promise than that of an overlap, for consumers that cannot take another user name. The old password dies the moment
//! IAM resets it, before the new one is published, and a crash in between makes that moment longer. A reset whose reply was
//! lost costs a second one; if it lands after that one, the published password dies unnoticed, for List shows no passwords.
//! So a last reset follows once nothing can land any more.
//!
//! What is lost is never recovered this way, but by a new credential.

use jiff::Timestamp;

use crate::decide::{later, stall, unusable, whole_second};
use crate::facts::{Claim, Listed, Observed, Resource, SecretFact, Strategy, Usable};
use crate::memory::Stage;
use crate::names::CredentialId;
use crate::operation::abandon;
use crate::recorded::{Means, Operation, Purpose, Recorded, ResetInDoubt};
use crate::step::Step;
use crate::verdict::Verdict;
use crate::{idle, ownership};

/// How an operation of this purpose gets a new password.
pub(crate) fn means(resource: &Resource, purpose: Purpose) -> Means {
    match (resource.rotation.strategy, purpose, &resource.recorded.credential) {
        (Strategy::InPlace, Purpose::Requested | Purpose::Scheduled | Purpose::ResetInDoubt, Some(current)) => {
            Means::Reset(current.id.clone())
        }
        _ => Means::Create,
    }
}

/// What keeps a credential from being reset: IAM does not show it, or shows that it cannot log in, which a reset does not change.
pub(crate) fn hindrance(observed: &Observed, id: &CredentialId, now: Timestamp) -> Option<Step> {
    match shown(observed, id) {
        Some(Listed { usable: Usable::Yes, .. }) => None,
        Some(listed) => Some(stall(observed, Verdict::credential_inactive(&observed.resource, listed), now)),
        None => Some(Step::Wait {
            until: Some(later(now, observed.settings.recheck)),
            verdict: Verdict::credential_missing(),
        }),
    }
}

/// Brings a reset of this process to its end.
pub(crate) fn decide(
    observed: &Observed,
    operation: &Operation,
    id: &CredentialId,
    stage: &Stage,
    secret: &SecretFact,
    now: Timestamp,
) -> Step {
    let current = observed.resource.recorded.credential.as_ref().map(|current| &current.id);
    if current != Some(id) || secret.published_id() != Some(id) || hindrance(observed, id, now).is_some() {
        return abandon(observed, operation, now);
    }
    // An earlier attempt may hold the password of its own reset, which this one kills. It must not be published after that.
    if operation.recovering() && secret.fence() < operation.epoch {
        return Step::FenceSecret(operation.epoch);
    }
    match stage {
        Stage::Begun => Step::Preflight(operation.epoch),
        Stage::Preflighted | Stage::InHand { .. } => Step::Reset(operation.epoch, id.clone()),
    }
}

/// The reset that may still land when this operation is over, if it is one of the credential that is then current.
pub(crate) fn in_doubt(
    observed: &Observed,
    operation: &Operation,
    current: Option<&CredentialId>,
    now: Timestamp,
) -> Option<ResetInDoubt> {
    let until = whole_second(later(now, observed.settings.settle));
    let own = match &operation.means {
        Means::Reset(id) if operation.recovering() => Some(ResetInDoubt { id: id.clone(), until }),
        Means::Reset(_) | Means::Create => None,
    };
    // A reset that began when the earlier ones could no longer land has put an end to the doubt. An end that is further off than
    // any operation sets it would be answered with one reset after the other, so it gets the one that it would get now.
    let earlier = observed.resource.recorded.reset_in_doubt.clone().filter(|earlier| match operation.means {
        Means::Reset(_) => operation.started_at < earlier.until,
        Means::Create => true,
    });
    let earlier = earlier.map(|earlier| ResetInDoubt { until: earlier.until.min(until), ..earlier });
    own.or(earlier).filter(|doubt| current == Some(&doubt.id))
}

/// A Secret that outlives its resource has to hold the password that works, so the last reset comes before the end. Where none
/// can come, or none can help, the end does not wait.
pub(crate) fn end_doubt(observed: &Observed, secret: &SecretFact, now: Timestamp) -> Option<Step> {
    let resource = &observed.resource;
    let until = doubt_ends_at(&resource.recorded).filter(|_| resource.recorded.operation.is_none())?;
    let Means::Reset(id) = means(resource, Purpose::ResetInDoubt) else {
        return None;
    };
    if secret.published_id() != Some(&id) {
        return None;
    }
    if now < until {
        let verdict = Verdict::deleting("a reset of the password may still land; waiting to reset it once more");
        return Some(Step::Wait { until: Some(until), verdict });
    }
    let Some(claim) = &observed.claim else {
        return Some(Step::ReadClaims);
    };
    if observed.listing.is_none() {
        return Some(Step::ListCredentials);
    }
    let hindered = matches!(claim, Claim::Lost { .. })
        || unusable(resource, secret).is_some()
        || hindrance(observed, &id, now).is_some();
    (!hindered).then(|| idle::begin(observed, Purpose::ResetInDoubt, claim, secret, now))
}

/// When the last reset is due that ends a doubt about the current credential.
pub(crate) fn doubt_ends_at(recorded: &Recorded) -> Option<Timestamp> {
    let doubt = recorded.reset_in_doubt.as_ref()?;
    let current = recorded.credential.as_ref()?;
    (doubt.id == current.id).then_some(doubt.until)
}

/// Whether that reset is due. An end further off than any operation sets it is a clock that was wrong, or an edit.
pub(crate) fn doubt_is_over(observed: &Observed, now: Timestamp) -> bool {
    let furthest = later(later(now, observed.settings.settle), ownership::CLOCK_SKEW);
    doubt_ends_at(&observed.resource.recorded).is_some_and(|end| end <= now || end > furthest)
}

fn shown<'a>(observed: &'a Observed, id: &CredentialId) -> Option<&'a Listed> {
    ownership::listed(observed).into_iter().find(|listed| listed.id == *id)
}
