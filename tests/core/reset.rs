//! Rotation by reset: the same credential, another password, and what a lost reply costs.

use jiff::SignedDuration;

use crate::world::{CONSISTENCY_WINDOW, Fault, OVERLAP, World, id, secret_name};
use keyspaces_credential_protocol::*;

const LONG: SignedDuration = SignedDuration::from_mins(30);

fn ready() -> World {
    let mut world = World::ready();
    world.resource.rotation.strategy = Strategy::InPlace;
    world
}

fn resets(world: &World) -> u32 {
    world.resets.get(&id(1)).copied().unwrap_or_default()
}

/// One credential, the first one, whose present password is in the Secret.
fn assert_whole(world: &World) {
    assert_eq!(world.reason(), Reason::Published);
    assert!(world.works(), "the Secret's password is that of IAM");
    assert_eq!((world.ids(), world.next_id), ([id(1)].into(), 2), "no other credential was created");
    assert_eq!(world.record().current.as_ref().map(|current| current.id.clone()), Some(id(1)));
    assert_eq!((&world.record().operation, &world.record().retiring), (&None, &None));
}

#[test]
fn a_request_resets_once_and_keeps_the_credential() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    let begun =
        ["ReadGrant", "ReadClaims", "ReadSecret", "List", "Begin(2, Requested)", "ReadClaims", "DryRun", "Reset"];
    let done = ["ReadGrant", "ReadClaims", "ReadSecret", "Publish", "Accept", "Wait(Ready/Published)"];
    assert_eq!(world.run(), [begun.as_slice(), done.as_slice()].concat());
    world.run_for(LONG);
    assert_whole(&world);
    assert_eq!(resets(&world), 1);
    assert_eq!(world.record().handled_rotate.as_deref(), Some("now"));
}

#[test]
fn a_schedule_resets_too() {
    let mut world = ready();
    world.resource.rotation.interval = Some(SignedDuration::from_hours(720));
    world.pass_time(SignedDuration::from_hours(720));
    world.run_for(LONG);
    assert_whole(&world);
    assert_eq!(resets(&world), 1);
}

#[test]
fn a_reset_whose_outcome_is_unknown_costs_a_second_one_and_a_last_one_when_nothing_can_land_any_more() {
    for fault in [Fault::ResetHappensUnseen, Fault::CrashAfter("Reset"), Fault::CrashBefore("Publish")] {
        let mut world = ready();
        world.resource.rotate = Some("now".to_owned());
        world.fault = Some(fault);
        world.run();
        assert!(world.works(), "{fault:?}: the second one is published at once");
        assert_eq!(resets(&world), 2);
        let until = world.record().reset_in_doubt.as_ref().map(|doubt| doubt.until).unwrap();

        // The first one lands now: nobody can see it.
        *world.resets.get_mut(&id(1)).unwrap() += 1;
        world.run();
        assert!(!world.works());
        assert_eq!(world.wait().0, Some(until));
        world.run_for(LONG);
        assert_whole(&world);
        assert_eq!((resets(&world), &world.record().reset_in_doubt), (4, &None), "{fault:?}");
        world.run_for(LONG);
        assert_eq!(resets(&world), 4, "and no more");
    }
}

#[test]
fn a_crash_elsewhere_costs_no_second_reset() {
    for fault in [Fault::CrashAfter("Begin"), Fault::CrashAfter("DryRun"), Fault::CrashAfter("Publish")] {
        let mut world = ready();
        world.resource.rotate = Some("now".to_owned());
        world.fault = Some(fault);
        world.run();
        assert!(world.works(), "{fault:?}");
        assert_eq!(resets(&world), 1, "{fault:?}");
        world.run_for(LONG);
        assert_whole(&world);
    }
}

#[test]
fn a_second_reset_comes_only_after_the_secret_carries_the_new_epoch() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::ResetHappensUnseen);
    let done = world.run();
    let fence = done.iter().position(|step| step == "Fence(3)").unwrap();
    assert!(fence < done.iter().rposition(|step| step == "Reset").unwrap(), "{done:?}");
}

#[test]
fn what_is_lost_is_replaced_by_a_new_credential() {
    for lose in [
        (|world: &mut World| world.put(SecretFact::Absent)) as fn(&mut World),
        |world| world.secret_mut().published = None,
        |world| world.iam.clear(),
    ] {
        let mut world = ready();
        lose(&mut world);
        world.pass_time(SignedDuration::from_hours(24));
        world.run_for(CONSISTENCY_WINDOW * 2);
        assert_eq!((world.published(), world.resets.len()), (Some(id(2)), 0));
        assert!(world.works());
    }
}

#[test]
fn a_secret_that_is_lost_during_the_reset_ends_it() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::CrashAfter("Reset"));
    world.run_until_fault();
    world.put(SecretFact::Absent);
    world.run_for(LONG);
    assert!(world.works());
    assert_eq!(world.published(), Some(id(2)), "a new credential and no second reset");
    assert_eq!((resets(&world), &world.record().reset_in_doubt), (1, &None));
    assert_eq!(world.record().handled_rotate.as_deref(), Some("now"));
}

#[test]
fn a_credential_that_cannot_log_in_is_not_reset() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    world.iam[0].usable = Usable::No;
    world.run();
    let report = world.reported();
    assert_eq!((report.reason, resets(&world)), (Reason::CredentialInactive, 0));
    assert!(report.message.contains("spec.rotation.strategy to Overlap"), "{}", report.message);
    world.iam[0].usable = Usable::Yes;
    world.run_for(LONG);
    assert_whole(&world);
    assert_eq!(resets(&world), 1);
}

#[test]
fn a_secret_that_is_kept_holds_the_password_that_works() {
    for policy in [DeletionPolicy::Retain, DeletionPolicy::Delete] {
        let mut world = ready();
        world.resource.deletion_policy = policy;
        world.resource.rotate = Some("now".to_owned());
        world.fault = Some(Fault::CrashAfter("Reset"));
        world.run_until_fault();
        world.resource.deleting = true;
        let done = world.run_for(LONG);
        assert!(world.gone, "{done:?}");
        match policy {
            DeletionPolicy::Retain => {
                assert_eq!(world.resets[&id(1)], world.published_reset, "{done:?}");
                assert_eq!(world.ids(), [id(1)].into());
            }
            DeletionPolicy::Delete => assert_eq!((resets(&world), world.ids()), (1, [].into()), "{done:?}"),
        }
    }
}

#[test]
fn a_credential_of_somebody_else_that_appears_during_a_reset_is_none_of_ours() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::ResetHappensUnseen);
    world.run_until_fault();
    world.add_foreign(9);
    world.run_for(LONG);
    assert!(world.works() && world.deleted.is_empty());
    assert_eq!(world.ids(), [id(1), id(9)].into());
}

#[test]
fn a_secret_that_is_kept_outlives_a_doubt_about_its_password() {
    let mut world = ready();
    world.resource.deletion_policy = DeletionPolicy::Retain;
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::ResetHappensUnseen);
    world.run();
    assert!(world.record().reset_in_doubt.is_some());
    world.resource.deleting = true;
    // The first reset lands late: nobody can see it.
    *world.resets.get_mut(&id(1)).unwrap() += 1;
    let done = world.run_for(LONG);
    assert!(world.gone, "{done:?}");
    assert_eq!(world.resets[&id(1)], world.published_reset, "{done:?}");
    assert_eq!(world.ids(), [id(1)].into());
}

#[test]
fn a_doubt_does_not_hold_up_a_deletion_that_keeps_nothing() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::ResetHappensUnseen);
    world.run();
    assert!(world.record().reset_in_doubt.is_some());
    world.resource.deleting = true;
    world.run();
    assert!(world.gone, "{:?}", world.reported());
    assert_eq!(world.ids(), [].into());
}

#[test]
fn a_doubt_that_no_reset_can_end_does_not_hold_up_a_deletion() {
    let hinder: [fn(&mut World); 4] = [
        |world| world.iam.clear(),
        |world| world.iam[0].usable = Usable::No,
        |world| world.put(SecretFact::Absent),
        |world| world.secret_mut().immutable = true,
    ];
    for hinder in hinder {
        let mut world = ready();
        world.resource.deletion_policy = DeletionPolicy::Retain;
        world.resource.rotate = Some("now".to_owned());
        world.fault = Some(Fault::ResetHappensUnseen);
        world.run();
        world.resource.deleting = true;
        hinder(&mut world);
        let done = world.run_for(LONG);
        assert!(world.gone, "{done:?}");
    }
}

#[test]
fn a_right_that_is_lost_after_the_reset_does_not_keep_the_password_from_the_secret() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    assert_eq!(world.run_once().last().unwrap(), "Reset");
    assert!(!world.works(), "the old password is dead");
    world.grant = Grant::Refused { namespace: "shop".to_owned(), annotation: None };
    world.run();
    assert!(world.works());
    assert_eq!((world.reason(), resets(&world)), (Reason::IamUserNotGranted, 1));
}

#[test]
fn while_a_former_secret_is_there_a_reset_would_kill_its_password_and_waits() {
    let mut world = ready();
    world.resource.wanted_secret = secret_name("bills");
    world.run();
    assert_eq!(world.record().former_secrets.len(), 1);
    world.resource.rotate = Some("now".to_owned());
    world.run();
    assert_eq!((world.reason(), resets(&world)), (Reason::RotationWaits, 0));
    world.run_for(OVERLAP * 2);
    assert_eq!(world.record().former_secrets, []);
    assert_whole(&world);
    assert_eq!(resets(&world), 1);
}

#[test]
fn a_secret_from_before_the_reset_that_is_put_back_holds_a_dead_password_and_is_recovered() {
    let mut world = ready();
    let former = world.secret();
    world.resource.rotate = Some("now".to_owned());
    world.run();
    assert_whole(&world);
    world.put(former);
    world.published_reset = 0;
    assert!(!world.works());
    world.run();
    assert!(world.works(), "{:?}", world.reason());
    assert_eq!((world.reason(), world.published()), (Reason::Published, Some(id(2))));
}

#[test]
fn a_rotation_that_waits_for_a_former_secret_wakes_when_that_is_gone_and_not_before() {
    let mut world = ready();
    world.resource.rotation.interval = Some(SignedDuration::from_hours(720));
    world.pass_time(SignedDuration::from_hours(24 * 20));
    world.run();
    world.resource.wanted_secret = secret_name("bills");
    world.resource.rotation.overlap = SignedDuration::from_hours(24 * 20);
    world.run();
    world.pass_time(SignedDuration::from_hours(24 * 10));
    world.run();
    let (until, report) = (world.wait().0, world.reported());
    assert_eq!((report.reason, resets(&world)), (Reason::RotationWaits, 0));
    assert!(until.unwrap() > world.now, "it is due, and looked at ten times in a second");
    world.run_for(SignedDuration::from_hours(24 * 10));
    assert_eq!((resets(&world), world.record().former_secrets.len()), (1, 0));
}

#[test]
fn a_rotation_that_waits_does_not_hold_up_the_last_reset() {
    let mut world = ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::ResetHappensUnseen);
    world.run();
    let doubt = world.record().reset_in_doubt.clone().unwrap();
    let before = resets(&world);
    world.resource.rotation.overlap = LONG;
    world.resource.wanted_secret = secret_name("bills");
    world.run();
    assert_eq!(world.record().former_secrets.len(), 1);
    world.resource.rotate = Some("again".to_owned());
    world.run();
    assert_eq!((world.reason(), resets(&world)), (Reason::RotationWaits, before));
    world.now = doubt.until;
    world.run();
    assert_eq!(resets(&world), before + 1, "the published password may be dead already");
    assert!(world.works());
    world.run_for(LONG * 2);
    assert_eq!((resets(&world), world.record().handled_rotate.as_deref()), (before + 1, Some("again")));
}

#[test]
fn a_secret_from_before_a_reset_is_no_rollback() {
    let mut world = ready();
    let backup = world.secret();
    world.resource.rotate = Some("now".to_owned());
    world.run();
    for _ in 0..2 {
        // What puts a backup back once does so again.
        world.put(backup.clone());
        world.published_reset = 0;
        assert!(!world.works());
        world.run();
        assert!(world.works(), "{:?}", world.reason());
    }
    assert_eq!((world.reason(), world.published()), (Reason::Published, Some(id(3))));
    world.run_for(OVERLAP * 2);
    assert_eq!(world.ids(), [id(3)].into());
}

#[test]
fn a_doubt_with_an_end_far_ahead_costs_two_resets_and_no_more() {
    let mut world = ready();
    world.run();
    world.resource.record.reset_in_doubt =
        Some(ResetInDoubt { id: id(1), until: world.now + SignedDuration::from_hours(1000) });
    world.run_for(LONG);
    assert_whole(&world);
    assert_eq!((resets(&world), &world.record().reset_in_doubt), (2, &None));
}

#[test]
fn a_rollback_is_not_reset_at_once() {
    let mut world = ready();
    world.resource.rotation.interval = Some(SignedDuration::from_hours(720));
    world.pass_time(SignedDuration::from_hours(7000));
    world.run();
    assert_eq!(resets(&world), 1);
    let former = world.secret();
    world.put(SecretFact::Absent);
    world.run();
    assert_eq!(world.published(), Some(id(2)));
    world.put(former);
    world.published_reset = 1;
    world.run();
    assert_eq!((world.published(), resets(&world)), (Some(id(1)), 1));
    assert!(world.works());
}
