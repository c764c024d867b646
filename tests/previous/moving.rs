//! The Secret gets another name: the new one first, the old one after its time, and no new credential.

use jiff::Timestamp;

use crate::decide::{later, stall, whole_second};
use crate::facts::{Observed, OurSecret, Published, Resource, SecretFact};
use crate::recorded::FormerSecret;
use crate::step::Step;
use crate::verdict::Verdict;

/// Brings the credential to the Secret that the spec names. None if it is there, or if this has to wait.
///
/// It waits while an earlier attempt may still show up: such a password would be published to the former Secret, and only that
/// one's fence stops it.
pub(crate) fn relocate(observed: &Observed, secret: &SecretFact, now: Timestamp) -> Option<Step> {
    let resource = &observed.resource;
    let wanted = &resource.wanted_secret_name;
    if *wanted == resource.secret_name || resource.recorded.unresolved.is_some() {
        return None;
    }
    let moved = || Step::Move(former_secrets(resource, secret, now));
    let Some(published) = current(observed, secret) else {
        // There is nothing to copy. What is made anew is published to the wanted Secret.
        return Some(moved());
    };
    Some(match observed.others.get(wanted) {
        None => Step::ReadOther(wanted.clone()),
        Some(SecretFact::NotOurs) => stall(observed, Verdict::secret_conflict(wanted), now),
        Some(SecretFact::Ours(OurSecret { immutable: true, .. })) => {
            stall(observed, Verdict::secret_immutable(wanted), now)
        }
        // A later attempt has published there, and a copy would destroy that. Most likely the move is done and the resource was read
        // before it: then the record of this one is refused.
        Some(SecretFact::Ours(copy)) if copy.published.as_ref().is_some_and(|copy| copy.epoch > published.epoch) => {
            moved()
        }
        // The record first: if the name is changed back before the move, nobody else knows of the copy.
        Some(SecretFact::Absent | SecretFact::Ours(_)) if !announced(observed, now) => {
            Step::AnnounceCopy(with_copy(resource, now))
        }
        // Written although it may hold the credential already: another process may be about to delete it as a former one, and
        // loses by its old resourceVersion.
        Some(SecretFact::Absent | SecretFact::Ours(_)) if !observed.copied.contains(wanted) => Step::CopySecret,
        Some(SecretFact::Absent | SecretFact::Ours(_)) => moved(),
    })
}

/// Deletes a Secret that was moved from, once pods had the time of an overlap to mount its successor. The record goes last: the
/// other way round a crash would leave a Secret that nobody deletes.
pub(crate) fn retire_former(observed: &Observed, now: Timestamp) -> Option<Step> {
    let resource = &observed.resource;
    let former = resource.recorded.former_secrets.iter().find(|former| gone_at(observed, former) <= now)?;
    let name = former.name.clone();
    if name == resource.secret_name {
        return Some(Step::ForgetFormer(name));
    }
    Some(match observed.others.get(&name) {
        None => Step::ReadOther(name),
        Some(SecretFact::Ours(_)) => Step::DeleteFormer(name),
        Some(SecretFact::Absent | SecretFact::NotOurs) => Step::ForgetFormer(name),
    })
}

/// When the last Secret that was moved from is deleted.
pub(crate) fn last_gone_at(observed: &Observed) -> Option<Timestamp> {
    observed.resource.recorded.former_secrets.iter().map(|former| gone_at(observed, former)).max()
}

/// When the next Secret that was moved from is deleted.
pub(crate) fn next_gone_at(observed: &Observed) -> Option<Timestamp> {
    observed.resource.recorded.former_secrets.iter().map(|former| gone_at(observed, former)).min()
}

/// Not before a copy that was announced has landed, however short the overlap: it is decided within the hold time of the
/// record, and written within the hold time of that.
fn gone_at(observed: &Observed, former: &FormerSecret) -> Timestamp {
    let landed = later(later(former.since, observed.settings.hold), observed.settings.hold);
    later(former.since, observed.resource.rotation.overlap).max(landed)
}

/// The Secret to move to is on record, and not for so long that another process may be about to take it off.
fn announced(observed: &Observed, now: Timestamp) -> bool {
    let resource = &observed.resource;
    let recent = |former: &FormerSecret| now < later(former.since, observed.settings.hold);
    let mut copies = resource.recorded.former_secrets.iter();
    copies.any(|former| former.name == resource.wanted_secret_name && recent(former))
}

/// The record with the Secret to move to. Until the move it is one that goes after its time.
fn with_copy(resource: &Resource, now: Timestamp) -> Vec<FormerSecret> {
    let copy = FormerSecret { name: resource.wanted_secret_name.clone(), since: whole_second(now) };
    let others = resource.recorded.former_secrets.iter().filter(|former| former.name != copy.name);
    others.cloned().chain([copy.clone()]).collect()
}

/// What the Secret holds, if that is the current credential.
fn current<'a>(observed: &Observed, secret: &'a SecretFact) -> Option<&'a Published> {
    secret.published().filter(|published| observed.resource.recorded.is_current(published))
}

fn former_secrets(resource: &Resource, secret: &SecretFact, now: Timestamp) -> Vec<FormerSecret> {
    let left = match secret {
        SecretFact::Ours(_) => Some(FormerSecret { name: resource.secret_name.clone(), since: whole_second(now) }),
        SecretFact::Absent | SecretFact::NotOurs => None,
    };
    let earlier = resource.recorded.former_secrets.iter().cloned();
    earlier.chain(left).filter(|former| former.name != resource.wanted_secret_name).collect()
}
