//! What is deleted in IAM, in which order, and what must be certain before.

use super::*;

fn deletes(observed: &Observed, now: Timestamp) -> Option<(CredentialId, Disposal)> {
    match decide(observed, now) {
        Step::DeleteCredential(id, disposal) => Some((id, disposal)),
        _ => None,
    }
}

#[test]
fn what_the_secret_holds_and_what_is_current_is_deleted_only_with_its_resource() {
    // Rule 11.
    assert_of_moments(500, |observed, now| {
        let Some((id, disposal)) = deletes(observed, now) else {
            return Ok(false);
        };
        let resource = &observed.resource;
        let deleted = resource.deleting && resource.deletion_policy == DeletionPolicy::Delete;
        prop_assert_eq!(disposal == Disposal::ResourceDeleted, deleted && disposal != Disposal::Leftover);
        if disposal != Disposal::ResourceDeleted {
            prop_assert!(Some(&id) != resource.record.current_id(), "{id} is current");
            // What was put back and does not log in is no loss.
            let put_back = disposal == Disposal::Retired && Some(&id) == resource.record.retiring_id();
            prop_assert!(put_back || Some(&id) != published_id(observed), "{id} is published");
        }
        prop_assert!(!observed.deleted.contains(&id), "{id} was deleted already");
        Ok(true)
    });
}

/// Whether an id can be a leftover of these ids and times (rule 9).
fn is_inside(observed: &Observed, id: &CredentialId) -> bool {
    let resource = &observed.resource;
    let Some(listed) = observed.listed().find(|listed| listed.id == *id) else {
        return false;
    };
    let since = |from: Timestamp| listed.created_at >= earlier(from.max(resource.created_at), CLOCK_SKEW);
    let by_window = resource.record.window.as_ref().is_some_and(|window| {
        !window.baseline.contains(id) && since(window.from) && listed.created_at <= later(window.end, CLOCK_SKEW)
    });
    let by_operation = resource.record.operation.as_ref().is_some_and(|operation| {
        operation.epoch > operation.first_epoch
            && operation.means == Means::Create
            && !operation.baseline.contains(id)
            && since(operation.from)
    });
    by_window || by_operation
}

#[test]
fn a_leftover_was_created_inside_a_window_and_nobody_can_still_publish_it() {
    // Rules 9, 10.
    assert_of_moments(100, |observed, now| {
        let Some((id, Disposal::Leftover)) = deletes(observed, now) else {
            return Ok(false);
        };
        let record = &observed.resource.record;
        let in_hand = record.operation.is_none() && observed.memory.in_hand() == Some(&id);
        if let Some(SecretFact::Ours(secret)) = observed.secret().filter(|_| in_hand && !observed.resource.deleting) {
            let attempt = observed.memory.attempt.as_ref().map(|attempt| attempt.epoch).unwrap_or_default();
            if record.current.is_some() && secret.published.is_some() || secret.fence > attempt {
                // This process knows that its own write can no longer land.
                return Ok(false);
            }
        }
        prop_assert!(is_inside(observed, &id), "{id} is not inside a window");
        let listing = observed.listing.as_ref().expect("it was listed");
        prop_assert!(listing.confirmed);
        let by_operation =
            record.operation.as_ref().filter(|operation| operation.is_taken_over() && operation.means == Means::Create);
        let (epoch, attempted_at) = match (by_operation, &record.window) {
            (Some(operation), _) => (operation.epoch, operation.attempted_at),
            (None, Some(window)) => {
                (record.operation.as_ref().map_or(window.epoch, |operation| operation.epoch), window.end)
            }
            (None, None) => return Err(proptest::test_runner::TestCaseError::fail("no window")),
        };
        let given_up = later(later(attempted_at, HOLD), HOLD);
        match observed.secret() {
            Some(SecretFact::Ours(secret)) => prop_assert!(secret.fence >= epoch, "{epoch} is not on the Secret"),
            Some(SecretFact::Absent) if by_operation.is_some() => {
                prop_assert!(now >= given_up && listing.taken_at >= given_up);
                prop_assert!(record.closed.next() >= epoch, "what lands late would be accepted");
            }
            _ => {}
        }
        Ok(true)
    });
}

#[test]
fn what_a_better_right_calls_its_own_or_is_older_than_the_resource_is_not_deleted_on_the_word_of_status() {
    // Rules 2, 9.
    assert_of_moments(500, |observed, now| {
        let Some((id, disposal)) = deletes(observed, now) else {
            return Ok(false);
        };
        // What this process holds was created by it; status has no part in that.
        if observed.memory.in_hand() == Some(&id) && disposal != Disposal::ResourceDeleted {
            return Ok(false);
        }
        if let Some(Claim::Lost { theirs, .. }) = &observed.claim {
            prop_assert!(!theirs.contains(&id), "{id} is theirs");
        }
        if disposal == Disposal::Leftover {
            let oldest = earlier(observed.resource.created_at, CLOCK_SKEW);
            prop_assert!(observed.listed().any(|listed| listed.id == id && listed.created_at >= oldest), "{id}");
        }
        Ok(true)
    });
}

/// Whether the slot of a credential is needed: an operation of this process that creates, behind its dry run.
fn needs_a_slot(observed: &Observed) -> bool {
    let creates = observed.resource.record.operation.as_ref().is_some_and(|operation| operation.means == Means::Create);
    creates && own_stage(observed) == Some(&Stage::DryRun) && observed.listing.is_some()
}

#[test]
fn the_retiring_credential_goes_at_its_time_or_when_its_slot_is_needed_or_its_owner_says_so() {
    // Rule 11.
    assert_of_moments(200, |observed, now| {
        let Some((id, Disposal::Retired)) = deletes(observed, now) else {
            return Ok(false);
        };
        let resource = &observed.resource;
        let retiring = resource.record.retiring.as_ref().expect("it is on record");
        prop_assert_eq!(&id, &retiring.id);
        let rotation = &resource.rotation;
        let gone_at = later(later(retiring.since, rotation.overlap), rotation.inactive_for);
        let asked = resource.retire.as_deref() == Some(id.as_str());
        prop_assert!(gone_at <= now || asked || needs_a_slot(observed), "{gone_at}");
        Ok(true)
    });
}

#[test]
fn a_foreign_credential_goes_only_by_leave_behind_the_dry_run_and_the_oldest_first() {
    // Rules 5, 11.
    assert_of_moments(20, |observed, now| {
        let Some((id, Disposal::Foreign)) = deletes(observed, now) else {
            return Ok(false);
        };
        prop_assert_eq!(observed.resource.foreign, ForeignPolicy::Delete);
        prop_assert!(needs_a_slot(observed) && observed.listing.as_ref().is_some_and(|listing| listing.confirmed));
        prop_assert!(observed.listed().count() >= 2, "there is a slot");
        let ours = ours(observed);
        prop_assert!(!ours.contains(&&id), "{id} is ours");
        let theirs =
            |id: &CredentialId| matches!(&observed.claim, Some(Claim::Lost { theirs, .. }) if theirs.contains(id));
        let foreign = observed.listed().filter(|listed| !ours.contains(&&listed.id) && !theirs(&listed.id));
        let oldest = foreign.map(|listed| listed.created_at).min();
        prop_assert_eq!(observed.listed().find(|listed| listed.id == id).map(|listed| listed.created_at), oldest);
        Ok(true)
    });
}

#[test]
fn a_credential_is_switched_off_only_when_its_overlap_is_over() {
    // Rule 11.
    assert_of_moments(20, |observed, now| {
        let Step::Deactivate(id) = decide(observed, now) else {
            return Ok(false);
        };
        let resource = &observed.resource;
        let retiring = resource.record.retiring.as_ref().expect("it is on record");
        prop_assert_eq!((&id, retiring.stage), (&retiring.id, RetiringStage::Active));
        prop_assert!(later(retiring.since, resource.rotation.overlap) <= now);
        prop_assert!(resource.record.operation.is_none());
        Ok(true)
    });
}

#[test]
fn a_resource_is_let_go_only_when_iam_is_as_its_policy_says() {
    // Rule 13.
    assert_of_moments(50, |observed, now| {
        let step = decide(observed, now);
        if !matches!(step, Step::RemoveFinalizer | Step::ReleaseSecret) {
            return Ok(false);
        }
        let resource = &observed.resource;
        let record = &resource.record;
        let retains = resource.deletion_policy == DeletionPolicy::Retain;
        prop_assert!(resource.deleting && resource.finalizer);
        prop_assert_eq!(
            matches!(step, Step::ReleaseSecret),
            retains && matches!(observed.secret(), Some(SecretFact::Ours(_)))
        );
        let theirs =
            |id: &CredentialId| matches!(&observed.claim, Some(Claim::Lost { theirs, .. }) if theirs.contains(id));
        let mut ours = [record.current_id(), record.retiring_id(), observed.memory.in_hand()].into_iter().flatten();
        prop_assert!(
            retains || ours.all(|id| observed.deleted.contains(id) || theirs(id)),
            "something of ours is left"
        );
        let creates = record.operation.as_ref().is_some_and(|operation| operation.means == Means::Create);
        prop_assert!(
            !retains || !creates || !matches!(own_stage(observed), Some(Stage::InHand { .. })),
            "it is left in IAM"
        );
        let taken_at = observed.listing.as_ref().map(|listing| listing.taken_at);
        if let Some(window) = &record.window {
            prop_assert!(taken_at >= Some(window.end), "the window is open");
        }
        if let Some(operation) =
            record.operation.as_ref().filter(|one| one.is_taken_over() && one.means == Means::Create)
        {
            let end = later(later(operation.attempted_at, HOLD), CONSISTENCY_WINDOW * 2);
            prop_assert!(
                own_stage(observed).is_some() && taken_at >= Some(end),
                "an attempt may leave something behind"
            );
        }
        if taken_at.is_some() && (record.window.is_some() || record.operation.is_some()) {
            let left = observed.listed().find(|listed| {
                is_inside(observed, &listed.id) && !self::ours(observed).contains(&&listed.id) && !theirs(&listed.id)
            });
            prop_assert!(left.is_none(), "a leftover is left: {left:?}");
        }
        Ok(true)
    });
}

#[test]
fn a_deleted_resource_creates_nothing() {
    // Rule 13.
    assert_of_moments(500, |observed, now| {
        if !observed.resource.deleting {
            return Ok(false);
        }
        let record = &observed.resource.record;
        let resets = record.operation.as_ref().is_some_and(|operation| operation.means != Means::Create);
        let retains = observed.resource.deletion_policy == DeletionPolicy::Retain;
        match decide(observed, now) {
            Step::DryRun(_) | Step::Publish(_) | Step::Reset(..) => prop_assert!(resets && retains),
            Step::Create(_)
            | Step::Render
            | Step::CopySecret
            | Step::DeleteFormerSecret(_)
            | Step::Deactivate(_)
            | Step::Resync => {
                prop_assert!(false, "{:?}", decide(observed, now));
            }
            Step::Record(update) if update.change == Change::Begin => {
                prop_assert!(
                    retains
                        && update.record.operation.is_some_and(|operation| operation.purpose == Purpose::ResetInDoubt)
                );
            }
            _ => {}
        }
        Ok(true)
    });
}
