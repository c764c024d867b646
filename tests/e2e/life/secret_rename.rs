//! The spec gives the Secret another name. The credential stays the same: it is in the new Secret first, and the old one is
//! deleted after the overlap.

use keyspaces_credential_operator::api::KeyspacesCredentialStatus;
use kit::world::{USER, World};
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use crate::support::world;

fn spec(secret: &str, overlap: &str) -> Value {
    json!({ "iamUserName": USER, "secret": { "name": secret }, "rotation": { "overlap": overlap } })
}

fn names(status: &KeyspacesCredentialStatus) -> (Option<String>, Vec<String>) {
    let former = status.former_secrets.iter().map(|former| former.name.clone()).collect();
    (status.binding.as_ref().map(|binding| binding.name.clone()), former)
}

/// Waits until status names this Secret, and these as former ones.
async fn moved(world: &World, secret: &str, former: &[&str]) {
    world
        .until("orders", "moved", |resource| {
            resource.status.as_ref().map(names)
                == Some((Some(secret.to_owned()), former.iter().map(|&name| name.to_owned()).collect()))
        })
        .await;
    world.ready("orders").await;
    world.assert_whole("orders").await;
}

#[tokio::test]
async fn the_credential_moves_and_the_old_secret_goes_after_the_overlap() {
    let world = world("moving").await;
    world.apply("orders", spec("old", "1h")).await;
    world.ready("orders").await;
    let published = world.user_and_password("old").await;
    world.apply("orders", spec("new", "1h")).await;
    moved(&world, "new", &["old"]).await;
    assert!(world.user_and_password("new").await == published);
    world.login("old").await.expect("pods that mount the old one go on");
    world.event("orders", "SecretMoved").await;

    world.apply("orders", spec("new", "1s")).await;
    moved(&world, "new", &[]).await;
    world.secret_gone("old").await;
    world.event("orders", "FormerSecretDeleted").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0), "it is the same credential");
    world.delete("orders").await;
    world.gone("orders").await;
    world.secret_gone("new").await;
}

#[tokio::test]
async fn somebody_elses_secret_of_the_new_name_stays_and_the_old_one_goes_on() {
    let world = world("movetaken").await;
    world.apply("orders", spec("old", "1s")).await;
    world.ready("orders").await;
    let theirs = json!({ "metadata": { "name": "new" }, "stringData": { "password": "theirs" } });
    let theirs = serde_json::from_value(theirs).expect("a Secret");
    let theirs = world.secrets().create(&PostParams::default(), &theirs).await.expect("it can be made");
    world.apply("orders", spec("new", "1s")).await;
    let message = world.stalled("orders", "SecretConflict").await;
    assert!(message.contains("Secret new exists"), "{message}");
    world.login("old").await.expect("the old one goes on");
    assert!(world.secrets().get("new").await.expect("it is there").data == theirs.data);

    world.secrets().delete("new", &DeleteParams::default()).await.expect("it is there");
    moved(&world, "new", &[]).await;
    world.secret_gone("old").await;
    assert_eq!(world.counts().0, 1);
}

#[tokio::test]
async fn a_name_that_is_taken_at_first_can_be_changed() {
    let world = world("firstname").await;
    let theirs = serde_json::from_value(json!({ "metadata": { "name": "taken" } })).expect("a Secret");
    world.secrets().create(&PostParams::default(), &theirs).await.expect("it can be made");
    world.apply("orders", spec("taken", "1s")).await;
    world.stalled("orders", "SecretConflict").await;
    world.apply("orders", spec("free", "1s")).await;
    moved(&world, "free", &[]).await;
    assert_eq!(world.counts(), (1, 1, 0));
}

#[tokio::test]
async fn a_lost_secret_is_made_anew_under_the_new_name_and_a_released_one_is_left_alone() {
    let world = world("movelost").await;
    world.apply("orders", spec("old", "1s")).await;
    world.ready("orders").await;
    // Somebody removes the owner reference: the Secret is his from now on, with whatever is in it.
    let patch = json!({ "metadata": { "ownerReferences": null } });
    let patch = kube::api::Patch::Merge(&patch);
    world.secrets().patch("old", &kube::api::PatchParams::default(), &patch).await.expect("it is there");
    world.stalled("orders", "SecretConflict").await;
    world.apply("orders", spec("new", "1s")).await;
    world
        .until("orders", "done", |resource| {
            resource
                .status
                .as_ref()
                .is_some_and(|status| status.retiring.is_none() && names(status).0.as_deref() == Some("new"))
        })
        .await;
    moved(&world, "new", &[]).await;
    world.secrets().get("old").await.expect("it is not ours any more");
    assert_eq!(world.counts().0, 2);
}
