//! A namespace gets the IAM users that it is granted, and no others. The operator does not call IAM before there is a grant.
//! Nothing is lost when a grant is removed.

use std::process::Command;

use futures::future::join_all;
use keyspaces_credential_operator::api::KeyspacesCredential;
use kit::proxy::{Action, Fault, Which};
use kit::world::{USER, World, condition, has_condition};
use kube::ResourceExt;
use serde_json::json;

use super::{at_rest, spec, users};
use crate::BINARY;
use crate::support::OTHER;

/// A world with a running operator, whose namespace is granted nothing.
async fn ungranted(name: &str) -> World {
    let mut world = World::ungranted(BINARY, name, users()).await;
    world.start(&[]);
    world
}

/// Runs a line as if somebody had pasted it into a shell.
fn paste(world: &World, line: &str) {
    let path = format!("{}:/usr/bin:/bin", world.control_plane.directory().display());
    let output = Command::new("bash")
        .args(["-c", line])
        .env_clear()
        .env("PATH", path)
        .env("HOME", world.folder())
        .env("KUBECONFIG", world.control_plane.kubeconfig())
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The command in the message that refuses a user.
fn command(message: &str) -> &str {
    message.split_once("grant it with: ").expect("the message has a command").1
}

/// Waits until the operator reports the refusal for the present generation of the resource.
async fn refused(world: &World) -> KeyspacesCredential {
    world
        .until("orders", "refused as it is now", |resource| {
            let told = resource.status.as_ref().and_then(|status| status.observed_generation);
            has_condition(resource, "Stalled", "True", "IamUserNotGranted") && told == resource.metadata.generation
        })
        .await
}

#[tokio::test]
async fn what_is_not_granted_is_refused_before_iam_is_asked_and_the_message_has_the_command() {
    let world = ungranted("refused").await;
    world.apply_with_defaults("orders").await;
    let message = world.stalled("orders", "IamUserNotGranted").await;
    let namespace = &world.namespace;
    let expected = format!("kubectl annotate namespace {namespace} --overwrite keyspaces.dev/iam-users='{USER}'");
    assert_eq!(command(&message), expected);
    assert_eq!(world.control_plane.writes_in(namespace), ["update keyspacescredentials/status"]);

    // A grant of other users does not grant this one, and the command keeps those users.
    world.grant(Some("billing-*, x")).await;
    let keeps = |resource: &KeyspacesCredential| {
        condition(resource, "Stalled").is_some_and(|stalled| stalled.message.contains("='billing-*, x,orders-app'"))
    };
    let kept = world.until("orders", "told how to keep the other grants", keeps).await;
    world.grant(Some("orders-app'; reboot; '")).await;
    let edited = |resource: &KeyspacesCredential| {
        condition(resource, "Stalled").is_some_and(|stalled| stalled.message.contains("kubectl edit namespace"))
    };
    let no_command = world.until("orders", "told what to edit", edited).await;
    assert!(!condition(&no_command, "Stalled").unwrap().message.contains("reboot"));
    assert!(world.iam.calls().is_empty(), "{:?}", world.iam.calls());
    assert!(world.secrets().get_opt("orders").await.unwrap().is_none());
    assert_eq!(world.event("orders", "IamUserNotGranted").await, format!("IamUserNotGranted: {message}"));

    paste(&world, command(&condition(&kept, "Stalled").unwrap().message));
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (1, 1, 0));
    let granted = ["get", "namespace", namespace, "-o", "jsonpath={.metadata.annotations.keyspaces\\.dev/iam-users}"];
    assert_eq!(world.kubectl(&granted).await.success(), "billing-*, x,orders-app");
}

#[tokio::test]
async fn a_grant_that_is_taken_away_stops_everything_ends_nothing_and_goes_on_when_it_is_given_back() {
    let world = ungranted("withdrawn").await;
    world.grant(Some("orders-*")).await;
    world.apply("orders", spec("1h")).await;
    world.ready("orders").await;
    let (old_user, old_password) = world.user_and_password("orders").await;
    world.rotate("orders", "first").await;
    world
        .until("orders", "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| status.last_handled_rotate.as_deref() == Some("first"))
        })
        .await;
    let secret = world.secrets().get("orders").await.unwrap();
    let (ids, counts) = (world.ids(), world.counts());

    world.grant(None).await;
    refused(&world).await;
    // A rotation, the end of the overlap and another rendering: with a grant, the operator would do each at once.
    world.rotate("orders", "second").await;
    let mut changed = spec("1s");
    changed["secret"] = json!({ "labels": { "team": "shop" } });
    world.apply("orders", changed).await;
    refused(&world).await;
    assert_eq!((world.ids(), world.counts()), (ids, counts), "IAM is not asked, and nothing is made or deleted");
    assert_eq!(world.secrets().get("orders").await.unwrap(), secret, "not a byte of it changed");
    world.login("orders").await.expect("what is published works");
    world.login_as(&old_user, &old_password).await.expect("what is retiring works");
    world.assert_no_password_shown().await;

    world.grant(Some(USER)).await;
    world
        .until("orders", "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| {
                status.last_handled_rotate.as_deref() == Some("second") && status.retiring.is_none()
            })
        })
        .await;
    at_rest(&world).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (3, 2), "one rotation, and the two that were replaced are gone");
}

#[tokio::test]
async fn a_grant_that_is_taken_away_in_the_middle_of_an_operation_leaves_a_whole() {
    join_all([("finished", false), ("killed", true)].map(async |(name, kill)| {
        let mut world = World::proxied(BINARY, name).await;
        world.start(&["--hold", "60s", "--api-deadline", "60s"]);
        let gate = world.proxy().hold(Which::writes().of("secrets"));
        world.apply_with_defaults("orders").await;
        gate.arrived().await;
        world.grant(None).await;
        if kill {
            world.operator().kill().await;
            gate.discard();
            world.start(&[]);
        } else {
            gate.release();
        }
        refused(&world).await;
        let status = at_rest(&world).await.status.unwrap_or_default();
        let kept: Vec<String> = status.credential.into_iter().map(|credential| credential.id).collect();
        assert_eq!(world.ids(), kept, "{name}: no leftover");
        assert_eq!(kept.is_empty(), kill, "{name}: what was published is kept");
        assert_eq!(world.secrets().get_opt("orders").await.unwrap().is_none(), kill, "{name}");
        if !kill {
            world.login("orders").await.expect("what was published works");
        }

        world.grant(Some(USER)).await;
        world.ready("orders").await;
        at_rest(&world).await;
        world.assert_whole("orders").await;
        let (creates, _, deletes) = world.counts();
        assert_eq!((creates, deletes), if kill { (2, 1) } else { (1, 0) }, "{name}");
    }))
    .await;
}

#[tokio::test]
async fn a_deletion_needs_no_grant() {
    let world = ungranted("undone").await;
    world.grant(Some(USER)).await;
    world.ready_with_defaults("orders").await;
    world.grant(None).await;
    refused(&world).await;
    world.delete("orders").await;
    world.gone("orders").await;
    world.secret_gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
    assert_eq!(world.counts(), (1, 1, 1));

    // If nothing was ever created, the operator does not call IAM.
    world.apply("orders", json!({ "iamUserName": OTHER })).await;
    refused(&world).await;
    world.delete("orders").await;
    world.gone("orders").await;
    assert_eq!(world.counts(), (1, 1, 1));
}

#[tokio::test]
async fn a_namespace_that_cannot_be_read_is_neither_granted_nor_refused() {
    join_all([Action::Refuse(503), Action::Refuse(500), Action::Close, Action::Hang].map(async |action| {
        let mut world = World::proxied(BINARY, "unreadable-ns").await;
        world.start(&["--api-deadline", "5s"]);
        let reads = Which::gets().of("namespaces");
        world.proxy().set_fault(Fault::on(reads.clone(), action.clone()).for_ever());
        world.apply("orders", spec("1h")).await;
        world
            .until("orders", "waiting", |resource| {
                has_condition(resource, "Reconciling", "True", "KubernetesUnavailable")
            })
            .await;
        assert!(world.iam.calls().is_empty(), "{action:?}: no right is read into it");
        world.proxy().clear_faults();
        world.apply("orders", spec("2h")).await;
        world.ready("orders").await;

        world.proxy().set_fault(Fault::on(reads.clone(), action.clone()).for_ever());
        world.apply("orders", spec("3h")).await;
        let told =
            |resource: &KeyspacesCredential| has_condition(resource, "Reconciling", "True", "KubernetesUnavailable");
        let waiting = world.until("orders", "waiting", told).await;
        assert!(condition(&waiting, "Stalled").is_none(), "{action:?}: nor a refusal");
        world.proxy().clear_faults();
        world.apply("orders", spec("4h")).await;
        world.ready("orders").await;
        world.assert_whole("orders").await;
        assert_eq!((world.counts().0, world.counts().2), (1, 0), "{action:?}");
    }))
    .await;
}

#[tokio::test]
async fn open_grants_need_no_annotation_and_are_warned_of() {
    let mut world = World::ungranted(BINARY, "open", users()).await;
    world.start_with(&[], &[("GRANTS", "open")]);
    world.ready_with_defaults("orders").await;
    world.assert_whole("orders").await;
    assert!(world.log().contains("every namespace may ask for every IAM user"), "{}", world.log());
    let namespace = world.control_plane.admin().await;
    let namespace: kube::Api<k8s_openapi::api::core::v1::Namespace> = kube::Api::all(namespace);
    assert!(namespace.get(&world.namespace).await.unwrap().annotations().is_empty());
}
