//! What a namespace is not granted, and what status says without being right.

use jiff::{SignedDuration, Timestamp};

use crate::world::{CONSISTENCY_WINDOW, Fault, OVERLAP, World, id, secret_name};
use keyspaces_credential_protocol::*;

const LONG: SignedDuration = SignedDuration::from_mins(30);
const NOT_GRANTED: &str = "Wait(Stalled/IamUserNotGranted)";

fn refused() -> Grant {
    Grant::Refused { namespace: "shop".to_owned(), annotation: Some("billing-*".to_owned()) }
}

#[test]
fn a_resource_whose_namespace_is_not_granted_the_user_touches_nothing() {
    let mut world = World::new();
    world.grant = refused();
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", NOT_GRANTED]);
    let command = "kubectl annotate namespace shop --overwrite keyspaces.dev/iam-users='billing-*,orders-app'";
    assert!(world.reported().message.contains(command), "{}", world.reported().message);
    world.grant = Grant::Granted;
    world.run();
    assert_eq!(world.reason(), Reason::Published);
}

#[test]
fn what_was_granted_before_is_repeated_in_the_command_unless_it_is_long() {
    for (length, repeated) in [(500, true), (501, false)] {
        let mut world = World::new();
        let annotation = "b".repeat(length);
        world.grant = Grant::Refused { namespace: "shop".to_owned(), annotation: Some(annotation.clone()) };
        assert_eq!(world.reported().message.contains(&annotation), repeated, "{length}");
    }
}

#[test]
fn who_else_has_the_user_is_not_told_to_whom_it_is_not_granted() {
    let mut world = World::new();
    world.grant = refused();
    world.claim = Claim::Lost { winner: Some("elder".to_owned()), theirs: [].into() };
    assert_eq!(world.reason(), Reason::IamUserNotGranted);
}

#[test]
fn a_grant_that_is_taken_away_stops_everything_and_ends_nothing() {
    let mut world = World::rotated();
    world.resource.rotate = Some("again".to_owned());
    world.grant = refused();
    world.secret_mut().rendering = Rendering::Stale;
    world.pass_time(OVERLAP);
    assert_eq!(world.run_for(LONG).last().unwrap(), NOT_GRANTED);
    assert_eq!((world.ids(), world.deleted.len(), world.next_id), ([id(1), id(2)].into(), 0, 3));
    assert_eq!(world.published(), Some(id(2)));

    world.grant = Grant::Granted;
    world.run_for(LONG);
    assert_eq!((world.published(), world.next_id), (Some(id(3)), 4), "the rotation that was asked for happens once");
}

#[test]
fn a_grant_that_is_taken_away_in_the_middle_of_an_operation_leaves_no_leftover() {
    for fault in [
        Fault::CrashAfter("Begin"),
        Fault::CrashAfter("Create"),
        Fault::CrashBefore("Publish"),
        Fault::CreateHappensUnseen,
        Fault::CreateIsLost,
        Fault::PublishUnseen,
    ] {
        for mut world in [World::new(), World::ready()] {
            world.resource.rotate = Some("now".to_owned());
            world.fault = Some(fault);
            world.run_until_fault();
            world.grant = refused();
            world.run_for(LONG);
            assert_eq!(world.reason(), Reason::IamUserNotGranted, "{fault:?}");
            let recorded = world.record();
            assert!(recorded.operation.is_none() && recorded.window.is_none(), "{fault:?} {recorded:?}");
            let known = recorded.current.iter().map(|one| &one.id);
            let known = known.chain(recorded.retiring.iter().map(|one| &one.id)).cloned().collect();
            assert_eq!(world.ids(), known, "{fault:?}");
        }
    }
}

#[test]
fn a_deletion_needs_no_grant() {
    let mut world = World::rotated();
    world.grant = refused();
    world.resource.deleting = true;
    world.run();
    assert!(world.gone && world.iam.is_empty());
}

#[test]
fn what_a_better_right_calls_its_own_is_not_deleted_with_a_resource_that_says_the_same() {
    let mut world = World::ready();
    world.claim = Claim::Lost { winner: None, theirs: [id(1)].into() };
    world.resource.deleting = true;
    world.run();
    assert!(world.gone);
    assert_eq!(world.ids(), [id(1)].into());
}

#[test]
fn a_window_that_status_opens_before_the_resource_existed_reaches_back_no_further() {
    let mut world = World::new();
    world.add_foreign(8);
    world.pass_time(SignedDuration::from_hours(1));
    world.resource.created_at = world.now;
    world.resource.finalizer = true;
    world.grant = refused();
    world.resource.record.operation = Some(Operation {
        epoch: Epoch(2),
        first_epoch: Epoch(1),
        purpose: Purpose::First,
        means: Means::Create,
        secret_name: secret_name("orders"),
        rotate: None,
        from: Timestamp::UNIX_EPOCH,
        attempted_at: Timestamp::UNIX_EPOCH,
        baseline: [].into(),
    });
    let mut deleted = world.clone();
    deleted.resource.deleting = true;
    deleted.run_for(LONG);
    assert!(deleted.gone);
    world.run_for(LONG);
    for world in [world, deleted] {
        assert_eq!((world.ids(), world.deleted.len()), ([id(8)].into(), 0));
    }
}

#[test]
fn a_window_without_an_end_is_closed_all_the_same() {
    for deleting in [false, true] {
        let mut world = World::ready();
        world.resource.record.window =
            Some(Window { epoch: Epoch(1), baseline: world.ids(), from: world.now, end: Timestamp::MAX });
        world.resource.deleting = deleting;
        world.run_for(CONSISTENCY_WINDOW + CONSISTENCY_WINDOW + CONSISTENCY_WINDOW);
        assert!(world.gone || world.record().window.is_none());
        assert_eq!(world.gone, deleting);
    }
}

#[test]
fn a_window_without_an_end_ends_the_operation_of_a_deleted_resource_too() {
    let mut world = World::new();
    world.fault = Some(Fault::CrashAfter("Begin"));
    world.run_until_fault();
    world.resource.deleting = true;
    let window = Window { epoch: Epoch(0), baseline: world.ids(), from: world.now, end: Timestamp::MAX };
    world.resource.record.window = Some(window);
    let done = world.run();
    assert!(done.contains(&"Abandon".to_owned()), "{done:?}");
    assert_eq!((&world.record().operation, world.record().closed), (&None, Epoch(2)));
    let end = world.record().window.as_ref().map(|window| window.end);
    assert_eq!(end, Some(world.now + CONSISTENCY_WINDOW + CONSISTENCY_WINDOW));
    world.run_for(LONG);
    assert!(world.gone);
}

#[test]
fn an_operation_whose_epoch_lies_behind_is_taken_over_above_all_others() {
    let mut world = World::rotated();
    world.run_for(OVERLAP);
    world.resource.record.operation = Some(Operation {
        epoch: Epoch(0),
        first_epoch: Epoch(0),
        purpose: Purpose::Requested,
        means: Means::Create,
        secret_name: secret_name("orders"),
        rotate: None,
        from: world.now,
        attempted_at: world.now,
        baseline: world.ids(),
    });
    let done = world.run();
    assert!(done.contains(&"Begin(3, Requested)".to_owned()), "{done:?}");
    assert_eq!(world.reason(), Reason::Published);
}
