//! The way to a recorded intent (rule 3).

use std::ops::ControlFlow::{Break, Continue};

use crate::answer::{Change, Report, Step};
use crate::facts::{Means, Operation, Purpose, Record, Resource, Strategy};

use super::case::{Answer, Case};
use super::reset::stall_if_not_usable;
use super::rights::wait_while_contested;
use super::slots::stall_without_a_slot;

/// Begins an operation. What List shows is its baseline, there is a slot for what it creates, and the finalizer is on
/// the resource before anything can exist in IAM that a deletion would have to remove.
pub(crate) fn begin(case: &Case<'_>, purpose: Purpose) -> Answer {
    let (resource, record) = (case.resource(), case.record());
    wait_while_contested(case)?;
    let listing = case.listing()?;
    let means = means(resource, purpose);
    match &means {
        Means::Reset(id) => stall_if_not_usable(case, id)?,
        Means::Create => stall_without_a_slot(case)?,
    }
    add_the_finalizer(case)?;
    // The Secret's fence is above the record if somebody cleared status. Epochs only grow.
    let epoch = record.closed.max(case.secret()?.fence()).next();
    let deleted = &case.observed.deleted;
    let listed = listing.credentials.iter().map(|listed| &listed.id).filter(|id| !deleted.contains(*id));
    let operation = Operation {
        epoch,
        first_epoch: epoch,
        purpose,
        means,
        secret_name: resource.secret_name().clone(),
        rotate: resource.rotate.clone(),
        from: case.now,
        attempted_at: case.now,
        baseline: listed.cloned().collect(),
    };
    let report = Report::working(&operation);
    let begun = Record { operation: Some(operation), ..record.clone() };
    Break(Step::record_and_tell(Change::Begin, begun, report))
}

/// How an operation of this purpose gets a new password. What is lost is recovered by a new credential, never by a
/// reset.
pub(crate) fn means(resource: &Resource, purpose: Purpose) -> Means {
    match (resource.rotation.strategy, purpose, resource.record.current_id()) {
        (Strategy::InPlace, Purpose::Requested | Purpose::Scheduled | Purpose::ResetInDoubt, Some(current)) => {
            Means::Reset(current.clone())
        }
        _ => Means::Create,
    }
}

/// The finalizer keeps the resource until its credentials are removed from IAM.
pub(crate) fn add_the_finalizer(case: &Case<'_>) -> Answer {
    if case.resource().finalizer { Continue(()) } else { Break(Step::AddFinalizer) }
}
