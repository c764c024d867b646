//! The resource is being deleted: leave IAM as clean as the policy says, then let it go.

use jiff::Timestamp;

use crate::decide::{later, remove_orphan, unusable};
use crate::facts::{Claim, DeletionPolicy, Observed, SecretFact};
use crate::memory::Stage;
use crate::names::CredentialId;
use crate::operation::{accepted, completion, lately, shortened, take_over};
use crate::recorded::{Means, Operation};
use crate::step::{Disposal, Step};
use crate::verdict::Verdict;
use crate::{in_place, operation, ownership};

pub(crate) fn decide(observed: &Observed, now: Timestamp) -> Step {
    let resource = &observed.resource;
    let recorded = &resource.recorded;
    // A grant is not needed to clean up. Who else has the user is: what is theirs stays, whatever status says.
    let Some(claim) = &observed.claim else {
        return Step::ReadClaims;
    };
    let Some(secret) = &observed.secret else {
        return Step::ReadSecret;
    };
    if let Some(operation) = &recorded.operation {
        if let Some(published) = accepted(recorded, operation, secret) {
            return Step::Complete(completion(observed, operation, published, now));
        }
        if let Means::Reset(_) = operation.means {
            // The Secret that is kept must hold the password that works. One that goes needs none.
            if resource.deletion_policy == DeletionPolicy::Retain {
                let unusable = unusable(resource, secret);
                return operation::decide(observed, operation, claim, secret, unusable.as_ref(), now);
            }
        } else if !known_outcome(observed, operation) {
            if let Some(until) = others_turn(observed, operation, now) {
                return Step::Wait { until: Some(until), verdict: settling() };
            }
            // Another process may still create under the old epoch. It loses the right to publish before we look.
            return Step::BeginOperation(take_over(recorded, operation, secret, now));
        }
    }
    if resource.deletion_policy == DeletionPolicy::Retain
        && let Some(step) = in_place::end_doubt(observed, secret, now)
    {
        return step;
    }
    if let Some(id) = ours(observed, claim).into_iter().find(|id| !observed.removed.contains(id)) {
        return Step::DeleteCredential(id, Disposal::ResourceDeleted);
    }
    if let Some(step) = settle(observed, now) {
        return step;
    }
    match (resource.deletion_policy, secret) {
        (DeletionPolicy::Retain, SecretFact::Ours(_)) => Step::ReleaseSecret,
        _ => Step::RemoveFinalizer,
    }
}

/// This process knows what became of the present attempt: nothing was sent, or the credential is in hand. A credential in
/// hand cannot be removed while the Secret is to be kept, for its publication may still be under way: that is what the
/// fence of a further epoch is for.
fn known_outcome(observed: &Observed, operation: &Operation) -> bool {
    let mine = observed.memory.attempt.as_ref().filter(|attempt| attempt.epoch == operation.epoch);
    match mine.map(|attempt| &attempt.stage) {
        Some(Stage::Begun | Stage::Preflighted) => true,
        Some(Stage::InHand { .. }) => observed.resource.deletion_policy == DeletionPolicy::Delete,
        None => false,
    }
}

/// Somebody took the operation over lately and waits for what it may have left. To take over from him would begin that wait
/// anew, and two processes would do so in turns for ever. So he has the hold time after it to go on.
fn others_turn(observed: &Observed, operation: &Operation, now: Timestamp) -> Option<Timestamp> {
    let until = later(settled_at(observed, operation), observed.settings.hold);
    (operation.recovering() && lately(operation, until, now)).then_some(until)
}

/// When an operation that was taken over has left all that it may leave. The takeover was written within the hold time of its
/// decision. A call of an earlier attempt may land up to the settle time after that, and List may be as late again to show it.
fn settled_at(observed: &Observed, operation: &Operation) -> Timestamp {
    let settle = observed.settings.settle;
    later(later(later(operation.attempted_at, observed.settings.hold), settle), settle)
}

fn settling() -> Verdict {
    Verdict::deleting("an attempt may have left a credential that IAM does not show yet; waiting for it")
}

/// The ids that go with the resource.
fn ours(observed: &Observed, claim: &Claim) -> Vec<CredentialId> {
    let recorded = &observed.resource.recorded;
    let mut ids = Vec::new();
    match observed.resource.deletion_policy {
        DeletionPolicy::Retain => {}
        DeletionPolicy::Delete => {
            ids.extend(recorded.credential.iter().map(|credential| credential.id.clone()));
            ids.extend(recorded.retiring.iter().map(|retiring| retiring.id.clone()));
            if let Some(Stage::InHand { id, .. }) = observed.memory.attempt.as_ref().map(|attempt| &attempt.stage) {
                ids.push(id.clone());
            }
        }
    }
    if let Claim::Lost { theirs, .. } = claim {
        ids.retain(|id| !theirs.contains(id));
    }
    ids
}

/// Waits for what earlier attempts may have left, and removes it.
fn settle(observed: &Observed, now: Timestamp) -> Option<Step> {
    let recorded = &observed.resource.recorded;
    let creating = |operation: &&Operation| operation.recovering() && operation.means == Means::Create;
    let by_operation = recorded
        .operation
        .as_ref()
        .filter(creating)
        .map(|operation| (operation.epoch, operation.attempted_at, settled_at(observed, operation)));
    let by_earlier =
        recorded.unresolved.as_ref().map(|unresolved| (unresolved.epoch, unresolved.until, unresolved.until));
    // Both windows must be over; the fence is the later operation's.
    let (epoch, attempted_at, until) = match (by_operation, by_earlier) {
        (Some(operation), Some(earlier)) => (operation.0, operation.1, operation.2.max(earlier.2)),
        (operation, earlier) => operation.or(earlier)?,
    };
    if let Some(settlement) = shortened(observed, now) {
        return Some(Step::Abandon(settlement));
    }
    let Some(listing) = &observed.listing else {
        return Some(Step::ListCredentials);
    };
    if let Some(orphan) = ownership::orphans(observed).first() {
        return Some(remove_orphan(observed, orphan, epoch, attempted_at, now));
    }
    (listing.taken_at < until).then(|| Step::Wait { until: Some(until), verdict: settling() })
}
