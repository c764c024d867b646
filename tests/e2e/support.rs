//! What the folders share: how a test starts an operator, changes a resource, and waits.

use std::time::Duration;

use keyspaces_credential_operator::api::{KeyspacesCredential, KeyspacesCredentialStatus};
use keyspaces_emulator::{FaultKind, Handle, Operation, Options};
use kit::proxy::{Request, Which};
use kit::world::{PATIENCE, USER, World};
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::BINARY;

/// The IAM user of a second resource.
pub(crate) const OTHER: &str = "billing-app";

/// Flags for a test that counts calls: the operator gives nothing up because the machine is slow.
pub(crate) const PATIENT: [&str; 6] = ["--iam-deadline", "60s", "--api-deadline", "60s", "--hold", "60s"];

/// A world with a running operator.
pub(crate) async fn world(name: &str) -> World {
    World::running(BINARY, name).await
}

/// A world whose operator has these flags.
pub(crate) async fn with_flags(name: &str, flags: &[&str]) -> World {
    let mut world = World::new(BINARY, name).await;
    world.start(flags);
    world
}

/// A world whose operator runs with [`PATIENT`].
pub(crate) async fn patient(name: &str) -> World {
    with_flags(name, &PATIENT).await
}

/// An IAM of this kind, and a running operator.
pub(crate) async fn with_iam(name: &str, iam: Options) -> World {
    let mut world = World::with_iam(BINARY, name, iam).await;
    world.start(&[]);
    world
}

/// A world whose operator has these flags and reaches the API server through a proxy.
pub(crate) async fn proxied(name: &str, flags: &[&str]) -> World {
    let mut world = World::proxied(BINARY, name).await;
    world.start(flags);
    world
}

/// The same with a second IAM user.
pub(crate) async fn proxied_with_other(name: &str, flags: &[&str]) -> World {
    let world = proxied(name, flags).await;
    world.iam.create_user(OTHER).expect("it is new");
    world
}

/// A world for a test that holds a request on its way: the operator keeps a password for longer than a slow machine needs to
/// do what the test does meanwhile.
pub(crate) async fn holding(name: &str, flags: &[&str]) -> World {
    let window = ["--consistency-window", "2s"].as_slice();
    let window = if flags.contains(&"--consistency-window") { &[] } else { window };
    proxied(name, &[&["--hold", "60s"], window, flags].concat()).await
}

/// The writes that publish or fence a password.
pub(crate) fn secret_writes() -> Which {
    Which::writes().of("secrets")
}

/// The writes of the resource's status: intent, completion, report.
pub(crate) fn status_writes() -> Which {
    Which::writes().of("keyspacescredentials/status")
}

/// A refusal as IAM sends it.
pub(crate) fn refuse(status: u16, code: &str) -> FaultKind {
    FaultKind::Refuse { status, code: code.to_owned(), message: "a test wants it so".to_owned() }
}

/// Applies a resource for an IAM user, with this overlap. Another overlap makes the operator look again at once.
pub(crate) async fn apply(world: &World, name: &str, user: &str, overlap: &str) {
    world.apply(name, json!({ "iamUserName": user, "rotation": { "overlap": overlap } })).await;
}

/// The same for the usual user, until it is ready.
pub(crate) async fn ready(world: &World, overlap: &str) {
    apply(world, "orders", USER, overlap).await;
    world.ready("orders").await;
}

/// Status, empty if there is none.
pub(crate) fn status(resource: &KeyspacesCredential) -> KeyspacesCredentialStatus {
    resource.status.clone().unwrap_or_default()
}

/// The id of the credential that status names.
pub(crate) async fn current(world: &World) -> String {
    status(&world.resource("orders").await).credential.expect("there is one").id
}

/// Waits until a fault has acted on a call to IAM.
pub(crate) async fn struck(world: &World) {
    let struck = world.iam.wait_until(PATIENCE, |iam| iam.faults().iter().any(|fault| fault.applied > 0)).await;
    assert!(struck, "no call was struck\n{}", world.log());
}

/// How many Lists IAM has answered.
pub(crate) fn lists(iam: &Handle) -> usize {
    iam.calls().into_iter().filter(|call| call.operation == Operation::List && call.done).count()
}

/// How often IAM has carried an operation out. A Delete of what is gone already does not count.
pub(crate) fn carried_out(world: &World, operation: Operation) -> usize {
    world.calls(operation).into_iter().filter(|call| call.applied).count()
}

/// Waits until this value of the rotation's annotation is handled.
pub(crate) async fn handled(world: &World, value: &str) -> KeyspacesCredential {
    world.until("orders", "rotated", |resource| status(resource).last_handled_rotate.as_deref() == Some(value)).await
}

/// Waits until nothing of any attempt is left to be done, and the resource is as it should be.
pub(crate) async fn quiet(world: &World) {
    quiet_as(world, "orders").await;
}

/// The same for a resource of another name.
pub(crate) async fn quiet_as(world: &World, name: &str) {
    world
        .until(name, "quiet", |resource| {
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

/// Changes something of the resource that only makes the operator look again.
pub(crate) async fn poke(world: &World, value: usize) {
    annotate(world, json!({ "example.com/poke": value.to_string() })).await;
}

/// Sets annotations of the resource; null takes one away.
pub(crate) async fn annotate(world: &World, annotations: Value) {
    let patch = json!({ "metadata": { "annotations": annotations } });
    world.resources().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can be patched");
}

/// Changes the Secret, as a human would who edits it.
pub(crate) async fn patch_secret(world: &World, patch: Value) {
    world.secrets().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can be patched");
}

/// Which version of the Secret it is.
pub(crate) async fn secret_version(world: &World) -> Option<String> {
    world.secrets().get("orders").await.expect("the Secret is there").metadata.resource_version
}

/// Waits until whatever is created now is younger than the resource. Ages are whole seconds.
pub(crate) async fn a_second_after(resource: &KeyspacesCredential) {
    let later = resource.metadata.creation_timestamp.clone().expect("it has an age").0 + Duration::from_secs(1);
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    while jiff::Timestamp::now() <= later {
        ticks.tick().await;
    }
}

/// Changes a part of status, as a human would who edits it.
pub(crate) async fn edit_status(world: &World, status: Value) {
    let patch = json!({ "status": status });
    let patched = world.resources().patch_status("orders", &PatchParams::default(), &Patch::Merge(&patch)).await;
    patched.expect("it can be patched");
}

/// Makes the operator look at the resource more often than `count`, and waits until that many passes are over and the last one
/// has read the resource. It needs a proxied world; passes over one resource never overlap.
pub(crate) async fn passes(world: &World, count: usize) {
    let reads = Which::gets().of("keyspacescredentials").named("orders");
    for value in 0..=count {
        let before = world.proxy().requests_that(&reads).len();
        poke(world, value).await;
        let read = |requests: &[Request]| {
            let answered = |request: &&Request| reads.matches(request) && request.status.is_some();
            requests.iter().filter(answered).count() > before
        };
        world.proxy().until("another pass", read).await;
    }
}
