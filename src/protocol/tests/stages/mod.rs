//! The schedule, the stages of a replaced credential, and what its owner can do about them.

use jiff::SignedDuration;

use super::world::{Fault, OVERLAP, SETTLE, World, id};
use crate::*;

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
    world.resource.recorded.rotated_at = Some(world.now + INTERVAL * 100);
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
    let off = ["ReadGrant", "ReadClaims", "ReadSecret", "Deactivate", "RecordInactive", "Wait(Ready/Published)"];
    assert_eq!(world.run(), off);
    assert_eq!(world.ids(), [id(1), id(2)].into());
    world.pass_time(OVERLAP);
    world.run();
    assert_eq!(world.ids(), [id(2)].into());
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
    let former = world.secret.clone();
    world.resource.rotate = Some("now".to_owned());
    world.run();
    world.secret = former;
    world.run();
    assert_eq!(world.published(), Some(id(1)));
    assert_eq!(world.recorded().credential.as_ref().map(|one| one.id.clone()), Some(id(1)));
    assert_eq!(world.recorded().retiring.as_ref().map(|one| one.id.clone()), Some(id(2)));
    assert!(world.deleted.is_empty(), "neither is destroyed");
    world.run_for(OVERLAP);
    assert_eq!(world.ids(), [id(1)].into());
    let issued_at = world.recorded().credential.as_ref().map(|one| one.issued_at);
    assert_eq!(world.recorded().rotated_at, issued_at, "it is not younger for that");
}

#[test]
fn a_former_secret_that_is_put_back_during_an_operation_is_a_rollback_all_the_same() {
    let mut world = World::ready();
    let former = world.secret.clone();
    world.resource.rotate = Some("now".to_owned());
    world.run();
    world.secret = SecretFact::Absent;
    world.fault = Some(Fault::CrashAfter("Begin"));
    world.run_until_fault();
    world.secret = former;
    world.run_for(OVERLAP * 2);
    assert_eq!((world.reason(), world.published(), world.ids()), (Reason::Published, Some(id(1)), [id(1)].into()));
    assert_eq!(world.next_id, 3, "nothing new was needed");
}

#[test]
fn a_secret_whose_credential_is_switched_off_is_healed_though_it_was_put_back() {
    let mut world = World::ready();
    world.resource.rotation.inactive_for = OVERLAP * 10;
    let former = world.secret.clone();
    world.resource.rotate = Some("now".to_owned());
    world.run_for(OVERLAP * 2);
    assert_eq!(world.recorded().retiring.as_ref().map(|one| one.stage), Some(RetiringStage::Inactive));
    world.secret = former;
    let mut switched_on = world.clone();
    world.run();
    assert!(world.deleted.is_empty(), "it is believed only when List says so after the settle time");
    world.run_for(SETTLE);
    assert_eq!((world.reason(), world.published()), (Reason::Published, Some(id(3))));
    world.run_for(OVERLAP * 20);
    assert_eq!(world.ids(), [id(3)].into(), "nothing is left");

    // The same, but somebody has switched it on again, and List shows that late.
    switched_on.run();
    switched_on.iam.iter_mut().for_each(|listed| listed.usable = Usable::Yes);
    switched_on.run_for(SETTLE);
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
    lost_in_overlap.secret = SecretFact::Absent;
    let mut beside_foreign = World::ready();
    beside_foreign.add_foreign(9);
    beside_foreign.resource.foreign = ForeignPolicy::Delete;
    beside_foreign.resource.rotate = Some("now".to_owned());
    for mut world in [lost_in_overlap, beside_foreign] {
        let steps = world.run();
        let (trial, removal, creation) = (first(&steps, "Preflight"), first(&steps, "Delete"), first(&steps, "Create"));
        assert!(trial < removal && removal < creation, "{steps:?}");
        assert_eq!(world.reason(), Reason::Published);
    }
}
