//! A resource is created: it gets a credential, the Secret looks as the spec says, and kubectl shows what became of it.

use kit::world::USER;
use kube::ResourceExt;
use serde_json::json;

use crate::support::{patch_secret, world};

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
    let events: Vec<String> = world.events("orders").await;
    let reasons: Vec<&str> = events.iter().filter_map(|event| event.split(':').next()).collect();
    assert_eq!(reasons, ["Creating", "CredentialCreated", "Published"], "{events:?}");
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
    patch_secret(&world, json!({ "metadata": { "labels": { "other": "tool" } } })).await;
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
