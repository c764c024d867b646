//! Whose turn it is when the outcome of an attempt is unknown (rule 4).

use std::ops::ControlFlow::{Break, Continue};

use jiff::{SignedDuration, Timestamp};

use crate::answer::{Change, Report, Step};
use crate::facts::{Operation, Record, SecretFact, is_believable, later};
use crate::record::take_over;

use super::case::{Answer, Attempting, wait};

/// Takes over an attempt that another process began, or whose outcome is unknown. Its Create may have run, or may still
/// run. Its credential becomes a leftover unless it is published before the Secret is fenced.
pub(crate) fn take_over_or_wait(case: &Attempting<'_>) -> Answer {
    if case.own_stage().is_some() {
        return Continue(());
    }
    wait_if_taken_over_from(case)?;
    wait_for_the_other_process(case)?;
    begin_a_new_attempt(case)
}

/// Records a new attempt of the same operation.
pub(crate) fn begin_a_new_attempt(case: &Attempting<'_>) -> Answer {
    let operation = take_over(case.record(), case.operation, case.secret()?, case.now);
    let report = Report::working(&operation);
    let record = Record { operation: Some(operation), ..case.record().clone() };
    Break(Step::record_and_tell(Change::TakeOver, record, report))
}

/// Another process has taken over from an attempt of this one, so it was alive a moment ago. This process waits for the
/// hold time. If it took over in turn, the credential of the other would become a leftover, and both could go on so for
/// ever. It reports nothing: that write would conflict with those of the other.
fn wait_if_taken_over_from(case: &Attempting<'_>) -> Answer {
    let until = later(case.operation.attempted_at, case.settings().hold);
    let earlier = case.operation.first_epoch..case.operation.epoch;
    let lost = case.observed.memory.attempt.as_ref().is_some_and(|attempt| earlier.contains(&attempt.epoch));
    if lost && is_recent(case.operation, until, case.now) {
        return Break(Step::Wait { until: Some(until), report: None });
    }
    Continue(())
}

/// Another process took over, both slots are taken, and there is no Secret to fence. So it waits twice the hold time
/// before it deletes a leftover. A takeover would start that wait anew, and two processes could take over in turns for
/// ever. So this process waits three times the hold time.
fn wait_for_the_other_process(case: &Attempting<'_>) -> Answer {
    let hold = case.settings().hold;
    let until = later(later(later(case.operation.attempted_at, hold), hold), hold);
    let stuck = case.operation.may_leave_a_credential() && *case.secret()? == SecretFact::Absent;
    if !stuck || !is_recent(case.operation, until, case.now) {
        return Continue(());
    }
    case.listing()?;
    if case.observed.has_two() {
        return wait(until, Report::others_turn(until));
    }
    Continue(())
}

/// Whether `until`, which is counted from the present attempt, is still to come. An attempt that lies in the future was
/// recorded under a wrong clock (rule 15).
pub(crate) fn is_recent(operation: &Operation, until: Timestamp, now: Timestamp) -> bool {
    now < until && is_believable(operation.attempted_at, SignedDuration::ZERO, now)
}
