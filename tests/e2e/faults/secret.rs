//! The Secret's write, hindered after the password is in hand.

use jiff::{SignedDuration, Timestamp};
use kit::world::{USER, World};
use kube::api::DeleteParams;
use serde_json::json;

use super::{apply, proxied, ready, rotated, secret_writes, settled};

/// Lets no more Secrets into the namespace, as an administrator would.
async fn forbid_secrets(world: &World) {
    let hard = json!({ "hard": { "count/secrets": "0" } });
    let metadata = json!({ "name": "none", "namespace": world.namespace });
    let quota = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": hard });
    world.control_plane.apply(&quota.to_string()).await.success();
    let counted = async || {
        world.kubectl(&["get", "quota", "none", "-o", "jsonpath={.status.hard}"]).await.stdout.contains("secrets")
    };
    assert!(world.eventually(counted).await);
}

/// A first password is in hand, and the namespace takes no more Secrets.
async fn refused_with_a_password_in_hand(world: &World) {
    let gate = world.proxy().hold(secret_writes());
    apply(world, "orders", USER, "1h").await;
    gate.arrived().await;
    forbid_secrets(world).await;
    gate.release();
    let message = world.stalled("orders", "KubernetesRefused").await;
    assert!(message.contains("accepted as a dry run"), "{message}");
    assert_eq!(world.proxy().replies_to(&secret_writes()), [Some(403)]);
    assert_eq!((world.counts().0, world.ids().len()), (1, 1));
}

#[tokio::test]
async fn a_quota_that_comes_after_the_dry_run_and_goes_again_costs_no_second_credential() {
    let world = proxied("quotagoes", &["--hold", "10m"]).await;
    refused_with_a_password_in_hand(&world).await;
    world.kubectl(&["delete", "quota", "none"]).await.success();
    apply(&world, "orders", USER, "2h").await;
    world.ready("orders").await;
    settled(&world, "orders").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "the password in hand was published");
}

#[tokio::test]
async fn a_quota_that_stays_makes_it_drop_the_password_and_remove_the_credential() {
    let world = proxied("quotastays", &["--hold", "2s"]).await;
    refused_with_a_password_in_hand(&world).await;
    // It is held for half of the hold time.
    let given_up = Timestamp::now() + SignedDuration::from_secs(1);
    assert!(world.eventually(async || Timestamp::now() > given_up).await);
    apply(&world, "orders", USER, "2h").await;
    world.stalled("orders", "SecretRefused").await;
    assert_eq!(world.counts().0, 1, "the next attempt gets no further than its dry run");

    world.kubectl(&["delete", "quota", "none"]).await.success();
    apply(&world, "orders", USER, "3h").await;
    world.ready("orders").await;
    settled(&world, "orders").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1), "the replacement; the one whose password was dropped");
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
    rotated(&world, "orders", "once").await;
    settled(&world, "orders").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0), "no third one");
}

/// Makes the API server drop the password of every Secret of the namespace, in earnest, or in a dry run as well.
async fn drop_passwords(world: &World, condition: &str) {
    let name = format!("drop-{}", world.namespace);
    let here = json!({ "matchLabels": { "kubernetes.io/metadata.name": world.namespace } });
    let secrets = json!([{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"] }]);
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "metadata": { "name": name },
        "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "matchConstraints": { "namespaceSelector": here, "resourceRules": secrets },
            "matchConditions": [{ "name": "when", "expression": condition }],
            "mutations": [{ "patchType": "JSONPatch", "jsonPatch": {
                "expression": "[JSONPatch{op: \"remove\", path: \"/data/password\"}]" } }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicyBinding",
        "metadata": { "name": name }, "spec": { "policyName": name },
    });
    for object in [policy, binding] {
        world.control_plane.apply(&object.to_string()).await.success();
    }
    until_passwords_are_dropped(world, true).await;
}

async fn keep_passwords(world: &World) {
    let name = format!("drop-{}", world.namespace);
    for kind in ["mutatingadmissionpolicybinding", "mutatingadmissionpolicy"] {
        world.kubectl(&["delete", kind, &name]).await.success();
    }
    until_passwords_are_dropped(world, false).await;
}

/// A policy comes into force, and goes out of it, some time after it was written.
async fn until_passwords_are_dropped(world: &World, dropped: bool) {
    let probe = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "probe", "namespace": world.namespace },
        "data": { "username": "eA==", "password": "eA==" },
    });
    let probe = probe.to_string();
    let in_force = async || {
        world.kubectl(&["delete", "secret", "probe", "--ignore-not-found"]).await.success();
        world.control_plane.apply(&probe).await.success();
        let data = world.kubectl(&["get", "secret", "probe", "-o", "jsonpath={.data}"]).await.success();
        data.contains("password") != dropped
    };
    assert!(world.eventually(in_force).await);
    world.kubectl(&["delete", "secret", "probe"]).await.success();
}

#[tokio::test]
async fn a_password_that_admission_drops_in_a_dry_run_too_costs_no_credential() {
    let world = proxied("dropped", &[]).await;
    drop_passwords(&world, "true").await;
    apply(&world, "orders", USER, "1h").await;
    let message = world.stalled("orders", "SecretRefused").await;
    assert!(message.contains("an admission webhook changes the data of the Secret"), "{message}");
    assert_eq!(world.counts().0, 0);
    keep_passwords(&world).await;
    apply(&world, "orders", USER, "2h").await;
    world.ready("orders").await;
    settled(&world, "orders").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_password_that_admission_drops_in_earnest_only_is_noticed_by_what_comes_back() {
    let world = proxied("swindled", &["--hold", "10m"]).await;
    drop_passwords(&world, "!request.dryRun").await;
    apply(&world, "orders", USER, "1h").await;
    let message = world.stalled("orders", "KubernetesRefused").await;
    assert!(message.contains("an admission webhook changed the data of the Secret"), "{message}");
    let secret = world.secrets().get("orders").await.unwrap();
    assert!(!secret.data.unwrap_or_default().contains_key("password"), "the policy is at work");
    assert_eq!(world.counts().0, 1);
    keep_passwords(&world).await;
    apply(&world, "orders", USER, "2h").await;
    world.ready("orders").await;
    settled(&world, "orders").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "the password in hand was published");
}
