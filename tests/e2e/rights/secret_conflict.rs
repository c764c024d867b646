//! A Secret that is not controlled by the resource is never written to, and no credential is made for it.

use k8s_openapi::api::core::v1::Secret;
use kit::world::USER;
use kube::api::PostParams;
use serde_json::json;

use crate::support::{patch_secret, patient, world};

#[tokio::test]
async fn a_secret_that_is_not_ours_is_left_as_it_is() {
    let world = world("conflict").await;
    let theirs: Secret =
        serde_json::from_value(json!({ "metadata": { "name": "orders" }, "stringData": { "key": "theirs" } })).unwrap();
    let before = world.secrets().create(&PostParams::default(), &theirs).await.unwrap();
    world.apply_with_defaults("orders").await;
    let message = world.stalled("orders", "SecretConflict").await;
    assert!(message.contains("Secret orders exists and is not controlled by this resource"), "{message}");
    assert_eq!(world.secrets().get("orders").await.unwrap(), before, "not a byte of it changed");
    assert_eq!(world.iam.calls().len(), 0, "IAM was not asked at all");

    // A human deletes the Secret, and the operator continues by itself.
    world.kubectl(&["delete", "secret", "orders"]).await.success();
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts().0, 1);
}

#[tokio::test]
async fn of_two_resources_that_want_one_secret_the_first_has_it() {
    let world = patient("onesecret").await;
    world.iam.create_user("billing-app").unwrap();
    let shared = |user: &str| json!({ "iamUserName": user, "secret": { "name": "shared" } });
    world.apply("first", shared(USER)).await;
    world.ready("first").await;
    let published = world.user_and_password("shared").await;
    let calls = world.iam.calls().len();
    world.apply("second", shared("billing-app")).await;
    let message = world.stalled("second", "SecretConflict").await;
    assert!(message.contains("Secret shared exists and is not controlled by this resource"), "{message}");
    assert_eq!(world.iam.calls().len(), calls, "nothing was asked of IAM for the second");
    assert!(published == world.user_and_password("shared").await);
    world.assert_whole("first").await;

    world.delete("first").await;
    world.gone("first").await;
    world.ready("second").await;
    world.assert_whole("second").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn a_secret_whose_owner_was_taken_away_is_noticed_and_left_alone() {
    let world = world("stolen").await;
    world.ready_with_defaults("orders").await;
    // Somebody takes the owner reference away: the Secret is no longer ours, whatever its name.
    patch_secret(&world, json!({ "metadata": { "ownerReferences": null } })).await;
    world.stalled("orders", "SecretConflict").await;
    assert_eq!(world.counts().0, 1, "no second credential");
    assert_eq!(world.ids().len(), 1, "and the first one stays");
}
