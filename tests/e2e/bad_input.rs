//! Bad input: refused by the schema, with words that help, before anything reaches IAM.

use kit::world::{USER, World};
use serde_json::{Value, json};

use crate::world;

/// What the API server says about a spec that it has to refuse.
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

#[tokio::test]
async fn a_spec_that_makes_no_sense_is_refused_by_the_api_server() {
    let world = world("schema").await;
    let long = "u".repeat(65);
    let user = |name: &str| json!({ "iamUserName": name });
    let secret = |secret: Value| json!({ "iamUserName": USER, "secret": secret });
    let overlap = |overlap: &str| json!({ "iamUserName": USER, "rotation": { "overlap": overlap } });
    let many: serde_json::Map<String, Value> = (0..33).map(|number| (format!("l{number}"), json!("x"))).collect();
    let cases = [
        (json!({}), "spec.iamUserName: Required value"),
        (user(""), "at least 1 chars long"),
        (user(&long), "may not be more than 64"),
        (user("orders app"), "should match"),
        (user("*"), "should match"),
        (user("örders"), "should match"),
        (user("../orders"), "should match"),
        (secret(json!({ "name": "Orders" })), "should match"),
        (secret(json!({ "name": "" })), "spec.secret.name"),
        (secret(json!({ "name": "a/b" })), "should match"),
        (secret(json!({ "name": "x".repeat(254) })), "may not be more than 253"),
        (secret(json!({ "type": "opaque" })), "supported values: \"kubernetes.io/basic-auth\", \"Opaque\""),
        (secret(json!({ "keys": { "username": "" } })), "spec.secret.keys.username"),
        (secret(json!({ "keys": { "username": "a b" } })), "should match"),
        (secret(json!({ "keys": { "username": "a/b" } })), "should match"),
        (secret(json!({ "keys": { "username": ".." } })), "a key must not be . or begin with .."),
        (secret(json!({ "keys": { "username": "password" } })), "username and password need keys of their own"),
        (secret(json!({ "keys": { "username": "u", "password": "p" } })), "use type Opaque"),
        (secret(json!({ "labels": { "keyspaces.dev/x": "y" } })), "labels of keyspaces.dev belong to the operator"),
        (
            secret(json!({ "annotations": { "keyspaces.dev/epoch": "9" } })),
            "annotations of keyspaces.dev belong to the operator",
        ),
        (secret(json!({ "labels": many })), "must have at most 32 items"),
        (overlap(""), "spec.rotation.overlap"),
        (overlap("1.5h"), "should match"),
        (overlap("-1s"), "should match"),
        (overlap("9999999h"), "should match"),
        (overlap("30m1h"), "should match"),
        (json!({ "iamUserName": USER, "deletionPolicy": "Keep" }), "supported values: \"Delete\", \"Retain\""),
    ];
    for (spec, expected) in cases {
        let message = refusal(&world, spec.clone()).await;
        assert!(message.contains(expected), "{spec}\n{message}");
    }
    assert_eq!(world.iam.calls().len(), 0);
    assert_eq!(world.control_plane.writes_in(&world.namespace), [""; 0]);
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
    // To name the default is no change.
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
