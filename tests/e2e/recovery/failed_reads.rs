//! A Secret or a resource that cannot be read is not taken for absent.

use std::time::Duration;

use futures::future::join_all;
use kit::proxy::{Action, Fault, Verb, Which};
use kit::world::USER;

use crate::support::{apply, holding, quiet, secret_writes};

#[tokio::test]
async fn a_secret_or_a_resource_that_cannot_be_read_is_not_taken_for_gone() {
    let refusals = [
        ("secrets", Action::Refuse(503)),
        ("secrets", Action::Refuse(403)),
        ("secrets", Action::Refuse(500)),
        ("secrets", Action::Close),
        ("secrets", Action::Hang),
        ("secrets", Action::Delay(Duration::from_secs(5))),
        ("keyspacescredentials", Action::Refuse(503)),
    ];
    join_all(refusals.map(async |(resource, action)| {
        let world = holding("unreadable", &["--api-deadline", "1s"]).await;
        world.ready_with_defaults("orders").await;
        let calls = world.iam.calls().len();
        let reads = Which::gets().of(resource);
        world.proxy().set_fault(Fault::on(reads.clone(), action.clone()).for_ever());
        let failed = |request: &&kit::proxy::Request| reads.matches(request) && request.fault.is_some();
        apply(&world, "orders", USER, "2h").await;
        world.proxy().until("two reads that fail", |requests| requests.iter().filter(failed).count() >= 2).await;
        assert_eq!(world.iam.calls().len(), calls, "{action:?}: IAM was asked nothing");
        world.proxy().clear_faults();
        apply(&world, "orders", USER, "3h").await;
        world.ready("orders").await;
        quiet(&world).await;
        let status = world.resource("orders").await.status.unwrap_or_default();
        assert_eq!(status.completed_epoch, Some(1), "{action:?}: nothing was begun");
        assert_eq!(world.counts(), (1, 1, 0), "{action:?}");
        assert_eq!(world.proxy().replies_to(&secret_writes()), [Some(201)], "{action:?}");
    }))
    .await;
}

#[tokio::test]
async fn while_nobody_knows_who_else_asks_for_the_user_nothing_is_begun() {
    let world = holding("claims", &["--api-deadline", "1s"]).await;
    // The watch sends a List too, once, before it watches.
    let watched = |request: &kit::proxy::Request| {
        Which::verbs(&[Verb::Watch]).of("keyspacescredentials").matches(request) && request.status.is_some()
    };
    world.proxy().until("the watch of the resources", |requests| requests.iter().any(watched)).await;
    let lists = Which::verbs(&[Verb::List]).of("keyspacescredentials");
    world.proxy().set_fault(Fault::on(lists.clone(), Action::Refuse(503)).for_ever());
    world.apply_with_defaults("orders").await;
    let refused = |request: &&kit::proxy::Request| lists.matches(request) && request.fault.is_some();
    world.proxy().until("two lists that fail", |requests| requests.iter().filter(refused).count() >= 2).await;
    assert_eq!(world.iam.calls().len(), 0);
    world.proxy().clear_faults();
    apply(&world, "orders", USER, "3h").await;
    world.ready("orders").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}
