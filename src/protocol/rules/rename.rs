//! The Secret gets another name: the new one first, the old one after its time, and no new credential.

use std::ops::ControlFlow::{Break, Continue};

use jiff::Timestamp;

use crate::answer::{Change, Step};
use crate::facts::{FormerSecret, Record, Resource, SecretFact, later};
use crate::record::{former_secret_gone_at, rolled_back};

use super::case::{Answer, Case};
use super::rights::unwritable;

/// Brings the credential to the Secret that the spec names.
///
/// It waits while a window is open: an earlier attempt may still publish to the present Secret, and only the fence
/// there stops it. And it waits until a rollback is accepted, because then another credential is current.
pub(crate) fn follow_a_rename(case: &Case<'_>) -> Answer {
    let (resource, record, secret) = (case.resource(), case.record(), case.secret()?);
    let wanted = &resource.wanted_secret;
    if wanted == resource.secret_name() || record.window.is_some() || rolled_back(case.observed, secret).is_some() {
        return Continue(());
    }
    let Some(published) = secret.published().filter(|published| record.is_current(published)) else {
        // There is nothing to copy. What is made anew is published to the wanted Secret.
        return Break(move_to_the_wanted(case, secret));
    };
    let target = case.secret_named(wanted)?;
    if let Some(report) = unwritable(wanted, target) {
        return case.stall(report);
    }
    if target.published().is_some_and(|copy| copy.epoch > published.epoch) {
        // A later attempt has published there, and a copy would destroy that. Most likely the move is done and the
        // resource was read before it; then this write of the record is refused.
        return Break(move_to_the_wanted(case, secret));
    }
    if !is_announced(case) {
        // The copy is recorded first. If the name is changed back before the move, only this entry says that a copy
        // must be deleted.
        let announced = Record { former_secrets: with_the_wanted(resource, case.now), ..record.clone() };
        return Break(Step::record(Change::AnnounceCopy, announced));
    }
    if !case.observed.copied.contains(wanted) {
        // It is written although it may hold the credential already: another process may be about to delete it as a
        // former one, and loses by its old resourceVersion.
        return Break(Step::CopySecret);
    }
    Break(move_to_the_wanted(case, secret))
}

/// Deletes a Secret that was moved from, once pods had the time of an overlap to mount its successor. The record is
/// written last: the other way round, a crash in between would leave a Secret that nobody deletes.
pub(crate) fn delete_former_secrets(case: &Case<'_>) -> Answer {
    let record = case.record();
    let due = |former: &&FormerSecret| former_secret_gone_at(case.observed, former) <= case.now;
    let Some(FormerSecret { name, .. }) = record.former_secrets.iter().find(due) else {
        return Continue(());
    };
    if name != case.resource().secret_name()
        && let SecretFact::Ours(_) = case.secret_named(name)?
    {
        return Break(Step::DeleteFormerSecret(name.clone()));
    }
    let former_secrets = record.former_secrets.iter().filter(|former| former.name != *name).cloned().collect();
    Break(Step::record(Change::ForgetFormerSecret, Record { former_secrets, ..record.clone() }))
}

/// Whether the wanted Secret is recorded, and not for so long that another process may be about to forget it.
fn is_announced(case: &Case<'_>) -> bool {
    let recent = |former: &FormerSecret| case.now < later(former.since, case.settings().hold);
    let mut copies = case.record().former_secrets.iter();
    copies.any(|former| former.name == case.resource().wanted_secret && recent(former))
}

/// The former Secrets with the wanted one. Until the move it is one that is deleted after its time.
fn with_the_wanted(resource: &Resource, now: Timestamp) -> Vec<FormerSecret> {
    let copy = FormerSecret { name: resource.wanted_secret.clone(), since: now };
    let others = resource.record.former_secrets.iter().filter(|former| former.name != copy.name);
    others.cloned().chain([copy.clone()]).collect()
}

/// The record in which the wanted Secret is the one of the credential, and the present one a former one.
fn move_to_the_wanted(case: &Case<'_>, secret: &SecretFact) -> Step {
    let (resource, record) = (case.resource(), case.record());
    let left = match secret {
        SecretFact::Ours(_) => Some(FormerSecret { name: resource.secret_name().clone(), since: case.now }),
        SecretFact::Absent | SecretFact::NotOurs => None,
    };
    let earlier = record.former_secrets.iter().cloned();
    let moved = Record {
        secret_name: Some(resource.wanted_secret.clone()),
        former_secrets: earlier.chain(left).filter(|former| former.name != resource.wanted_secret).collect(),
        ..record.clone()
    };
    Step::record(Change::MoveSecret, moved)
}
