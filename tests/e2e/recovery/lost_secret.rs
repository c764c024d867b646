//! Somebody deletes or edits the Secret. A password that is lost is replaced by a new credential; labels, annotations and
//! keys are put right with the same one.

use kit::world::USER;
use kube::ResourceExt;
use kube::api::DeleteParams;
use serde_json::json;

use super::replaced;
use crate::support::{current, patch_secret, world};

#[tokio::test]
async fn a_deleted_secret_comes_back_with_a_new_password() {
    let world = world("lostsecret").await;
    world.ready_with_defaults("orders").await;
    let former = current(&world).await;
    world.secrets().delete("orders", &DeleteParams::default()).await.expect("it can be deleted");
    replaced(&world, &former).await;
    world.assert_whole("orders").await;
    world.event("orders", "Recovering").await;
    // Pods that were started with the old password go on until the overlap is over.
    assert!(world.ids().contains(&former));
    assert_eq!((world.counts().0, world.counts().2), (2, 0));

    // The Secret is deleted again, inside the overlap. The operator deletes the retiring credential to free a slot, and never
    // the current one before its replacement is published.
    let second = current(&world).await;
    world.secrets().delete("orders", &DeleteParams::default()).await.expect("it can be deleted");
    replaced(&world, &second).await;
    world.assert_whole("orders").await;
    assert!(!world.ids().contains(&former) && world.ids().contains(&second));
    assert_eq!((world.counts().0, world.counts().2), (3, 1));
}

#[tokio::test]
async fn an_edited_password_is_detected_and_replaced() {
    let world = world("edited").await;
    world.ready_with_defaults("orders").await;
    let former = current(&world).await;
    patch_secret(&world, json!({ "stringData": { "password": "guessed" } })).await;
    replaced(&world, &former).await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts().0, 2);
}

#[tokio::test]
async fn our_labels_and_annotations_come_back_with_the_same_credential() {
    let world = world("labels").await;
    world.apply("orders", json!({ "iamUserName": USER, "secret": { "labels": { "team": "shop" } } })).await;
    world.ready("orders").await;
    patch_secret(&world, json!({ "metadata": { "labels": { "team": null, "app.kubernetes.io/managed-by": null } } }))
        .await;
    let back = world
        .eventually(async || {
            let labels = world.secrets().get("orders").await.map(|secret| secret.labels().clone()).unwrap_or_default();
            labels.contains_key("team") && labels.contains_key("app.kubernetes.io/managed-by")
        })
        .await;
    assert!(back, "{}", world.log());
    patch_secret(&world, json!({ "data": { "extra": "eA==" } })).await;
    let gone = world
        .eventually(async || {
            world.secrets().get("orders").await.is_ok_and(|secret| secret.data.unwrap_or_default().len() == 2)
        })
        .await;
    assert!(gone, "{}", world.log());
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (1, 1, 0));
}

#[tokio::test]
async fn an_immutable_secret_is_told_and_a_deleted_one_is_made_again() {
    let world = world("immutable-secret").await;
    world.ready_with_defaults("orders").await;
    patch_secret(&world, json!({ "immutable": true })).await;
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "SecretImmutable").await;
    assert!(message.contains("kubectl delete secret orders"), "{message}");
    assert_eq!(world.counts().0, 1, "known before anything was created");
    world.secrets().delete("orders", &DeleteParams::default()).await.expect("it can be deleted");
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!(world.counts().0, 2);
}
