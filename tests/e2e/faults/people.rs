//! What other people do, in IAM and in the cluster.

use keyspaces_emulator::Options;
use kit::world::USER;
use serde_json::json;

use super::{OTHER, ready, rotated, settled, with_flags, with_iam};

#[tokio::test]
async fn a_second_credential_of_a_humans_making_is_left_alone_and_holds_up_the_next_rotation() {
    let world = with_flags("second", &["--resync", "1s"]).await;
    ready(&world, "1h").await;
    let theirs = world.iam.create_credential(USER).unwrap().info.id;
    world.rotate("orders", "once").await;
    let message = world.stalled("orders", "NoFreeSlot").await;
    assert!(message.contains(&theirs), "{message}");
    world.login("orders").await.expect("the published password works");
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
    world.iam.delete_credential(&theirs).unwrap();
    rotated(&world, "orders", "once").await;
    settled(&world, "orders").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn of_two_resources_with_one_secret_name_the_second_says_so() {
    let world = with_iam("onename", Options::with_users([USER, OTHER])).await;
    ready(&world, "1h").await;
    let before = world.secrets().get("orders").await.unwrap();
    world.apply("billing", json!({ "iamUserName": OTHER, "secret": { "name": "orders" } })).await;
    world.stalled("billing", "SecretConflict").await;
    assert_eq!(world.secrets().get("orders").await.unwrap(), before, "not a byte of it changed");
    assert!(world.iam.calls().iter().all(|call| call.user.as_deref() != Some(OTHER)), "IAM was not asked for it");
    world.assert_whole("orders").await;

    world.delete("orders").await;
    world.gone("orders").await;
    world.ready("billing").await;
    world.assert_whole("billing").await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}
