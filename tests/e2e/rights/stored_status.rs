//! The API server does not store status as the operator writes it. Without a stored intent nothing is sent to IAM.

use kit::world::{USER, World};
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::support::{apply, handled, patch_secret, quiet, ready, with_flags};

/// Binds a policy that drops the intent from every status that is written in the namespace, as a CRD without that field would.
async fn drop_intents(world: &World) {
    let (api, name) = ("admissionregistration.k8s.io/v1", format!("policy-{}", world.namespace));
    let rules = json!([{
        "apiGroups": ["keyspaces.dev"], "apiVersions": ["v1alpha1"], "operations": ["UPDATE"],
        "resources": ["keyspacescredentials/status"],
    }]);
    let here = json!({ "matchLabels": { "kubernetes.io/metadata.name": world.namespace } });
    let patch = r#"[JSONPatch{op: "remove", path: "/status/operation"}]"#;
    let policy = json!({
        "apiVersion": api, "kind": "MutatingAdmissionPolicy", "metadata": { "name": name }, "spec": {
            "failurePolicy": "Fail", "reinvocationPolicy": "Never",
            "matchConstraints": { "namespaceSelector": here, "resourceRules": rules },
            "matchConditions": [{ "name": "when", "expression": "has(object.status) && has(object.status.operation)" }],
            "mutations": [{ "patchType": "JSONPatch", "jsonPatch": { "expression": patch } }],
        },
    });
    let bound = json!({
        "apiVersion": api, "kind": "MutatingAdmissionPolicyBinding", "metadata": { "name": name },
        "spec": { "policyName": name },
    });
    for object in [policy, bound] {
        world.control_plane.apply(&object.to_string()).await.success();
    }
    until_intents_are_dropped(world, true).await;
}

/// Waits until the policy takes effect, or no longer does: the API server notices a change of a policy some time later.
async fn until_intents_are_dropped(world: &World, dropped: bool) {
    let operation = json!({
        "epoch": 9, "firstEpoch": 9, "reason": "First", "startedAt": "2026-01-01T00:00:00Z",
        "attemptedAt": "2026-01-01T00:00:00Z",
    });
    let patch = json!({ "status": { "operation": operation } });
    let dry_run = PatchParams { dry_run: true, ..PatchParams::default() };
    let in_force = async || {
        let stored = world.resources().patch_status("orders", &dry_run, &Patch::Merge(&patch)).await;
        stored.is_ok_and(|stored| stored.status.is_some_and(|status| status.operation.is_none()) == dropped)
    };
    assert!(world.eventually(in_force).await);
}

#[tokio::test]
async fn without_a_stored_intent_nothing_is_created() {
    let world = with_flags("amnesia", &["--recheck", "1s"]).await;
    ready(&world, "1h").await;
    drop_intents(&world).await;
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "InvalidResource").await;
    assert!(message.contains("does not store status as the operator writes it"), "{message}");
    assert!(message.contains("apply crds/ again"), "{message}");
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "nothing was created, nothing was deleted");
    world.login("orders").await.expect("what is published works");

    for end in ["admissionpolicybinding", "admissionpolicy"] {
        world.kubectl(&["delete", &format!("mutating{end}"), &format!("policy-{}", world.namespace)]).await.success();
    }
    until_intents_are_dropped(&world, false).await;
    apply(&world, "orders", USER, "2h").await;
    handled(&world, "once").await;
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn an_attempt_whose_epoch_could_not_be_read_again_sends_nothing() {
    let world = with_flags("epochal", &["--recheck", "1s"]).await;
    ready(&world, "1h").await;
    // The last epoch that there is. The next one is stored, and would not be read again.
    patch_secret(&world, json!({ "metadata": { "annotations": { "keyspaces.dev/fence": "9007199254740992" } } })).await;
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "InvalidResource").await;
    assert!(message.contains("not a valid epoch"), "{message}");
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "nothing was created, nothing was deleted");
    world.login("orders").await.expect("what is published works");
}
