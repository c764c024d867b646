//! Whose is an id that List shows (rule 9)?
//!
//! IAM gives credentials no tags and Create no token, so ownership is an inference, and it errs on the side of leaving
//! alone. An id is a leftover only if it is none that we know, was not there before the operation, and was created
//! inside the operation's window: since its first attempt, and for an operation that is over until the window ends.
//! Everything else is foreign.
//!
//! The window is what status says, and status can be edited. So no window reaches back to before the resource existed,
//! and what a resource of a better right calls its own is ours in no window.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::facts::{
    Attempt, CLOCK_SKEW, Claim, CredentialId, Listed, Observed, Resource, SecretFact, Stage, earlier, later,
};

/// The ids that must not be taken for leftovers: current, retiring, in the Secret, in hand, and what belongs to a
/// better right.
fn known(observed: &Observed) -> BTreeSet<&CredentialId> {
    let record = &observed.resource.record;
    let mut known: BTreeSet<&CredentialId> =
        [record.current_id(), record.retiring_id()].into_iter().flatten().collect();
    known.extend(observed.secret().and_then(SecretFact::published_id));
    if let Some(Claim::Lost { theirs, .. }) = &observed.claim {
        known.extend(theirs);
    }
    // A password in hand is worth keeping only while the operation is still that of its attempt.
    let epoch = record.operation.as_ref().map(|operation| operation.epoch);
    if let Some(Attempt { epoch: held, stage: Stage::InHand { id, .. } }) = &observed.memory.attempt
        && Some(*held) == epoch
    {
        known.insert(id);
    }
    known
}

/// Whether a credential is the current one or is in the Secret.
pub(crate) fn is_in_use(observed: &Observed, id: &CredentialId) -> bool {
    let published = observed.secret().and_then(SecretFact::published_id);
    [observed.resource.record.current_id(), published].contains(&Some(id))
}

/// The credentials that an attempt of ours left behind. Only meaningful while no Create of this process is on its way.
pub(crate) fn leftovers(observed: &Observed) -> impl Iterator<Item = &Listed> {
    let known = known(observed);
    observed.listed().filter(move |listed| !known.contains(&listed.id) && is_left_behind(&observed.resource, listed))
}

/// The listed credentials that we do not know, leftovers included.
pub(crate) fn foreign(observed: &Observed) -> impl Iterator<Item = &Listed> {
    let known = known(observed);
    observed.listed().filter(move |listed| !known.contains(&listed.id))
}

/// The oldest of them. Callers have excluded leftovers.
pub(crate) fn oldest_foreign(observed: &Observed) -> Option<&Listed> {
    foreign(observed).min_by_key(|listed| listed.created_at)
}

fn is_left_behind(resource: &Resource, listed: &Listed) -> bool {
    let since = |baseline: &BTreeSet<CredentialId>, from: Timestamp| {
        let earliest = earlier(from.max(resource.created_at), CLOCK_SKEW);
        !baseline.contains(&listed.id) && listed.created_at >= earliest
    };
    let record = &resource.record;
    let by_operation = record
        .operation
        .as_ref()
        .is_some_and(|operation| operation.may_leave_a_credential() && since(&operation.baseline, operation.from));
    let by_window = record.window.as_ref().is_some_and(|window| {
        // Nobody may have looked until long after the end. What was made meanwhile is somebody else's.
        since(&window.baseline, window.from) && listed.created_at <= later(window.end, CLOCK_SKEW)
    });
    by_operation || by_window
}
