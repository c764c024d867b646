//! What an attempt left behind is found, and removed when nobody can publish it any more.

use jiff::SignedDuration;

use crate::world::{CONSISTENCY_WINDOW, Fault, HOLD, OVERLAP, World, id, issued, secret_name};
use keyspaces_credential_protocol::*;

const LONG: SignedDuration = SignedDuration::from_mins(30);

/// Ready, with the credential that the Secret holds and no other.
fn assert_quiet(world: &World) {
    assert_eq!(world.reason(), Reason::Published);
    let recorded = world.record();
    assert_eq!(world.published(), recorded.current.as_ref().map(|issued| issued.id.clone()));
    assert_eq!(world.ids(), world.published().into_iter().collect(), "no leftover is left");
    assert_eq!((&recorded.operation, &recorded.window), (&None, &None));
}

#[test]
fn a_crash_after_the_intent_is_taken_over() {
    for fault in [Fault::CrashAfter("Begin"), Fault::CrashAfter("DryRun"), Fault::CrashBefore("Create")] {
        let mut world = World::new();
        world.fault = Some(fault);
        let done = world.run();
        assert!(done.contains(&"Begin(2, First)".to_owned()), "{fault:?}: {done:?}");
        world.run_for(LONG);
        assert_quiet(&world);
        assert_eq!((world.next_id, world.deleted.len()), (2, 0), "{fault:?}: one Create");
    }
}

#[test]
fn a_create_whose_outcome_is_unknown_leaves_an_leftover_that_is_removed() {
    for fault in [Fault::CreateHappensUnseen, Fault::CrashAfter("Create"), Fault::CrashBefore("Publish")] {
        let mut world = World::new();
        world.fault = Some(fault);
        world.run_for(LONG);
        assert_quiet(&world);
        assert_eq!((world.next_id, world.deleted.clone()), (3, vec![id(1)]), "{fault:?}");
    }
}

#[test]
fn a_create_that_never_happened_is_waited_for_and_nothing_is_removed() {
    let mut world = World::new();
    world.fault = Some(Fault::CreateIsLost);
    world.run();
    assert_eq!(world.reason(), Reason::Published, "the waiting is not the user's concern");
    assert!(world.record().window.is_some());
    world.run_for(LONG);
    assert_quiet(&world);
    assert_eq!((world.next_id, world.deleted.len()), (2, 0));
}

#[test]
fn a_secret_that_was_written_is_accepted_and_nothing_is_created_again() {
    for fault in [Fault::PublishUnseen, Fault::CrashAfter("Publish"), Fault::CrashAfter("Accept")] {
        let mut world = World::new();
        world.fault = Some(fault);
        world.run_for(LONG);
        assert_quiet(&world);
        assert_eq!((world.next_id, world.deleted.len()), (2, 0), "{fault:?}");
    }
}

#[test]
fn a_leftover_goes_only_after_the_secret_carries_the_new_epoch() {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::CreateHappensUnseen);
    let done = world.run();
    let position = |step: &str| done.iter().position(|one| one == step).unwrap();
    assert!(position("Begin(3, Requested)") < position("Confirm"), "{done:?}");
    assert!(position("Confirm") < position("Fence(3)"), "{done:?}");
    assert!(position("Fence(3)") < position("Delete(2, Leftover)"), "{done:?}");
    assert!(position("Delete(2, Leftover)") < done.iter().rposition(|one| one == "Create").unwrap(), "{done:?}");
}

#[test]
fn where_no_secret_can_carry_the_epoch_every_holder_has_given_up_before_an_leftover_goes() {
    let mut world = World::new();
    world.add_foreign(9);
    world.fault = Some(Fault::CreateHappensUnseen);
    let done = world.run();
    assert_eq!(done.last().unwrap(), "Wait(Reconciling/CleaningUp)", "{done:?}");
    assert!(world.wait().0.unwrap() >= world.now + HOLD);
    world.run_for(LONG);
    assert_eq!((world.published(), world.deleted.clone()), (Some(id(2)), vec![id(1)]));
    assert!(world.ids().contains(&id(9)), "the foreign one is left alone");
}

/// A first publication is on its way while its credential is removed, for there was nothing to fence and the other slot is
/// somebody else's.
fn belated(fault: Option<Fault>) -> World {
    let mut world = World::new();
    world.add_foreign(9);
    world.fault = Some(Fault::CreateHappensUnseen);
    world.run();
    world.pass_time(HOLD * 2);
    world.fault = fault;
    world.run_until_fault();
    let credential = issued(1, world.now);
    world.put(SecretFact::Ours(OurSecret {
        published: Some(Published { credential, epoch: Epoch(1) }),
        fence: Epoch(1),
        rendering: Rendering::Current,
        immutable: false,
    }));
    world
}

#[test]
fn a_publication_that_lands_after_its_credential_was_removed_is_not_accepted() {
    let mut world = belated(Some(Fault::CrashAfter("Delete")));
    assert_eq!(world.deleted, [id(1)]);
    // Its password is dead already, and nothing else was to be done about it.
    world.deleted.clear();
    let done = world.run();
    assert!(done.contains(&"Create".to_owned()), "{done:?}");
    world.run_for(LONG);
    assert_eq!(world.published(), Some(id(2)));
    assert_eq!(world.ids(), [id(2), id(9)].into());
}

#[test]
fn a_publication_that_lands_before_its_credential_is_removed_is_believed_once_list_has_settled() {
    let mut world = belated(Some(Fault::CrashAfter("CloseEarlier")));
    let done = world.run();
    assert_eq!(done.last().unwrap(), "Wait(Reconciling/CleaningUp)", "{done:?}");
    world.run_for(LONG);
    assert_eq!((world.reason(), world.published()), (Reason::Published, Some(id(1))));
    assert_eq!((world.next_id, world.deleted.len()), (2, 0), "nothing else was created and nothing deleted");
}

#[test]
fn a_leftover_that_list_shows_late_is_still_removed() {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(Fault::CrashAfter("Create"));
    world.hidden.insert(id(2));
    // The slot is taken by what List does not show yet.
    for _ in 0..3 {
        let done = world.clone().run_once();
        assert!(!done.iter().any(|step| step.starts_with("Delete")), "{done:?}");
    }
    world.pass_time(CONSISTENCY_WINDOW);
    world.hidden.clear();
    world.run_for(LONG);
    world.run_for(OVERLAP);
    assert_quiet(&world);
    assert!(world.deleted.contains(&id(2)));
}

#[test]
fn an_attempt_below_the_fence_of_the_secret_gives_way_to_one_above_it() {
    let mut world = World::ready();
    let operation = Operation {
        epoch: Epoch(2),
        first_epoch: Epoch(2),
        purpose: Purpose::Requested,
        means: Means::Create,
        secret_name: secret_name("orders"),
        rotate: None,
        from: world.now,
        attempted_at: world.now,
        baseline: world.ids(),
    };
    world.resource.record.operation = Some(operation);
    world.memory.attempt = Some(Attempt { epoch: Epoch(2), stage: Stage::Begun });
    world.secret_mut().fence = Epoch(3);
    let mut observed = Observed::new(world.resource.clone(), world.memory.clone(), crate::world::SETTINGS);
    (observed.grant, observed.claim) = (Some(Grant::Granted), Some(Claim::Won));
    observed.secrets = world.secrets.clone();
    let Some(SecretFact::Ours(secret)) = observed.secret() else { panic!("the Secret is there") };
    let Step::Record(update) = decide(&observed, world.now) else { panic!("it is taken over") };
    let operation = update.record.operation.unwrap();
    assert!(operation.epoch > secret.fence, "{operation:?}");
}

#[test]
fn two_processes_do_not_take_over_from_each_other_for_ever() {
    for deleting in [false, true] {
        let mut world = World::new();
        for _ in 0..2 {
            world.fault = Some(Fault::CreateHappensUnseen);
            world.run_until_fault();
        }
        assert_eq!(world.ids().len(), 2, "no room is left, and there is no Secret that could be fenced");
        world.resource.deleting = deleting;

        let deadline = world.now + LONG;
        let mut processes = [(world.now, std::mem::take(&mut world.memory)), (world.now, Memory::default())];
        while !world.gone && (deleting || world.published().is_none()) {
            processes.sort_by_key(|(wakes_at, _)| *wakes_at);
            let (wakes_at, memory) = &mut processes[0];
            world.now = world.now.max(*wakes_at) + SignedDuration::from_millis(1);
            assert!(world.now < deadline, "deleting {deleting}: {:?}", world.record().operation);
            std::mem::swap(&mut world.memory, memory);
            world.run();
            *wakes_at = if world.gone { deadline } else { world.wait().0.unwrap_or(deadline) };
            std::mem::swap(&mut world.memory, memory);
        }
        if !deleting {
            world.run_for(LONG);
            assert_quiet(&world);
        }
    }
}

/// Found by the soak: three processes that woke at the same second, because status says when the next try is.
#[test]
fn processes_that_wake_together_do_not_take_over_from_each_other_for_ever() {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    let mut memories = [Memory::default(), Memory::default(), Memory::default()];
    for _ in 0..3 {
        for memory in &mut memories {
            std::mem::swap(&mut world.memory, memory);
            // Up to the moment in which IAM has answered, or as far as it goes.
            world.run_once();
            std::mem::swap(&mut world.memory, memory);
        }
    }
    let recorded = world.record();
    assert_eq!((recorded.handled_rotate.as_deref(), &recorded.operation), (Some("now"), &None));
    for memory in memories {
        world.memory = memory;
        world.run_for(OVERLAP + LONG);
    }
    assert_quiet(&world);
}

/// Whoever took the operation over may die as well.
#[test]
fn a_process_from_which_an_operation_was_taken_over_goes_on_after_the_hold_time() {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    world.run_once();
    let first = std::mem::take(&mut world.memory);
    world.fault = Some(Fault::CrashAfter("Create"));
    world.run_until_fault();
    world.memory = first;
    world.run();
    let operation = world.record().operation.clone().unwrap();
    assert_eq!(world.wait(), (Some(operation.attempted_at + HOLD), None));
    world.run_for(OVERLAP + LONG);
    assert_quiet(&world);
    assert_eq!(world.record().handled_rotate.as_deref(), Some("now"));
}

#[test]
fn what_is_made_by_hand_after_the_window_is_somebody_elses() {
    let mut world = World::new();
    world.fault = Some(Fault::CreateIsLost);
    world.run();
    let until = world.record().window.as_ref().unwrap().end;
    // Nobody looks for long, and meanwhile somebody helps himself.
    world.now = until + CLOCK_SKEW + SignedDuration::from_secs(1);
    world.add_foreign(9);
    world.pass_time(LONG);
    world.run_for(LONG);
    assert_eq!(world.ids(), [id(1), id(9)].into());
    assert_eq!((&world.deleted[..], &world.record().window), (&[][..], &None));
}
