//! What is lost is made anew, what is edited is put right, and what a human did in IAM is told and not undone.

use kit::world::{USER, World, has_condition};
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::moments::{current, nothing_retires, settled};
use crate::{BINARY, world};

async fn patch_secret(world: &World, patch: Value) {
    world.secrets().patch("orders", &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can be patched");
}

/// Waits until status names another credential than `former`.
async fn replaced(world: &World, former: &str) {
    world
        .until("orders", "healed", |resource| {
            let status = resource.status.as_ref();
            status.and_then(|status| status.credential.as_ref()).is_some_and(|credential| credential.id != former)
        })
        .await;
    world.ready("orders").await;
}

#[tokio::test]
async fn a_deleted_secret_comes_back_with_a_new_password() {
    let world = world("lostsecret").await;
    world.ready_with_defaults("orders").await;
    let former = current(&world).await;
    world.secrets().delete("orders", &DeleteParams::default()).await.expect("it can be deleted");
    replaced(&world, &former).await;
    world.assert_whole("orders").await;
    world.event("orders", "Healing").await;
    // Pods that were started with the old password go on until the overlap is over.
    assert!(world.ids().contains(&former));
    assert_eq!((world.counts().0, world.counts().2), (2, 0));

    // Again, inside the overlap: the retiring one makes room, never the current one before its replacement is out.
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
async fn a_credential_that_is_gone_from_iam_is_replaced_once_that_is_certain() {
    let mut world = World::new(BINARY, "gone").await;
    world.start(&["--resync", "1s"]);
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "1s" } })).await;
    world.ready("orders").await;
    let former = current(&world).await;
    world.iam.delete_credential(&former).expect("it is there");
    world
        .until("orders", "missing", |resource| {
            has_condition(resource, "Reconciling", "True", "CredentialMissing")
                && has_condition(resource, "Ready", "False", "CredentialMissing")
        })
        .await;
    replaced(&world, &former).await;
    nothing_retires(&world).await;
    settled(&world).await;
    assert_eq!(world.counts().0, 2);
}

#[tokio::test]
async fn an_inactive_credential_is_told_and_neither_undone_nor_replaced() {
    let mut world = World::new(BINARY, "inactive").await;
    world.start(&["--resync", "1s"]);
    world.ready_with_defaults("orders").await;
    let id = current(&world).await;
    world.iam.set_status(&id, "Inactive").expect("it is there");
    let message = world.stalled("orders", "CredentialInactive").await;
    assert!(message.contains(&id) && message.contains("aws iam update-service-specific-credential"), "{message}");
    // Any change brings a pass that does not ask IAM again; it must not forget.
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2h" } })).await;
    world
        .until("orders", "told of the present spec", |resource| {
            has_condition(resource, "Ready", "False", "CredentialInactive")
                && resource.status.as_ref().and_then(|status| status.observed_generation)
                    == resource.metadata.generation
        })
        .await;
    assert_eq!(world.iam.credential(&id).expect("it is there").status, "Inactive");
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
    world.iam.set_status(&id, "Active").expect("it is there");
    world.ready("orders").await;
    world.assert_whole("orders").await;

    world.iam.set_status(&id, "Expired").expect("the emulator allows it");
    world.stalled("orders", "CredentialInactive").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "an unknown status is no reason to delete");
}

#[tokio::test]
async fn what_was_told_of_an_inactive_credential_is_not_told_of_its_successor() {
    let mut world = World::new(BINARY, "inactive-rotated").await;
    world.start(&[]);
    world.ready_with_defaults("orders").await;
    let former = current(&world).await;
    world.iam.set_status(&former, "Inactive").expect("it is there");
    // A process that has just started looks at once, and then not before the resync.
    world.operator().kill().await;
    world.start(&[]);
    world.stalled("orders", "CredentialInactive").await;
    world.rotate("orders", "once").await;
    replaced(&world, &former).await;
    // The completion told of the successor. A change brings a pass that tells what is remembered.
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2h" } })).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
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

#[tokio::test]
async fn a_deleted_namespace_goes_and_leaves_nothing_in_iam() {
    let world = world("namespace").await;
    world.ready_with_defaults("orders").await;
    world.control_plane.kubectl(&["delete", "namespace", &world.namespace, "--wait=false"]).await.success();
    world.gone("orders").await;
    assert_eq!(world.ids(), [""; 0]);
    assert_eq!(world.counts().0, 1, "nothing is made anew while it goes");
    let gone = ["wait", "--for=delete", "namespace", &world.namespace, "--timeout=60s"];
    world.control_plane.kubectl(&gone).await.success();
}

#[tokio::test]
async fn a_user_deleted_in_iam_does_not_hold_the_resource() {
    let world = world("nouseranymore").await;
    world.ready_with_defaults("orders").await;
    world.iam.force_delete_user(USER).expect("it is there");
    world.delete("orders").await;
    world.gone("orders").await;
}

#[tokio::test]
async fn a_user_that_was_made_anew_gets_a_new_credential_and_the_old_id_is_forgotten() {
    let mut world = World::new(BINARY, "newuser").await;
    world.start(&["--resync", "1s"]);
    world.apply("orders", serde_json::json!({ "iamUserName": USER, "rotation": { "overlap": "1s" } })).await;
    world.ready("orders").await;
    let former = current(&world).await;
    world.iam.force_delete_user(USER).expect("it is there");
    world.stalled("orders", "IamUserNotFound").await;
    world.iam.create_user(USER).expect("the name is free");
    replaced(&world, &former).await;
    world
        .until("orders", "done with the old one", |resource| {
            resource.status.as_ref().is_some_and(|status| status.retiring.is_none())
        })
        .await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
}
