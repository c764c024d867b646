//! What earlier attempts left behind in IAM is deleted, never adopted (rules 9 and 10).

use std::ops::ControlFlow::{Break, Continue};

use jiff::Timestamp;

use crate::answer::{Change, Disposal, Report, Step};
use crate::facts::{Attempt, Epoch, Listed, OurSecret, Record, SecretFact, Stage, later};
use crate::record::{leftovers, shortened};

use super::case::{Answer, Attempting, Case, wait};
use super::rights::without_right;

/// Deletes the credential in hand when it can no longer be published: another one was accepted, or the fence is above
/// its attempt (rules 7 and 10). Both changed the Secret's resourceVersion, so a write that is still on its way is
/// refused.
pub(crate) fn delete_what_cannot_be_published(case: &Case<'_>) -> Answer {
    let Some(Attempt { epoch, stage: Stage::InHand { id, .. } }) = &case.observed.memory.attempt else {
        return Continue(());
    };
    let SecretFact::Ours(OurSecret { published, fence, .. }) = case.secret()? else {
        return Continue(());
    };
    let record = case.record();
    let in_secret = published.as_ref().map(|published| &published.credential.id);
    let superseded = (record.current.is_some() && published.is_some()) || fence > epoch;
    let unpublished = superseded && ![record.current_id(), record.retiring_id(), in_secret].contains(&Some(id));
    if unpublished && !case.observed.deleted.contains(id) {
        return Break(Step::DeleteCredential(id.clone(), Disposal::Leftover));
    }
    Continue(())
}

/// While a window is open, its leftovers are deleted as IAM shows them. It is closed when a listing was taken after its
/// end.
pub(crate) fn close_the_window(case: &Case<'_>) -> Answer {
    let Some(window) = &case.record().window else {
        return Continue(());
    };
    let secret_lost = *case.secret()? == SecretFact::Absent && case.record().current.is_some();
    if secret_lost && without_right(case)?.is_none() {
        // There is no Secret to fence, so a deletion here would wait twice the hold time. Recovery comes first, and
        // deletes the leftover itself if it needs the slot.
        return Continue(());
    }
    if let Some(record) = shortened(case.observed, case.now) {
        return Break(Step::record(Change::Abandon, record));
    }
    let listing = case.listing()?;
    if let Some(leftover) = leftovers(case.observed).next() {
        return delete(case, leftover, window.epoch, window.end);
    }
    if listing.taken_at >= window.end {
        let closed = Record { window: None, ..case.record().clone() };
        return Break(Step::record(Change::CloseWindow, closed));
    }
    Continue(())
}

/// Leftovers make room first, because nobody uses them.
pub(crate) fn delete_those_in_the_way(case: &Attempting<'_>) -> Answer {
    match leftovers(case.observed).next().filter(|_| case.observed.has_two()) {
        Some(leftover) => delete(case, leftover, case.operation.epoch, case.operation.attempted_at),
        None => Continue(()),
    }
}

/// Deletes a leftover, once it is certain that nobody can still publish it (rule 10).
///
/// 1. Secret and resource are unchanged since the listing. Otherwise the id may belong to a later attempt.
/// 2. The Secret carries `epoch` as its fence. Otherwise the process that holds the password could publish it after the
///    deletion.
/// 3. Where there is no Secret, every holder has given up, and what earlier attempts publish is not accepted any more.
///
/// `attempted_at` is when the attempt of `epoch` took over, or the end of its window.
pub(crate) fn delete(case: &Case<'_>, leftover: &Listed, epoch: Epoch, attempted_at: Timestamp) -> Answer {
    let listing = case.confirmed_listing()?;
    // The takeover was decided at `attempted_at` and written within the hold time. Whoever got a password before that
    // holds it as long again.
    let hold = case.settings().hold;
    let given_up = later(later(attempted_at, hold), hold);
    match case.secret()? {
        SecretFact::Ours(secret) if secret.fence < epoch => return Break(Step::FenceSecret(epoch)),
        SecretFact::Absent if case.now < given_up => {
            let report = Report::leftover_waits(&leftover.id, case.resource().secret_name(), given_up);
            return wait(given_up, report);
        }
        // The Secret was absent when the listing was confirmed. If that was before every holder had given up, one of
        // them may have published since: list again.
        SecretFact::Absent if listing.taken_at < given_up => return Break(Step::StartOver),
        // A write may arrive even later. Its credential must not be accepted then, so its epoch is closed first.
        SecretFact::Absent => close_earlier(case)?,
        // A Secret that is not ours refuses a write that was prepared before it was there.
        SecretFact::NotOurs | SecretFact::Ours(_) => {}
    }
    Break(Step::DeleteCredential(leftover.id.clone(), Disposal::Leftover))
}

/// Records that nothing is accepted any more that attempts before the present one publish, unless that is recorded
/// already.
fn close_earlier(case: &Case<'_>) -> Answer {
    let record = case.record();
    let before = record.operation.as_ref().and_then(|operation| operation.epoch.0.checked_sub(1)).map(Epoch);
    match before.filter(|before| record.closed < *before) {
        Some(before) => Break(Step::record(Change::CloseEarlier, Record { closed: before, ..record.clone() })),
        None => Continue(()),
    }
}
