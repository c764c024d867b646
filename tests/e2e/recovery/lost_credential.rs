//! Somebody deletes the credential or its user in IAM, and the operator makes a new one. A credential that somebody has
//! switched off it reports and leaves as it is.

use kit::world::{USER, World, has_condition};
use serde_json::json;

use super::replaced;
use crate::BINARY;
use crate::support::{current, nothing_retires, quiet};

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
    quiet(&world).await;
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
    // A change of the spec starts a pass that does not ask IAM again. The operator must still know the status.
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
    // A process that has just started lists at once, and then not before the resync.
    world.operator().kill().await;
    world.start(&[]);
    world.stalled("orders", "CredentialInactive").await;
    world.rotate("orders", "once").await;
    replaced(&world, &former).await;
    // The report after the rotation is about the successor. A change starts a pass that reports what the operator remembers.
    world.apply("orders", json!({ "iamUserName": USER, "rotation": { "overlap": "2h" } })).await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
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
