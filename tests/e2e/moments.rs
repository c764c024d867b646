//! The moments at which a story steps in, and how it knows that the operator has looked.

use keyspaces_credential_operator::api::{KeyspacesCredential, KeyspacesCredentialStatus};
use keyspaces_emulator::Operation;
use kit::proxy::Which;
use kit::world::{PATIENCE, World};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::BINARY;

/// For a story that counts calls: nothing is given up because the machine is slow.
pub(crate) const PATIENT: [&str; 6] = ["--iam-deadline", "60s", "--api-deadline", "60s", "--hold", "60s"];

/// A world whose operator is patient.
pub(crate) async fn patient(name: &str) -> World {
    let mut world = World::new(BINARY, name).await;
    world.start(&PATIENT);
    world
}

/// Status, empty if there is none.
pub(crate) fn status(resource: &KeyspacesCredential) -> KeyspacesCredentialStatus {
    resource.status.clone().unwrap_or_default()
}

/// The id of the credential that status names.
pub(crate) async fn current(world: &World) -> String {
    status(&world.resource("orders").await).credential.expect("there is one").id
}

/// Waits until a fault has struck at IAM.
pub(crate) async fn struck(world: &World) {
    let struck = world.iam.wait_until(PATIENCE, |iam| iam.faults().iter().any(|fault| fault.applied > 0)).await;
    assert!(struck, "no call was struck\n{}", world.log());
}

/// How often IAM has carried an operation out. To delete what is gone already counts for nothing.
pub(crate) fn carried_out(world: &World, operation: Operation) -> usize {
    world.calls(operation).into_iter().filter(|call| call.applied).count()
}

/// Waits until this value of the rotation's annotation is handled.
pub(crate) async fn handled(world: &World, value: &str) -> KeyspacesCredential {
    world.until("orders", "rotated", |resource| status(resource).last_handled_rotate.as_deref() == Some(value)).await
}

/// Waits until nothing of any attempt is left to be done, and the resource is as it should be.
pub(crate) async fn settled(world: &World) {
    settled_as(world, "orders").await;
}

/// The same for a resource of another name.
pub(crate) async fn settled_as(world: &World, name: &str) {
    world
        .until(name, "settled", |resource| {
            let status = status(resource);
            status.credential.is_some() && status.operation.is_none() && status.unresolved.is_none()
        })
        .await;
    world.ready(name).await;
    world.assert_whole(name).await;
}

/// Waits until no replaced credential is left.
pub(crate) async fn nothing_retires(world: &World) {
    world.until("orders", "without a retiring credential", |resource| status(resource).retiring.is_none()).await;
}

/// Changes something of the resource that only calls for another look.
pub(crate) async fn poke(world: &World, value: usize) {
    annotate(world, json!({ "example.com/poke": value.to_string() })).await;
}

/// Sets annotations of the resource; null takes one away.
pub(crate) async fn annotate(world: &World, annotations: Value) {
    let patch = json!({ "metadata": { "annotations": annotations } });
    world.resources().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can be patched");
}

/// Changes a part of status, as somebody would who edits it.
pub(crate) async fn edit_status(world: &World, status: Value) {
    let patch = json!({ "status": status });
    let patched = world.resources().patch_status("orders", &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.expect("it can be patched");
}

/// Lets the operator look once more often than that, and waits until that many passes are over and the last one has read the
/// resource. It needs a proxied world; passes over one resource never overlap.
pub(crate) async fn passes(world: &World, count: usize) {
    let reads = Which::gets().of("keyspacescredentials").named("orders");
    for value in 0..=count {
        let before = world.proxy().requests_that(&reads).len();
        poke(world, value).await;
        let read = |requests: &[kit::proxy::Request]| {
            let answered = |request: &&kit::proxy::Request| reads.matches(request) && request.status.is_some();
            requests.iter().filter(answered).count() > before
        };
        world.proxy().until("another pass", read).await;
    }
}
