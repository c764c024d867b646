//! Attempts: the intent, Create, Reset, epochs and the password in hand.

use super::*;

#[test]
fn create_needs_an_intent_of_this_process_a_dry_run_and_a_slot() {
    // Rules 2, 3, 5, 6.
    assert_of_moments(500, |observed, now| {
        let Step::Create(epoch) = decide(observed, now) else {
            return Ok(false);
        };
        let operation = observed.resource.record.operation.as_ref().expect("it is recorded");
        prop_assert_eq!(&observed.memory.attempt, &Some(Attempt { epoch, stage: Stage::DryRun }));
        prop_assert_eq!((operation.epoch, &operation.means), (epoch, &Means::Create));
        prop_assert_eq!(&observed.claim, &Some(Claim::Won));
        prop_assert_eq!(&observed.grant, &Some(Grant::Granted));
        prop_assert!(observed.listing.is_some() && observed.listed().count() < 2);
        prop_assert!(!observed.resource.deleting && !observed.resource.suspended);
        prop_assert!(fence(observed) <= epoch, "what is created could not be published");
        Ok(true)
    });
}

#[test]
fn nothing_is_created_or_reset_while_the_secret_holds_what_the_operation_published() {
    // Rule 8.
    assert_of_moments(500, |observed, now| {
        let record = &observed.resource.record;
        let (Some(operation), Some(published)) = (&record.operation, observed.secret().and_then(SecretFact::published))
        else {
            return Ok(false);
        };
        if published.epoch <= record.closed || published.epoch > operation.epoch {
            return Ok(false);
        }
        let step = decide(observed, now);
        let replaces = matches!(step, Step::Create(_) | Step::Reset(..) | Step::Publish(_) | Step::DryRun(_));
        prop_assert!(
            !replaces
                && !matches!(
                    step,
                    Step::DeleteCredential(_, Disposal::Leftover | Disposal::Retired | Disposal::Foreign)
                )
        );
        Ok(true)
    });
}

#[test]
fn only_the_current_credential_is_reset_and_only_by_intent() {
    // Rules 3, 5, 14.
    assert_of_moments(50, |observed, now| {
        let Step::Reset(epoch, id) = decide(observed, now) else {
            return Ok(false);
        };
        let operation = observed.resource.record.operation.clone().expect("it is recorded");
        prop_assert_eq!(&observed.memory.attempt, &Some(Attempt { epoch, stage: Stage::DryRun }));
        prop_assert_eq!((operation.epoch, &operation.means), (epoch, &Means::Reset(id.clone())));
        prop_assert_eq!(published_id(observed), Some(&id));
        prop_assert_eq!(observed.resource.record.current_id(), Some(&id));
        prop_assert!(observed.listed().any(|listed| listed.id == id && listed.usable == Usable::Yes));
        prop_assert!(
            !operation.is_taken_over() || fence(observed) >= epoch,
            "an earlier password could still be published"
        );
        Ok(true)
    });
}

#[test]
fn a_reset_begins_only_in_place_and_never_to_recover() {
    // Rule 14.
    assert_of_moments(50, |observed, now| {
        let Some(Update { change: Change::Begin, record, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        let operation = record.operation.expect("it begins");
        let asked = matches!(operation.purpose, Purpose::Requested | Purpose::Scheduled | Purpose::ResetInDoubt);
        let in_place = observed.resource.rotation.strategy == Strategy::InPlace;
        prop_assert_eq!(matches!(operation.means, Means::Reset(_)), asked && in_place);
        let Means::Reset(id) = &operation.means else {
            return Ok(false);
        };
        prop_assert_eq!(Some(id), published_id(observed));
        prop_assert!(operation.purpose == Purpose::ResetInDoubt || observed.resource.record.former_secrets.is_empty());
        Ok(true)
    });
}

#[test]
fn an_operation_begins_behind_a_listing_and_the_finalizer_and_its_baseline_is_what_was_listed() {
    // Rules 3, 9, 13.
    assert_of_moments(500, |observed, now| {
        let Some(Update { change: Change::Begin, record, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        let operation = record.operation.expect("it begins");
        prop_assert!(observed.listing.is_some() && observed.resource.finalizer);
        prop_assert!(observed.resource.record.operation.is_none());
        prop_assert!(
            operation
                .baseline
                .iter()
                .eq(observed.listed().map(|listed| &listed.id).collect::<std::collections::BTreeSet<_>>())
        );
        prop_assert_eq!(operation.first_epoch, operation.epoch);
        prop_assert_eq!(
            (&operation.secret_name, &operation.rotate),
            (observed.resource.secret_name(), &observed.resource.rotate)
        );
        prop_assert!(operation.from <= now && operation.attempted_at >= now, "{operation:?}");
        prop_assert_eq!(observed.claim.clone().unwrap_or(Claim::Won), Claim::Won);
        Ok(true)
    });
}

#[test]
fn a_new_attempt_has_an_epoch_above_all_that_is_known() {
    // Rules 4, 7.
    assert_of_moments(1_000, |observed, now| {
        let Some(Update { change: change @ (Change::Begin | Change::TakeOver), record, .. }) =
            update(decide(observed, now))
        else {
            return Ok(false);
        };
        let (operation, before) = (record.operation.expect("it begins"), &observed.resource.record);
        prop_assert!(operation.epoch > before.closed && operation.epoch > fence(observed), "{operation:?}");
        prop_assert_eq!(change == Change::TakeOver, before.operation.is_some());
        prop_assert_eq!(operation.attempted_at, whole_second(now), "others give way from now on");
        if let Some(before) = &before.operation {
            prop_assert!(operation.epoch > before.epoch);
            prop_assert_eq!((operation.first_epoch, &operation.baseline), (before.first_epoch, &before.baseline));
            prop_assert_eq!((operation.purpose, &operation.means), (before.purpose, &before.means));
            prop_assert!(
                operation.from <= before.from
                    && before.from.duration_since(operation.from) < SignedDuration::from_secs(1)
            );
        }
        Ok(true)
    });
}

#[test]
fn an_attempt_is_continued_only_by_the_process_that_began_it() {
    // Rule 4.
    assert_of_moments(2_000, |observed, now| {
        let step = decide(observed, now);
        let (Step::DryRun(epoch) | Step::Create(epoch) | Step::Reset(epoch, _) | Step::Publish(epoch)) = step else {
            return Ok(false);
        };
        prop_assert!(own_stage(observed).is_some(), "{step:?}");
        prop_assert_eq!(observed.resource.record.operation.as_ref().map(|operation| operation.epoch), Some(epoch));
        Ok(true)
    });
}

#[test]
fn a_password_is_published_only_with_the_right_to_it_and_given_up_before_the_hold_time_ends() {
    // Rule 7.
    assert_of_moments(1_000, |observed, now| {
        let Some(Stage::InHand { since, .. }) = own_stage(observed) else {
            return Ok(false);
        };
        let step = decide(observed, now);
        let too_late = now >= later(*since, HOLD / 2);
        prop_assert!(!too_late || !matches!(step, Step::Publish(_)), "it is held for too long");
        let goes_on = matches!(step, Step::Create(_) | Step::Reset(..) | Step::DryRun(_));
        prop_assert!(!goes_on && (observed.resource.deleting || step != Step::ListCredentials), "{step:?}");
        if let Step::Publish(epoch) = step {
            prop_assert!(fence(observed) <= epoch);
            let writable = match observed.secret() {
                Some(SecretFact::Ours(ours)) => !ours.immutable,
                secret => secret == Some(&SecretFact::Absent),
            };
            prop_assert!(writable);
        }
        Ok(true)
    });
}

#[test]
fn a_process_that_was_taken_over_from_gives_way_for_the_hold_time() {
    // Rule 4.
    assert_of_moments(50, |observed, now| {
        let resource = &observed.resource;
        let (Some(operation), Some(attempt)) = (&resource.record.operation, &observed.memory.attempt) else {
            return Ok(false);
        };
        let earlier = operation.first_epoch <= attempt.epoch && attempt.epoch < operation.epoch;
        let recent = operation.attempted_at <= now && now < later(operation.attempted_at, HOLD);
        if !earlier || !recent || resource.deleting {
            return Ok(false);
        }
        let taken_over = update(decide(observed, now)).is_some_and(|update| update.change == Change::TakeOver);
        prop_assert!(!taken_over);
        Ok(true)
    });
}

#[test]
fn a_process_that_has_to_wait_for_an_absent_secret_and_a_slot_has_three_times_the_hold_time() {
    // Rules 4, 10.
    assert_of_moments(50, |observed, now| {
        let (resource, record) = (&observed.resource, &observed.resource.record);
        let Some(operation) = record.operation.as_ref().filter(|one| one.is_taken_over() && one.means == Means::Create)
        else {
            return Ok(false);
        };
        let known = observed.grant.is_some() && observed.claim.is_some() && observed.listing.is_some();
        let recent = operation.attempted_at <= now && now < later(operation.attempted_at, HOLD * 3);
        if own_stage(observed).is_some() || !known || !recent || resource.deleting || resource.suspended {
            return Ok(false);
        }
        let takes_over = update(decide(observed, now)).is_some_and(|update| update.change == Change::TakeOver);
        let waits = matches!(decide(observed, now), Step::Wait { report: Some(_), .. });
        if observed.secret() == Some(&SecretFact::Absent) && observed.listed().count() >= 2 {
            prop_assert!(!takes_over);
        } else {
            prop_assert!(!waits);
        }
        Ok(observed.secret() == Some(&SecretFact::Absent))
    });
}
