//! What is remembered of a credential is not taken for its successor.

use crate::world::{CONSISTENCY_WINDOW, HOLD, RESYNC, World, id};
use keyspaces_credential_protocol::*;

/// Another process replaces credential 1 by credential 2. This one remembers what it saw of the former.
fn replace_elsewhere(world: &mut World) {
    let memory = std::mem::take(&mut world.memory);
    world.resource.rotate = Some("now".to_owned());
    world.run();
    assert_eq!(world.published(), Some(id(2)));
    world.memory = memory;
}

/// A process that misses credential 1 in List.
fn missing() -> World {
    let mut world = World::ready();
    world.hidden.insert(id(1));
    world.pass_time(RESYNC);
    assert_eq!(world.run().last().unwrap(), "Wait(Reconciling/CredentialMissing)");
    world.hidden.clear();
    world
}

#[test]
fn a_successor_that_list_does_not_show_has_a_consistency_window_of_its_own() {
    let mut world = missing();
    replace_elsewhere(&mut world);
    world.hidden.insert(id(2));
    world.pass_time(RESYNC);
    assert_eq!(world.run().last().unwrap(), "Wait(Reconciling/CredentialMissing)");
    assert_eq!((world.published(), world.wait().0), (Some(id(2)), Some(world.now + CONSISTENCY_WINDOW)));
    world.pass_time(CONSISTENCY_WINDOW);
    let done = world.run();
    assert!(done.iter().any(|step| step.contains("CredentialGone")), "it is gone as well: {done:?}");
    assert_eq!(world.published(), Some(id(3)));
}

#[test]
fn a_successor_is_not_looked_for_because_the_former_one_was_missed() {
    let mut world = missing();
    replace_elsewhere(&mut world);
    world.pass_time(CONSISTENCY_WINDOW);
    assert_eq!(world.run(), ["ReadGrant", "ReadClaims", "ReadSecret", "Wait(Ready/Published)"]);
}

#[test]
fn a_successor_of_a_credential_that_was_switched_off_is_ready_at_once() {
    for elsewhere in [false, true] {
        let mut world = World::ready();
        world.iam[0].usable = Usable::No;
        world.pass_time(RESYNC);
        assert_eq!(world.run().last().unwrap(), "Wait(Stalled/CredentialInactive)");
        if elsewhere {
            replace_elsewhere(&mut world);
        } else {
            world.resource.rotate = Some("now".to_owned());
        }
        assert_eq!(world.run().last().unwrap(), "Wait(Ready/Published)");
        assert_eq!(world.published(), Some(id(2)));
    }
}

#[test]
fn a_dry_run_is_not_believed_after_a_wait() {
    let remembered = |stage: Stage| {
        let mut memory = Memory { attempt: Some(Attempt { epoch: Epoch(2), stage }), ..Memory::default() };
        memory.forget_dry_run();
        memory.attempt.map(|attempt| attempt.stage)
    };
    assert_eq!(remembered(Stage::DryRun), Some(Stage::Begun));
    let in_hand = Stage::InHand { id: id(1), since: World::new().now };
    assert_eq!(remembered(in_hand.clone()), Some(in_hand));
}

#[test]
fn while_a_password_is_in_hand_a_long_wait_leaves_time_for_one_more_try() {
    let since = World::new().now;
    let failed = |after| Failures { count: 8, last: since + after, next: since + after + RESYNC };
    let next = |stage, failures: Failures| {
        Memory { attempt: Some(Attempt { epoch: Epoch(2), stage }), ..Memory::default() }
            .once_more_before_giving_up(failures, HOLD)
            .next
    };
    let in_hand = Stage::InHand { id: id(1), since };
    let (soon, later) = (failed(HOLD / 8), failed(HOLD / 4));
    assert_eq!(next(in_hand.clone(), soon), since + HOLD / 4);
    assert_eq!(next(in_hand, later), later.next, "not for ever, for then it would be tried without end");
    assert_eq!(next(Stage::Begun, soon), soon.next);
}
