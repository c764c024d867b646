//! The schema refuses a spec that makes no sense, with a message that helps, before anything reaches IAM.

use kit::world::{USER, World};
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::support::patient;
use crate::support::world;

/// The message with which the API server refuses a spec that it has to refuse.
async fn refusal(world: &World, spec: Value) -> String {
    match world.try_apply("orders", spec.clone()).await {
        Err(kube::Error::Api(status)) => {
            assert_eq!(status.code, 422, "{status:?}");
            status.message
        }
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("accepted: {spec}"),
    }
}

/// A spec with one more field, given by its path.
fn with(path: &str, value: Value) -> Value {
    let mut spec = json!({ "iamUserName": USER });
    let mut place = &mut spec;
    for part in path.split('.') {
        place = &mut place[part];
    }
    *place = value;
    spec
}

/// Specs that make no sense, and a part of the API server's message about each.
fn nonsense() -> Vec<(Value, &'static str)> {
    let many: serde_json::Map<String, Value> = (0..33).map(|number| (format!("l{number}"), json!("x"))).collect();
    let mut cases = vec![
        (json!({}), "spec.iamUserName: Required value"),
        (json!({ "iamUserName": null }), "spec.iamUserName in body must be of type string"),
        (with("iamUserName", json!("")), "at least 1 chars long"),
        (with("iamUserName", json!("u".repeat(65))), "may not be more than 64"),
        (with("secret.name", json!("")), "spec.secret.name"),
        (with("secret.name", json!("x".repeat(254))), "may not be more than 253"),
        (with("secret.keys", json!({ "username": "password" })), "username and password need keys of their own"),
        (with("secret.keys", json!({ "username": "one", "password": "one" })), "need keys of their own"),
        (with("secret.keys", json!({ "username": "u", "password": "p" })), "use type Opaque"),
        (with("secret.labels", json!({ "keyspaces.dev/x": "y" })), "labels of keyspaces.dev belong to the operator"),
        (with("secret.labels", json!({ "a.keyspaces.dev/x": "y" })), "labels of keyspaces.dev belong to the operator"),
        (
            with("secret.annotations", json!({ "keyspaces.dev/epoch": "9" })),
            "annotations of keyspaces.dev belong to the operator",
        ),
        (with("secret.labels", json!(many)), "must have at most 32 items"),
        (with("rotation.interval", json!("0s")), "rotation.interval must be longer than rotation.overlap"),
        (with("rotation.interval", json!("1h")), "rotation.interval must be longer than rotation.overlap"),
        (
            with("rotation", json!({ "interval": "3h", "overlap": "1h", "inactiveFor": "2h" })),
            "and rotation.inactiveFor together",
        ),
    ];
    let users = ["orders app", "*", "örders", "../orders", "orders/app", "orders\n", "orders\u{0}", "a,b;c", "ａ"];
    cases.extend(users.map(|name| (with("iamUserName", json!(name)), "should match")));
    let secrets = ["Orders", "a/b", "..", ".", "a_b", "-a", "a-", "a..b", "é", "a b"];
    cases.extend(secrets.map(|name| (with("secret.name", json!(name)), "should match")));
    for path in ["secret.keys.username", "secret.keys.password"] {
        cases.extend(["a b", "a/b", "é", "a\n"].map(|key| (with(path, json!(key)), "should match")));
        cases.extend([".", "..", "..data"].map(|key| (with(path, json!(key)), "a key must not be . or begin with ..")));
        cases.push((with(path, json!("")), "at least 1 chars long"));
        cases.push((with(path, json!("k".repeat(254))), "may not be more than 253"));
    }
    for path in ["rotation.overlap", "rotation.inactiveFor", "rotation.interval"] {
        let spans = ["1.5h", "-1s", "9999999h", "30m1h", "1d", "1h 5m", "1h1h", "hm", "10", "1H", "PT1H", "٣h"];
        cases.extend(spans.map(|span| (with(path, json!(span)), "should match")));
        cases.push((with(path, json!("")), "at least 2 chars long"));
    }
    for (path, typo, values) in [
        ("deletionPolicy", "Keep", "supported values: \"Delete\", \"Retain\""),
        ("deletionPolicy", "delete", "supported values: \"Delete\", \"Retain\""),
        ("foreignCredentials", "keep", "supported values: \"Keep\", \"Delete\""),
        ("foreignCredentials", "Retain", "supported values: \"Keep\", \"Delete\""),
        ("secret.type", "opaque", "supported values: \"kubernetes.io/basic-auth\", \"Opaque\""),
        ("secret.type", "kubernetes.io/tls", "supported values: \"kubernetes.io/basic-auth\", \"Opaque\""),
    ] {
        cases.push((with(path, json!(typo)), values));
    }
    cases
}

/// Specs that look strange and are valid.
fn unusual() -> Vec<Value> {
    let mut cases = vec![
        with("iamUserName", json!("A_b+c=d,e.f@g-h")),
        with("iamUserName", json!("u".repeat(64))),
        with("secret.name", json!("a.b-c.9")),
        with("secret.keys.username", json!("CASSANDRA_USERNAME.1-a")),
        with("secret.labels", json!({ "notkeyspaces.dev/x": "y" })),
        with("rotation", json!({ "interval": "1h1m", "overlap": "59m", "inactiveFor": "1m" })),
        with("rotation", json!({ "interval": "2h", "overlap": "0s" })),
    ];
    for path in ["rotation.overlap", "rotation.inactiveFor"] {
        cases.extend(["1h30m", "90m", "0s", "1h0m5s", "99999h"].map(|span| with(path, json!(span))));
    }
    cases
}

#[tokio::test]
async fn a_spec_that_makes_no_sense_is_refused_by_the_api_server() {
    let world = world("schema").await;
    for (spec, expected) in nonsense() {
        let message = refusal(&world, spec.clone()).await;
        assert!(message.contains(expected), "{spec}\n{message}");
    }
    assert_eq!(world.iam.calls().len(), 0);
    assert_eq!(world.control_plane.writes_in(&world.namespace), [""; 0]);
}

#[tokio::test]
async fn a_spec_that_is_only_unusual_is_accepted() {
    let world = world("unusual").await;
    for spec in unusual() {
        let object = json!({
            "apiVersion": "keyspaces.dev/v1alpha1",
            "kind": "KeyspacesCredential",
            "metadata": { "name": "orders" },
            "spec": spec,
        });
        let dry_run = PatchParams::apply("test").dry_run();
        let accepted = world.resources().patch("orders", &dry_run, &Patch::Apply(&object)).await;
        assert!(accepted.is_ok(), "{spec}\n{accepted:?}");
    }
}

#[tokio::test]
async fn what_only_the_secret_s_own_rules_forbid_is_told_before_anything_is_made_in_iam() {
    let world = patient("label").await;
    world.apply("orders", with("secret.labels", json!({ "team": "not a label!" }))).await;
    let message = world.stalled("orders", "SecretRefused").await;
    assert!(message.contains("metadata.labels") && message.contains("not a label!"), "{message}");
    assert_eq!((world.counts().0, world.counts().2), (0, 0));
    world.apply("orders", with("secret.labels", json!({ "app.kubernetes.io/managed-by": "Helm" }))).await;
    world.ready("orders").await;
    let secret = world.secrets().get("orders").await.unwrap();
    assert_eq!(secret.labels()["app.kubernetes.io/managed-by"], "keyspaces-credential-operator");
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_name_as_long_as_a_name_can_be_is_that_of_the_secret_too() {
    let world = patient("long").await;
    let name = format!("{}.{}", "o".repeat(120), "p".repeat(132));
    assert_eq!(name.len(), 253);
    world.apply_with_defaults(&name).await;
    world.ready(&name).await;
    assert!(world.secrets().get_opt(&name).await.unwrap().is_some());
    world.assert_whole(&name).await;
    world.delete(&name).await;
    world.gone(&name).await;
    world.secret_gone(&name).await;
    assert_eq!(world.counts(), (1, 1, 1));
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_and_nothing_is_lost() {
    let world = world("immutable").await;
    world.ready_with_defaults("orders").await;
    for (spec, expected) in [
        (json!({ "iamUserName": "billing-app" }), "spec.iamUserName cannot be changed"),
        (json!({ "iamUserName": USER, "secret": { "type": "Opaque" } }), "spec.secret.type cannot be changed"),
    ] {
        let message = refusal(&world, spec).await;
        assert!(message.contains(expected), "{message}");
    }
    // Naming the default explicitly is no change.
    world.apply("orders", json!({ "iamUserName": USER, "secret": { "name": "orders" } })).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_field_that_does_not_exist_or_has_another_type_is_pointed_out() {
    let world = world("typo").await;
    for (spec, expected) in [
        (format!("iamUsername: {USER}"), "unknown field \"spec.iamUsername\""),
        (format!("iamUserName: {USER}, suspend: maybe"), "spec.suspend"),
        (format!("iamUserName: {USER}, secret: {{ nam: a }}"), "unknown field \"spec.secret.nam\""),
        (format!("iamUserName: {USER}, rotation: {{ intervall: 720h }}"), "unknown field \"spec.rotation.intervall\""),
        (format!("iamUserName: {USER}, deletionpolicy: Retain"), "unknown field \"spec.deletionpolicy\""),
        (format!("iamUserName: {USER}, secret: {{ keys: {{ user: u }} }}"), "unknown field \"spec.secret.keys.user\""),
        (format!("iamUserName: {USER}, rotation: {{ overlap: 60 }}"), "spec.rotation.overlap"),
    ] {
        let manifest = format!(
            "apiVersion: keyspaces.dev/v1alpha1\nkind: KeyspacesCredential\n\
             metadata: {{ name: orders, namespace: {} }}\nspec: {{ {spec} }}\n",
            world.namespace
        );
        let message = world.control_plane.apply(&manifest).await.failure();
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(world.iam.calls().len(), 0);
}
