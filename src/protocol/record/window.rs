//! Attempts whose outcome is unknown: how they are taken over, and how long what they did may still show up.

use jiff::{SignedDuration, Timestamp};

use crate::facts::{
    CredentialId, Means, Observed, Operation, Record, ResetInDoubt, SecretFact, Window, is_believable, later,
    whole_second,
};

/// The same operation under a new epoch (rule 4). Beginning and baseline stay those of the first attempt: they say what
/// is a leftover.
///
/// The epoch is above those of the record and of the Secret as well. The operation lags behind them only if somebody
/// edited status; but an attempt below the fence of the Secret could never publish.
pub(crate) fn take_over(record: &Record, operation: &Operation, secret: &SecretFact, now: Timestamp) -> Operation {
    let epoch = operation.epoch.max(record.closed).max(secret.fence()).next();
    Operation { epoch, attempted_at: now, ..operation.clone() }
}

/// The window that is open once this operation is over, if the outcome of any attempt is unknown.
pub(crate) fn window(observed: &Observed, operation: &Operation, now: Timestamp) -> Option<Window> {
    let earlier = observed.resource.record.window.as_ref();
    let own = operation.may_leave_a_credential().then(|| Window {
        epoch: operation.epoch,
        baseline: operation.baseline.clone(),
        from: operation.from,
        end: furthest_end(observed, now),
    });
    match (own, earlier) {
        (None, earlier) => earlier.cloned(),
        (Some(own), None) => Some(own),
        // There is room for one window, so it covers what either covers.
        (Some(own), Some(earlier)) => Some(Window {
            from: own.from.min(earlier.from),
            baseline: own.baseline.intersection(&earlier.baseline).cloned().collect(),
            ..own
        }),
    }
}

/// The end of a window that opens now: a late call needs up to the consistency window to land, and List as long again
/// to show it.
fn furthest_end(observed: &Observed, now: Timestamp) -> Timestamp {
    let span = observed.settings.consistency_window;
    later(later(now, span), span)
}

/// The record with a shorter window, where the recorded end is further ahead than the operator ever sets it: status was
/// edited, or a clock was wrong (rule 15). An open operation is abandoned by the same write.
pub(crate) fn shortened(observed: &Observed, now: Timestamp) -> Option<Record> {
    let record = &observed.resource.record;
    let furthest = whole_second(furthest_end(observed, now));
    if is_believable(record.window.as_ref()?.end, SignedDuration::ZERO, furthest) {
        return None;
    }
    let (closed, open) = match &record.operation {
        Some(operation) => (operation.epoch, window(observed, operation, now)),
        None => (record.closed, record.window.clone()),
    };
    Some(Record {
        operation: None,
        closed,
        window: open.map(|window| Window { end: furthest, ..window }),
        ..record.clone()
    })
}

/// The reset that may still land when this operation is over, if it is one of the credential that is then current (rule
/// 14).
pub(crate) fn reset_in_doubt(
    observed: &Observed,
    operation: &Operation,
    current: Option<&CredentialId>,
    now: Timestamp,
) -> Option<ResetInDoubt> {
    let until = whole_second(later(now, observed.settings.consistency_window));
    let own = match &operation.means {
        Means::Reset(id) if operation.is_taken_over() => Some(ResetInDoubt { id: id.clone(), until }),
        Means::Reset(_) | Means::Create => None,
    };
    // A reset that began after `until` has ended the doubt. An `until` too far ahead would cause one reset after
    // another, so it is cut to what it would be now.
    let earlier = observed.resource.record.reset_in_doubt.clone().filter(|earlier| match operation.means {
        Means::Reset(_) => operation.from < earlier.until,
        Means::Create => true,
    });
    let earlier = earlier.map(|earlier| ResetInDoubt { until: earlier.until.min(until), ..earlier });
    own.or(earlier).filter(|doubt| current == Some(&doubt.id))
}

/// When the last reset is due that ends a doubt about the current credential.
pub(crate) fn doubt_ends_at(record: &Record) -> Option<Timestamp> {
    let doubt = record.reset_in_doubt.as_ref()?;
    (Some(&doubt.id) == record.current_id()).then_some(doubt.until)
}

/// Whether that reset is due: at its time, or at once where that time cannot be right (rule 15).
pub(crate) fn last_reset_is_due(observed: &Observed, now: Timestamp) -> bool {
    let span = observed.settings.consistency_window;
    doubt_ends_at(&observed.resource.record).is_some_and(|end| end <= now || !is_believable(end, span, now))
}
