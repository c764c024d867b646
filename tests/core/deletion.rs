//! What keeps a resource from a credential, and how one ends.

use jiff::{SignedDuration, Timestamp};

use crate::world::{CONSISTENCY_WINDOW, Fault, World, id, secret_name};
use keyspaces_credential_protocol::*;

const LONG: SignedDuration = SignedDuration::from_mins(30);

#[test]
fn a_resource_whose_iam_user_belongs_to_an_older_one_touches_nothing() {
    let mut world = World::new();
    world.claim = Claim::Lost { winner: Some("elder".to_owned()), theirs: [].into() };
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Wait(Stalled/IamUserInUse)"]);
    assert!(world.reported().message.contains("elder"));
    world.claim = Claim::Lost { winner: None, theirs: [].into() };
    assert!(world.reported().message.contains("another namespace"));
    world.claim = Claim::Won;
    world.run();
    assert_eq!(world.reason(), Reason::Published, "the winner went: the next one takes over");
}

#[test]
fn of_two_that_race_the_one_that_lost_gives_its_operation_up() {
    let mut world = World::new();
    world.fault = Some(Fault::CrashAfter("Begin"));
    world.claim = Claim::Won;
    let mut raced = world.clone();
    raced.fault = None;
    // The elder appears between the first reading of the claims and the second.
    let operation = Operation {
        epoch: Epoch(1),
        first_epoch: Epoch(1),
        purpose: Purpose::First,
        means: Means::Create,
        secret_name: secret_name("orders"),
        rotate: None,
        from: raced.now,
        attempted_at: raced.now,
        baseline: [].into(),
    };
    raced.resource.record.operation = Some(operation);
    raced.memory.attempt = Some(Attempt { epoch: Epoch(1), stage: Stage::Begun });
    raced.claim = Claim::Lost { winner: None, theirs: [].into() };
    assert_eq!(raced.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Abandon", "Wait(Stalled/IamUserInUse)"]);
    assert_eq!((raced.next_id, raced.record().closed), (1, Epoch(1)));
}

#[test]
fn the_elder_waits_until_a_younger_one_has_stepped_back() {
    let mut world = World::new();
    world.claim = Claim::Contested;
    // IAM is not asked meanwhile: nothing that it says could be believed, and this may last.
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Wait(Reconciling/IamUserContested)"]);
    assert_eq!(world.next_id, 1);
    world.claim = Claim::Won;
    world.run();
    assert_eq!(world.reason(), Reason::Published);
}

#[test]
fn a_secret_that_is_not_ours_is_reported_before_iam_is_asked() {
    let mut world = World::new();
    world.put(SecretFact::NotOurs);
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Wait(Stalled/SecretConflict)"]);
    world.put(SecretFact::Absent);
    world.run();
    assert_eq!(world.reason(), Reason::Published);
}

#[test]
fn an_immutable_secret_stops_a_rotation_before_create() {
    let mut world = World::ready();
    world.secret_mut().immutable = true;
    world.resource.rotate = Some("now".to_owned());
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Wait(Stalled/SecretImmutable)"]);
    assert!(world.reported().message.contains("kubectl delete secret orders"));
}

#[test]
fn a_suspended_resource_is_left_alone_deleted_or_not() {
    for deleting in [false, true] {
        let mut world = World::ready();
        world.resource.suspended = true;
        world.resource.deleting = deleting;
        world.put(SecretFact::Absent);
        assert_eq!(world.run(), ["Wait(Suspended/Suspended)"]);
        assert_eq!(world.wait().0, None);
    }
}

#[test]
fn a_failure_is_waited_out_unless_the_owner_changed_something() {
    let mut world = World::new();
    let failures = failed(None, Class::Transient, 1, world.now);
    world.resource.record.failures = Some(failures);
    assert_eq!(world.run(), ["Wait"]);
    assert_eq!(world.wait().0, Some(failures.next));
    world.resource.changed_since_failure = true;
    assert_eq!(world.clone().run()[0], "ReadGrant");
    world.resource.changed_since_failure = false;
    world.resource.record.failures = Some(Failures { next: Timestamp::MAX, ..failures });
    assert_eq!(world.run()[0], "ReadGrant", "a time far ahead comes from a clock that was wrong");
}

#[test]
fn deletion_removes_what_is_ours_and_nothing_else() {
    let mut world = World::rotated();
    world.resource.deleting = true;
    let expected =
        ["ReadClaims", "ReadSecret", "Delete(2, ResourceDeleted)", "Delete(1, ResourceDeleted)", "RemoveFinalizer"];
    assert_eq!(world.run(), expected);
    assert!(world.gone && world.iam.is_empty());

    let mut beside = World::ready();
    beside.add_foreign(9);
    beside.resource.deleting = true;
    beside.run();
    assert_eq!(beside.ids(), [id(9)].into());
}

#[test]
fn retain_keeps_the_credential_and_the_secret() {
    let mut world = World::ready();
    world.resource.deletion_policy = DeletionPolicy::Retain;
    world.resource.deleting = true;
    assert_eq!(world.run(), ["ReadClaims", "ReadSecret", "ReleaseSecret", "RemoveFinalizer"]);
    assert!(world.gone && world.deleted.is_empty());
}

#[test]
fn deletion_before_anything_was_made_asks_iam_nothing() {
    let mut world = World::new();
    world.resource.finalizer = true;
    world.resource.deleting = true;
    assert_eq!(world.run(), ["ReadClaims", "ReadSecret", "RemoveFinalizer"]);
}

#[test]
fn deletion_in_the_middle_of_a_create_waits_for_what_may_show_up() {
    for fault in [Fault::CreateHappensUnseen, Fault::CreateIsLost, Fault::CrashAfter("Create")] {
        for policy in [DeletionPolicy::Delete, DeletionPolicy::Retain] {
            let mut world = World::ready();
            world.resource.rotate = Some("now".to_owned());
            world.resource.deletion_policy = policy;
            world.fault = Some(fault);
            world.run_until_fault();
            world.resource.deleting = true;
            let begun = world.now;
            world.run_for(LONG);
            assert!(world.gone, "{fault:?} {policy:?}");
            assert!(world.now >= begun + CONSISTENCY_WINDOW, "{fault:?} {policy:?}: List may be late");
            let left = if policy == DeletionPolicy::Delete { vec![] } else { vec![id(1)] };
            assert_eq!(world.ids(), left.into_iter().collect(), "{fault:?} {policy:?}");
        }
    }
}

#[test]
fn deletion_with_a_password_in_hand_removes_it_or_keeps_what_was_published() {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::PublishUnseen);
    world.run_until_fault();
    world.resource.deletion_policy = DeletionPolicy::Retain;
    world.resource.deleting = true;
    world.run_for(LONG);
    assert!(world.gone);
    assert_eq!(world.ids(), [id(1), id(2)].into(), "the Secret that stays holds credential 2");
}

#[test]
fn a_password_in_hand_is_deleted_at_once_or_after_a_takeover_where_the_secret_stays() {
    for (policy, expected) in
        [(DeletionPolicy::Delete, "Delete(1, ResourceDeleted)"), (DeletionPolicy::Retain, "Begin(2, First)")]
    {
        let mut world = World::new();
        assert_eq!(world.run_once().last().unwrap(), "Create");
        world.resource.deletion_policy = policy;
        world.resource.deleting = true;
        let done = world.run_for(LONG);
        assert_eq!(done[2], expected, "{done:?}");
        assert!(world.gone);
        assert_eq!((world.ids(), world.deleted), ([].into(), vec![id(1)]), "{policy:?}");
    }
}
