//! The life of a resource: its credential is created, published, rotated and removed. Its owner can suspend it, rename its
//! Secret and delete it at any time.

mod create;
mod deletion;
mod deletion_during_operation;
mod iam_rate;
mod in_place;
mod overlap;
mod retry;
mod rotation;
mod secret_rename;
mod suspend;
mod unchanged_status;

use kit::world::World;
use kube::ResourceExt;

/// What stays after the deletion of the resource works. The Secret has neither an owner reference nor the label of the
/// operator, so nothing deletes it.
async fn assert_retained(world: &World, ids: &[String]) {
    let secret = world.secrets().get("orders").await.expect("the Secret stays");
    assert_eq!(secret.owner_references(), [], "nothing collects it");
    assert!(!secret.labels().contains_key("app.kubernetes.io/managed-by"), "{:?}", secret.labels());
    let (user_name, password) = world.user_and_password("orders").await;
    let works = world.iam.verify(&user_name, &password).expect("IAM has the credential");
    assert!(ids.contains(&works), "{works} is not among {ids:?}");
    world.login("orders").await.expect("it goes on working");
    world.assert_no_password_shown().await;
}
