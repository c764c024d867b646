//! The resource is being deleted: leave IAM as clean as the policy says, then let the resource go (rule 13).

use std::ops::ControlFlow::{Break, Continue};

use jiff::Timestamp;

use crate::answer::{Change, Disposal, Report, Step};
use crate::facts::{Claim, CredentialId, Means, Purpose, SecretFact, Stage, later};
use crate::record::{doubt_ends_at, leftovers, shortened};

use super::attempt::accept_published;
use super::begin::{begin, means};
use super::case::{Answer, Attempting, Case, wait};
use super::leftovers;
use super::reset::is_usable;
use super::rights::unwritable;
use super::takeover::{begin_a_new_attempt, is_recent};

/// What was published is accepted first: then the record knows every id that has to be deleted, or kept.
pub(crate) fn accept_what_was_published(case: &Case<'_>) -> Answer {
    case.attempting().map_or(Continue(()), |attempting| accept_published(&attempting))
}

/// An attempt whose outcome is unknown may still create under its epoch. It is taken over before IAM is listed (rule
/// 4).
pub(crate) fn take_over_what_may_create(case: &Case<'_>) -> Answer {
    let Some(attempting) = case.attempting().filter(|attempting| attempting.operation.means == Means::Create) else {
        return Continue(());
    };
    if is_outcome_known(&attempting) {
        return Continue(());
    }
    // Another process took over and waits for leftovers. A takeover would start that wait anew, and two processes could
    // take over in turns for ever. So this process waits for its end and the hold time.
    let others_turn = later(all_has_shown_up_at(&attempting), case.settings().hold);
    if attempting.operation.is_taken_over() && is_recent(attempting.operation, others_turn, case.now) {
        return wait(others_turn, Report::deleting_leftovers(others_turn));
    }
    begin_a_new_attempt(&attempting)
}

/// This process knows what became of the present attempt: nothing was sent, or the credential is in hand. With
/// `Retain`, one in hand does not count: its publication may be on its way, and the retained Secret would hold a
/// deleted credential. A takeover and its fence come first.
fn is_outcome_known(case: &Attempting<'_>) -> bool {
    match case.own_stage() {
        Some(Stage::Begun | Stage::DryRun) => true,
        Some(Stage::InHand { .. }) => !case.retains(),
        None => false,
    }
}

/// When an operation that was taken over can leave nothing more behind. The takeover was written within the hold time
/// of its decision. A call of an earlier attempt may land up to the consistency window after that, and List may be as
/// late again to show it.
fn all_has_shown_up_at(case: &Attempting<'_>) -> Timestamp {
    let settings = case.settings();
    let written = later(case.operation.attempted_at, settings.hold);
    later(later(written, settings.consistency_window), settings.consistency_window)
}

/// A Secret that outlives its resource has to hold the password that works. So with `Retain` the last reset comes
/// before the end, unless it cannot come, or would not help (rule 14).
pub(crate) fn end_the_doubt(case: &Case<'_>) -> Answer {
    let (resource, record) = (case.resource(), case.record());
    let doubt = doubt_ends_at(record).filter(|_| case.retains() && record.operation.is_none());
    let (Some(until), Means::Reset(id)) = (doubt, means(resource, Purpose::ResetInDoubt)) else {
        return Continue(());
    };
    let secret = case.secret()?;
    if secret.published_id() != Some(&id) {
        return Continue(());
    }
    if case.now < until {
        return wait(until, Report::deleting_after_reset(until));
    }
    let another_has_the_user = matches!(case.claim()?, Claim::Lost { .. });
    let writable = unwritable(resource.secret_name(), secret).is_none();
    if is_usable(case, &id)? && writable && !another_has_the_user {
        return begin(case, Purpose::ResetInDoubt);
    }
    Continue(())
}

/// What is known to be ours is deleted in IAM, unless it is to be kept or belongs to a resource of a better right,
/// whatever status says.
pub(crate) fn delete_what_is_ours(case: &Case<'_>) -> Answer {
    if case.retains() {
        return Continue(());
    }
    let claim = case.claim()?;
    let theirs = |id: &CredentialId| matches!(claim, Claim::Lost { theirs, .. } if theirs.contains(id));
    let record = case.record();
    let ours = [record.current_id(), record.retiring_id(), case.observed.memory.in_hand()];
    let mut left = ours.into_iter().flatten().filter(|id| !case.observed.deleted.contains(*id) && !theirs(id));
    match left.next() {
        Some(id) => Break(Step::DeleteCredential(id.clone(), Disposal::ResourceDeleted)),
        None => Continue(()),
    }
}

/// What earlier attempts may have left behind is waited for, and deleted.
pub(crate) fn wait_for_leftovers(case: &Case<'_>) -> Answer {
    let attempting = case.attempting().filter(|attempting| attempting.operation.may_leave_a_credential());
    let by_operation = attempting.map(|attempting| {
        (attempting.operation.epoch, attempting.operation.attempted_at, all_has_shown_up_at(&attempting))
    });
    let by_window = case.record().window.as_ref().map(|window| (window.epoch, window.end, window.end));
    // Both must be over; the fence is the later operation's.
    let (epoch, attempted_at, end) = match (by_operation, by_window) {
        (Some((epoch, attempted_at, end)), Some((.., earlier))) => (epoch, attempted_at, end.max(earlier)),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return Continue(()),
    };
    if let Some(record) = shortened(case.observed, case.now) {
        return Break(Step::record(Change::Abandon, record));
    }
    let listing = case.listing()?;
    if let Some(leftover) = leftovers(case.observed).next() {
        return leftovers::delete(case, leftover, epoch, attempted_at);
    }
    if listing.taken_at < end {
        return wait(end, Report::deleting_leftovers(end));
    }
    Continue(())
}

/// IAM is as it should be: the Secret that is to be kept is released, and the finalizer is taken off.
pub(crate) fn let_go(case: &Case<'_>) -> Step {
    match case.observed.secret() {
        Some(SecretFact::Ours(_)) if case.retains() => Step::ReleaseSecret,
        Some(_) | None => Step::RemoveFinalizer,
    }
}
