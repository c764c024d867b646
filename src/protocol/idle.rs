//! No operation is open: is one needed, and what is left to tidy up?

use jiff::Timestamp;

use crate::decide::{has_two, later, obstacle, remove_orphan, stall};
use crate::facts::{
    Attempt, Claim, Issued, Observed, Operation, OurSecret, Purpose, Rendering, SecretFact, Sighting, Stage, Unresolved,
};
use crate::operation::{contested, fence, retire};
use crate::ownership;
use crate::step::{Disposal, Step};
use crate::verdict::Verdict;

pub(crate) fn decide(observed: &Observed, claim: &Claim, secret: &SecretFact, now: Timestamp) -> Step {
    let recorded = &observed.resource.recorded;
    if let Some(step) = superseded(observed, secret) {
        return step;
    }
    if let Some(unresolved) = &recorded.unresolved
        && let Some(step) = tidy(observed, unresolved, secret, now)
    {
        return step;
    }
    if let Some(verdict) = obstacle(observed, claim, secret) {
        return stall(observed, verdict, now);
    }
    if let Some(purpose) = need(observed, secret, now) {
        return begin(observed, purpose, claim, secret, now);
    }
    let Some(current) = &recorded.credential else {
        // `need` answers First for this; without a credential there is nothing to keep.
        return begin(observed, Purpose::First, claim, secret, now);
    };
    if !observed.resource.finalizer {
        return Step::AddFinalizer;
    }
    if matches!(secret, SecretFact::Ours(OurSecret { rendering: Rendering::Stale, .. })) {
        return Step::Rerender;
    }
    let retires_at = recorded.retiring.as_ref().map(|retiring| later(retiring.since, observed.resource.overlap));
    if let Some(retiring) = &recorded.retiring
        && retires_at.is_some_and(|at| at <= now)
    {
        return retire(observed, retiring);
    }
    steady(observed, current, retires_at, now)
}

/// A credential that this process holds although another attempt was accepted. Its password was never published and never
/// will be: the Secret changed since it was read for it, so a write that is still under way loses.
fn superseded(observed: &Observed, secret: &SecretFact) -> Option<Step> {
    let Some(Attempt { epoch, stage: Stage::InHand { id, .. } }) = &observed.memory.attempt else {
        return None;
    };
    let recorded = &observed.resource.recorded;
    let SecretFact::Ours(OurSecret { published, fence, .. }) = secret else {
        return None;
    };
    let current = recorded.credential.as_ref().map(|current| &current.id);
    let retiring = recorded.retiring.as_ref().map(|retiring| &retiring.id);
    let published = published.as_ref().map(|published| &published.credential.id);
    let lost = (current.is_some() && published.is_some()) || fence > epoch;
    let unpublished = lost && ![current, retiring, published].contains(&Some(id));
    (unpublished && !observed.removed.contains(id)).then(|| Step::DeleteCredential(id.clone(), Disposal::Orphan))
}

/// Deletes what an earlier attempt left behind, as it shows up.
fn tidy(observed: &Observed, unresolved: &Unresolved, secret: &SecretFact, now: Timestamp) -> Option<Step> {
    if *secret == SecretFact::Absent && observed.resource.recorded.credential.is_some() {
        // Nothing can be fenced. Healing comes first and frees the slot if it needs it.
        return None;
    }
    let Some(listing) = &observed.listing else {
        return Some(Step::ListCredentials);
    };
    if let Some(orphan) = ownership::orphans(observed).first() {
        return Some(remove_orphan(observed, orphan, unresolved.epoch, unresolved.until, now));
    }
    (listing.taken_at >= unresolved.until).then_some(Step::Settle)
}

/// Why a new credential is needed. The first reason that holds.
fn need(observed: &Observed, secret: &SecretFact, now: Timestamp) -> Option<Purpose> {
    let recorded = &observed.resource.recorded;
    let Some(current) = &recorded.credential else {
        return Some(Purpose::First);
    };
    match secret {
        SecretFact::Absent | SecretFact::NotOurs => return Some(Purpose::SecretLost),
        SecretFact::Ours(ours) => {
            if ours.published.as_ref().map(|published| &published.credential.id) != Some(&current.id) {
                return Some(Purpose::SecretDamaged);
            }
        }
    }
    if observed.memory.missing_since().is_some_and(|since| later(since, observed.settings.settle) <= now) {
        return Some(Purpose::CredentialGone);
    }
    let requested = &observed.resource.rotate;
    if requested.is_some() && *requested != recorded.handled_rotate && recorded.retiring.is_none() {
        return Some(Purpose::Requested);
    }
    None
}

/// The way to the intent: what List shows is the baseline, a free slot is there, and the finalizer is on before
/// anything can exist in IAM that it would have to remove.
fn begin(observed: &Observed, purpose: Purpose, claim: &Claim, secret: &SecretFact, now: Timestamp) -> Step {
    let resource = &observed.resource;
    let recorded = &resource.recorded;
    if observed.listing.is_none() {
        return Step::ListCredentials;
    }
    let listed = ownership::listed(observed);
    // What an earlier attempt left is no obstacle: the operation removes it once its holder has given up.
    if has_two(observed) && recorded.retiring.is_none() && ownership::orphans(observed).is_empty() {
        return stall(observed, Verdict::no_free_slot(resource, listed.into_iter()), now);
    }
    if *claim == Claim::Contested {
        return contested(observed, now);
    }
    if !resource.finalizer {
        return Step::AddFinalizer;
    }
    // The Secret's fence is higher than the record if somebody cleared status. Epochs only grow.
    let epoch = recorded.completed.max(fence(secret)).next();
    Step::BeginOperation(Operation {
        epoch,
        first_epoch: epoch,
        purpose,
        rotate: resource.rotate.clone(),
        started_at: now,
        attempted_at: now,
        baseline: listed.into_iter().map(|listed| listed.id.clone()).collect(),
    })
}

/// Nothing is needed. Look at IAM when it is time, and tell the user how things stand.
fn steady(observed: &Observed, current: &Issued, retires_at: Option<Timestamp>, now: Timestamp) -> Step {
    let (resource, memory) = (&observed.resource, &observed.memory);
    let missing = memory.missing_since().is_some();
    let pace = if missing { observed.settings.settle } else { observed.settings.resync };
    let listing_due = memory.listed_at.is_none_or(|at| later(at, pace) <= now);
    if observed.listing.is_none() && listing_due {
        return Step::ListCredentials;
    }
    if let Sighting::Unusable(listed) = &memory.sighting {
        return stall(observed, Verdict::credential_inactive(resource, listed), now);
    }
    let listing_next = memory.listed_at.map(|at| later(at, pace));
    let settled = resource.recorded.unresolved.as_ref().map(|unresolved| unresolved.until);
    let until = [listing_next, retires_at, settled].into_iter().flatten().min();
    let asked = resource.rotate.is_some() && resource.rotate != resource.recorded.handled_rotate;
    let verdict = match retires_at {
        _ if missing => Verdict::credential_missing(),
        Some(at) if asked => Verdict::rotation_waits(at),
        retires_at => Verdict::ready(resource, current.service_user_name.as_str(), retires_at),
    };
    Step::Wait { until, verdict }
}
