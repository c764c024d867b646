//! Whose is an id that List shows?
//!
//! IAM gives credentials no tags and Create no token, so ownership is an inference, and it errs on the side of leaving alone.
//! An id is an orphan of ours only if it is none that we know, was not there before the operation, and was created
//! inside the operation's window: since its first attempt, and once it is over until what it may have left is accounted for.
//! Everything else is foreign.
//!
//! The window is what status says, and status can be edited. So no window reaches back to before the resource existed, and
//! what a resource of a better right calls its own is not ours in any window.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::decide::later;
use crate::facts::{Claim, Listed, Observed, Resource, SecretFact, Usable};
use crate::memory::{Attempt, Stage};
use crate::names::CredentialId;
use crate::recorded::Means;

/// How far the operator's clock may be ahead of IAM's, which stamps the credentials. IAM refuses requests that are
/// further off (*Signature Version 4*, "Request expired").
pub const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(5);

/// The ids that must not be taken for orphans: current, retiring, in the Secret, in hand, and what belongs to a better right.
fn known(observed: &Observed) -> BTreeSet<&CredentialId> {
    let recorded = &observed.resource.recorded;
    let mut known: BTreeSet<&CredentialId> = recorded
        .credential
        .iter()
        .map(|credential| &credential.id)
        .chain(recorded.retiring.iter().map(|retiring| &retiring.id))
        .collect();
    known.extend(observed.secret.as_ref().and_then(SecretFact::published_id));
    if let Some(Claim::Lost { theirs, .. }) = &observed.claim {
        known.extend(theirs);
    }
    // A password in hand is worth keeping only while the operation is still that of its attempt.
    let epoch = recorded.operation.as_ref().map(|operation| operation.epoch);
    if let Some(Attempt { epoch: held, stage: Stage::InHand { id, .. } }) = &observed.memory.attempt
        && Some(*held) == epoch
    {
        known.insert(id);
    }
    known
}

/// Whether a credential is the current one or is in the Secret.
pub(crate) fn in_use(observed: &Observed, id: &CredentialId) -> bool {
    let current = observed.resource.recorded.credential.as_ref().map(|current| &current.id);
    let published = observed.secret.as_ref().and_then(SecretFact::published_id);
    [current, published].contains(&Some(id))
}

fn left_behind(resource: &Resource, listed: &Listed) -> bool {
    let since = |baseline: &BTreeSet<CredentialId>, started_at: Timestamp| {
        let began = started_at.max(resource.created_at);
        let earliest = began.checked_sub(CLOCK_SKEW).unwrap_or(Timestamp::MIN);
        !baseline.contains(&listed.id) && listed.created_at >= earliest
    };
    let recorded = &resource.recorded;
    let by_operation = recorded.operation.as_ref().is_some_and(|operation| {
        operation.recovering() && operation.means == Means::Create && since(&operation.baseline, operation.started_at)
    });
    let by_earlier = recorded.unresolved.as_ref().is_some_and(|unresolved| {
        // It may be looked at long after its end, if nobody could look before. What was made meanwhile is somebody else's.
        since(&unresolved.baseline, unresolved.started_at) && listed.created_at <= later(unresolved.until, CLOCK_SKEW)
    });
    by_operation || by_earlier
}

/// The credentials that List shows, without those that this pass removed.
pub(crate) fn listed(observed: &Observed) -> Vec<&Listed> {
    observed
        .listing
        .iter()
        .flat_map(|listing| &listing.credentials)
        .filter(|listed| !observed.removed.contains(&listed.id))
        .collect()
}

/// Whether List shows this credential, and shows it so.
pub(crate) fn shows(observed: &Observed, id: &CredentialId, so: impl Fn(&Usable) -> bool) -> bool {
    listed(observed).into_iter().any(|listed| listed.id == *id && so(&listed.usable))
}

/// The oldest credential that has nothing to do with us.
pub(crate) fn oldest_foreign(observed: &Observed) -> Option<&Listed> {
    let known = known(observed);
    listed(observed).into_iter().filter(|listed| !known.contains(&listed.id)).min_by_key(|listed| listed.created_at)
}

/// The credentials that an attempt of ours left behind. Only meaningful while no Create of this process is on its way.
pub(crate) fn orphans(observed: &Observed) -> Vec<&Listed> {
    let known = known(observed);
    listed(observed)
        .into_iter()
        .filter(|listed| !known.contains(&listed.id) && left_behind(&observed.resource, listed))
        .collect()
}
