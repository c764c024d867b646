//! A suspended resource: the operator makes no call and no write for it, whatever it is in the middle of, and continues there
//! later.

use keyspaces_credential_operator::api::KeyspacesCredential;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::proxy::Which;
use kit::world::{USER, World, condition, has_condition};
use serde_json::{Value, json};

use crate::support::{current, handled, passes, proxied, status, struck, world};

/// A call that hangs is given up after more time than a slow machine needs to suspend the resource.
const FLAGS: [&str; 6] = ["--iam-deadline", "10s", "--api-deadline", "60s", "--hold", "60s"];

async fn suspend(world: &World, suspend: bool, rotation: Value) {
    world.apply("orders", json!({ "iamUserName": USER, "rotation": rotation, "suspend": suspend })).await;
}

/// Waits until the resource says that it is suspended. Then nothing is called and nothing is written.
async fn rests(world: &World) -> KeyspacesCredential {
    world.until("orders", "Suspended", |resource| has_condition(resource, "Ready", "Unknown", "Suspended")).await;
    let effects = world.proxy().requests_that(&Which::effects()).len();
    let calls = world.iam.calls().len();
    passes(world, 2).await;
    assert_eq!(world.proxy().requests_that(&Which::effects())[effects..], [], "nothing is written");
    assert_eq!(world.iam.calls().len(), calls, "nothing is called");
    world.resource("orders").await
}

#[tokio::test]
async fn while_a_create_is_on_its_way_its_outcome_is_looked_for_later() {
    let world = proxied("suspended", &FLAGS).await;
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Hang).after_effect());
    suspend(&world, false, json!({})).await;
    struck(&world).await;
    suspend(&world, true, json!({})).await;
    let resting = rests(&world).await;
    assert!(status(&resting).operation.is_some(), "the intent stays in status");
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
    assert!(world.secrets().get_opt("orders").await.unwrap().is_none());

    suspend(&world, false, json!({})).await;
    world.ready("orders").await;
    world.event("orders", "LeftoverDeleted").await;
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn while_the_secret_is_being_written_what_was_written_counts_later() {
    let world = proxied("suspended", &FLAGS).await;
    suspend(&world, false, json!({})).await;
    world.ready("orders").await;
    let former = current(&world).await;
    let gate = world.proxy().hold(Which::writes().of("secrets"));
    world.rotate("orders", "once").await;
    gate.arrived().await;
    suspend(&world, true, json!({})).await;
    gate.release();
    rests(&world).await;
    assert_eq!(current(&world).await, former, "status is completed later");
    world.login("orders").await.expect("what is in the Secret works");
    let published = world.user_and_password("orders").await;

    suspend(&world, false, json!({})).await;
    handled(&world, "once").await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert!(published == world.user_and_password("orders").await, "it is the one that was written before");
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn in_an_overlap_the_replaced_credential_works_on_until_the_resource_goes_on() {
    let world = proxied("suspended", &FLAGS).await;
    suspend(&world, false, json!({})).await;
    world.ready("orders").await;
    let (user, password) = world.user_and_password("orders").await;
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    // From here on the overlap is over.
    suspend(&world, true, json!({ "overlap": "0s" })).await;
    let resting = rests(&world).await;
    assert!(status(&resting).retiring.is_some());
    world.login_as(&user, &password).await.expect("nothing is deleted");
    assert_eq!((world.counts().0, world.counts().2), (2, 0));

    suspend(&world, false, json!({ "overlap": "0s" })).await;
    world.until("orders", "done with the old one", |resource| status(resource).retiring.is_none()).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    world.login_as(&user, &password).await.expect_err("its time is over");
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn a_deletion_that_waits_for_iam_can_be_suspended_as_well() {
    let world = proxied("suspended", &FLAGS).await;
    suspend(&world, false, json!({})).await;
    world.ready("orders").await;
    world.iam.set_fault(Fault::on_any(FaultKind::Close).for_ever());
    world.delete("orders").await;
    world
        .until("orders", "waiting for IAM", |resource| has_condition(resource, "Reconciling", "True", "IamUnavailable"))
        .await;
    suspend(&world, true, json!({})).await;
    rests(&world).await;
    world.iam.clear_faults();
    rests(&world).await;
    assert_eq!(world.ids().len(), 1);

    suspend(&world, false, json!({})).await;
    world.gone("orders").await;
    world.secret_gone("orders").await;
    assert_eq!((world.ids().len(), world.counts().0), (0, 1));
    world.assert_no_password_shown().await;
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

    // A deletion waits and reports that it does. Otherwise the credential would stay behind.
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
