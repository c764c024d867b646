//! A quiet life: created, rotated, recovered, nothing failing.

use jiff::SignedDuration;

use crate::world::{CONSISTENCY_WINDOW, HOLD, OVERLAP, RESYNC, World, id, secret_name};
use keyspaces_credential_protocol::*;

const AFTER_CREATE: [&str; 5] = ["ReadGrant", "ReadClaims", "ReadSecret", "Publish", "Accept"];

#[test]
fn a_fresh_resource_takes_these_steps_and_no_other() {
    let mut world = World::new();
    let mut expected =
        vec!["ReadGrant", "ReadClaims", "ReadSecret", "List", "AddFinalizer", "Begin(1, First)", "ReadClaims"];
    expected.extend(["DryRun", "Create"]);
    expected.extend(AFTER_CREATE);
    expected.push("Wait(Ready/Published)");
    assert_eq!(world.run(), expected);
    assert_eq!(world.published(), Some(id(1)));
    assert_eq!(world.record().closed, Epoch(1));
    assert_eq!(world.record().window, None);
    assert_eq!(world.memory.attempt, None);
}

#[test]
fn a_quiet_resource_lists_once_per_resync_and_writes_nothing() {
    let mut world = World::ready();
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Wait(Ready/Published)"]);
    let until = world.wait().0.unwrap();
    assert!(until <= world.now + RESYNC, "{until}");
    world.now = until;
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "List", "Wait(Ready/Published)"]);
}

#[test]
fn a_new_value_of_the_annotation_is_one_rotation() {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    let mut expected =
        vec!["ReadGrant", "ReadClaims", "ReadSecret", "List", "Begin(2, Requested)", "ReadClaims", "DryRun"];
    expected.push("Create");
    expected.extend(AFTER_CREATE);
    expected.push("Wait(Ready/Published)");
    assert_eq!(world.run(), expected);
    assert_eq!(world.published(), Some(id(2)));
    assert_eq!(world.record().retiring.as_ref().map(|retiring| &retiring.id), Some(&id(1)));
    assert_eq!(world.record().handled_rotate.as_deref(), Some("now"));
    assert_eq!(world.run().last().unwrap(), "Wait(Ready/Published)");
    assert_eq!(world.next_id, 3, "one rotation for one value");
}

#[test]
fn a_value_that_is_there_at_creation_counts_as_handled() {
    let mut world = World::new();
    world.resource.rotate = Some("early".to_owned());
    world.run_for(SignedDuration::from_hours(24));
    assert_eq!(world.record().handled_rotate.as_deref(), Some("early"));
    assert_eq!(world.next_id, 2, "one Create");
}

#[test]
fn a_removed_annotation_asks_for_nothing_and_the_same_value_again_neither() {
    let mut world = World::rotated();
    world.run_for(OVERLAP);
    for value in [None, Some("now".to_owned())] {
        world.resource.rotate = value;
        world.run_for(OVERLAP);
    }
    assert_eq!(world.next_id, 3);
}

#[test]
fn the_replaced_credential_goes_when_the_overlap_is_over() {
    let mut world = World::rotated();
    world.pass_time(OVERLAP - SignedDuration::from_secs(1));
    assert_eq!(world.run().last().unwrap(), "Wait(Ready/Published)");
    assert_eq!(world.ids(), [id(1), id(2)].into());
    world.pass_time(SignedDuration::from_secs(1));
    let ended =
        ["ReadGrant", "ReadClaims", "ReadSecret", "Delete(1, Retired)", "ForgetRetiring", "Wait(Ready/Published)"];
    assert_eq!(world.run(), ended);
    assert_eq!(world.ids(), [id(2)].into());
}

#[test]
fn a_rotation_asked_for_in_an_overlap_waits_says_so_and_then_happens() {
    let mut world = World::rotated();
    world.resource.rotate = Some("again".to_owned());
    assert_eq!(world.run().last().unwrap(), "Wait(Reconciling/RotationWaits)");
    world.run_for(OVERLAP);
    assert_eq!(world.published(), Some(id(3)));
    assert_eq!(world.record().handled_rotate.as_deref(), Some("again"));
}

#[test]
fn a_lost_secret_is_recovered_with_a_new_credential() {
    let mut world = World::ready();
    world.put(SecretFact::Absent);
    let done = world.run();
    assert!(done.contains(&"Begin(2, SecretLost)".to_owned()), "{done:?}");
    assert_eq!(world.published(), Some(id(2)));
    assert!(world.deleted.is_empty(), "clients may still hold the old password: it gets its overlap");
}

#[test]
fn a_damaged_secret_is_recovered_with_a_new_credential() {
    let mut world = World::ready();
    world.secret_mut().published = None;
    let done = world.run();
    assert!(done.contains(&"Begin(2, SecretDamaged)".to_owned()), "{done:?}");
    assert_eq!(world.published(), Some(id(2)));
}

#[test]
fn a_secret_lost_in_an_overlap_frees_the_retiring_slot_and_never_the_current_one_first() {
    let mut world = World::rotated();
    world.put(SecretFact::Absent);
    let done = world.run();
    let position = |step: &str| done.iter().position(|one| one == step);
    let freed = position("Delete(1, Retired)").unwrap();
    let (forgotten, created) = (position("ForgetRetiring").unwrap(), position("Create").unwrap());
    assert!(freed < forgotten && forgotten < created && position("Delete(2, Retired)").is_none(), "{done:?}");
    assert_eq!(world.published(), Some(id(3)));
    assert_eq!(world.ids(), [id(2), id(3)].into());
}

#[test]
fn a_credential_missing_in_iam_is_believed_gone_only_after_the_settle_time() {
    let mut world = World::ready();
    world.hidden.insert(id(1));
    world.pass_time(RESYNC);
    assert_eq!(world.run().last().unwrap(), "Wait(Reconciling/CredentialMissing)");
    assert_eq!(world.wait().0, Some(world.now + CONSISTENCY_WINDOW));
    world.hidden.clear();
    world.pass_time(CONSISTENCY_WINDOW);
    assert_eq!(world.run().last().unwrap(), "Wait(Ready/Published)");
    assert_eq!(world.next_id, 2, "List was late: nothing is replaced");

    world.iam.clear();
    world.pass_time(RESYNC);
    world.run();
    world.pass_time(CONSISTENCY_WINDOW);
    let done = world.run();
    assert!(done.contains(&"Begin(2, CredentialGone)".to_owned()), "{done:?}");
    assert_eq!(world.published(), Some(id(2)));
}

#[test]
fn a_credential_younger_than_the_settle_time_is_not_missed() {
    let mut world = World::new();
    world.run();
    world.hidden.insert(id(1));
    world.memory = Memory::default();
    assert_eq!(world.run().last().unwrap(), "Wait(Ready/Published)");
}

#[test]
fn an_inactive_credential_is_reported_and_neither_switched_on_nor_replaced() {
    let mut world = World::ready();
    world.iam[0].usable = Usable::No;
    world.pass_time(RESYNC);
    assert_eq!(world.run().last().unwrap(), "Wait(Stalled/CredentialInactive)");
    let message = world.reported().message;
    assert!(message.contains(id(1).as_str()) && message.contains("--status Active"), "{message}");
    world.run_for(RESYNC);
    assert_eq!((world.next_id, world.deleted.len()), (2, 0));
    world.iam[0].usable = Usable::Yes;
    world.pass_time(RESYNC);
    assert_eq!(world.run().last().unwrap(), "Wait(Ready/Published)");
}

#[test]
fn a_new_rendering_writes_the_same_credential() {
    let mut world = World::ready();
    world.secret_mut().rendering = Rendering::Stale;
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Render", "Wait(Ready/Published)"]);
    assert_eq!((world.published(), world.next_id), (Some(id(1)), 2));
}

#[test]
fn two_credentials_of_somebody_else_are_named_and_left_alone() {
    let mut world = World::new();
    world.add_foreign(8);
    world.add_foreign(9);
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "List", "Wait(Stalled/NoFreeSlot)"]);
    let message = world.reported().message;
    assert!(message.contains(id(8).as_str()) && message.contains(id(9).as_str()), "{message}");
    assert!(message.contains("--user-name orders-app"), "{message}");
    world.iam.pop();
    world.run();
    assert_eq!((world.published(), world.deleted.len()), (Some(id(1)), 0));
}

#[test]
fn a_rotation_beside_a_foreign_credential_waits_for_a_slot() {
    let mut world = World::ready();
    world.add_foreign(9);
    world.resource.rotate = Some("now".to_owned());
    assert_eq!(world.run().last().unwrap(), "Wait(Stalled/NoFreeSlot)");
    assert_eq!((world.published(), world.deleted.len()), (Some(id(1)), 0));
}

#[test]
fn a_password_is_held_no_longer_than_the_hold_time() {
    let mut world = World::new();
    world.fault = Some(crate::world::Fault::CrashBefore("Publish"));
    let kept = {
        let mut world = world.clone();
        world.fault = None;
        world.run();
        world
    };
    assert_eq!(kept.ids(), [id(1)].into());
    // The process lives, but the Secret cannot be written for a while.
    let mut held = World::new();
    let mut recorded = kept.resource.clone();
    recorded.record = Record::default();
    held.resource = recorded;
    held.iam = kept.iam;
    held.next_id = 2;
    let operation = Operation {
        epoch: Epoch(1),
        first_epoch: Epoch(1),
        purpose: Purpose::First,
        means: Means::Create,
        secret_name: secret_name("orders"),
        rotate: None,
        from: held.now,
        attempted_at: held.now,
        baseline: [].into(),
    };
    held.resource.record.operation = Some(operation);
    let stage = Stage::InHand { id: id(1), since: held.now };
    held.memory.attempt = Some(Attempt { epoch: Epoch(1), stage });
    held.pass_time(HOLD);
    let done = held.run();
    assert_eq!(done[..4], ["ReadGrant", "ReadClaims", "ReadSecret", "Begin(2, First)"], "the password is given up");
}
