//! No operation is open: is one needed, and what is left to tidy up?

use jiff::Timestamp;

use crate::decide::{has_two, later, remove_orphan, stall, unusable, whole_second};
use crate::facts::{Claim, Observed, OurSecret, Rendering, SecretFact, Strategy, Usable};
use crate::memory::{Attempt, Stage};
use crate::operation::{contested, foreign_may_go, no_free_slot, shortened};
use crate::recorded::{Issued, Means, Operation, Purpose, Retiring, RetiringStage, Unresolved};
use crate::step::{Completion, Disposal, Step};
use crate::verdict::Verdict;
use crate::{in_place, moving, ownership, rotation};

pub(crate) fn decide(
    observed: &Observed,
    claim: &Claim,
    secret: &SecretFact,
    no_right: Option<Verdict>,
    now: Timestamp,
) -> Step {
    let recorded = &observed.resource.recorded;
    let unusable = unusable(&observed.resource, secret);
    if let Some(step) = superseded(observed, secret) {
        return step;
    }
    if let Some(unresolved) = &recorded.unresolved
        && let Some(step) = tidy(observed, unresolved, secret, no_right.is_none() && unusable.is_none(), now)
    {
        return step;
    }
    if let Some(verdict) = no_right {
        return stall(observed, verdict, now);
    }
    if rolled_back(observed, secret, now).is_none()
        && let Some(step) = moving::relocate(observed, secret, now)
    {
        return step;
    }
    if let Some(verdict) = unusable {
        return stall(observed, verdict, now);
    }
    if matches!(secret, SecretFact::Ours(OurSecret { rendering: Rendering::Stale, .. })) {
        return Step::Rerender;
    }
    if let Some(completion) = rolled_back(observed, secret, now) {
        return Step::Complete(completion);
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
    if let Some(retiring) = &recorded.retiring
        && let Some(step) = rotation::retirement(observed, retiring, now)
    {
        return step;
    }
    if let Some(step) = moving::retire_former(observed, now) {
        return step;
    }
    steady(observed, current, now)
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

/// Somebody put the former Secret back while the credential in it still works. That is accepted: healing would need the slot
/// of just that credential and destroy what is published.
pub(crate) fn rolled_back(observed: &Observed, secret: &SecretFact, now: Timestamp) -> Option<Completion> {
    let recorded = &observed.resource.recorded;
    let (current, retiring) = (recorded.credential.as_ref()?, recorded.retiring.as_ref()?);
    let published = secret.published()?;
    if current.id == retiring.id || published.credential.id != retiring.id {
        return None;
    }
    let works = match retiring.stage {
        RetiringStage::Active => true,
        // Unless somebody has switched it on again.
        RetiringStage::Inactive => ownership::shows(observed, &retiring.id, |usable| *usable == Usable::Yes),
    };
    // One of an earlier attempt is the password that it had before its last reset.
    if !works || Some(published.epoch) < retiring.published {
        return None;
    }
    let replaced = Retiring {
        id: current.id.clone(),
        service_user_name: current.service_user_name.clone(),
        since: whole_second(now),
        stage: RetiringStage::Active,
        published: recorded.published,
    };
    let stops_at = rotation::stops_at(&observed.resource, &replaced);
    Some(Completion {
        credential: published.credential.clone(),
        published: published.epoch,
        verdict: Verdict::ready(
            &observed.resource,
            published.credential.service_user_name.as_str(),
            Some(stops_at),
            None,
        ),
        reset_in_doubt: None,
        retiring: Some(replaced),
        completed: recorded.completed,
        handled_rotate: recorded.handled_rotate.clone(),
        rotated_at: match observed.resource.rotation.strategy {
            // It is as old as it is: to begin its interval anew would let it grow twice as old as the spec allows.
            Strategy::Overlap => published.credential.issued_at,
            // A password that was reset is younger than its credential.
            Strategy::InPlace => recorded.rotated_at.unwrap_or(now),
        },
        unresolved: recorded.unresolved.clone(),
    })
}

/// Deletes what an earlier attempt left behind, as it shows up.
fn tidy(
    observed: &Observed,
    unresolved: &Unresolved,
    secret: &SecretFact,
    can_heal: bool,
    now: Timestamp,
) -> Option<Step> {
    if *secret == SecretFact::Absent && observed.resource.recorded.credential.is_some() && can_heal {
        // Nothing can be fenced. Healing comes first and frees the slot if it needs it.
        return None;
    }
    if let Some(settlement) = shortened(observed, now) {
        return Some(Step::Abandon(settlement));
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
        SecretFact::Ours(_) if !secret.published().is_some_and(|published| recorded.is_current(published)) => {
            return Some(Purpose::SecretDamaged);
        }
        SecretFact::Ours(_) => {}
    }
    if observed.memory.missing_since(current).is_some_and(|since| later(since, observed.settings.settle) <= now) {
        return Some(Purpose::CredentialGone);
    }
    wanted(observed, now).find(|purpose| held_up(observed, *purpose).is_none())
}

/// What a rotation that is asked for has to wait for.
fn held_up(observed: &Observed, purpose: Purpose) -> Option<Verdict> {
    let resource = &observed.resource;
    match in_place::means(resource, purpose) {
        // Both slots are ours, and to free one would cut short what was promised to its users.
        Means::Create => resource
            .recorded
            .retiring
            .as_ref()
            .map(|retiring| Verdict::rotation_waits(&retiring.id, rotation::gone_at(resource, retiring))),
        // The former Secret would go on showing a password that is dead. If it may be dead already, that is no reason to wait.
        Means::Reset(_) if purpose == Purpose::ResetInDoubt => None,
        Means::Reset(_) => moving::last_gone_at(observed).map(Verdict::reset_waits),
    }
}

/// The rotations that are asked for: by the annotation, by the schedule, and by a reset that may have killed the published
/// password. All of them, for one that has to wait must not hide one that need not.
fn wanted(observed: &Observed, now: Timestamp) -> impl Iterator<Item = Purpose> {
    let resource = &observed.resource;
    let requested = resource.rotate.is_some() && resource.rotate != resource.recorded.handled_rotate;
    [
        requested.then_some(Purpose::Requested),
        rotation::is_due(resource, now).then_some(Purpose::Scheduled),
        in_place::doubt_is_over(observed, now).then_some(Purpose::ResetInDoubt),
    ]
    .into_iter()
    .flatten()
}

/// The way to the intent: what List shows is the baseline, a free slot is there, and the finalizer is on before
/// anything can exist in IAM that it would have to remove.
pub(crate) fn begin(observed: &Observed, purpose: Purpose, claim: &Claim, secret: &SecretFact, now: Timestamp) -> Step {
    let resource = &observed.resource;
    let recorded = &resource.recorded;
    if *claim == Claim::Contested {
        return contested(observed, now);
    }
    if observed.listing.is_none() {
        return Step::ListCredentials;
    }
    let listed = ownership::listed(observed);
    let means = in_place::means(resource, purpose);
    if let Means::Reset(id) = &means {
        if let Some(step) = in_place::hindrance(observed, id, now) {
            return step;
        }
    } else if has_two(observed)
        && recorded.retiring.is_none()
        && ownership::orphans(observed).is_empty()
        && !foreign_may_go(observed)
    {
        // What an earlier attempt left would be no obstacle: the operation removes it once its holder has given up.
        return no_free_slot(observed, now);
    }
    if !resource.finalizer {
        return Step::AddFinalizer;
    }
    // The Secret's fence is higher than the record if somebody cleared status. Epochs only grow.
    let epoch = recorded.completed.max(secret.fence()).next();
    Step::BeginOperation(Operation {
        epoch,
        first_epoch: epoch,
        purpose,
        means,
        secret_name: resource.secret_name.clone(),
        rotate: resource.rotate.clone(),
        started_at: now,
        attempted_at: now,
        baseline: listed.into_iter().map(|listed| listed.id.clone()).collect(),
    })
}

/// Nothing is needed. Look at IAM when it is time, and tell the user how things stand.
fn steady(observed: &Observed, current: &Issued, now: Timestamp) -> Step {
    let (resource, memory) = (&observed.resource, &observed.memory);
    let missing = memory.missing_since(current).is_some();
    let pace = if missing { observed.settings.settle } else { observed.settings.resync };
    // A time that is still to come is a clock that was set back since.
    let listing_due = memory.listed_at.is_none_or(|at| later(at, pace) <= now || at > now);
    if observed.listing.is_none() && listing_due {
        return Step::Resync;
    }
    if let Some(listed) = memory.unusable(current) {
        return stall(observed, Verdict::credential_inactive(resource, listed), now);
    }
    let listing_next = memory.listed_at.map(|at| later(at.min(now), pace));
    let settled = resource.recorded.unresolved.as_ref().map(|unresolved| unresolved.until);
    let retiring = resource.recorded.retiring.as_ref();
    let next_stage = retiring.map(|retiring| rotation::next_stage_at(resource, retiring));
    let scheduled = resource.recorded.rotated_at.and_then(|at| rotation::due(&resource.rotation, at));
    let doubt = in_place::doubt_ends_at(&resource.recorded);
    let former = moving::next_gone_at(observed);
    // What is due and not done has to wait for one of the others.
    let ahead = |at: &Timestamp| *at > now;
    let (scheduled, last_reset) = (scheduled.filter(ahead), doubt.filter(ahead));
    let until = [listing_next, next_stage, settled, scheduled, last_reset, former].into_iter().flatten().min();
    let held_up = wanted(observed, now).find_map(|purpose| held_up(observed, purpose));
    let verdict = match held_up {
        _ if missing => Verdict::credential_missing(),
        Some(verdict) => verdict,
        None => Verdict::ready(
            resource,
            current.service_user_name.as_str(),
            retiring.and_then(|retiring| rotation::works_until(resource, retiring)),
            doubt,
        ),
    };
    Step::Wait { until, verdict }
}
