//! Resources that do not fit the types of the operator: the CRD was loosened, or is of another version.

use keyspaces_emulator::Options;
use kit::world::{USER, World};
use kube::api::{Api, ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

use crate::BINARY;

const OTHERS: [&str; 2] = ["billing-app", "search-app"];

/// The resources of the world, whatever is in them.
fn untyped(world: &World) -> Api<DynamicObject> {
    let kind = ApiResource::erase::<keyspaces_credential_operator::api::KeyspacesCredential>(&());
    Api::namespaced_with(world.client.clone(), &world.namespace, &kind)
}

/// From now on the API server accepts nearly everything as a resource.
async fn loosen(world: &World) {
    let anything = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let schema = json!({
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "x-kubernetes-preserve-unknown-fields": true,
                "properties": { "iamUserName": { "type": "string" } },
            },
            "status": anything,
        },
    });
    let patch = json!([{ "op": "replace", "path": "/spec/versions/0/schema/openAPIV3Schema", "value": schema }]);
    let patch = patch.to_string();
    let name = "keyspacescredentials.keyspaces.dev";
    world.kubectl(&["patch", "crd", name, "--type=json", "--patch", &patch]).await.success();
    // The API server uses the new schema a moment later.
    let taken = world
        .eventually(async || {
            let odd = json!({ "spec": { "iamUserName": USER, "suspend": "maybe" } });
            let params = PatchParams { dry_run: true, ..PatchParams::default() };
            untyped(world).patch("orders", &params, &Patch::Merge(&odd)).await.is_ok()
        })
        .await;
    assert!(taken, "the API server takes what the types do not");
}

/// Writes into a status and changes the resource, so that the operator looks: it does not react to a change of status alone.
async fn edit_status(world: &World, name: &str, status: Value) {
    let params = PatchParams::default();
    untyped(world).patch_status(name, &params, &Patch::Merge(json!({ "status": status }))).await.unwrap();
    let touched = json!({ "metadata": { "annotations": { "touched": now() } } });
    untyped(world).patch(name, &params, &Patch::Merge(touched)).await.unwrap();
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// Waits until the operator reports that it cannot decode the resource, and returns the message.
async fn not_understood(world: &World, name: &str, part: &str) -> DynamicObject {
    let mut last = None;
    let said = world
        .eventually(async || {
            let object = untyped(world).get_opt(name).await.unwrap();
            let conditions = object.as_ref().map(|object| object.data["status"]["conditions"].to_string());
            last = object;
            let conditions = conditions.unwrap_or_default();
            conditions.contains("InvalidResource") && conditions.contains(part)
        })
        .await;
    assert!(said, "{part} is not said of {name}: {last:?}\n{}", world.log());
    last.unwrap()
}

fn status_of<'a>(object: &'a DynamicObject, type_: &str) -> Option<&'a str> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == type_)?["status"].as_str()
}

#[tokio::test]
async fn what_cannot_be_understood_says_so_on_itself_and_the_others_go_on() {
    let users = [[USER].as_slice(), &OTHERS].concat();
    let mut world = World::apart(BINARY, "strange", Options::with_users(users)).await;
    world.start(&[]);
    let before = world.ready_with_defaults("orders").await.status.unwrap();
    loosen(&world).await;
    let calls = world.iam.calls().len();

    // A status that somebody edited: the field is named, and the rest of the status is still there.
    edit_status(&world, "orders", json!({ "completedEpoch": "one" })).await;
    let object = not_understood(&world, "orders", "status.completedEpoch: invalid type").await;
    assert_eq!((status_of(&object, "Ready"), status_of(&object, "Stalled")), (Some("False"), Some("True")));
    assert_eq!(object.data["status"]["completedEpoch"], "one");
    assert_eq!(object.data["status"]["credential"]["id"], before.credential.clone().unwrap().id);
    assert_eq!(object.data["status"]["binding"], json!({ "name": "orders" }));
    world.event("orders", "InvalidResource").await;

    // A spec of another version.
    let odd = json!({
        "apiVersion": "keyspaces.dev/v1alpha1",
        "kind": "KeyspacesCredential",
        "metadata": { "name": "billing" },
        "spec": { "iamUserName": OTHERS[0], "rotation": { "overlap": 60 } },
    });
    untyped(&world).patch("billing", &PatchParams::apply("test"), &Patch::Apply(&odd)).await.unwrap();
    not_understood(&world, "billing", "spec.rotation.overlap: invalid type").await;
    assert_eq!(world.iam.calls().len(), calls, "IAM is asked nothing for either");

    // Other resources are not affected.
    world.apply("search", json!({ "iamUserName": OTHERS[1] })).await;
    world.ready("search").await;
    world.rotate("search", "once").await;
    world
        .until("search", "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| status.last_handled_rotate.as_deref() == Some("once"))
        })
        .await;

    // The operator reported each one once, however often it looked at it.
    for field in ["status.completedEpoch", "spec.rotation.overlap"] {
        let log = world.log();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("WARN") && line.contains(field)).collect();
        assert_eq!(lines.len(), 1, "{lines:#?}");
    }

    // Once they are corrected, the operator continues with them by itself.
    untyped(&world)
        .patch_status("orders", &PatchParams::default(), &Patch::Merge(json!({ "status": { "completedEpoch": 1 } })))
        .await
        .unwrap();
    assert_eq!(world.ready("orders").await.status.unwrap().credential, before.credential);
    world.assert_whole("orders").await;
    let corrected = json!({ "spec": { "rotation": { "overlap": "1h" } } });
    untyped(&world).patch("billing", &PatchParams::default(), &Patch::Merge(&corrected)).await.unwrap();
    world.ready("billing").await;
    world.assert_whole("billing").await;

    // When such a resource is deleted, the operator does not guess what to clean up. It reports what to do.
    edit_status(&world, "orders", json!({ "credential": { "id": 7 } })).await;
    not_understood(&world, "orders", "status.credential.id").await;
    untyped(&world).delete("orders", &DeleteParams::default()).await.unwrap();
    not_understood(&world, "orders", "The deletion waits").await;
    assert_eq!(world.ids().len(), 1, "its credential is left alone");
    let restored = json!({ "status": { "credential": before.credential } });
    untyped(&world).patch_status("orders", &PatchParams::default(), &Patch::Merge(&restored)).await.unwrap();
    world.gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
}
