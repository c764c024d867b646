//! The schedule, the stages of a replaced credential, and what its owner can do about them.

use jiff::{SignedDuration, Timestamp};

use crate::world::{CONSISTENCY_WINDOW, Fault, OVERLAP, World, id};
use keyspaces_credential_protocol::*;

const INTERVAL: SignedDuration = SignedDuration::from_hours(720);

#[test]
fn a_schedule_rotates_once_however_many_times_were_missed() {
    let mut world = World::ready();
    world.resource.rotation.interval = Some(INTERVAL);
    world.run();
    assert_eq!(world.published(), Some(id(1)), "it is not yet due");
    world.pass_time(INTERVAL * 5);
    let done = world.run();
    assert!(done.contains(&"Begin(2, Scheduled)".to_owned()), "{done:?}");
    world.run_for(INTERVAL - INTERVAL / 5);
    assert_eq!((world.published(), world.next_id), (Some(id(2)), 3), "and not again before its next time");
}

#[test]
fn a_record_from_the_future_costs_one_rotation() {
    let mut world = World::ready();
    world.resource.rotation.interval = Some(INTERVAL);
    world.resource.record.rotated_at = Some(world.now + INTERVAL * 100);
    world.run();
    assert_eq!(world.published(), Some(id(2)));
    world.run_for(INTERVAL / 2);
    assert_eq!(world.next_id, 3);
}

#[test]
fn a_replaced_credential_is_switched_off_then_recorded_then_deleted() {
    let mut world = World::rotated();
    world.resource.rotation.inactive_for = OVERLAP;
    world.pass_time(OVERLAP);
    let off = ["ReadGrant", "ReadClaims", "ReadSecret", "Deactivate", "MarkInactive", "Wait(Ready/Published)"];
    assert_eq!(world.run(), off);
    assert_eq!(world.ids(), [id(1), id(2)].into());
    world.pass_time(OVERLAP);
    world.run();
    assert_eq!(world.ids(), [id(2)].into());
}

#[test]
fn the_user_is_told_until_when_the_replaced_credential_works() {
    let mut world = World::rotated();
    let until = world.record().retiring.as_ref().unwrap().since + OVERLAP;
    let told = world.reported().message;
    assert!(told.contains(&format!("works until {until}")), "{told}");
    world.resource.rotation.inactive_for = OVERLAP;
    world.now = until;
    world.run();
    let told = world.reported().message;
    assert!(!told.contains("works until"), "{told}");
}

#[test]
fn the_owner_ends_an_overlap_by_naming_the_credential_and_no_other() {
    let mut world = World::rotated();
    world.resource.retire = Some(id(2).to_string());
    world.run();
    assert_eq!(world.ids(), [id(1), id(2)].into());
    world.resource.retire = Some(id(1).to_string());
    world.run();
    assert_eq!(world.ids(), [id(2)].into());
}

#[test]
fn a_foreign_credential_makes_room_only_by_leave_and_the_oldest_first() {
    let mut world = World::new();
    for (number, age) in [(8, 1), (9, 2)] {
        let created_at = world.now - SignedDuration::from_hours(age);
        world.iam.push(Listed { id: id(number), created_at, usable: Usable::Yes });
    }
    assert_eq!(world.run().last().unwrap(), "Wait(Stalled/NoFreeSlot)");
    assert!(world.deleted.is_empty());
    world.resource.foreign = ForeignPolicy::Delete;
    world.run();
    assert_eq!(world.deleted, [id(9)]);
    assert!(world.published().is_some() && world.ids().contains(&id(8)));
}

#[test]
fn a_former_secret_that_is_put_back_in_the_overlap_is_taken_as_a_rollback() {
    let mut world = World::ready();
    let former = world.secret();
    world.resource.rotate = Some("now".to_owned());
    world.run();
    world.put(former);
    world.run();
    assert_eq!(world.published(), Some(id(1)));
    assert_eq!(world.record().current.as_ref().map(|one| one.id.clone()), Some(id(1)));
    assert_eq!(world.record().retiring.as_ref().map(|one| one.id.clone()), Some(id(2)));
    assert!(world.deleted.is_empty(), "neither is destroyed");
    world.run_for(OVERLAP);
    assert_eq!(world.ids(), [id(1)].into());
    let issued_at = world.record().current.as_ref().map(|one| one.issued_at);
    assert_eq!(world.record().rotated_at, issued_at, "it is not younger for that");
}

#[test]
fn a_rollback_ends_what_was_recorded_of_the_credential_before() {
    let mut world = World::ready();
    let former = world.secret();
    world.resource.rotate = Some("now".to_owned());
    world.run();
    world.put(former);
    world.resource.record.reset_in_doubt = Some(ResetInDoubt { id: id(2), until: world.now + OVERLAP });
    world.resource.record.failures = Some(failed(None, Class::Transient, 7, world.now));
    world.resource.record.secret_name = None;
    world.resource.changed_since_failure = true;
    world.run();
    let record = world.record();
    assert_eq!(record.current_id(), Some(&id(1)));
    assert_eq!((&record.reset_in_doubt, &record.failures), (&None, &None));
    assert_eq!(record.secret_name.as_ref(), Some(world.resource.secret_name()));
}

#[test]
fn rotations_are_spread_by_whole_seconds_even_where_a_tenth_is_one() {
    let due_after = |seed| {
        let rotation =
            Rotation { interval: Some(SignedDuration::from_secs(10)), seed, ..World::new().resource.rotation };
        due(&rotation, Timestamp::UNIX_EPOCH).map(Timestamp::as_second)
    };
    let all: std::collections::BTreeSet<_> = (0..200).map(due_after).collect();
    assert_eq!(all, [Some(9), Some(10)].into());
}

#[test]
fn the_shortest_interval_is_not_much_longer_than_what_it_leaves_room_for() {
    let rotation = World::new().resource.rotation;
    let needed = (rotation.overlap + CONSISTENCY_WINDOW + CONSISTENCY_WINDOW).as_secs();
    let shortest = shortest_interval(&rotation, CONSISTENCY_WINDOW).as_secs();
    assert!(shortest * 9 / 10 > needed && shortest <= needed * 10 / 9 + 3, "{shortest} for {needed}");
}

#[test]
fn a_former_secret_that_is_put_back_during_an_operation_is_a_rollback_all_the_same() {
    let mut world = World::ready();
    let former = world.secret();
    world.resource.rotate = Some("now".to_owned());
    world.run();
    world.put(SecretFact::Absent);
    world.fault = Some(Fault::CrashAfter("Begin"));
    world.run_until_fault();
    world.put(former);
    world.run_for(OVERLAP * 2);
    assert_eq!((world.reason(), world.published(), world.ids()), (Reason::Published, Some(id(1)), [id(1)].into()));
    assert_eq!(world.next_id, 3, "nothing new was needed");
}

#[test]
fn a_secret_whose_credential_is_switched_off_is_recovered_though_it_was_put_back() {
    let mut world = World::ready();
    world.resource.rotation.inactive_for = OVERLAP * 10;
    let former = world.secret();
    world.resource.rotate = Some("now".to_owned());
    world.run_for(OVERLAP * 2);
    assert_eq!(world.record().retiring.as_ref().map(|one| one.stage), Some(RetiringStage::Inactive));
    world.put(former);
    let mut switched_on = world.clone();
    world.run();
    assert!(world.deleted.is_empty(), "it is believed only when List says so after the consistency window");
    world.run_for(CONSISTENCY_WINDOW);
    assert_eq!((world.reason(), world.published()), (Reason::Published, Some(id(3))));
    world.run_for(OVERLAP * 20);
    assert_eq!(world.ids(), [id(3)].into(), "nothing is left");

    // The same, but somebody has switched it on again, and List shows that late.
    switched_on.run();
    switched_on.iam.iter_mut().for_each(|listed| listed.usable = Usable::Yes);
    switched_on.run_for(CONSISTENCY_WINDOW);
    assert_eq!((switched_on.reason(), switched_on.published()), (Reason::Published, Some(id(1))));
    switched_on.run_for(OVERLAP * 20);
    assert_eq!((switched_on.ids(), switched_on.next_id), ([id(1)].into(), 3));
}

/// Where a step of this kind is.
fn first(steps: &[String], kind: &str) -> usize {
    steps.iter().position(|step| step.starts_with(kind)).unwrap_or_else(|| panic!("{kind} is not in {steps:?}"))
}

#[test]
fn what_has_to_make_room_goes_only_when_the_secret_would_be_accepted() {
    let mut lost_in_overlap = World::rotated();
    lost_in_overlap.put(SecretFact::Absent);
    let mut beside_foreign = World::ready();
    beside_foreign.add_foreign(9);
    beside_foreign.resource.foreign = ForeignPolicy::Delete;
    beside_foreign.resource.rotate = Some("now".to_owned());
    for mut world in [lost_in_overlap, beside_foreign] {
        let steps = world.run();
        let (trial, removal, creation) = (first(&steps, "DryRun"), first(&steps, "Delete"), first(&steps, "Create"));
        assert!(trial < removal && removal < creation, "{steps:?}");
        assert_eq!(world.reason(), Reason::Published);
    }
}
