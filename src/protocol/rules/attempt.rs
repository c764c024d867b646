//! An operation is open: accept what it published, or bring its present attempt to an end.

use std::ops::ControlFlow::{Break, Continue};

use crate::answer::{Change, Report, Step};
use crate::facts::{Means, Record, Stage, later};
use crate::record::{accept, accepted, reset_in_doubt, window};

use super::case::{Answer, Attempting};
use super::rights::{unwritable, wait_while_contested, without_right};
use super::takeover::begin_a_new_attempt;

/// What is published is accepted before anything else (rule 8): to go on would replace a password that works.
pub(crate) fn accept_published(case: &Attempting<'_>) -> Answer {
    match accepted(case.record(), case.operation, case.secret()?) {
        Some(published) => Break(accept(case.observed, case.operation, published, case.now)),
        None => Continue(()),
    }
}

/// The Secret's fence is above this attempt. Usually another process began a later attempt after the resource was read;
/// then this takeover meets a conflict and the pass begins anew. Otherwise somebody edited the fence; then a higher
/// epoch is needed to publish at all (rule 7).
pub(crate) fn rise_above_the_fence(case: &Attempting<'_>) -> Answer {
    if case.secret()?.fence() > case.operation.epoch {
        return begin_a_new_attempt(case);
    }
    Continue(())
}

/// Publishes the password in hand. After half of the hold time it gives the password up: the write takes time, and
/// other processes delete the credential when twice the hold time has passed (rule 10).
pub(crate) fn publish_or_give_up(case: &Attempting<'_>) -> Answer {
    let Some(Stage::InHand { since, .. }) = case.own_stage() else {
        return Continue(());
    };
    let given_up = case.now >= later(*since, case.settings().hold / 2);
    let obstacle = match case.operation.means {
        Means::Create => obstacle(case)?,
        // The published password is dead since the reset. A right that was lost meanwhile must not keep it dead.
        Means::Reset(_) => unwritable(case.resource().secret_name(), case.secret()?),
    };
    if obstacle.is_some() || given_up {
        // Not abandoned: only an operation that was taken over opens a window, and without one nobody would delete this
        // credential.
        return begin_a_new_attempt(case);
    }
    Break(Step::Publish(case.operation.epoch))
}

/// Without the right to the IAM user or to the Secret, what IAM created could not be published (rule 2).
pub(crate) fn abandon_without_right(case: &Attempting<'_>) -> Answer {
    match obstacle(case)? {
        Some(_) => Break(abandon(case)),
        None => Continue(()),
    }
}

/// What keeps the operation from being completed. A resource that is being deleted needs no grant to end a reset.
fn obstacle(case: &Attempting<'_>) -> Answer<Option<Report>> {
    let refused = if case.resource().deleting { None } else { without_right(case)? };
    let secret = case.secret()?;
    Continue(refused.or_else(|| unwritable(case.resource().secret_name(), secret)))
}

/// See [`wait_while_contested`].
pub(crate) fn wait_while_contested_by_another(case: &Attempting<'_>) -> Answer {
    wait_while_contested(case)
}

/// What follows depends on what IAM shows.
pub(crate) fn list_credentials(case: &Attempting<'_>) -> Answer {
    case.listing()?;
    Continue(())
}

/// The write of the Secret is tried as a dry run before Create, and before a credential is deleted for its slot: if the
/// Secret is refused, a credential would have been created or deleted for nothing (rule 5).
pub(crate) fn dry_run(case: &Attempting<'_>) -> Answer {
    match case.own_stage() {
        Some(Stage::Begun) => Break(Step::DryRun(case.operation.epoch)),
        Some(Stage::DryRun | Stage::InHand { .. }) | None => Continue(()),
    }
}

/// The one request that cannot be repeated (rule 6). Every other rule of this phase has had its say.
pub(crate) fn create(case: &Attempting<'_>) -> Step {
    Step::Create(case.operation.epoch)
}

/// Gives an operation up, and records what of it may still show up.
pub(crate) fn abandon(case: &Attempting<'_>) -> Step {
    let (observed, record) = (case.observed, case.record());
    let abandoned = Record {
        operation: None,
        closed: case.operation.epoch,
        window: window(observed, case.operation, case.now),
        reset_in_doubt: reset_in_doubt(observed, case.operation, record.current_id(), case.now),
        ..record.clone()
    };
    Step::record(Change::Abandon, abandoned)
}
