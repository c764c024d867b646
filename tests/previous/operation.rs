//! An operation is open: bring it to an end, whoever began it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::decide::{confirmed, has_two, later, remove_orphan, stall, unusable, whole_second};
use crate::facts::{Claim, ForeignPolicy, Observed, Published, SecretFact, Usable};
use crate::idle::rolled_back;
use crate::in_place;
use crate::memory::Stage;
use crate::names::Epoch;
use crate::ownership::{self, CLOCK_SKEW};
use crate::recorded::{Means, Operation, Purpose, Recorded, Retiring, RetiringStage, Unresolved};
use crate::rotation;
use crate::step::{Completion, Disposal, Settlement, Step};
use crate::verdict::Verdict;

pub(crate) fn decide(
    observed: &Observed,
    operation: &Operation,
    claim: &Claim,
    secret: &SecretFact,
    obstacle: Option<&Verdict>,
    now: Timestamp,
) -> Step {
    let recorded = &observed.resource.recorded;
    if let Some(published) = accepted(recorded, operation, secret) {
        return Step::Complete(completion(observed, operation, published, now));
    }
    let mine = observed.memory.attempt.as_ref().filter(|attempt| attempt.epoch == operation.epoch);
    let Some(attempt) = mine else {
        // Somebody else's attempt, or one of ours whose outcome is unknown. It may have created something, and may yet.
        // It is never continued: it loses its right here, and what it created becomes an orphan.
        return outdone(observed, operation, now)
            .or_else(|| give_way(observed, operation, secret, now))
            .unwrap_or_else(|| Step::BeginOperation(take_over(recorded, operation, secret, now)));
    };
    if secret.fence() > operation.epoch {
        // The Secret was read after the resource and belongs to a later attempt already; then this write is refused. Or somebody
        // edited it, and nothing can be published below its fence.
        return Step::BeginOperation(take_over(recorded, operation, secret, now));
    }
    if let Stage::InHand { since, .. } = &attempt.stage {
        // Half of the time, for the write needs some too: others count on it that nothing is published after all of it.
        let given_up = now >= later(*since, observed.settings.hold / 2);
        let unusable = unusable(&observed.resource, secret);
        let obstacle = match operation.means {
            Means::Create => obstacle,
            // The published password is dead since the reset. A right that was lost meanwhile must not keep it dead.
            Means::Reset(_) => unusable.as_ref(),
        };
        return match obstacle {
            None if !given_up => Step::Publish(operation.epoch),
            Some(_) | None => Step::BeginOperation(take_over(recorded, operation, secret, now)),
        };
    }
    if obstacle.is_some() {
        return abandon(observed, operation, now);
    }
    if *claim == Claim::Contested {
        return contested(observed, now);
    }
    if observed.listing.is_none() {
        return Step::ListCredentials;
    }
    if let Means::Reset(id) = &operation.means {
        return in_place::decide(observed, operation, id, &attempt.stage, secret, now);
    }
    if let Some(step) = remove_orphans(observed, operation, now) {
        return step;
    }
    match attempt.stage {
        // Before anything else goes to make room: it would be gone for nothing if the Secret is refused.
        Stage::Begun => Step::Preflight(operation.epoch),
        Stage::Preflighted | Stage::InHand { .. } => {
            free_a_slot(observed, operation, secret, now).unwrap_or(Step::Create(operation.epoch))
        }
    }
}

/// Gives an operation up, and keeps on record what of it may still show up.
pub(crate) fn abandon(observed: &Observed, operation: &Operation, now: Timestamp) -> Step {
    let current = observed.resource.recorded.credential.as_ref().map(|current| &current.id);
    Step::Abandon(Settlement {
        completed: operation.epoch,
        unresolved: unresolved(observed, operation, now),
        reset_in_doubt: in_place::in_doubt(observed, operation, current, now),
    })
}

/// The Secret's credential, if an attempt of this operation published it. An earlier attempt than the present one will do:
/// its password is out and works, so it is kept and the later attempt's is the one to go.
pub(crate) fn accepted<'a>(
    recorded: &Recorded,
    operation: &Operation,
    secret: &'a SecretFact,
) -> Option<&'a Published> {
    secret.published().filter(|published| published.epoch > recorded.completed && published.epoch <= operation.epoch)
}

/// Ends the acceptance of what attempts before the present one publish, unless that is done already.
pub(crate) fn void_earlier(observed: &Observed) -> Option<Step> {
    let recorded = &observed.resource.recorded;
    let last = Epoch(recorded.operation.as_ref()?.epoch.0.checked_sub(1)?);
    (recorded.completed < last).then_some(Step::VoidEarlier(last))
}

/// What an earlier attempt published after nothing of it was to be accepted any more: its credential may be gone by then.
fn voided<'a>(recorded: &Recorded, operation: &Operation, secret: &'a SecretFact) -> Option<&'a Published> {
    secret
        .published()
        .filter(|published| published.epoch >= operation.first_epoch && published.epoch <= recorded.completed)
}

/// The oldest resource waits for a younger one that is in the middle of an operation. That takes seconds.
pub(crate) fn contested(observed: &Observed, now: Timestamp) -> Step {
    Step::Wait {
        until: Some(later(now, SignedDuration::from_secs(5).min(observed.settings.recheck))),
        verdict: Verdict::iam_user_contested(&observed.resource),
    }
}

/// The same operation under a new epoch. Window and baseline stay those of the first attempt: they say what is an orphan.
///
/// The epoch is above all others, also those that an operation cannot lag behind unless somebody edited status: an attempt
/// below the Secret's fence could never publish.
pub(crate) fn take_over(recorded: &Recorded, operation: &Operation, secret: &SecretFact, now: Timestamp) -> Operation {
    let epoch = operation.epoch.max(recorded.completed).max(secret.fence()).next();
    Operation { epoch, attempted_at: now, ..operation.clone() }
}

/// Another process took the operation over from an attempt of this one, so it was alive a moment ago. To take over from it in
/// turn would make an orphan of what it is creating, and all who woke at the same time would do so for ever. It has the hold
/// time to go on. Nothing is told meanwhile: a write would only get in its way.
fn outdone(observed: &Observed, operation: &Operation, now: Timestamp) -> Option<Step> {
    let until = later(operation.attempted_at, observed.settings.hold);
    let earlier = operation.first_epoch..operation.epoch;
    let lost = observed.memory.attempt.as_ref().is_some_and(|attempt| earlier.contains(&attempt.epoch));
    (lost && lately(operation, until, now)).then(|| Step::Wait { until: Some(until), verdict: Verdict::unchanged() })
}

/// Somebody took the operation over lately, and there is neither room nor a Secret that could be fenced: he waits until every
/// holder of a password has given up. To take over from him would begin that wait anew, and two processes would do so in
/// turns for ever. So he has the hold time after it to go on.
fn give_way(observed: &Observed, operation: &Operation, secret: &SecretFact, now: Timestamp) -> Option<Step> {
    let hold = observed.settings.hold;
    let until = later(later(later(operation.attempted_at, hold), hold), hold);
    let stuck = operation.recovering() && operation.means == Means::Create && *secret == SecretFact::Absent;
    if !stuck || !lately(operation, until, now) {
        return None;
    }
    if observed.listing.is_none() {
        return Some(Step::ListCredentials);
    }
    has_two(observed).then(|| Step::Wait { until: Some(until), verdict: Verdict::settling() })
}

/// Whether `until` is still to come. A time far ahead is a clock that was wrong when it was written.
pub(crate) fn lately(operation: &Operation, until: Timestamp, now: Timestamp) -> bool {
    now < until && operation.attempted_at <= later(now, CLOCK_SKEW)
}

/// Room for one more. Orphans go first, for nobody uses them.
fn remove_orphans(observed: &Observed, operation: &Operation, now: Timestamp) -> Option<Step> {
    let orphans = ownership::orphans(observed);
    let orphan = orphans.first().filter(|_| has_two(observed))?;
    Some(remove_orphan(observed, orphan, operation.epoch, operation.attempted_at, now))
}

/// Then the retiring credential, whose end is only early, or a foreign one if the owner says so; the current one never.
fn free_a_slot(observed: &Observed, operation: &Operation, secret: &SecretFact, now: Timestamp) -> Option<Step> {
    let recorded = &observed.resource.recorded;
    if let (Some(retiring), Some(_)) = (&recorded.retiring, &recorded.credential) {
        if rolled_back(observed, secret, now).is_some() {
            // Somebody put its Secret back meanwhile, and it works. Then nothing is needed any more.
            return Some(abandon(observed, operation, now));
        }
        // Status holds one retiring credential. Completing would put the current one in its place and leak this one.
        return Some(match put_back(observed, secret, retiring) {
            None => retire(observed, retiring),
            Some(PutBack::Dead) => Step::DeleteCredential(retiring.id.clone(), Disposal::Retired),
            Some(PutBack::Off) => switched_off(observed, operation, retiring, now),
        });
    }
    if !has_two(observed) {
        return None;
    }
    Some(match voided(recorded, operation, secret) {
        Some(published) => believe(observed, operation, published, now),
        None => no_free_slot(observed, now),
    })
}

/// Why what somebody put back does not log in.
enum PutBack {
    /// Its password was reset since.
    Dead,
    /// IAM shows the credential as switched off.
    Off,
}

/// Somebody put the Secret of the retiring credential back, and it does not log in. Nothing is lost when it goes.
fn put_back(observed: &Observed, secret: &SecretFact, retiring: &Retiring) -> Option<PutBack> {
    let recorded = &observed.resource.recorded;
    let published = secret.published().filter(|published| published.credential.id == retiring.id)?;
    let current = recorded.credential.as_ref().map(|current| &current.id);
    if current == Some(&retiring.id) || observed.removed.contains(&retiring.id) {
        return None;
    }
    // An epoch that no operation has reached was not written by one.
    let reset = retiring.published.filter(|epoch| *epoch <= recorded.completed);
    if Some(published.epoch) < reset {
        return Some(PutBack::Dead);
    }
    ownership::shows(observed, &retiring.id, |usable| *usable == Usable::No).then_some(PutBack::Off)
}

/// Somebody may have switched it on again together with its Secret, so List is believed only when it says so after the settle
/// time as well.
fn switched_off(observed: &Observed, operation: &Operation, retiring: &Retiring, now: Timestamp) -> Step {
    let settled = later(operation.attempted_at, observed.settings.settle);
    if now < settled {
        return Step::Wait { until: Some(settled), verdict: Verdict::settling() };
    }
    if confirmed(observed) {
        Step::DeleteCredential(retiring.id.clone(), Disposal::Retired)
    } else {
        Step::ConfirmListing
    }
}

/// The second slot is that of a voided publication. Its removal may be on its way, so it is believed only when List still
/// shows it after the settle time.
fn believe(observed: &Observed, operation: &Operation, published: &Published, now: Timestamp) -> Step {
    let settings = &observed.settings;
    let settled = later(later(operation.attempted_at, settings.hold), settings.settle);
    match &observed.listing {
        Some(listing) if listing.taken_at < settled => {
            Step::Wait { until: Some(settled), verdict: Verdict::settling() }
        }
        Some(listing) if !listing.confirmed => Step::ConfirmListing,
        _ => Step::Complete(completion(observed, operation, published, now)),
    }
}

/// Whether a foreign credential may go to make room. Not before the Secret's dry run: it would be gone for nothing.
pub(crate) fn foreign_may_go(observed: &Observed) -> bool {
    observed.resource.foreign == ForeignPolicy::Delete && ownership::oldest_foreign(observed).is_some()
}

/// Both slots are taken by credentials that are not ours to delete, unless the owner says so.
pub(crate) fn no_free_slot(observed: &Observed, now: Timestamp) -> Step {
    let resource = &observed.resource;
    match (resource.foreign, ownership::oldest_foreign(observed)) {
        // An id in a listing that is not confirmed may belong to an operation that began after the resource was read.
        (ForeignPolicy::Delete, Some(_)) if !confirmed(observed) => Step::ConfirmListing,
        (ForeignPolicy::Delete, Some(foreign)) => Step::DeleteCredential(foreign.id.clone(), Disposal::Foreign),
        (ForeignPolicy::Keep, _) | (ForeignPolicy::Delete, None) => {
            stall(observed, Verdict::no_free_slot(resource, ownership::listed(observed).into_iter()), now)
        }
    }
}

/// Deletes the retiring credential, then forgets it. In this order: the other way round a crash would leak it.
pub(crate) fn retire(observed: &Observed, retiring: &Retiring) -> Step {
    // Current and retiring at once, or retiring and in the Secret: somebody edited the one or the other. What is in use is not
    // deleted on such a word.
    if observed.removed.contains(&retiring.id) || ownership::in_use(observed, &retiring.id) {
        Step::ForgetRetiring
    } else {
        Step::DeleteCredential(retiring.id.clone(), Disposal::Retired)
    }
}

/// The record of what may still show up, if any attempt's outcome is unknown.
fn unresolved(observed: &Observed, operation: &Operation, now: Timestamp) -> Option<Unresolved> {
    let earlier = observed.resource.recorded.unresolved.as_ref();
    // A late call needs up to the settle time to land, and List as long again to show it.
    let until = later(later(now, observed.settings.settle), observed.settings.settle);
    // A reset creates nothing that could show up.
    let own = (operation.recovering() && operation.means == Means::Create).then(|| Unresolved {
        epoch: operation.epoch,
        baseline: operation.baseline.clone(),
        started_at: operation.started_at,
        until,
    });
    match (own, earlier) {
        (None, earlier) => earlier.cloned(),
        (Some(own), None) => Some(own),
        (Some(own), Some(earlier)) => Some(Unresolved {
            started_at: own.started_at.min(earlier.started_at),
            baseline: own.baseline.intersection(&earlier.baseline).cloned().collect(),
            ..own
        }),
    }
}

/// The window of an earlier operation, if its end is further off than any operation sets it: somebody edited status, or a
/// clock was wrong. It would be waited for, so it gets the end that it would get now.
pub(crate) fn shortened(observed: &Observed, now: Timestamp) -> Option<Settlement> {
    let recorded = &observed.resource.recorded;
    let settle = observed.settings.settle;
    let furthest = whole_second(later(later(now, settle), settle));
    if recorded.unresolved.as_ref()?.until <= later(furthest, CLOCK_SKEW) {
        return None;
    }
    let (completed, window) = match &recorded.operation {
        Some(operation) => (operation.epoch, unresolved(observed, operation, now)),
        None => (recorded.completed, recorded.unresolved.clone()),
    };
    Some(Settlement {
        completed,
        unresolved: window.map(|window| Unresolved { until: furthest, ..window }),
        reset_in_doubt: recorded.reset_in_doubt.clone(),
    })
}

pub(crate) fn completion(
    observed: &Observed,
    operation: &Operation,
    published: &Published,
    now: Timestamp,
) -> Completion {
    let recorded = &observed.resource.recorded;
    // What IAM no longer has is not said to work; it is deleted once more all the same, for List may have been wrong.
    let last_stage = match operation.purpose {
        Purpose::CredentialGone => RetiringStage::Inactive,
        Purpose::First
        | Purpose::Requested
        | Purpose::Scheduled
        | Purpose::SecretLost
        | Purpose::SecretDamaged
        | Purpose::ResetInDoubt => RetiringStage::Active,
    };
    let replaced =
        recorded.credential.as_ref().filter(|credential| credential.id != published.credential.id).map(|credential| {
            Retiring {
                id: credential.id.clone(),
                service_user_name: credential.service_user_name.clone(),
                since: whole_second(now),
                stage: last_stage,
                published: recorded.published,
            }
        });
    let retiring = recorded.retiring.clone().or(replaced);
    let works_until = retiring.as_ref().and_then(|retiring| rotation::works_until(&observed.resource, retiring));
    let unresolved = unresolved(observed, operation, now).map(|mut unresolved| {
        // What is current or retiring is accounted for; it may have been created inside the window.
        let settled: BTreeSet<_> = [Some(&published.credential.id), retiring.as_ref().map(|retiring| &retiring.id)]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        unresolved.baseline.extend(settled);
        unresolved
    });
    let reset_in_doubt = in_place::in_doubt(observed, operation, Some(&published.credential.id), now);
    Completion {
        verdict: Verdict::ready(
            &observed.resource,
            published.credential.service_user_name.as_str(),
            works_until,
            reset_in_doubt.as_ref().map(|doubt| doubt.until),
        ),
        reset_in_doubt,
        credential: published.credential.clone(),
        published: published.epoch,
        retiring,
        completed: operation.epoch,
        handled_rotate: operation.rotate.clone().or_else(|| recorded.handled_rotate.clone()),
        rotated_at: whole_second(now),
        unresolved,
    }
}
