//! Admission changes the Secret, or refuses it with a message that quotes the password.

use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::{USER, World};
use serde_json::{Value, json};

use crate::support::{OTHER, apply, handled, proxied, quiet, quiet_as, ready, secret_writes};

/// Binds an admission policy to the Secrets of the namespace. `kind` is what comes before `AdmissionPolicy`, `does` what it does
/// where the condition holds.
async fn admission(world: &World, kind: &str, condition: &str, does: Value, binding: Value) {
    let (api, name) = ("admissionregistration.k8s.io/v1", format!("policy-{}", world.namespace));
    let here = json!({ "matchLabels": { "kubernetes.io/metadata.name": world.namespace } });
    let secrets = json!([{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["secrets"] }]);
    let mut spec = json!({
        "failurePolicy": "Fail",
        "matchConstraints": { "namespaceSelector": here, "resourceRules": secrets },
        "matchConditions": [{ "name": "when", "expression": condition }],
    });
    merge(&mut spec, does);
    let mut bound = json!({ "policyName": name });
    merge(&mut bound, binding);
    for (kind, spec) in
        [("AdmissionPolicy", spec), ("AdmissionPolicyBinding", bound)].map(|(end, spec)| (format!("{kind}{end}"), spec))
    {
        let object = json!({ "apiVersion": api, "kind": kind, "metadata": { "name": name }, "spec": spec });
        world.control_plane.apply(&object.to_string()).await.success();
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// Takes the policy away again.
async fn admit(world: &World, kind: &str) {
    for end in ["admissionpolicybinding", "admissionpolicy"] {
        world.kubectl(&["delete", &format!("{kind}{end}"), &format!("policy-{}", world.namespace)]).await.success();
    }
}

/// Changes Secrets with a JSON patch where the condition holds.
async fn mutate(world: &World, condition: &str, patch: &str) {
    let mutations = json!([{ "patchType": "JSONPatch", "jsonPatch": { "expression": patch } }]);
    let does = json!({ "reinvocationPolicy": "Never", "mutations": mutations });
    admission(world, "Mutating", condition, does, json!({})).await;
}

/// Makes the API server drop the password of every Secret of the namespace, either in real writes only or in dry runs as well.
async fn drop_passwords(world: &World, condition: &str) {
    mutate(world, condition, r#"[JSONPatch{op: "remove", path: "/data/password"}]"#).await;
    until_passwords_are_dropped(world, true).await;
}

async fn keep_passwords(world: &World) {
    admit(world, "mutating").await;
    until_passwords_are_dropped(world, false).await;
}

/// Waits until the policy takes effect, or no longer does: the API server notices a change of a policy some time later.
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

/// Denies updates of the Secret where the condition holds, with a message that quotes the published password.
async fn deny_and_quote(world: &World, condition: &str) {
    let quotes = json!({ "validations": [{
        "expression": "false", "messageExpression": "'no: ' + string(oldObject.data.password)",
    }] });
    admission(world, "Validating", condition, quotes, json!({ "validationActions": ["Deny"] })).await;
    // Another value each time, since kubectl sends nothing if the object has the value already.
    let mut probes = 0..;
    let mut denied = async || {
        let label = format!("probe={}", probes.next().unwrap_or(0));
        !world.kubectl(&["label", "secret", "orders", "--overwrite", &label]).await.stderr.is_empty()
    };
    assert!(world.eventually(async || denied().await).await, "the policy is at work");
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
    quiet(&world).await;
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
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "the password in hand was published");
}

/// Waits until a Secret that is applied comes back with this label.
async fn until_labelled(world: &World, label: &str, value: &str) {
    let probe = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "probe", "namespace": world.namespace, "labels": { label: "mine" } },
    });
    let probe = probe.to_string();
    let labelled = async || {
        world.kubectl(&["delete", "secret", "probe", "--ignore-not-found"]).await.success();
        world.control_plane.apply(&probe).await.success();
        let labels = world.kubectl(&["get", "secret", "probe", "-o", "jsonpath={.metadata.labels}"]).await.success();
        labels.contains(&format!("{label}\":\"{value}"))
    };
    assert!(world.eventually(labelled).await);
    world.kubectl(&["delete", "secret", "probe"]).await.success();
}

#[tokio::test]
async fn a_label_that_admission_overrides_is_told_and_not_written_again_and_again() {
    let world = proxied("relabelled", &[]).await;
    let labelled = |team: &str| json!({ "iamUserName": USER, "secret": { "labels": { "team": team } } });
    world.apply("orders", labelled("theirs")).await;
    world.ready("orders").await;
    mutate(&world, "true", r#"[JSONPatch{op: "add", path: "/metadata/labels/team", value: "theirs"}]"#).await;
    until_labelled(&world, "team", "theirs").await;
    let writes = || world.proxy().requests_that(&secret_writes()).len();
    let before = writes();
    world.apply("orders", labelled("ours")).await;
    let message = world.stalled("orders", "KubernetesRefused").await;
    assert!(message.contains("an admission webhook changed the labels of the Secret"), "{message}");
    assert_eq!(writes(), before + 1, "one try");
    // A new resource gets no credential either: its dry run shows the change.
    world.iam.create_user(OTHER).expect("it is new");
    world.apply("billing", json!({ "iamUserName": OTHER, "secret": { "labels": { "team": "ours" } } })).await;
    let message = world.stalled("billing", "SecretRefused").await;
    assert!(message.contains("an admission webhook changes the labels of the Secret"), "{message}");
    assert_eq!(world.counts().0, 1);

    admit(&world, "mutating").await;
    until_labelled(&world, "team", "mine").await;
    world.apply("orders", labelled("mine")).await;
    world.apply("billing", json!({ "iamUserName": OTHER, "secret": { "labels": { "team": "mine" } } })).await;
    quiet_as(&world, "orders").await;
    quiet_as(&world, "billing").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

/// Policies stamp every write with its time or its author. The operator must ignore such a stamp, however often it changes.
#[tokio::test]
async fn a_stamp_that_is_another_one_at_each_write_holds_nothing_up() {
    let world = proxied("stamped", &[]).await;
    ready(&world, "1h").await;
    let stamp =
        r#"[JSONPatch{op: "add", path: "/metadata/annotations/stamp", value: object.metadata.resourceVersion}]"#;
    mutate(&world, "request.operation == 'UPDATE'", stamp).await;
    let stamp =
        async || world.kubectl(&["get", "secret", "orders", "-o", "jsonpath={.metadata.annotations.stamp}"]).await;
    let mut probes = 0..;
    let mut stamped = async || {
        let label = format!("probe={}", probes.next().unwrap_or(0));
        world.kubectl(&["label", "secret", "orders", "--overwrite", &label]).await.success();
        !stamp().await.success().is_empty()
    };
    assert!(world.eventually(async || stamped().await).await, "the policy is at work");
    let before = stamp().await.success();
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    assert_ne!(stamp().await.success(), before);
    // The same credential in another rendering.
    let labelled = json!({ "iamUserName": USER, "secret": { "labels": { "team": "ours" } } });
    world.apply("orders", labelled).await;
    let rendered = async || {
        let team = world.kubectl(&["get", "secret", "orders", "-o", "jsonpath={.metadata.labels.team}"]).await;
        team.success() == "ours"
    };
    assert!(world.eventually(rendered).await);
    world.ready("orders").await;
    let told = world.kubectl(&["get", "events", "-o", "jsonpath={.items[*].reason}"]).await.success();
    assert!(!told.contains("Refused"), "{told}");
    assert_eq!(world.counts().0, 2);
}

/// A dry run shows the webhook the Secret as it is, too.
#[tokio::test]
async fn what_a_refusal_of_the_dry_run_quotes_is_not_repeated() {
    let world = proxied("tried", &[]).await;
    ready(&world, "1h").await;
    deny_and_quote(&world, "request.operation == 'UPDATE'").await;
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "SecretRefused").await;
    assert!(message.contains("its words are not shown"), "{message}");
    world.assert_no_password_shown().await;
    assert_eq!(world.counts().0, 1);
}

/// The fence is written to a Secret that holds the published password, and a refusal may quote it.
#[tokio::test]
async fn what_a_refusal_of_the_fence_quotes_is_not_repeated() {
    let world = proxied("quoting", &["--consistency-window", "2s"]).await;
    ready(&world, "1h").await;
    let fences = "request.operation == 'UPDATE' && !request.dryRun && object.metadata.name == 'orders'";
    deny_and_quote(&world, fences).await;
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Close).after_effect());
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "KubernetesRefused").await;
    assert!(message.contains("its words are not shown"), "{message}");
    world.assert_no_password_shown().await;
    assert_eq!(world.counts().2, 0, "what is not fenced is not removed");

    admit(&world, "validating").await;
    let admitted =
        async || world.kubectl(&["label", "secret", "orders", "--overwrite", "probe=gone"]).await.stderr.is_empty();
    assert!(world.eventually(admitted).await);
    apply(&world, "orders", USER, "2h").await;
    handled(&world, "once").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (3, 1), "the first, the leftover, its replacement");
}
