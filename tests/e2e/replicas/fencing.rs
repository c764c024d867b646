//! Two operators act on one namespace without an election. Only the epoch and the resourceVersion keep them apart.

use keyspaces_credential_operator::api::KeyspacesCredentialStatus;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::proxy::{Gate, Which};
use kit::world::{PATIENCE, USER, World, has_condition};
use serde_json::json;

use crate::support::{carried_out, handled, holding, quiet, secret_writes, struck};

/// Releases the gate, and returns what the API server answers to the last write that was held there.
async fn release(world: &World, gate: &Gate) -> Option<u16> {
    let held = world.proxy().requests_that(&secret_writes()).pop().expect("a write is held");
    assert_eq!((held.effect, held.fault), (None, Some("hold")));
    let seq = held.seq;
    gate.release();
    let answered = |request: &kit::proxy::Request| request.seq == seq && request.effect.is_some();
    world.proxy().until("the end of the write that was held", |requests| requests.iter().any(answered)).await;
    world.proxy().requests().into_iter().find(|request| request.seq == seq).and_then(|request| request.effect)
}

/// The first operator is held at its publication. Another one takes over and publishes. Then the first one continues.
async fn revive(world: &World, gate: &Gate, published_by_the_other: impl AsyncFnOnce(&World)) {
    let _other = world.replica(&["--hold", "3s"]);
    published_by_the_other(world).await;
    let accepted = world.user_and_password("orders").await;
    world.login("orders").await.expect("what the other one has published works");
    let creates = world.counts().0;

    assert_eq!(release(world, gate).await, Some(409), "its write has lost");
    quiet(world).await;
    assert!(accepted == world.user_and_password("orders").await, "the password that was accepted stays");
    assert_eq!(world.counts().0, creates, "and nobody made another one");
}

/// Lets a second operator run up to its Create, which never takes effect. It has then taken over and deleted a credential to
/// free a slot.
async fn stop_another_at_its_create(world: &World, flags: &[&str]) -> kit::operator::Operator {
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Hang));
    let other = world.replica(flags);
    struck(world).await;
    assert_eq!(world.counts().2, 1, "what the first one has made is gone by then: there was no other room");
    other
}

#[tokio::test]
async fn a_first_publication_that_comes_too_late_loses() {
    let world = holding("late", &["--api-deadline", "60s"]).await;
    let gate = world.proxy().hold(secret_writes());
    world.apply_with_defaults("orders").await;
    gate.arrived().await;
    revive(&world, &gate, async |world| {
        world.ready("orders").await;
    })
    .await;
    assert_eq!(world.counts().0, 2, "each made one");
    assert_eq!(world.ids().len(), 1);
}

#[tokio::test]
async fn a_rotation_that_comes_too_late_loses() {
    let world = holding("latest", &["--api-deadline", "60s"]).await;
    world.ready_with_defaults("orders").await;
    let (user, password) = world.user_and_password("orders").await;
    let gate = world.proxy().hold(secret_writes());
    world.rotate("orders", "once").await;
    gate.arrived().await;
    revive(&world, &gate, async |world| {
        handled(world, "once").await;
    })
    .await;
    assert_eq!(world.counts().0, 3, "the first one, and each replica's");
    assert_eq!(world.ids().len(), 2, "the current one and the one in its overlap");
    world.login_as(&user, &password).await.expect("the replaced one works in its overlap");
}

#[tokio::test]
async fn a_create_that_comes_too_late_makes_a_leftover_that_goes() {
    // With a shorter consistency window the process would not send the Create at all after it was stopped for longer than that.
    let mut world = holding("tardy", &["--consistency-window", "30s", "--api-deadline", "60s"]).await;
    let gate = world.proxy().hold(Which::dry_runs().of("secrets"));
    world.apply_with_defaults("orders").await;
    gate.arrived().await;
    world.operator().pause().await;
    // The reply is there when the process continues. The API server sent it while there was no Secret.
    gate.release();
    let dry_runs = Which::dry_runs().of("secrets");
    let answered = |request: &kit::proxy::Request| dry_runs.matches(request) && request.status == Some(201);
    world.proxy().until("the reply to the dry run", |requests| requests.iter().any(answered)).await;
    let _other = world.replica(&["--hold", "60s", "--consistency-window", "30s"]);
    world.ready("orders").await;
    let published = world.user_and_password("orders").await;
    assert_eq!(world.counts().0, 1);

    world.operator().resume().await;
    let sent = |iam: &keyspaces_emulator::Handle| {
        iam.calls().into_iter().filter(|call| call.operation == Operation::Create && call.applied).count() == 2
    };
    assert!(world.iam.wait_until(PATIENCE, sent).await, "it goes on to its Create\n{}", world.log());
    quiet(&world).await;
    assert!(world.user_and_password("orders").await == published, "what was published stays");
    // Either of them may find the leftover first.
    assert_eq!((world.counts().0, carried_out(&world, Operation::Delete)), (2, 1), "the late one is gone");
}

#[tokio::test]
async fn a_password_whose_credential_was_removed_can_no_longer_be_published() {
    let world = holding("fenced", &["--api-deadline", "60s"]).await;
    world.ready_with_defaults("orders").await;
    let gate = world.proxy().hold(secret_writes());
    world.rotate("orders", "once").await;
    gate.arrived().await;
    let _other = stop_another_at_its_create(&world, &["--iam-deadline", "60s"]).await;
    // Nobody has published anything since. Still, the write has to lose.
    assert_eq!(release(&world, &gate).await, Some(409));
    world.login("orders").await.expect("the Secret's password works all the time");
    handled(&world, "once").await;
    quiet(&world).await;
}

#[tokio::test]
async fn a_first_password_that_is_published_after_its_credential_was_removed_is_replaced() {
    let mut world = holding("unfenced", &["--api-deadline", "60s"]).await;
    let theirs = world.iam.create_credential(USER).expect("there is room").info.id;
    let gate = world.proxy().hold(secret_writes());
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1s" } })).await;
    gate.arrived().await;
    // There is no Secret that could carry a fence, so the other operator waits until every holder of a password has given it
    // up. This write is on its way for longer than that, and its sender was killed.
    world.operator().kill().await;
    let flags = ["--hold", "1s", "--consistency-window", "2s", "--iam-deadline", "5s"];
    let _other = stop_another_at_its_create(&world, &flags).await;
    release(&world, &gate).await;
    let working = async || {
        let data = world.secrets().get_opt("orders").await.ok().flatten().and_then(|secret| secret.data)?;
        let text = |key: &str| data.get(key).and_then(|value| std::str::from_utf8(&value.0).ok());
        world.iam.verify(text("username")?, text("password")?)
    };
    let published = world
        .eventually(async || {
            let ready = has_condition(&world.resource("orders").await, "Ready", "True", "Published");
            let works = working().await.is_some();
            assert!(works || !ready, "it says Ready while the published password does not work\n{}", world.log());
            works
        })
        .await;
    assert!(published, "a password that works is published in the end\n{}", world.log());
    let nothing_retires = |status: &KeyspacesCredentialStatus| status.operation.is_none() && status.retiring.is_none();
    world.until("orders", "recovered", |resource| resource.status.as_ref().is_some_and(nothing_retires)).await;
    quiet(&world).await;
    assert!(world.ids().contains(&theirs));
}
