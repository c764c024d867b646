//! Rotation by reset: the same credential and user name, another password, and the weaker promise that goes with it.

use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::{USER, World, has_condition};
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::BINARY;
use crate::support::{current, patch_secret, quiet, refuse, secret_writes, status, world};

async fn ready(world: &World) {
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "strategy": "InPlace" } })).await;
    world.ready("orders").await;
}

fn resets(world: &World) -> usize {
    world.calls(Operation::Reset).len()
}

/// Waits until the request is handled and nothing is in doubt.
async fn rotated(world: &World, value: &str) {
    world
        .until("orders", "rotated", |resource| {
            let status = status(resource);
            status.last_handled_rotate.as_deref() == Some(value) && status.reset_in_doubt.is_none()
        })
        .await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn a_rotation_in_place_changes_the_password_and_nothing_else() {
    let world = world("inplace").await;
    ready(&world).await;
    let before = status(&world.resource("orders").await).credential;
    let (user, password) = world.user_and_password("orders").await;
    world.rotate("orders", "once").await;
    rotated(&world, "once").await;
    assert_eq!(status(&world.resource("orders").await).credential, before, "id and user name stay");
    let (same_user, new_password) = world.user_and_password("orders").await;
    assert!(same_user == user && new_password != password);
    world.login_as(&user, &password).await.expect_err("the old password is dead");
    assert_eq!((world.counts().0, resets(&world), world.counts().2), (1, 1, 0));
    world.event("orders", "PasswordReset").await;
}

#[tokio::test]
async fn while_the_published_password_is_dead_it_is_not_ready() {
    let mut world = World::proxied(BINARY, "deadmoment").await;
    world.start(&["--hold", "60s"]);
    ready(&world).await;
    let gate = world.proxy().hold(secret_writes());
    world.rotate("orders", "once").await;
    gate.arrived().await;
    assert!(world.login("orders").await.is_err(), "the reset has happened, the publication has not");
    let now = world.resource("orders").await;
    assert!(has_condition(&now, "Ready", "False", "Rotating"), "{:?}", now.status);

    // The operator is killed at that moment. The next process resets again, and once more when the first reset can no longer
    // take effect.
    world.operator().kill().await;
    gate.discard();
    world.start(&[]);
    rotated(&world, "once").await;
    assert_eq!((world.counts().0, resets(&world)), (1, 3));
}

#[tokio::test]
async fn a_reset_whose_reply_is_lost_costs_a_second_and_a_last_one() {
    let world = world("lostreset").await;
    ready(&world).await;
    world.iam.set_fault(Fault::on(Operation::Reset, FaultKind::Close).after_effect().times(1));
    world.rotate("orders", "once").await;
    let doubting = world.until("orders", "in doubt", |resource| status(resource).reset_in_doubt.is_some()).await;
    let ready = kit::world::condition(&doubting, "Ready").expect("it is there");
    assert!(ready.message.contains("the password is reset once more at"), "{}", ready.message);
    world.login("orders").await.expect("the second one is published");
    rotated(&world, "once").await;
    assert_eq!((world.counts().0, resets(&world)), (1, 3));
}

#[tokio::test]
async fn a_reset_that_lands_late_kills_the_published_password_until_the_last_one() {
    let world = world("latereset").await;
    ready(&world).await;
    world.iam.set_fault(Fault::on(Operation::Reset, FaultKind::Late { ms: 3_600_000, hang: false }).times(1));
    // The last reset hangs, so that the test can see what happens before it.
    world.iam.set_fault(Fault::on(Operation::Reset, FaultKind::Hang).from_nth(3));
    world.rotate("orders", "once").await;
    world.until("orders", "in doubt", |resource| status(resource).reset_in_doubt.is_some()).await;
    let (user, password) = world.user_and_password("orders").await;
    assert!(world.iam.verify(&user, &password).is_some(), "the second one is published");
    world.iam.land_late_calls();
    assert!(world.iam.verify(&user, &password).is_none(), "and nobody is told");
    world.iam.clear_faults();
    rotated(&world, "once").await;
}

#[tokio::test]
async fn what_is_lost_is_replaced_by_a_new_credential_and_never_by_a_reset() {
    let world = world("noreset").await;
    ready(&world).await;
    let before = status(&world.resource("orders").await).credential;
    world.secrets().delete("orders", &DeleteParams::default()).await.expect("it is there");
    world.until("orders", "recovered", |resource| status(resource).credential != before).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    let before = status(&world.resource("orders").await).credential;
    patch_secret(&world, json!({ "stringData": { "password": "guessed" } })).await;
    world.until("orders", "recovered", |resource| status(resource).credential != before).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, resets(&world)), (3, 0));
}

#[tokio::test]
async fn a_reset_that_is_refused_leaves_the_password_as_it_is() {
    let world = world("denied-reset").await;
    ready(&world).await;
    world.iam.set_fault(Fault::on(Operation::Reset, refuse(403, "AccessDenied")));
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "IamAccessDenied").await;
    assert!(message.contains("iam:ResetServiceSpecificCredential"), "{message}");
    world.login("orders").await.expect("nothing has changed");
    world.iam.clear_faults();
    world.rotate("orders", "twice").await;
    rotated(&world, "twice").await;
}

#[tokio::test]
async fn a_secret_from_before_the_reset_that_is_put_back_is_recovered() {
    let world = world("putback").await;
    ready(&world).await;
    let mut former = world.secrets().get("orders").await.expect("it is there");
    world.rotate("orders", "once").await;
    rotated(&world, "once").await;
    let reset = current(&world).await;
    former.metadata.resource_version = None;
    former.metadata.managed_fields = None;
    world.secrets().replace("orders", &PostParams::default(), &former).await.expect("a backup may be put back");
    world.until("orders", "recovered", |resource| status(resource).credential.is_some_and(|now| now.id != reset)).await;
    quiet(&world).await;
    assert_eq!((world.counts().0, resets(&world)), (2, 1), "its password died with the reset");
}
