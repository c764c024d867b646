//! The main job: a credential is made, published, rotated and removed.

use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::{USER, condition, has_condition};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::world;

#[tokio::test]
async fn a_resource_becomes_a_secret_that_logs_in() {
    let world = world("create").await;
    let resource = world.ready_with_defaults("orders").await;
    world.assert_whole("orders").await;
    let status = resource.status.unwrap_or_default();
    assert_eq!(status.binding.expect("it is bound").name, "orders");
    assert!(status.operation.is_none() && status.retiring.is_none() && status.failures.is_none());

    // And nothing else happened: five writes, two calls to IAM.
    assert_eq!(world.counts(), (1, 1, 0), "one Create, one List, no Delete");
    assert_eq!(
        world.control_plane.writes_in(&world.namespace),
        [
            "patch keyspacescredentials",
            "update keyspacescredentials/status",
            "create secrets (dry run)",
            "create secrets",
            "update keyspacescredentials/status",
        ]
    );
}

#[tokio::test]
async fn kubectl_shows_what_a_user_wants_to_know() {
    let world = world("kubectl").await;
    world.apply("orders", json!({ "iamUserName": USER, "secret": { "name": "orders-keyspaces" } })).await;
    world.kubectl(&["wait", "--for=condition=Ready", "--timeout=60s", "kscred/orders"]).await.success();

    let table = world.kubectl(&["get", "kscred"]).await.success();
    let columns: Vec<&str> = table.lines().next().expect("a header").split_whitespace().collect();
    assert_eq!(columns, ["NAME", "READY", "SERVICE", "USER", "SECRET", "AGE"]);
    let row: Vec<&str> = table.lines().nth(1).expect("a row").split_whitespace().collect();
    assert_eq!(row[..4], ["orders", "True", "orders-app-at-111122223333", "orders-keyspaces"]);
    assert_eq!(
        world.kubectl(&["get", "keyspaces", "-o", "name"]).await.success().trim(),
        "keyspacescredential.keyspaces.dev/orders"
    );

    world.event("orders", "Published").await;
    let story: Vec<String> = world.events("orders").await;
    let reasons: Vec<&str> = story.iter().filter_map(|event| event.split(':').next()).collect();
    assert_eq!(reasons, ["Creating", "CredentialCreated", "Published"], "{story:?}");
    let description = world.kubectl(&["describe", "kscred", "orders"]).await.success();
    assert!(description.contains("CredentialCreated"), "{description}");

    let explanation = world.kubectl(&["explain", "keyspacescredential.spec", "--recursive"]).await.success();
    for field in ["iamUserName", "deletionPolicy", "suspend", "rotation", "overlap", "secret", "keys"] {
        assert!(explanation.contains(field), "{explanation}");
    }
    let explanation = world.kubectl(&["explain", "keyspacescredential.spec.rotation.overlap"]).await.success();
    assert!(explanation.contains("How long a replaced credential goes on working"), "{explanation}");
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
async fn a_suspended_resource_makes_no_call_at_all() {
    let world = world("suspend").await;
    world.apply("orders", json!({ "iamUserName": USER, "suspend": true })).await;
    world.until("orders", "Suspended", |resource| has_condition(resource, "Ready", "Unknown", "Suspended")).await;
    assert_eq!(world.iam.calls().len(), 0);
    assert_eq!(world.control_plane.writes_in(&world.namespace), ["update keyspacescredentials/status"]);

    world.apply("orders", json!({ "iamUserName": USER, "suspend": false })).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;

    // A deletion waits, and says so, rather than leave the credential behind.
    world.apply("orders", json!({ "iamUserName": USER, "suspend": true })).await;
    world.until("orders", "Suspended", |resource| has_condition(resource, "Ready", "Unknown", "Suspended")).await;
    let before = world.iam.calls().len();
    world.delete("orders").await;
    let waiting = world
        .until("orders", "waiting", |resource| {
            condition(resource, "Ready").is_some_and(|ready| ready.message.contains("the deletion waits"))
        })
        .await;
    assert!(waiting.metadata.deletion_timestamp.is_some());
    assert_eq!(world.iam.calls().len(), before);
    world.apply("orders", json!({ "iamUserName": USER, "suspend": false })).await;
    world.gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
}

#[tokio::test]
async fn an_annotation_rotates_once_and_both_passwords_work_in_the_overlap() {
    let world = world("rotate").await;
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1h" } })).await;
    let first = world.ready("orders").await.status.and_then(|status| status.credential).expect("there is one");
    let (old_user, old_password) = world.user_and_password("orders").await;

    world.rotate("orders", "2026-11-22").await;
    let rotated = world
        .until("orders", "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| status.last_handled_rotate.as_deref() == Some("2026-11-22"))
        })
        .await;
    let status = rotated.status.clone().unwrap_or_default();
    assert_eq!(status.retiring.expect("the old one retires").id, first.id);
    assert_ne!(status.credential.expect("there is one").id, first.id);
    assert!(has_condition(&rotated, "Ready", "True", "Published"));

    let (new_user, new_password) = world.user_and_password("orders").await;
    assert_ne!((&old_user, &old_password), (&new_user, &new_password));
    world.login_as(&new_user, &new_password).await.expect("the new one logs in");
    world.login_as(&old_user, &old_password).await.expect("the old one still logs in");
    let created: Vec<String> =
        world.events("orders").await.into_iter().filter(|event| event.starts_with("CredentialCreated")).collect();
    assert_eq!(created.len(), 2, "each has an event of its own: {created:?}");

    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1s" } })).await;
    world
        .until("orders", "done with the old one", |resource| {
            resource.status.as_ref().is_some_and(|status| status.retiring.is_none())
        })
        .await;
    world.login_as(&old_user, &old_password).await.expect_err("its time is over");
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (2, 2, 1), "one more Create, one more List, one Delete");

    // The same value again is the same request, even if it was away meanwhile.
    let version = world.resource("orders").await.resource_version();
    let patch = json!({ "metadata": { "annotations": { "keyspaces.dev/rotate": null } } });
    world.resources().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can go");
    world.rotate("orders", "2026-11-22").await;
    // Another change, so that it is seen that the operator has looked at the resource since.
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2s" } })).await;
    let after = world.ready("orders").await;
    assert_ne!(after.resource_version(), version);
    assert_eq!(world.counts(), (2, 2, 1), "nothing more");
}

#[tokio::test]
async fn a_value_that_is_there_at_creation_counts_as_handled() {
    let world = world("handled").await;
    world
        .try_apply_object(json!({
            "metadata": { "name": "orders", "annotations": { "keyspaces.dev/rotate": "once" } },
            "spec": { "iamUserName": USER },
        }))
        .await
        .expect("the API server accepts it");
    let resource = world.ready("orders").await;
    assert_eq!(resource.status.and_then(|status| status.last_handled_rotate).as_deref(), Some("once"));
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (1, 1, 0));
}

#[tokio::test]
async fn the_secret_looks_as_the_spec_says_and_changes_without_a_new_credential() {
    let world = world("render").await;
    let spec = |secret: serde_json::Value| json!({ "iamUserName": USER, "secret": secret });
    world
        .apply(
            "orders",
            spec(json!({
                "type": "Opaque",
                "labels": { "team": "shop", "tier": "one" },
                "annotations": { "reloader.stakater.com/match": "true" },
                "keys": { "username": "CASSANDRA_USERNAME", "password": "CASSANDRA_PASSWORD" },
            })),
        )
        .await;
    world.ready("orders").await;
    let secret = world.secrets().get("orders").await.expect("it is there");
    assert_eq!(secret.type_.as_deref(), Some("Opaque"));
    assert_eq!(secret.labels()["team"], "shop");
    assert_eq!(secret.annotations()["reloader.stakater.com/match"], "true");
    let keys: Vec<String> = secret.data.clone().unwrap_or_default().into_keys().collect();
    assert_eq!(keys, ["CASSANDRA_PASSWORD", "CASSANDRA_USERNAME"]);

    // Somebody else's label stays, a label that left the spec goes, the keys get new names, the credential is the same.
    let patch = json!({ "metadata": { "labels": { "other": "tool" } } });
    world.secrets().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can be labelled");
    world.apply("orders", spec(json!({ "type": "Opaque", "labels": { "team": "shop" } }))).await;
    let rendered = world
        .eventually(async || {
            let data = world.secrets().get("orders").await.ok().and_then(|secret| secret.data).unwrap_or_default();
            data.keys().map(String::as_str).eq(["password", "username"])
        })
        .await;
    assert!(rendered, "{}", world.log());
    world.ready("orders").await;
    let secret = world.secrets().get("orders").await.expect("it is there");
    let labels: Vec<&str> = secret.labels().keys().map(String::as_str).collect();
    assert_eq!(labels, ["app.kubernetes.io/managed-by", "other", "team"]);
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_create_whose_reply_is_lost_is_sent_once_and_its_credential_is_removed() {
    let world = world("lost").await;
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Close).after_effect());
    world.apply("orders", json!({ "iamUserName": USER })).await;
    world.ready("orders").await;
    world.event("orders", "OrphanDeleted").await;
    world
        .until("orders", "settled", |resource| {
            resource.status.as_ref().is_some_and(|status| status.unresolved.is_none() && status.operation.is_none())
        })
        .await;
    world.assert_whole("orders").await;
    let (creates, _, deletes) = world.counts();
    assert_eq!((creates, deletes), (2, 1), "the lost one and its replacement; one orphan");
}

#[tokio::test]
async fn an_operator_that_dies_with_the_password_in_its_hands_leaves_no_orphan() {
    let mut world = world("killed").await;
    // The Secret's write hangs behind nothing here: the operator dies while IAM's reply is on its way.
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Hang).after_effect());
    world.apply("orders", json!({ "iamUserName": USER })).await;
    assert!(world.iam.wait_until(kit::world::PATIENCE, |iam| iam.credentials_of(USER).len() == 1).await);
    world.operator().kill().await;
    world.start(&[]);
    world.ready("orders").await;
    world.event("orders", "OrphanDeleted").await;
    world.assert_whole("orders").await;
    let (creates, _, deletes) = world.counts();
    assert_eq!((creates, deletes), (2, 1));
}
