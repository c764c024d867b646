//! What an event says: one for each thing that happened in IAM or was published, and none for what only failed or was read.

use jiff::Timestamp;

use crate::world::{SETTINGS, World, id, issued, secret_name};
use keyspaces_credential_protocol::*;

fn before(world: &World) -> Observed {
    Observed::new(world.resource.clone(), Memory::default(), SETTINGS)
}

/// The word and the sentence of an event.
fn event(step: &Step, outcome: &Outcome) -> Option<(Reason, String)> {
    Event::of(&before(&World::ready()), step, outcome).map(|Event { reason, message }| (reason, message))
}

fn new_password(number: u64) -> Outcome {
    let Issued { id, service_user_name, issued_at } = issued(number, Timestamp::UNIX_EPOCH);
    Outcome::Issued { id, service_user_name, at: issued_at }
}

#[test]
fn what_iam_did_is_told_with_the_id() {
    let told = [
        (Step::Create(Epoch(2)), new_password(2), Reason::CredentialCreated, id(2)),
        (Step::Reset(Epoch(2), id(1)), new_password(1), Reason::PasswordReset, id(1)),
        (Step::Deactivate(id(1)), Outcome::Done, Reason::RetiringDeactivated, id(1)),
    ];
    for (step, outcome, reason, id) in told {
        let (told, message) = event(&step, &outcome).unwrap();
        assert_eq!(told, reason);
        assert!(message.contains(id.as_str()), "{message}");
    }
}

#[test]
fn a_deletion_in_iam_is_told_with_its_cause_unless_the_credential_was_gone_before() {
    for (disposal, reason) in [
        (Disposal::Leftover, Reason::LeftoverDeleted),
        (Disposal::Retired, Reason::RetiredDeleted),
        (Disposal::Foreign, Reason::ForeignDeleted),
        (Disposal::ResourceDeleted, Reason::CredentialDeleted),
    ] {
        let step = Step::DeleteCredential(id(1), disposal);
        let of = |deleted| event(&step, &Outcome::Deleted(deleted)).map(|(reason, _)| reason);
        assert_eq!(of(Deleted::Now), Some(reason));
        assert_eq!(of(Deleted::Before), None);
        assert_eq!(of(Deleted::NotTheirs), Some(Reason::CredentialNotOurs));
    }
}

#[test]
fn a_former_secret_that_was_deleted_is_named() {
    let (reason, message) =
        event(&Step::DeleteFormerSecret(secret_name("bills")), &Outcome::Secret(SecretFact::Absent)).unwrap();
    assert_eq!(reason, Reason::FormerSecretDeleted);
    assert!(message.contains("bills"), "{message}");
}

#[test]
fn a_write_of_the_record_is_told_if_an_attempt_begins_or_ends_well_or_the_secret_moves() {
    let record = World::ready().record().clone();
    for (change, reason) in [
        (Change::Begin, Some(Reason::Rotating)),
        (Change::Accept, Some(Reason::Rotating)),
        (Change::MoveSecret, Some(Reason::SecretMoved)),
        (Change::CloseEarlier, None),
        (Change::Abandon, None),
        (Change::CloseWindow, None),
        (Change::MarkInactive, None),
        (Change::ForgetRetiring, None),
        (Change::AnnounceCopy, None),
        (Change::ForgetFormerSecret, None),
    ] {
        let report = Some(Report::new(State::Reconciling, Reason::Rotating, "so it is"));
        let step = Step::Record(Box::new(Update { change, record: record.clone(), report }));
        assert_eq!(event(&step, &Outcome::Done).map(|(reason, _)| reason), reason, "{change:?}");
    }
}

#[test]
fn every_takeover_is_told_in_the_same_words() {
    let mut world = World::new();
    world.fault = Some(crate::world::Fault::CrashAfter("Create"));
    world.run_until_fault();
    let mut observed = before(&world);
    while let step = decide(&observed, world.now)
        && !matches!(step, Step::Record(_))
    {
        let outcome = match step {
            Step::ReadGrant => Outcome::Grant(Grant::Granted),
            Step::ReadClaims => Outcome::Claim(Claim::Won),
            Step::ReadSecret(_) => Outcome::Secret(SecretFact::Absent),
            other => panic!("{other:?}"),
        };
        observed.after(&step, outcome);
    }
    let event = Event::of(&observed, &decide(&observed, world.now), &Outcome::Done).unwrap();
    assert_eq!(event.reason, Reason::TakenOver);
    assert!(!event.message.contains(char::is_numeric), "Kubernetes counts equal events: {}", event.message);
}

#[test]
fn what_failed_and_what_was_read_is_not_told() {
    let failed = Outcome::Failed(Class::Transient);
    for step in [Step::Create(Epoch(2)), Step::Deactivate(id(1)), Step::DeleteFormerSecret(secret_name("bills"))] {
        assert_eq!(event(&step, &failed), None, "{step:?}");
    }
    for (step, outcome) in
        [(Step::ReadGrant, Outcome::Grant(Grant::Granted)), (Step::Render, Outcome::Secret(SecretFact::Absent))]
    {
        assert_eq!(event(&step, &outcome), None, "{step:?}");
    }
}
