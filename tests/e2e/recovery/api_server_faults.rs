//! The API server refuses, hangs, is down, stalls its watches or answers with an old version.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use keyspaces_credential_operator::api::KeyspacesCredential;
use kit::proxy::{Action, Fault, Request, Verb, Which};
use kit::world::{USER, World, has_condition};
use kube::api::DeleteParams;
use serde_json::json;

use crate::BINARY;
use crate::support::{
    OTHER, apply, handled, nothing_retires, proxied, proxied_with_other, quiet, ready, secret_writes, status,
    status_writes,
};

/// Waits for this many requests of a kind that met a fault.
async fn met(world: &World, which: &Which, count: usize) {
    let met = |requests: &[Request]| {
        requests.iter().filter(|request| which.matches(request) && request.fault.is_some()).count() >= count
    };
    world.proxy().until(&format!("{count} requests that go wrong"), met).await;
}

/// How often IAM was asked to create a credential for this user.
fn creates_for(world: &World, user: &str) -> usize {
    let calls = world.calls(keyspaces_emulator::Operation::Create);
    calls.into_iter().filter(|call| call.user.as_deref() == Some(user)).count()
}

#[tokio::test]
async fn a_storm_about_one_resource_holds_up_no_other_and_makes_no_second_credential() {
    // The first write of status is the intent, the second one the completion.
    let storms = [(1, 409), (2, 429), (1, 503), (2, 504)];
    join_all(storms.map(async |(nth, code)| {
        let world = proxied_with_other("storm", &["--api-deadline", "2s", "--hold", "60s"]).await;
        let which = status_writes().named("orders");
        world.proxy().set_fault(Fault::on(which.clone(), Action::Refuse(code)).from_nth(nth).for_ever());
        apply(&world, "orders", USER, "1h").await;
        met(&world, &which, 3).await;
        apply(&world, "billing", OTHER, "1h").await;
        world.ready("billing").await;
        world.assert_whole("billing").await;
        assert_eq!(creates_for(&world, USER), usize::from(nth > 1), "{code}: none without an intent");

        world.proxy().clear_faults();
        apply(&world, "orders", USER, "2h").await;
        world.ready("orders").await;
        quiet(&world).await;
        assert_eq!((creates_for(&world, USER), world.counts().2), (1, 0), "{code}");
    }))
    .await;
}

/// A webhook may refuse with the code of a conflict. Reading the Secret again does not end such a conflict.
#[tokio::test]
async fn conflicts_without_end_are_told_and_tried_less_and_less() {
    let world = proxied_with_other("collisions", &[]).await;
    world.proxy().set_fault(Fault::on(Which::dry_runs().of("secrets").named("orders"), Action::Refuse(409)).for_ever());
    apply(&world, "orders", USER, "1h").await;
    let told = |resource: &KeyspacesCredential| {
        has_condition(resource, "Reconciling", "True", "NoProgress")
            && has_condition(resource, "Ready", "False", "NoProgress")
            && status(resource).failures.is_some_and(|failures| failures.count >= 2)
    };
    world.until("orders", "giving up for now", told).await;
    assert_eq!(world.counts().0, 0);
    world.proxy().clear_faults();
    apply(&world, "orders", USER, "2h").await;
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_resource_that_the_api_server_never_answers_for_holds_up_no_other() {
    let world = proxied_with_other("silent", &["--api-deadline", "1s"]).await;
    let which = Which::gets().of("keyspacescredentials").named("orders");
    world.proxy().set_fault(Fault::on(which.clone(), Action::Hang).for_ever());
    apply(&world, "orders", USER, "1h").await;
    // The second one: the first had a deadline.
    met(&world, &which, 2).await;
    apply(&world, "billing", OTHER, "1h").await;
    world.ready("billing").await;
    assert_eq!(creates_for(&world, USER), 0);
    world.proxy().clear_faults();
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0), "one each");
}

/// A password is in hand, and the API server is down: nothing that is sent has an answer or an effect.
async fn down_with_a_password_in_hand(world: &World) {
    let gate = world.proxy().hold(secret_writes());
    apply(world, "orders", USER, "1h").await;
    gate.arrived().await;
    world.proxy().set_fault(Fault::on(Which::any(), Action::Close).for_ever());
    gate.discard();
    met(world, &Which::gets().of("keyspacescredentials"), 2).await;
    assert_eq!((world.counts().0, world.ids().len()), (1, 1));
}

#[tokio::test]
async fn an_api_server_that_comes_back_in_time_gets_the_password_in_hand() {
    let world = proxied("downshort", &["--hold", "10m", "--api-deadline", "1s"]).await;
    down_with_a_password_in_hand(&world).await;
    world.proxy().clear_faults();
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn while_the_api_server_stays_away_the_password_in_hand_is_given_up() {
    let world = proxied("downlong", &["--hold", "10s", "--api-deadline", "1s"]).await;
    down_with_a_password_in_hand(&world).await;
    // It holds the password for half of the hold time.
    let given_up = Timestamp::now() + SignedDuration::from_secs(6);
    assert!(world.eventually(async || Timestamp::now() > given_up).await);
    world.proxy().clear_faults();
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!(world.proxy().replies_to(&secret_writes()), [None, Some(201)], "one password was published");
    assert_eq!((world.counts().0, world.counts().2), (2, 1), "its replacement; the one that was given up");
}

#[tokio::test]
async fn with_its_watches_stalled_it_still_looks_by_itself() {
    let world = proxied("stalled", &["--resync", "2s"]).await;
    ready(&world, "1s").await;
    let gate = world.proxy().stall(Which::verbs(&[Verb::Watch]));
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    nothing_retires(&world).await;
    let former = status(&world.resource("orders").await).credential;
    world.secrets().delete("orders", &DeleteParams::default()).await.unwrap();
    world.until("orders", "recovered", |resource| status(resource).credential != former).await;
    nothing_retires(&world).await;
    quiet(&world).await;
    gate.arrived().await;
    assert_eq!((world.counts().0, world.counts().2), (3, 2), "the first, the rotation, the recovery");

    // The watches deliver at once all that they held back. The operator knows all of it already.
    gate.release();
    world.rotate("orders", "twice").await;
    handled(&world, "twice").await;
    nothing_retires(&world).await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (4, 3));
}

fn watches() -> Which {
    Which::verbs(&[Verb::Watch]).of("keyspacescredentials")
}

#[tokio::test]
async fn a_watch_that_is_never_answered_is_begun_anew() {
    let mut world = World::proxied(BINARY, "deaf").await;
    world.proxy().set_fault(Fault::on(watches(), Action::Hang));
    world.start(&[]);
    met(&world, &watches(), 1).await;
    world.ready_with_defaults("orders").await;
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn a_watch_that_falls_silent_is_begun_anew() {
    let world = proxied_with_other("silent", &["--resync", "1h"]).await;
    ready(&world, "1s").await;
    let gate = world.proxy().stall(watches());
    apply(&world, "bills", OTHER, "1s").await;
    gate.arrived().await;
    // What is held stays held. The next watch works as usual.
    world.proxy().clear_faults();
    world.ready("bills").await;
    world.assert_whole("bills").await;
}

#[tokio::test]
async fn what_is_decided_on_an_old_version_of_the_resource_is_refused_by_the_api_server() {
    let world = proxied("yesterday", &["--hold", "60s"]).await;
    ready(&world, "1s").await;
    let gate = world.proxy().hold(status_writes());
    world.rotate("orders", "once").await;
    gate.arrived().await;
    // The version has a request for a rotation that the operator has not begun.
    let old = world.resource("orders").await;
    assert!(status(&old).operation.is_none());
    gate.release();
    handled(&world, "once").await;
    nothing_retires(&world).await;
    quiet(&world).await;

    let reads = Which::gets().of("keyspacescredentials");
    let stale = Action::Answer(serde_json::to_value(&old).expect("it is JSON"));
    world.proxy().set_fault(Fault::on(reads.clone(), stale).times(3));
    let patch = json!({ "metadata": { "annotations": { "look": "again" } } });
    let patch = kube::api::Patch::Merge(&patch);
    world.resources().patch("orders", &kube::api::PatchParams::default(), &patch).await.unwrap();
    met(&world, &reads, 3).await;
    let refused = |requests: &[Request]| {
        requests.iter().any(|request| status_writes().matches(request) && request.effect == Some(409))
    };
    world.proxy().until("the write of an intent that is refused", refused).await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1), "the first, and one rotation");
    assert_eq!(status(&world.resource("orders").await).completed_epoch, Some(2));
}
