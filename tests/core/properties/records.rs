//! What a write of the record changes, and what it leaves.

use super::*;

/// The record with the parts of another one that a change may touch.
fn with_what_changes(change: Change, before: &Record, after: &Record) -> Record {
    let mut may = before.clone();
    let Record { current, published_by, retiring, operation, closed, window, reset_in_doubt, secret_name, .. } =
        after.clone();
    match change {
        Change::Begin | Change::TakeOver => may.operation = operation,
        Change::CloseEarlier => may.closed = closed,
        Change::Accept => {
            (may.current, may.published_by, may.retiring, may.operation) = (current, published_by, retiring, operation);
            (may.closed, may.window, may.reset_in_doubt, may.secret_name) =
                (closed, window, reset_in_doubt, secret_name);
            (may.handled_rotate, may.rotated_at, may.failures) = (after.handled_rotate.clone(), after.rotated_at, None);
        }
        Change::Abandon => {
            (may.operation, may.closed, may.window, may.reset_in_doubt) = (operation, closed, window, reset_in_doubt);
        }
        Change::CloseWindow => may.window = None,
        Change::MarkInactive => may.retiring.iter_mut().for_each(|one| one.stage = RetiringStage::Inactive),
        Change::ForgetRetiring => may.retiring = None,
        Change::AnnounceCopy | Change::ForgetFormerSecret => may.former_secrets.clone_from(&after.former_secrets),
        Change::MoveSecret => {
            (may.secret_name, may.former_secrets) = (secret_name, after.former_secrets.clone());
        }
    }
    may
}

/// The times of a record.
fn times(record: &Record) -> Vec<Timestamp> {
    let mut times: Vec<_> = record.former_secrets.iter().map(|former| former.since).collect();
    times.extend(record.current.as_ref().map(|current| current.issued_at));
    times.extend(record.retiring.as_ref().map(|retiring| retiring.since));
    times.extend(record.operation.iter().flat_map(|operation| [operation.from, operation.attempted_at]));
    times.extend(record.window.iter().flat_map(|window| [window.from, window.end]));
    times.extend(record.reset_in_doubt.as_ref().map(|doubt| doubt.until));
    times.extend(record.rotated_at);
    times
}

#[test]
fn a_change_touches_its_own_part_of_the_record_and_writes_whole_seconds() {
    assert_of_moments(2_000, |observed, now| {
        let Some(Update { change, record: after, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        prop_assert!(
            times(&after).iter().all(|time| time.subsec_nanosecond() == 0 || *time == Timestamp::MAX),
            "{after:?}"
        );
        let before = &observed.resource.record;
        if times(before).iter().all(|time| time.subsec_nanosecond() == 0) {
            prop_assert_eq!(&after, &with_what_changes(change, before, &after), "{:?}", change);
        }
        prop_assert_ne!(&after, before, "{:?} changes nothing", change);
        Ok(true)
    });
}

#[test]
fn epochs_on_record_only_grow() {
    // Rule 4.
    assert_of_moments(2_000, |observed, now| {
        let Some(Update { change, record: after, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        let before = &observed.resource.record;
        let forged = before.operation.as_ref().is_some_and(|operation| operation.epoch < before.closed);
        prop_assert!(forged || after.closed >= before.closed, "{:?}: {} after {}", change, after.closed, before.closed);
        if let Change::Accept | Change::Abandon = change {
            let epoch = before.operation.as_ref().map_or(before.closed, |operation| operation.epoch);
            prop_assert_eq!((after.closed, &after.operation), (epoch, &None));
        }
        Ok(true)
    });
}

#[test]
fn what_is_accepted_is_what_the_secret_holds_and_what_it_replaces_retires() {
    // Rule 8.
    assert_of_moments(500, |observed, now| {
        let Some(Update { change: Change::Accept, record: after, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        let (resource, before) = (&observed.resource, &observed.resource.record);
        let published = observed.secret().and_then(SecretFact::published).expect("it was read");
        prop_assert_eq!(after.current_id(), Some(&published.credential.id));
        prop_assert_eq!(
            (after.published_by, after.secret_name.as_ref()),
            (Some(published.epoch), Some(resource.secret_name()))
        );
        let replaced = before.current_id().filter(|id| **id != published.credential.id);
        let rollback = before.operation.is_none();
        if rollback {
            prop_assert_eq!((before.retiring_id(), after.retiring_id()), (after.current_id(), before.current_id()));
        } else if before.retiring.is_none() {
            prop_assert_eq!(after.retiring_id(), replaced);
        }
        if let (Some(operation), Some(window)) = (&before.operation, &after.window) {
            prop_assert!(before.window.is_some() || operation.is_taken_over() && operation.means == Means::Create);
            prop_assert!(after.current_id().is_none_or(|id| window.baseline.contains(id)), "it would be a leftover");
            prop_assert!(after.retiring_id().is_none_or(|id| window.baseline.contains(id)), "it would be a leftover");
        }
        Ok(true)
    });
}

#[test]
fn an_attempt_of_unknown_outcome_leaves_a_window_of_twice_the_consistency_window() {
    // Rules 9, 12.
    assert_of_moments(100, |observed, now| {
        let before = &observed.resource.record;
        let Some(operation) = before.operation.as_ref().filter(|one| one.is_taken_over() && one.means == Means::Create)
        else {
            return Ok(false);
        };
        let Some(Update { change: change @ (Change::Accept | Change::Abandon), record: after, .. }) =
            update(decide(observed, now))
        else {
            return Ok(false);
        };
        let window = after.window.clone().expect("it is open");
        let end = whole_second(later(now, CONSISTENCY_WINDOW * 2));
        prop_assert_eq!((window.epoch, window.end), (operation.epoch, end));
        prop_assert!(window.from <= operation.from);
        let earlier = before.window.as_ref();
        // What either covers: an id that one of them does not know may be a leftover.
        let known_to_both = |id: &&CredentialId| earlier.is_none_or(|earlier| earlier.baseline.contains(*id));
        let mut known: std::collections::BTreeSet<_> =
            operation.baseline.iter().filter(known_to_both).cloned().collect();
        if change == Change::Accept {
            known.extend([after.current_id(), after.retiring_id()].into_iter().flatten().cloned());
        }
        prop_assert_eq!(&window.baseline, &known);
        prop_assert!(earlier.is_none_or(|earlier| window.from <= earlier.from));
        Ok(true)
    });
}

#[test]
fn a_reset_of_unknown_outcome_leaves_a_doubt_about_the_current_credential_only() {
    // Rule 14.
    assert_of_moments(10, |observed, now| {
        let Some(Update { change: Change::Accept | Change::Abandon, record: after, .. }) =
            update(decide(observed, now))
        else {
            return Ok(false);
        };
        let until = whole_second(later(now, CONSISTENCY_WINDOW));
        let furthest = whole_second(later(now, CONSISTENCY_WINDOW * 2));
        let window = observed.resource.record.window.as_ref();
        if window.is_some_and(|window| !is_believable(window.end, SignedDuration::ZERO, furthest)) {
            // Its end is what is corrected (rule 15).
            return Ok(false);
        }
        let operation = observed.resource.record.operation.as_ref();
        if let Some(doubt) = &after.reset_in_doubt {
            prop_assert!(operation.is_none() || Some(&doubt.id) == after.current_id());
            prop_assert!(operation.is_none() || doubt.until <= until);
        }
        let Some(Operation { means: Means::Reset(id), .. }) = operation.filter(|one| one.is_taken_over()) else {
            return Ok(false);
        };
        let doubt = after.reset_in_doubt.as_ref().map(|doubt| (&doubt.id, doubt.until));
        prop_assert_eq!(doubt, (Some(id) == after.current_id()).then_some((id, until)));
        Ok(true)
    });
}

#[test]
fn a_window_is_closed_only_by_a_listing_that_was_taken_after_its_end() {
    // Rule 12.
    assert_of_moments(100, |observed, now| {
        let Some(Update { change: Change::CloseWindow, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        let window = observed.resource.record.window.as_ref().expect("it is open");
        prop_assert!(observed.listing.as_ref().is_some_and(|listing| listing.taken_at >= window.end));
        Ok(true)
    });
}

#[test]
fn the_retiring_credential_is_forgotten_only_when_it_is_gone_or_in_use() {
    // Rule 11.
    assert_of_moments(200, |observed, now| {
        let Some(Update { change, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        let record = &observed.resource.record;
        match (change, record.retiring_id()) {
            (Change::ForgetRetiring, Some(id)) => {
                let in_use = Some(id) == record.current_id() || Some(id) == published_id(observed);
                prop_assert!(in_use || observed.deleted.contains(id));
            }
            (Change::MarkInactive, Some(id)) => prop_assert!(observed.deactivated.contains(id)),
            _ => return Ok(false),
        }
        Ok(true)
    });
}
