//! No operation is open: is one needed, and how does the resource stand?

use std::ops::ControlFlow::{Break, Continue};

use jiff::Timestamp;

use crate::answer::{Report, Step};
use crate::facts::{Issued, Means, OurSecret, Purpose, Rendering, SecretFact, later};
use crate::record::{
    accept_rollback, doubt_ends_at, due, is_due, last_former_secret_gone_at, last_reset_is_due,
    next_former_secret_gone_at, next_stage_at, retiring_gone_at, rolled_back, works_until,
};

use super::begin::{begin, means};
use super::case::{Answer, Case};
use super::rights::unwritable;

/// A Secret that is not ours, or that nobody can write, is left as it is.
pub(crate) fn stall_on_the_secret(case: &Case<'_>) -> Answer {
    case.stall_on(unwritable(case.resource().secret_name(), case.secret()?))
}

/// The Secret is written again with its own credential when the spec wants other keys, labels or annotations.
pub(crate) fn render_again(case: &Case<'_>) -> Answer {
    match case.secret()? {
        SecretFact::Ours(OurSecret { rendering: Rendering::Stale, .. }) => Break(Step::Render),
        SecretFact::Ours(_) | SecretFact::Absent | SecretFact::NotOurs => Continue(()),
    }
}

/// Somebody put the Secret of the retiring credential back, and it works. See [`accept_rollback`].
pub(crate) fn accept_a_rollback(case: &Case<'_>) -> Answer {
    let published = rolled_back(case.observed, case.secret()?);
    match published.and_then(|published| accept_rollback(case.observed, published, case.now)) {
        Some(step) => Break(step),
        None => Continue(()),
    }
}

/// What is lost is replaced, then what is asked for.
pub(crate) fn recover_or_rotate(case: &Case<'_>) -> Answer {
    match need(case)? {
        Some(purpose) => begin(case, purpose),
        None => Continue(()),
    }
}

/// Why a new credential is needed: the first reason that holds.
fn need(case: &Case<'_>) -> Answer<Option<Purpose>> {
    let record = case.record();
    let Some(current) = &record.current else {
        return Continue(Some(Purpose::First));
    };
    Continue(match case.secret()? {
        SecretFact::Absent | SecretFact::NotOurs => Some(Purpose::SecretLost),
        secret if !secret.published().is_some_and(|published| record.is_current(published)) => {
            Some(Purpose::SecretDamaged)
        }
        SecretFact::Ours(_) if is_gone(case, current) => Some(Purpose::CredentialGone),
        SecretFact::Ours(_) => wanted(case).find(|purpose| held_up(case, *purpose).is_none()),
    })
}

/// Whether IAM has not listed the current credential for the consistency window (rule 12).
fn is_gone(case: &Case<'_>, current: &Issued) -> bool {
    let since = case.observed.memory.missing_since(current);
    since.is_some_and(|since| later(since, case.settings().consistency_window) <= case.now)
}

/// The rotations that are asked for: by the annotation, by the schedule, and by a reset that may have killed the
/// published password. All of them, because one that has to wait must not hide one that need not.
fn wanted(case: &Case<'_>) -> impl Iterator<Item = Purpose> {
    let resource = case.resource();
    let requested = resource.rotate.is_some() && resource.rotate != resource.record.handled_rotate;
    [
        requested.then_some(Purpose::Requested),
        is_due(resource, case.now).then_some(Purpose::Scheduled),
        last_reset_is_due(case.observed, case.now).then_some(Purpose::ResetInDoubt),
    ]
    .into_iter()
    .flatten()
}

/// What a rotation that is asked for has to wait for.
fn held_up(case: &Case<'_>, purpose: Purpose) -> Option<Report> {
    let resource = case.resource();
    match means(resource, purpose) {
        // Both slots are ours. To free one would cut short the overlap that the users of the retiring credential were
        // promised.
        Means::Create => resource
            .record
            .retiring
            .as_ref()
            .map(|retiring| Report::rotation_waits(&retiring.id, retiring_gone_at(resource, retiring))),
        // A reset makes the password in the former Secret useless, which pods may still mount. So it waits until that
        // Secret is deleted. A reset in doubt does not wait: the password may be useless already.
        Means::Reset(_) if purpose == Purpose::ResetInDoubt => None,
        Means::Reset(_) => last_former_secret_gone_at(case.observed).map(Report::reset_waits),
    }
}

/// IAM is listed once per `resync`, and more often while it does not list the current credential.
pub(crate) fn look_at_iam_when_due(case: &Case<'_>) -> Answer {
    let pace = pace(case);
    // A time that is still to come means that the clock was set back since.
    let due = case.observed.memory.listed_at.is_none_or(|at| later(at, pace) <= case.now || at > case.now);
    if case.observed.listing.is_none() && due { Break(Step::Resync) } else { Continue(()) }
}

fn pace(case: &Case<'_>) -> jiff::SignedDuration {
    if is_missing(case) { case.settings().consistency_window } else { case.settings().resync }
}

fn is_missing(case: &Case<'_>) -> bool {
    case.record().current.as_ref().is_some_and(|current| case.observed.memory.missing_since(current).is_some())
}

/// Nothing is to be done: tell the user how things stand, and wait for the next thing that is due.
pub(crate) fn report(case: &Case<'_>) -> Step {
    let (resource, record, memory) = (case.resource(), case.record(), &case.observed.memory);
    let Some(current) = &record.current else {
        // Not met: without a current credential, the first operation has begun.
        return Step::StartOver;
    };
    if let Some(listed) = memory.unusable(current) {
        let until = Some(later(case.now, case.settings().recheck));
        return Step::Wait { until, report: Some(Report::credential_inactive(resource, listed)) };
    }
    let held_up = wanted(case).find_map(|purpose| held_up(case, purpose));
    let report = match held_up {
        _ if is_missing(case) => Report::credential_missing(&current.id),
        Some(report) => report,
        None => Report::ready(
            resource,
            current.service_user_name.as_str(),
            record.retiring.as_ref().and_then(|retiring| works_until(resource, retiring)),
            doubt_ends_at(record),
        ),
    };
    Step::Wait { until: next_look(case), report: Some(report) }
}

/// When something is next due.
fn next_look(case: &Case<'_>) -> Option<Timestamp> {
    let (resource, record) = (case.resource(), case.record());
    let listing = case.observed.memory.listed_at.map(|at| later(at.min(case.now), pace(case)));
    let retiring = record.retiring.as_ref().map(|retiring| next_stage_at(resource, retiring));
    let window = record.window.as_ref().map(|window| window.end);
    let former = next_former_secret_gone_at(case.observed);
    // What is due and was not done has to wait for one of the others, so its own time is over.
    let ahead = |at: &Timestamp| *at > case.now;
    let scheduled = record.rotated_at.and_then(|at| due(&resource.rotation, at)).filter(ahead);
    let last_reset = doubt_ends_at(record).filter(ahead);
    [listing, retiring, window, former, scheduled, last_reset].into_iter().flatten().min()
}
