//! A resource or its namespace is deleted while the operator creates or rotates its credential. With `Retain` only what was
//! published stays.

use futures::StreamExt;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::proxy::{Gate, Which};
use kit::world::{USER, World};
use serde_json::json;

use super::assert_retained;
use crate::BINARY;
use crate::support::{carried_out, current, struck};

/// How many worlds run at the same time.
const WORLDS: usize = 8;

/// What the operator is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operates {
    /// The first credential is being made.
    Creating,
    /// There is one, and its replacement is being made.
    Rotating,
}

/// How far it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// IAM has created a credential, and its reply never arrives.
    Reply,
    /// The password is in hand, and the write of the Secret is on its way.
    Publication,
}

/// What becomes of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    GoesOn,
    /// It is killed while the resource is deleted, and what was on its way never arrives.
    Dies,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    Delete,
    Retain,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    operates: Operates,
    at: At,
    then: Then,
    policy: Policy,
}

impl Case {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for operates in [Operates::Creating, Operates::Rotating] {
            for at in [At::Reply, At::Publication] {
                for then in [Then::GoesOn, Then::Dies] {
                    all.extend([Policy::Delete, Policy::Retain].map(|policy| Self { operates, at, then, policy }));
                }
            }
        }
        all
    }

    fn creates(self) -> usize {
        match self.operates {
            Operates::Creating => 1,
            Operates::Rotating => 2,
        }
    }

    /// How many credentials outlive the resource: with `Retain` those that were published, and no other.
    fn kept(self) -> usize {
        let published = self.at == At::Publication && self.then == Then::GoesOn;
        match self.policy {
            Policy::Delete => 0,
            Policy::Retain => self.creates() - usize::from(!published),
        }
    }

    async fn run(self) {
        let mut world = World::proxied(BINARY, "deletion").await;
        // A call that hangs is given up after more time than a slow machine needs to delete the resource.
        let deadline = if self.then == Then::Dies { "60s" } else { "10s" };
        world.start(&["--iam-deadline", deadline, "--api-deadline", "60s"]);
        let spec = json!({ "iamUserName": USER, "deletionPolicy": format!("{:?}", self.policy) });
        if self.operates == Operates::Rotating {
            world.apply("orders", spec.clone()).await;
            world.ready("orders").await;
        }
        let gate = self.stop_at(&world);
        match self.operates {
            Operates::Creating => {
                world.apply("orders", spec).await;
            }
            Operates::Rotating => world.rotate("orders", "once").await,
        }
        match self.at {
            At::Reply => struck(&world).await,
            At::Publication => gate.arrived().await,
        }
        world.delete("orders").await;
        match self.then {
            Then::GoesOn => gate.release(),
            Then::Dies => {
                world.operator().kill().await;
                gate.discard();
                world.start(&["--iam-deadline", "60s", "--api-deadline", "60s"]);
            }
        }
        world.gone("orders").await;

        assert_eq!(world.counts().0, self.creates(), "{self:?}");
        assert_eq!(carried_out(&world, Operation::Delete), self.creates() - self.kept(), "{self:?}");
        let ids = world.ids();
        assert_eq!(ids.len(), self.kept(), "{self:?}");
        match self.kept() {
            0 => {
                world.secret_gone("orders").await;
                world.assert_no_password_shown().await;
            }
            _ => assert_retained(&world, &ids).await,
        }
    }

    fn stop_at(self, world: &World) -> Gate {
        match self.at {
            At::Reply => {
                world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Hang).after_effect());
                Gate::new()
            }
            At::Publication => world.proxy().hold(Which::writes().of("secrets")),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_middle_of_an_operation_it_leaves_what_the_policy_says_and_no_more() {
    let cases = Case::all();
    assert_eq!(cases.len(), 16);
    futures::stream::iter(cases).for_each_concurrent(WORLDS, Case::run).await;
}

#[tokio::test]
async fn a_namespace_that_goes_in_the_middle_of_an_operation_leaves_nothing_and_nothing_is_made_anew() {
    let cases = [(Operates::Creating, At::Reply), (Operates::Creating, At::Publication)]
        .into_iter()
        .chain([(Operates::Rotating, At::Reply), (Operates::Rotating, At::Publication)])
        .map(|(operates, at)| Case { operates, at, then: Then::GoesOn, policy: Policy::Delete });
    futures::stream::iter(cases).for_each_concurrent(WORLDS, namespace_goes).await;
}

async fn namespace_goes(case: Case) {
    let mut world = World::proxied(BINARY, "namespace").await;
    world.start(&["--iam-deadline", "10s", "--api-deadline", "60s"]);
    if case.operates == Operates::Rotating {
        world.ready_with_defaults("orders").await;
        assert_eq!(world.ids(), [current(&world).await]);
    }
    let gate = case.stop_at(&world);
    match case.operates {
        Operates::Creating => {
            world.apply_with_defaults("orders").await;
        }
        Operates::Rotating => world.rotate("orders", "once").await,
    }
    match case.at {
        At::Reply => struck(&world).await,
        At::Publication => gate.arrived().await,
    }
    world.control_plane.kubectl(&["delete", "namespace", &world.namespace, "--wait=false"]).await.success();
    world.until("orders", "being deleted", |resource| resource.metadata.deletion_timestamp.is_some()).await;
    gate.release();
    world.gone("orders").await;
    let gone = ["wait", "--for=delete", "namespace", &world.namespace, "--timeout=120s"];
    world.control_plane.kubectl(&gone).await.success();
    assert_eq!(world.ids(), [""; 0], "{case:?}");
    let deleted = carried_out(&world, Operation::Delete);
    assert_eq!((world.counts().0, deleted), (case.creates(), case.creates()), "{case:?}");
    assert_eq!(world.iam.leaks(world.log().as_bytes()), [""; 0]);
}
