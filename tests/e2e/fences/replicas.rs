//! Two operators on one namespace, and nothing between them but the fences.

use kit::proxy::Gate;
use kit::world::World;

use super::{apply, proxied, rotated, secret_writes, settled};

/// One operator is held at its publication; another one takes over and publishes; then the first one goes on.
async fn revive(world: &World, gate: &Gate, published_by_the_other: impl AsyncFnOnce(&World)) {
    let held = world.proxy().requests_that(&secret_writes()).len();
    assert_eq!(world.proxy().requests_that(&secret_writes())[held - 1].status, None, "it is held");
    let _other = world.replica(&["--hold", "3s"]);
    published_by_the_other(world).await;
    let accepted = world.user_and_password("orders").await;
    assert!(world.login("orders").await.is_ok());
    let creates = world.counts().0;

    gate.release();
    world
        .proxy()
        .until("the reply to the write that was held", |requests| {
            requests
                .iter()
                .filter(|request| secret_writes().matches(request))
                .nth(held - 1)
                .is_some_and(|write| write.status.is_some())
        })
        .await;
    assert_eq!(world.proxy().replies_to(&secret_writes())[held - 1], Some(409), "its write has lost");
    settled(world).await;
    assert!(accepted == world.user_and_password("orders").await, "the password that was accepted stays");
    assert_eq!(world.counts().0, creates, "and nobody made another one");
}

#[tokio::test]
async fn a_first_publication_that_comes_too_late_loses() {
    let world = proxied("late").await;
    let gate = world.proxy().hold(secret_writes());
    apply(&world).await;
    gate.arrived().await;
    revive(&world, &gate, async |world| {
        world.ready("orders").await;
    })
    .await;
    assert_eq!(world.counts().0, 2, "each made one");
    assert_eq!(world.ids().len(), 1);
}

#[tokio::test]
async fn a_rotation_that_comes_too_late_loses() {
    let world = proxied("latest").await;
    world.ready_with_defaults("orders").await;
    let (user, password) = world.user_and_password("orders").await;
    let gate = world.proxy().hold(secret_writes());
    world.rotate("orders", "once").await;
    gate.arrived().await;
    revive(&world, &gate, async |world| rotated(world, "once").await).await;
    assert_eq!(world.counts().0, 3, "the first one, and each replica's");
    assert_eq!(world.ids().len(), 2, "the current one and the one in its overlap");
    world.login_as(&user, &password).await.expect("the replaced one works in its overlap");
}
