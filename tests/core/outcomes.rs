//! What a process learns of the outcome of a step, above all of its own attempt.

use crate::world::{SETTINGS, World, id, secret_name};
use keyspaces_credential_protocol::*;

/// The facts in the middle of an attempt of this process.
fn attempting(stage: Stage) -> Observed {
    let mut world = World::ready();
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(crate::world::Fault::CrashAfter("Begin"));
    world.run_until_fault();
    let epoch = world.record().operation.as_ref().unwrap().epoch;
    let memory = Memory { attempt: Some(Attempt { epoch, stage }), ..Memory::default() };
    Observed::new(world.resource, memory, SETTINGS)
}

fn in_hand() -> Stage {
    Stage::InHand { id: id(2), since: World::new().now }
}

fn record(change: Change, record: Record) -> Step {
    Step::Record(Box::new(Update { change, record, report: None }))
}

fn stage(observed: &Observed) -> Option<Stage> {
    observed.memory.attempt.as_ref().map(|attempt| attempt.stage.clone())
}

#[test]
fn a_refusal_leaves_the_attempt_and_an_unknown_outcome_ends_it() {
    for step in [Step::Create(Epoch(2)), Step::Reset(Epoch(2), id(1))] {
        for (class, left) in
            [(Class::Terminal, Some(Stage::Begun)), (Class::Transient, Some(Stage::Begun)), (Class::Ambiguous, None)]
        {
            let mut observed = attempting(Stage::DryRun);
            assert_eq!(observed.after(&step, Outcome::Failed(class)), Next::StartOver);
            assert_eq!(stage(&observed), left, "{step:?} {class:?}");
        }
    }
}

#[test]
fn an_attempt_whose_record_may_have_been_written_is_not_taken_for_the_one_of_before() {
    for change in [Change::Begin, Change::TakeOver] {
        for (class, left) in [(Class::Conflict, Some(Stage::Begun)), (Class::Transient, None), (Class::Ambiguous, None)]
        {
            let mut observed = attempting(Stage::Begun);
            let step = record(change, observed.resource.record.clone());
            assert_eq!(observed.after(&step, Outcome::Failed(class)), Next::StartOver);
            assert_eq!(stage(&observed), left, "{change:?} {class:?}");
        }
    }
    let mut observed = attempting(Stage::Begun);
    let step = record(Change::CloseEarlier, observed.resource.record.clone());
    observed.after(&step, Outcome::Failed(Class::Ambiguous));
    assert_eq!(stage(&observed), Some(Stage::Begun), "that is another write");
}

#[test]
fn a_password_in_hand_is_forgotten_when_its_own_credential_is_accepted_and_not_when_another_one_is() {
    for (accepted, left) in [(id(2), None), (id(3), Some(in_hand()))] {
        let mut observed = attempting(in_hand());
        let mut after = observed.resource.record.clone();
        after.operation = None;
        after.current.as_mut().unwrap().id = accepted;
        assert_eq!(observed.after(&record(Change::Accept, after), Outcome::Done), Next::Decide);
        assert_eq!(stage(&observed), left);
    }
}

#[test]
fn a_password_in_hand_is_forgotten_when_its_credential_is_deleted_and_not_when_another_one_is() {
    for (deleted, left) in [(id(2), None), (id(3), Some(in_hand()))] {
        let mut observed = attempting(in_hand());
        let step = Step::DeleteCredential(deleted.clone(), Disposal::Leftover);
        assert_eq!(observed.after(&step, Outcome::Deleted(Deleted::Now)), Next::Decide);
        assert_eq!((stage(&observed), observed.deleted), (left, [deleted].into()));
    }
}

#[test]
fn an_operation_that_is_given_up_ends_its_attempt() {
    let mut observed = attempting(Stage::DryRun);
    let after = Record { operation: None, ..observed.resource.record.clone() };
    assert_eq!(observed.after(&record(Change::Abandon, after), Outcome::Done), Next::Decide);
    assert_eq!(stage(&observed), None);
}

#[test]
fn who_else_asks_for_the_user_is_read_again_after_the_intent_is_recorded_and_only_then() {
    for (change, read_again) in [(Change::Begin, true), (Change::TakeOver, true), (Change::CloseEarlier, false)] {
        let mut observed = attempting(Stage::Begun);
        observed.claim = Some(Claim::Won);
        let step = record(change, observed.resource.record.clone());
        assert_eq!(observed.after(&step, Outcome::Done), Next::Decide);
        assert_eq!(observed.claim.is_none(), read_again, "{change:?}");
    }
}

#[test]
fn a_pass_begins_anew_when_what_it_read_is_no_longer_so() {
    let mut observed = attempting(Stage::Begun);
    observed.listing = Some(Listing { credentials: Vec::new(), taken_at: World::new().now, confirmed: false });
    assert_eq!(observed.clone().after(&Step::ConfirmListing, Outcome::Changed), Next::StartOver);
    assert_eq!(observed.after(&Step::ConfirmListing, Outcome::Done), Next::Decide);
    assert!(observed.listing.as_ref().is_some_and(|listing| listing.confirmed));
    assert_eq!(observed.after(&Step::StartOver, Outcome::Done), Next::StartOver);
    let moved = record(Change::MoveSecret, observed.resource.record.clone());
    assert_eq!(observed.after(&moved, Outcome::Done), Next::StartOver);
}

#[test]
fn a_new_password_is_in_hand_and_the_pass_begins_anew() {
    let at = World::new().now;
    let Issued { id, service_user_name, .. } = crate::world::issued(2, at);
    let mut observed = attempting(Stage::DryRun);
    let outcome = Outcome::Issued { id, service_user_name, at };
    assert_eq!(observed.after(&Step::Create(Epoch(2)), outcome), Next::StartOver);
    assert_eq!(observed.memory.attempt, Some(Attempt { epoch: Epoch(2), stage: in_hand() }));
}

#[test]
fn a_secret_that_was_read_or_written_is_known_by_its_name() {
    let (present, wanted, former) = (secret_name("orders"), secret_name("bills"), secret_name("books"));
    for (step, name) in [
        (Step::ReadSecret(present.clone()), &present),
        (Step::ReadSecret(former.clone()), &former),
        (Step::FenceSecret(Epoch(3)), &present),
        (Step::Publish(Epoch(3)), &present),
        (Step::Render, &present),
        (Step::ReleaseSecret, &present),
        (Step::CopySecret, &wanted),
        (Step::DeleteFormerSecret(former.clone()), &former),
    ] {
        let mut observed = attempting(in_hand());
        observed.resource.wanted_secret = wanted.clone();
        assert_eq!(observed.after(&step, Outcome::Secret(SecretFact::NotOurs)), Next::Decide);
        assert_eq!(observed.secrets, [(name.clone(), SecretFact::NotOurs)].into(), "{step:?}");
        assert_eq!(observed.copied.contains(&wanted), step == Step::CopySecret);
    }
}

#[test]
fn what_this_pass_did_in_iam_is_known_until_its_end() {
    let mut observed = attempting(Stage::DryRun);
    assert_eq!(observed.after(&Step::Deactivate(id(1)), Outcome::Done), Next::Decide);
    assert_eq!(observed.deactivated, [id(1)].into());
    let until = Some(World::new().now);
    assert_eq!(observed.after(&Step::Wait { until, report: None }, Outcome::Done), Next::Rest(until));
    assert_eq!(observed.after(&Step::RemoveFinalizer, Outcome::Done), Next::Rest(None));
    assert!(!observed.resource.finalizer);
}
