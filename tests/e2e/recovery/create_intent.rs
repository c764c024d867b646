//! The operator records a Create in status and tries the write of the Secret as a dry run before it sends the Create. It
//! sends the Create once, and removes the leftover of one whose reply was lost.

use futures::future::join_all;
use keyspaces_emulator::{Fault as IamFault, FaultKind, Operation};
use kit::proxy::{Action, Fault, Gate, Which};
use kit::world::{PATIENCE, USER};

use crate::support::{apply, holding, quiet, secret_writes, status_writes, world};

#[tokio::test]
async fn when_a_create_arrives_its_epoch_and_baseline_are_in_status() {
    let world = holding("intent", &["--iam-deadline", "60s"]).await;
    let theirs = world.iam.create_credential(USER).unwrap().info.id;
    world.iam.set_fault(IamFault::on(Operation::Create, FaultKind::Hang));
    world.apply_with_defaults("orders").await;
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.calls().iter().any(|call| call.fault.is_some())).await);

    let status = world.resource("orders").await.status.unwrap_or_default();
    let intent = status.operation.expect("the intent is written");
    assert_eq!((intent.epoch, intent.first_epoch), (1, 1));
    assert_eq!(intent.baseline, [theirs.as_str()], "what was there before is not ours");
    assert!(status.credential.is_none());
    let accepted = [Some(200)];
    assert_eq!(world.proxy().replies_to(&status_writes()), accepted);
    assert_eq!(world.proxy().replies_to(&Which::dry_runs().of("secrets")), [Some(201)], "the write was tried as well");
}

#[tokio::test]
async fn without_the_intent_in_status_no_create_is_sent() {
    join_all([("lost", Action::Refuse(409)), ("down", Action::Refuse(503)), ("cut", Action::Close)].map(
        async |(name, action)| {
            let world = holding(name, &["--api-deadline", "1s"]).await;
            world.proxy().set_fault(Fault::on(status_writes(), action).for_ever());
            world.apply_with_defaults("orders").await;
            world
                .proxy()
                .until("three status writes that fail", |requests| {
                    requests.iter().filter(|request| status_writes().matches(request)).count() > 3
                })
                .await;
            assert_eq!(world.counts().0, 0, "{name}: no Create");
            assert_eq!(world.proxy().requests_that(&secret_writes()).len(), 0);
            world.proxy().clear_faults();
            world.ready("orders").await;
            quiet(&world).await;
            assert_eq!((world.counts().0, world.counts().2), (1, 0), "{name}");
        },
    ))
    .await;
}

#[tokio::test]
async fn an_intent_that_was_written_and_not_answered_is_taken_over() {
    let world = holding("unanswered", &["--api-deadline", "60s"]).await;
    world.proxy().set_fault(Fault::on(status_writes(), Action::Close).after_effect());
    world.apply_with_defaults("orders").await;
    world.ready("orders").await;
    quiet(&world).await;
    let status = world.resource("orders").await.status.unwrap_or_default();
    assert_eq!(status.completed_epoch, Some(2), "the first attempt was not continued");
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_secret_that_the_api_server_refuses_as_a_dry_run_costs_no_create() {
    join_all([403, 422].map(async |code| {
        let world = holding("refused", &["--api-deadline", "60s"]).await;
        world.proxy().set_fault(Fault::on(Which::dry_runs().of("secrets"), Action::Refuse(code)).for_ever());
        world.apply_with_defaults("orders").await;
        let message = world.stalled("orders", "SecretRefused").await;
        assert!(message.contains("a test wants it so"), "{message}");
        assert_eq!(world.counts().0, 0, "{code}");
        assert_eq!(world.proxy().requests_that(&secret_writes()).len(), 0, "{code}");
        world.proxy().clear_faults();
        apply(&world, "orders", USER, "2h").await;
        world.ready("orders").await;
        quiet(&world).await;
        assert_eq!((world.counts().0, world.counts().2), (1, 0), "{code}");
    }))
    .await;
}

#[tokio::test]
async fn a_create_without_a_proper_reply_is_not_sent_again_before_the_attempt_is_taken_over() {
    let kinds = [
        ("close", FaultKind::Close),
        ("reset", FaultKind::Reset),
        ("hang", FaultKind::Hang),
        ("error", FaultKind::Status { status: 500 }),
        ("away", FaultKind::Status { status: 503 }),
        ("cut", FaultKind::CutBody { at: None }),
    ];
    join_all(kinds.map(async |(name, kind)| {
        let world = holding(name, &["--iam-deadline", "2s"]).await;
        world.iam.set_fault(IamFault::on(Operation::Create, kind).after_effect());
        // The first write of status is the intent. The second one follows the outcome of the Create.
        let gate = Gate::new();
        world.proxy().set_fault(Fault::on(status_writes(), Action::Hold(gate.clone())).from_nth(2));
        world.apply_with_defaults("orders").await;
        gate.arrived().await;
        assert_eq!(world.counts().0, 1, "{name}: one Create in the first attempt");
        assert_eq!(world.proxy().requests_that(&secret_writes()).len(), 0, "{name}: nothing was published");
        gate.release();

        world.ready("orders").await;
        quiet(&world).await;
        assert_eq!((world.counts().0, world.counts().2), (2, 1), "{name}: the replacement; the leftover");
    }))
    .await;
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_sent_once_and_its_credential_is_removed() {
    let world = world("lost").await;
    world.iam.set_fault(IamFault::on(Operation::Create, FaultKind::Close).after_effect());
    world.apply_with_defaults("orders").await;
    world.ready("orders").await;
    world.event("orders", "LeftoverDeleted").await;
    world
        .until("orders", "quiet", |resource| {
            resource.status.as_ref().is_some_and(|status| status.unresolved.is_none() && status.operation.is_none())
        })
        .await;
    world.assert_whole("orders").await;
    let (creates, _, deletes) = world.counts();
    assert_eq!((creates, deletes), (2, 1), "the lost one and its replacement; one leftover");
}

#[tokio::test]
async fn an_operator_that_dies_with_the_password_in_its_hands_leaves_no_leftover() {
    let mut world = world("killed").await;
    // The operator is killed while IAM's reply is on its way, so the Secret is never written.
    world.iam.set_fault(IamFault::on(Operation::Create, FaultKind::Hang).after_effect());
    world.apply_with_defaults("orders").await;
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.credentials_of(USER).len() == 1).await);
    world.operator().kill().await;
    world.start(&[]);
    world.ready("orders").await;
    world.event("orders", "LeftoverDeleted").await;
    world.assert_whole("orders").await;
    let (creates, _, deletes) = world.counts();
    assert_eq!((creates, deletes), (2, 1));
}
