//! The Secret gets another name: the new one first, the old one after its time, and no new credential.

use jiff::SignedDuration;

use crate::world::{Fault, HOLD, OVERLAP, World, id, secret_name};
use keyspaces_credential_protocol::*;

fn moving() -> World {
    let mut world = World::ready();
    world.resource.wanted_secret = secret_name("bills");
    world
}

/// The names of the Secrets that there are besides the bound one.
fn others(world: &World) -> Vec<&str> {
    let bound = world.resource.secret_name();
    let there = world.secrets.iter().filter(|(name, fact)| *name != bound && **fact != SecretFact::Absent);
    there.map(|(name, _)| name.as_str()).collect()
}

fn assert_moved(world: &World) {
    assert_eq!(world.resource.secret_name().as_str(), "bills");
    assert_eq!((world.reason(), world.published()), (Reason::Published, Some(id(1))));
    assert!(world.works());
    assert_eq!((world.next_id, world.deleted.len()), (2, 0), "no new credential, and none deleted");
}

#[test]
fn the_new_secret_comes_first_and_the_old_one_goes_after_its_time() {
    let mut world = moving();
    let mut expected =
        vec!["ReadGrant", "ReadClaims", "ReadSecret", "ReadSecret", "AnnounceCopy", "CopySecret", "MoveSecret"];
    expected.extend(["ReadGrant", "ReadClaims", "ReadSecret", "Wait(Ready/Published)"]);
    assert_eq!(world.run(), expected);
    assert_moved(&world);
    assert_eq!(others(&world), ["orders"], "pods that mount it may still start");
    assert!(world.wait().0.unwrap() <= world.now + OVERLAP + SignedDuration::from_secs(1));
    world.run_for(OVERLAP * 2);
    assert_moved(&world);
    assert_eq!(others(&world), [""; 0]);
    assert_eq!(world.record().former_secrets, []);
}

#[test]
fn a_crash_anywhere_loses_nothing() {
    for step in ["AnnounceCopy", "CopySecret", "MoveSecret", "DeleteFormerSecret", "ForgetFormerSecret"] {
        for fault in [Fault::CrashBefore, Fault::CrashAfter] {
            let mut world = moving();
            world.fault = Some(fault(step));
            world.run_for(OVERLAP * 2);
            assert_eq!(world.fault, None, "{step}");
            assert_moved(&world);
            assert_eq!(others(&world), [""; 0], "{step}");
            assert_eq!(world.record().former_secrets, [], "{step}");
        }
    }
}

#[test]
fn a_copy_that_a_rotation_has_overtaken_is_written_again() {
    let mut world = moving();
    world.fault = Some(Fault::CrashAfter("CopySecret"));
    world.run_until_fault();
    // Back, rotated there, and forth again.
    world.resource.wanted_secret = secret_name("orders");
    world.resource.rotate = Some("now".to_owned());
    world.run();
    world.resource.wanted_secret = secret_name("bills");
    world.run();
    assert_eq!((world.published(), world.resource.secret_name().as_str()), (Some(id(2)), "bills"));
}

#[test]
fn somebody_elses_secret_of_the_new_name_is_left_alone_and_the_old_one_goes_on() {
    let mut world = moving();
    world.secrets.insert(secret_name("bills"), SecretFact::NotOurs);
    world.run();
    let report = world.reported();
    assert_eq!(report.reason, Reason::SecretConflict);
    assert!(report.message.contains("Secret bills exists"), "{}", report.message);
    assert!(world.works() && world.resource.secret_name().as_str() == "orders");
    world.secrets.remove(&secret_name("bills"));
    world.run_for(OVERLAP * 2);
    assert_moved(&world);
}

#[test]
fn a_secret_that_is_lost_as_well_is_made_anew_under_the_new_name() {
    for lost in [SecretFact::Absent, SecretFact::NotOurs] {
        let mut world = moving();
        world.put(lost);
        world.run_for(OVERLAP * 2);
        assert_eq!((world.resource.secret_name().as_str(), world.published()), ("bills", Some(id(2))));
        assert!(world.works());
        assert_eq!(world.record().former_secrets, []);
    }
}

#[test]
fn an_operation_that_is_open_is_ended_where_it_began() {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::CrashAfter("Create"));
    world.run_until_fault();
    world.resource.wanted_secret = secret_name("bills");
    let done = world.run();
    assert!(!done.contains(&"MoveSecret".to_owned()), "what it left may still show up: {done:?}");
    assert_eq!(world.resource.secret_name().as_str(), "orders");
    world.run_for(OVERLAP * 2);
    assert_eq!((world.resource.secret_name().as_str(), world.reason()), ("bills", Reason::Published));
    assert!(world.works());
    assert_eq!(world.ids(), world.published().into_iter().collect());
}

#[test]
fn back_to_the_former_name_needs_no_third_secret() {
    let mut world = moving();
    world.run();
    world.resource.wanted_secret = secret_name("orders");
    let done = world.run();
    assert!(done.contains(&"CopySecret".to_owned()), "a process that is about to delete it loses by that: {done:?}");
    assert_eq!(world.resource.secret_name().as_str(), "orders");
    assert_eq!(world.record().former_secrets.iter().map(|former| former.name.as_str()).collect::<Vec<_>>(), ["bills"]);
    world.run_for(OVERLAP * 2);
    assert_eq!((others(&world).len(), world.published()), (0, Some(id(1))));
    assert!(world.works());
}

#[test]
fn an_immutable_secret_is_left_behind() {
    let mut world = moving();
    world.secret_mut().immutable = true;
    world.run();
    assert_eq!((world.resource.secret_name().as_str(), world.published()), ("bills", Some(id(1))));
}

#[test]
fn a_copy_that_is_no_longer_wanted_is_removed() {
    for fault in [Fault::CrashAfter("CopySecret"), Fault::CrashBefore("MoveSecret")] {
        let mut world = moving();
        world.fault = Some(fault);
        world.run_until_fault();
        assert_eq!(others(&world), ["bills"], "{fault:?}");
        world.resource.wanted_secret = secret_name("orders");
        world.run_for(OVERLAP * 2);
        assert_eq!((world.resource.secret_name().as_str(), others(&world).len()), ("orders", 0), "{fault:?}");
        assert_eq!(world.record().former_secrets, []);
        assert!(world.works());
    }
}

#[test]
fn a_copy_is_announced_anew_if_the_record_is_old() {
    let mut world = moving();
    world.fault = Some(Fault::CrashBefore("CopySecret"));
    world.run_until_fault();
    world.pass_time(OVERLAP * 2);
    let done = world.run();
    let announced = done.iter().position(|step| step == "AnnounceCopy").unwrap();
    assert_eq!(done[announced + 1], "CopySecret", "{done:?}");
    assert_moved(&world);
}

#[test]
fn a_process_that_is_late_does_not_copy_the_old_credential_over_the_new_one() {
    let mut world = World::rotated();
    let new = world.secret();
    // It still believes in the former Secret, which holds credential 1 in epoch 1; the move and a rotation are done.
    world.resource.record.current = world.published().map(|_| crate::world::issued(1, world.now));
    world.resource.record.retiring = None;
    world.resource.wanted_secret = secret_name("bills");
    world.resource.record.former_secrets = vec![FormerSecret { name: secret_name("bills"), since: world.now }];
    let mut old = new.clone();
    if let SecretFact::Ours(ours) = &mut old {
        let credential = crate::world::issued(1, world.now);
        ours.published = Some(Published { credential, epoch: Epoch(1) });
    }
    world.put(old);
    world.secrets.insert(secret_name("bills"), new);
    let done = world.run_once();
    assert_eq!(done.last().map(String::as_str), Some("MoveSecret"), "which is refused: {done:?}");
}

#[test]
fn a_copy_is_announced_anew_from_the_end_of_the_hold_time_on() {
    for (late, expected) in [(HOLD - SignedDuration::from_secs(1), "CopySecret"), (HOLD, "AnnounceCopy")] {
        let mut world = moving();
        world.fault = Some(Fault::CrashAfter("AnnounceCopy"));
        world.run_until_fault();
        world.pass_time(late);
        let done = world.run();
        assert_eq!(done.iter().find(|step| step.contains("Copy")).map(String::as_str), Some(expected), "{done:?}");
    }
}

#[test]
fn a_third_name_forgets_no_former_one() {
    let mut world = moving();
    world.run();
    world.resource.wanted_secret = secret_name("books");
    world.run();
    assert_eq!(others(&world), ["bills", "orders"]);
    world.run_for(OVERLAP * 2);
    assert_eq!((world.resource.secret_name().as_str(), others(&world)), ("books", vec![]));
}
