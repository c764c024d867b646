//! A resource, its namespace or its IAM user is deleted while the operator is idle. Whatever the resource owns is deleted too;
//! with `Retain`, whatever works stays. The operator touches nothing that belongs to anybody else.

use futures::future::join_all;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::proxy::Which;
use kit::world::{PATIENCE, USER, World, has_condition};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::assert_retained;
use crate::BINARY;
use crate::support::{PATIENT, carried_out, current, handled, passes, patient, status, struck, world};

#[tokio::test]
async fn in_an_overlap_both_credentials_go_or_both_stay() {
    join_all([("Delete", 0), ("Retain", 2)].map(async |(policy, kept)| {
        let world = patient("overlap").await;
        world.apply("orders", json!({ "iamUserName": USER, "deletionPolicy": policy })).await;
        world.ready("orders").await;
        let (old_user, old_password) = world.user_and_password("orders").await;
        world.rotate("orders", "once").await;
        handled(&world, "once").await;
        world.delete("orders").await;
        world.gone("orders").await;

        let ids = world.ids();
        assert_eq!((ids.len(), world.counts().0, world.counts().2), (kept, 2, 2 - kept), "{policy}");
        if kept == 0 {
            world.secret_gone("orders").await;
            world.login_as(&old_user, &old_password).await.expect_err("its resource is gone");
        } else {
            assert_retained(&world, &ids).await;
            world.login_as(&old_user, &old_password).await.expect("both stay as they are");
        }
    }))
    .await;
}

#[tokio::test]
async fn while_iam_is_down_it_waits_and_says_so_and_then_goes_on() {
    let world = patient("iamdown").await;
    world.ready_with_defaults("orders").await;
    world.iam.set_fault(Fault::on_any(FaultKind::Close).for_ever());
    world.delete("orders").await;
    let waiting = world
        .until("orders", "waiting for IAM", |resource| {
            has_condition(resource, "Reconciling", "True", "IamUnavailable")
                && has_condition(resource, "Ready", "False", "IamUnavailable")
                && status(resource).failures.is_some_and(|failures| failures.count >= 2)
        })
        .await;
    assert!(waiting.metadata.deletion_timestamp.is_some());
    assert_eq!(world.ids().len(), 1);
    world.login("orders").await.expect("what is published works until it is deleted");

    world.iam.clear_faults();
    world.gone("orders").await;
    world.secret_gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
    assert_eq!((world.counts().0, carried_out(&world, Operation::Delete)), (1, 1));
    world.assert_no_password_shown().await;
}

#[tokio::test]
async fn a_user_that_is_deleted_in_the_middle_of_a_rotation_holds_nothing_up() {
    join_all(["Delete", "Retain"].map(async |policy| {
        let mut world = World::new(BINARY, "usergone").await;
        world.start(&["--iam-deadline", "10s"]);
        world.apply("orders", json!({ "iamUserName": USER, "deletionPolicy": policy })).await;
        world.ready("orders").await;
        world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Hang).after_effect());
        world.rotate("orders", "once").await;
        struck(&world).await;
        world.iam.force_delete_user(USER).expect("it is there");
        world.delete("orders").await;
        world.gone("orders").await;
        assert_eq!(world.counts().0, 2, "{policy}: nothing is made for a user that is gone");
        match policy {
            "Retain" => assert!(world.secrets().get_opt("orders").await.unwrap().is_some()),
            _ => world.secret_gone("orders").await,
        }
        world.assert_no_password_shown().await;
    }))
    .await;
}

#[tokio::test]
async fn what_is_deleted_while_the_operator_is_down_goes_when_it_is_back() {
    let mut world = patient("down").await;
    world.ready_with_defaults("orders").await;
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    world.operator().kill().await;
    world.delete("orders").await;
    assert!(world.resource("orders").await.metadata.deletion_timestamp.is_some(), "the finalizer holds it");
    world.start(&PATIENT);
    world.gone("orders").await;
    world.secret_gone("orders").await;
    assert_eq!((world.ids().len(), world.counts().0, world.counts().2), (0, 2, 2));
    world.assert_no_password_shown().await;
}

#[tokio::test]
async fn a_resource_made_anew_under_the_name_of_one_that_is_being_deleted_loses_nothing() {
    let mut world = World::proxied(BINARY, "anew").await;
    world.start(&PATIENT);
    world.ready_with_defaults("orders").await;
    let former = current(&world).await;
    let uid = world.resource("orders").await.uid();
    // No pass begins by itself now, but the last one may not be over.
    passes(&world, 1).await;

    // The operator has read the first resource as deleted and is about to act on it.
    let begun = || world.proxy().requests_that(&Which::gets().of("keyspacescredentials")).len();
    let before = begun();
    let mut gate = world.proxy().hold(Which::gets().of("secrets"));
    world.delete("orders").await;
    gate.arrived().await;
    if begun() == before {
        let last_pass = std::mem::replace(&mut gate, world.proxy().hold(Which::gets().of("secrets")));
        last_pass.release();
        gate.arrived().await;
    }
    // Somebody does not wait, removes the finalizer and creates another resource of the same name.
    let patch = json!({ "metadata": { "finalizers": null } });
    world.resources().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    world.gone("orders").await;
    world.apply_with_defaults("orders").await;
    gate.release();

    let anew = world.ready("orders").await;
    assert_ne!(anew.uid(), uid);
    world.assert_whole("orders").await;
    assert_eq!(world.ids(), [current(&world).await]);
    assert_ne!(current(&world).await, former);
    assert_eq!((world.counts().0, world.counts().2), (2, 1), "the former one's credential went with it");
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.late_calls() == 0).await);
}

#[tokio::test]
async fn a_deleted_resource_leaves_nothing_behind() {
    let world = world("delete").await;
    world.ready_with_defaults("orders").await;
    world.delete("orders").await;
    world.gone("orders").await;
    world.secret_gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
    assert_eq!(world.counts(), (1, 1, 1), "one Create, one List, one Delete");
    world.assert_no_password_shown().await;
}

#[tokio::test]
async fn retain_keeps_the_credential_and_the_secret() {
    let world = world("retain").await;
    world.apply("orders", json!({ "iamUserName": USER, "deletionPolicy": "Retain" })).await;
    world.ready("orders").await;
    world.delete("orders").await;
    world.gone("orders").await;

    let secret = world.secrets().get("orders").await.expect("the Secret stays");
    assert_eq!(secret.owner_references(), [], "nothing collects it");
    world.login("orders").await.expect("it goes on working");
    assert_eq!(world.ids().len(), 1);
    assert_eq!(world.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_deleted_namespace_goes_and_leaves_nothing_in_iam() {
    let world = world("namespace").await;
    world.ready_with_defaults("orders").await;
    world.control_plane.kubectl(&["delete", "namespace", &world.namespace, "--wait=false"]).await.success();
    world.gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
    assert_eq!(world.counts().0, 1, "nothing is made anew while it goes");
    let gone = ["wait", "--for=delete", "namespace", &world.namespace, "--timeout=60s"];
    world.control_plane.kubectl(&gone).await.success();
}

#[tokio::test]
async fn a_user_deleted_in_iam_does_not_hold_the_resource() {
    let world = world("nouseranymore").await;
    world.ready_with_defaults("orders").await;
    world.iam.force_delete_user(USER).expect("it is there");
    world.delete("orders").await;
    world.gone("orders").await;
}
