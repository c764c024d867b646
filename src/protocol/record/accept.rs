//! When a published credential is accepted, and what the record is then (rule 8).

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::answer::{Change, Report, Step};
use crate::facts::{
    Issued, Observed, Operation, Published, Purpose, Record, Retiring, RetiringStage, SecretFact, Strategy, Usable,
    whole_second,
};

use super::schedule::{stops_at, works_until};
use super::window::{reset_in_doubt, window};

/// The Secret's credential, if an attempt of this operation published it. An earlier attempt than the present one will
/// do: its password is published and works, so it is kept, and what the later attempt created is a leftover.
pub(crate) fn accepted<'a>(record: &Record, operation: &Operation, secret: &'a SecretFact) -> Option<&'a Published> {
    secret.published().filter(|published| published.epoch > record.closed && published.epoch <= operation.epoch)
}

/// What an earlier attempt of this operation published after it was closed: its credential may have been deleted by
/// then.
pub(crate) fn closed_publication<'a>(
    record: &Record,
    operation: &Operation,
    secret: &'a SecretFact,
) -> Option<&'a Published> {
    secret.published().filter(|published| published.epoch >= operation.first_epoch && published.epoch <= record.closed)
}

/// Accepts what the Secret holds: it is the current credential, what it replaces is retiring, and the operation is
/// over.
pub(crate) fn accept(observed: &Observed, operation: &Operation, published: &Published, now: Timestamp) -> Step {
    let (resource, record) = (&observed.resource, &observed.resource.record);
    // What IAM no longer has is not said to work. It is deleted once more all the same, for List may have been wrong.
    let last_stage = match operation.purpose {
        Purpose::CredentialGone => RetiringStage::Inactive,
        Purpose::First
        | Purpose::Requested
        | Purpose::Scheduled
        | Purpose::SecretLost
        | Purpose::SecretDamaged
        | Purpose::ResetInDoubt => RetiringStage::Active,
    };
    let successor = &published.credential.id;
    let replaced_now = record.current.as_ref().filter(|current| current.id != *successor);
    let replaced_now = replaced_now.map(|current| replaced(current, record, last_stage, now));
    let retiring = record.retiring.clone().or(replaced_now);
    let open = window(observed, operation, now).map(|mut window| {
        // What is current or retiring is accounted for, though it may have been created inside the window.
        let accounted: BTreeSet<_> = [Some(&published.credential.id), retiring.as_ref().map(|retiring| &retiring.id)]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        window.baseline.extend(accounted);
        window
    });
    let doubt = reset_in_doubt(observed, operation, Some(&published.credential.id), now);
    let report = Report::ready(
        resource,
        published.credential.service_user_name.as_str(),
        retiring.as_ref().and_then(|retiring| works_until(resource, retiring)),
        doubt.as_ref().map(|doubt| doubt.until),
    );
    let accepted = Record {
        current: Some(published.credential.clone()),
        published_by: Some(published.epoch),
        retiring,
        operation: None,
        closed: operation.epoch,
        window: open,
        reset_in_doubt: doubt,
        secret_name: Some(resource.secret_name().clone()),
        former_secrets: record.former_secrets.clone(),
        handled_rotate: operation.rotate.clone().or_else(|| record.handled_rotate.clone()),
        rotated_at: Some(whole_second(now)),
        failures: None,
    };
    Step::record_and_tell(Change::Accept, accepted, report)
}

/// The current credential from the moment in which it is replaced.
fn replaced(current: &Issued, record: &Record, stage: RetiringStage, now: Timestamp) -> Retiring {
    Retiring {
        id: current.id.clone(),
        service_user_name: current.service_user_name.clone(),
        since: whole_second(now),
        stage,
        published_by: record.published_by,
    }
}

/// What the Secret holds, if somebody put the Secret of the retiring credential back while that credential still works.
pub(crate) fn rolled_back<'a>(observed: &Observed, secret: &'a SecretFact) -> Option<&'a Published> {
    let record = &observed.resource.record;
    let retiring = record.retiring.as_ref()?;
    let published = secret.published().filter(|published| published.credential.id == retiring.id)?;
    if record.current_id()? == &retiring.id {
        return None;
    }
    let works = match retiring.stage {
        RetiringStage::Active => true,
        // Unless somebody has switched it on again.
        RetiringStage::Inactive => observed.shows(&retiring.id, |usable| *usable == Usable::Yes),
    };
    // A Secret of an earlier attempt holds the password from before its last reset.
    (works && Some(published.epoch) >= retiring.published_by).then_some(published)
}

/// Accepts the rollback: current and retiring change places. To recover instead would need the slot of just the
/// credential that is published, and would destroy it.
pub(crate) fn accept_rollback(observed: &Observed, published: &Published, now: Timestamp) -> Option<Step> {
    let (resource, record) = (&observed.resource, &observed.resource.record);
    let current = record.current.as_ref()?;
    let replaced = replaced(current, record, RetiringStage::Active, now);
    let stops_at = stops_at(resource, &replaced);
    let report = Report::ready(resource, published.credential.service_user_name.as_str(), Some(stops_at), None);
    let rotated_at = match resource.rotation.strategy {
        // It is as old as it is. To begin its interval anew would let it grow twice as old as the spec allows.
        Strategy::Overlap => published.credential.issued_at,
        // A password that was reset is younger than its credential.
        Strategy::InPlace => record.rotated_at.unwrap_or(now),
    };
    let accepted = Record {
        current: Some(published.credential.clone()),
        published_by: Some(published.epoch),
        retiring: Some(replaced),
        operation: None,
        reset_in_doubt: None,
        secret_name: Some(resource.secret_name().clone()),
        rotated_at: Some(rotated_at),
        failures: None,
        ..record.clone()
    };
    Some(Step::record_and_tell(Change::Accept, accepted, report))
}
