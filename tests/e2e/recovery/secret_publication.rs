//! The operator writes the Secret with the resourceVersion that it read. A password counts as published by the epoch in the
//! Secret, whatever became of the reply.

use futures::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use kit::proxy::{Action, Fault};
use kit::world::USER;
use kube::ResourceExt;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::support::{handled, holding, patch_secret, proxied, quiet, ready, secret_writes, status_writes};

#[tokio::test]
async fn a_secret_that_somebody_else_has_touched_is_read_again_and_the_password_in_hand_published() {
    let world = holding("touched", &["--api-deadline", "60s"]).await;
    world.ready_with_defaults("orders").await;
    let before = world.proxy().replies_to(&secret_writes()).len();
    let gate = world.proxy().hold(secret_writes());
    world.rotate("orders", "once").await;
    gate.arrived().await;
    patch_secret(&world, json!({ "metadata": { "labels": { "other": "tool" } } })).await;
    gate.release();

    handled(&world, "once").await;
    quiet(&world).await;
    let replies = world.proxy().replies_to(&secret_writes());
    assert_eq!(replies[before..], [Some(409), Some(200)], "it lost, looked, and won");
    let secret = world.secrets().get("orders").await.unwrap();
    assert_eq!(secret.labels().get("other").map(String::as_str), Some("tool"), "the other's label is still there");
    assert_eq!((world.counts().0, world.counts().2), (2, 0), "one Create for the rotation");
}

#[tokio::test]
async fn a_secret_that_appears_under_the_name_is_not_overwritten_and_nothing_is_left_in_iam() {
    let world = holding("usurped", &["--api-deadline", "60s"]).await;
    let gate = world.proxy().hold(secret_writes());
    world.apply_with_defaults("orders").await;
    gate.arrived().await;
    assert_eq!(world.ids().len(), 1, "there is a credential, and its password is in hand");
    let theirs: Secret =
        serde_json::from_value(json!({ "metadata": { "name": "orders" }, "stringData": { "key": "theirs" } })).unwrap();
    let theirs = world.secrets().create(&PostParams::default(), &theirs).await.unwrap();
    gate.release();

    world.stalled("orders", "SecretConflict").await;
    assert!(world.iam.wait_until(kit::world::PATIENCE, |iam| iam.credentials_of(USER).is_empty()).await);
    assert_eq!(world.secrets().get("orders").await.unwrap(), theirs, "not a byte of it changed");
    assert_eq!(world.proxy().replies_to(&secret_writes()), [Some(409)]);
    assert_eq!((world.counts().0, world.counts().2), (1, 1));

    world.secrets().delete("orders", &DeleteParams::default()).await.unwrap();
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn a_secret_whose_write_was_committed_and_not_answered_is_accepted_by_its_epoch() {
    join_all([("swallowed", Action::Close), ("timedout", Action::Refuse(504))].map(async |(name, action)| {
        let world = holding(name, &["--api-deadline", "60s"]).await;
        world.proxy().set_fault(Fault::on(secret_writes(), action).after_effect());
        world.apply_with_defaults("orders").await;
        world.ready("orders").await;
        quiet(&world).await;
        assert_eq!(world.proxy().requests_that(&secret_writes()).len(), 1, "it was there already");
        assert_eq!((world.counts().0, world.counts().2), (1, 0));
    }))
    .await;
}

#[tokio::test]
async fn a_completion_that_is_refused_or_not_answered_makes_no_second_credential() {
    let fault = |action| Fault::on(status_writes(), action).from_nth(2);
    let faults = [
        ("busy", fault(Action::Refuse(503))),
        ("contested", fault(Action::Refuse(409))),
        ("unheard", fault(Action::Close)),
        ("unanswered", fault(Action::Close).after_effect()),
        ("torn", fault(Action::Reset).after_effect()),
    ];
    join_all(faults.map(async |(name, fault)| {
        let world = holding(name, &["--api-deadline", "60s"]).await;
        world.proxy().set_fault(fault);
        world.apply_with_defaults("orders").await;
        world.ready("orders").await;
        quiet(&world).await;
        assert!(world.proxy().requests_that(&status_writes())[1].fault.is_some(), "the completion met its fault");
        assert_eq!(world.proxy().replies_to(&secret_writes()), [Some(201)], "published once");
        assert_eq!((world.counts().0, world.counts().2), (1, 0), "{name}");
    }))
    .await;
}

#[tokio::test]
async fn a_secret_that_is_deleted_before_the_password_in_hand_is_published_is_made_again_with_it() {
    let world = proxied("between", &["--hold", "60s"]).await;
    ready(&world, "1h").await;
    let gate = world.proxy().hold(secret_writes());
    world.rotate("orders", "once").await;
    gate.arrived().await;
    world.secrets().delete("orders", &DeleteParams::default()).await.unwrap();
    gate.release();
    handled(&world, "once").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0), "no third one");
}
