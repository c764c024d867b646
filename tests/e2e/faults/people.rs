//! What other people do, in IAM and in the cluster.

use kit::world::USER;

use super::{ready, with_flags};
use crate::moments::{handled, settled};

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
    handled(&world, "once").await;
    settled(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}
