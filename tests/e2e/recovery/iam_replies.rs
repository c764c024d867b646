//! A reply of IAM is incomplete, or a call takes effect long after its reply was lost.

use futures::future::join_all;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::world::USER;

use crate::support::{handled, nothing_retires, proxied, quiet, ready, secret_writes, with_flags};

/// Longer than a test lasts: the call takes effect only when the test says so.
const NEVER: u64 = 3_600_000;

#[tokio::test]
async fn a_reply_that_lacks_something_is_never_published() {
    let lacks = |element: &str| FaultKind::DropField { element: element.to_owned() };
    let kinds = [
        ("cut", FaultKind::CutXml { at: None }),
        ("nopassword", lacks("ServicePassword")),
        ("noid", lacks("ServiceSpecificCredentialId")),
        ("noname", lacks("ServiceUserName")),
        ("nouser", lacks("UserName")),
        ("noservice", lacks("ServiceName")),
    ];
    join_all(kinds.map(async |(name, kind)| {
        let world = proxied(name, &["--consistency-window", "2s"]).await;
        world.iam.set_fault(Fault::on(Operation::Create, kind));
        ready(&world, "1h").await;
        quiet(&world).await;
        assert_eq!(world.proxy().replies_to(&secret_writes()), [Some(201)], "{name}: one password was published");
        assert_eq!((world.counts().0, world.counts().2), (2, 1), "{name}: its replacement; the leftover");
    }))
    .await;
}

#[tokio::test]
async fn a_create_that_lands_after_its_replacement_was_published_is_found_and_removed() {
    let world = with_flags("latecreate", &["--consistency-window", "5s"]).await;
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Late { ms: NEVER, hang: false }));
    ready(&world, "1h").await;
    let published = world.user_and_password("orders").await;
    assert_eq!((world.ids().len(), world.iam.late_calls()), (1, 1));
    world.iam.land_late_calls();
    assert_eq!(world.ids().len(), 2, "it has landed");

    let event = world.event("orders", "LeftoverDeleted").await;
    quiet(&world).await;
    assert!(published == world.user_and_password("orders").await, "the published one was not touched");
    assert!(!event.contains(&world.ids()[0]), "{event}");
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn a_delete_that_lands_late_does_no_harm() {
    join_all([("before", 1), ("after", NEVER)].map(async |(name, ms)| {
        let world = with_flags(name, &[]).await;
        ready(&world, "1s").await;
        world.iam.set_fault(Fault::on(Operation::Delete, FaultKind::Late { ms, hang: false }));
        world.rotate("orders", "once").await;
        handled(&world, "once").await;
        nothing_retires(&world).await;
        world.iam.land_late_calls();
        quiet(&world).await;
        assert_eq!((world.counts().0, world.counts().2), (2, 2), "{name}: the one that was lost, and another one");
        assert_eq!(world.iam.credentials_of(USER).len(), 1);
    }))
    .await;
}
