//! The operator writes no status while nothing changes. A status that changed with each pass would start the next pass, in the
//! operator and in every tool that watches the resource, for ever.

use futures::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use keyspaces_credential_operator::api::KeyspacesCredentialStatus;
use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::proxy::{Request, Which};
use kit::world::{USER, World, condition};
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::BINARY;
use crate::support::{a_second_after, current, handled, passes, patch_secret, status, struck};

/// What a resource can be in for long.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    NoFreeSlot,
    SecretConflict,
    SecretImmutable,
    CredentialInactive,
    IamUserInUse,
    InvalidSpec,
    Suspended,
    RotationWaits,
    DeletionSuspended,
    UserNotFound,
    CreateDenied,
    ListDenied,
    SecretRefused,
    Throttled,
    IamDown,
    DeletionIamDown,
    OutcomeUnknown,
}

/// States that are left alone until something changes, or looked at without a try.
const CALM: [Trouble; 9] = [
    Trouble::NoFreeSlot,
    Trouble::SecretConflict,
    Trouble::SecretImmutable,
    Trouble::CredentialInactive,
    Trouble::IamUserInUse,
    Trouble::InvalidSpec,
    Trouble::Suspended,
    Trouble::RotationWaits,
    Trouble::DeletionSuspended,
];

/// Failures, which are tried again.
const TRIED: [Trouble; 8] = [
    Trouble::UserNotFound,
    Trouble::CreateDenied,
    Trouble::ListDenied,
    Trouble::SecretRefused,
    Trouble::Throttled,
    Trouble::IamDown,
    Trouble::DeletionIamDown,
    Trouble::OutcomeUnknown,
];

impl Trouble {
    fn reason(self) -> &'static str {
        match self {
            Self::NoFreeSlot => "NoFreeSlot",
            Self::SecretConflict => "SecretConflict",
            Self::SecretImmutable => "SecretImmutable",
            Self::CredentialInactive => "CredentialInactive",
            Self::IamUserInUse => "IamUserInUse",
            Self::InvalidSpec => "InvalidSpec",
            Self::Suspended | Self::DeletionSuspended => "Suspended",
            Self::RotationWaits => "RotationWaits",
            Self::UserNotFound => "IamUserNotFound",
            Self::CreateDenied | Self::ListDenied => "IamAccessDenied",
            Self::SecretRefused => "SecretRefused",
            Self::Throttled => "IamThrottled",
            Self::IamDown | Self::DeletionIamDown => "IamUnavailable",
            Self::OutcomeUnknown => "IamOutcomeUnknown",
        }
    }

    /// How many tries the test waits for. The wait after a failure that a human has to end begins with 15 seconds, after any
    /// other with one.
    fn tries(self) -> i64 {
        match self {
            Self::UserNotFound | Self::CreateDenied | Self::ListDenied | Self::SecretRefused => 1,
            _ => 2,
        }
    }

    /// How many writes of status one try may cost. An attempt with an unknown outcome is taken over, which is one more.
    fn writes_a_try(self) -> usize {
        match self {
            Self::OutcomeUnknown => 2,
            _ => 1,
        }
    }

    /// Brings a resource into it.
    async fn arise(self, world: &World) {
        let user = json!({ "iamUserName": USER });
        let refuse = |status, code: &str| FaultKind::Refuse { status, code: code.to_owned(), message: String::new() };
        match self {
            Self::NoFreeSlot => {
                world.iam.create_credential(USER).unwrap();
                world.iam.create_credential(USER).unwrap();
                world.apply("orders", user).await;
            }
            Self::SecretConflict => {
                let theirs: Secret = serde_json::from_value(json!({ "metadata": { "name": "orders" } })).unwrap();
                world.secrets().create(&PostParams::default(), &theirs).await.unwrap();
                world.apply("orders", user).await;
            }
            Self::SecretImmutable => {
                world.ready_with_defaults("orders").await;
                patch_secret(world, json!({ "immutable": true })).await;
                world.rotate("orders", "once").await;
            }
            Self::CredentialInactive => {
                world.ready_with_defaults("orders").await;
                world.iam.set_status(&current(world).await, "Inactive").unwrap();
            }
            Self::IamUserInUse => {
                a_second_after(&world.ready_with_defaults("elder").await).await;
                world.apply("orders", user).await;
            }
            Self::InvalidSpec => {
                let rotation = json!({ "interval": "1h1s", "overlap": "1h" });
                world.apply("orders", json!({ "iamUserName": USER, "rotation": rotation })).await;
            }
            Self::Suspended => {
                world.ready_with_defaults("orders").await;
                world.apply("orders", json!({ "iamUserName": USER, "suspend": true })).await;
            }
            Self::DeletionSuspended => {
                world.ready_with_defaults("orders").await;
                world.apply("orders", json!({ "iamUserName": USER, "suspend": true })).await;
                world.resources().delete("orders", &DeleteParams::default()).await.unwrap();
            }
            Self::RotationWaits => {
                world.ready_with_defaults("orders").await;
                world.rotate("orders", "once").await;
                handled(world, "once").await;
                world.rotate("orders", "twice").await;
            }
            Self::UserNotFound => {
                world.apply("orders", json!({ "iamUserName": "nobody" })).await;
            }
            Self::CreateDenied => {
                world.iam.set_fault(Fault::on(Operation::Create, refuse(403, "AccessDenied")).for_ever());
                world.apply("orders", user).await;
            }
            Self::ListDenied => {
                world.iam.set_fault(Fault::on(Operation::List, refuse(403, "AccessDenied")).for_ever());
                world.apply("orders", user).await;
            }
            Self::SecretRefused => {
                let dry_runs = Which::dry_runs().of("secrets");
                let refused = kit::proxy::Fault::on(dry_runs, kit::proxy::Action::Refuse(403)).for_ever();
                world.proxy().set_fault(refused);
                world.apply("orders", user).await;
            }
            Self::Throttled => {
                world.iam.set_fault(Fault::on_any(refuse(400, "Throttling")).for_ever());
                world.apply("orders", user).await;
            }
            Self::IamDown => {
                world.iam.set_fault(Fault::on_any(FaultKind::Close).for_ever());
                world.apply("orders", user).await;
            }
            Self::DeletionIamDown => {
                world.ready_with_defaults("orders").await;
                world.iam.set_fault(Fault::on_any(FaultKind::Close).for_ever());
                world.delete("orders").await;
            }
            Self::OutcomeUnknown => {
                world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Status { status: 500 }).for_ever());
                world.apply("orders", user).await;
                struck(world).await;
            }
        }
    }

    /// A world in which a resource is in this state, and the operator has reported everything about it.
    async fn world(self) -> World {
        let mut world = World::proxied(BINARY, "steady").await;
        world.start(&["--resync", "1s"]);
        self.arise(&world).await;
        let told = |resource: &_| {
            ["Stalled", "Reconciling", "Ready"]
                .iter()
                .any(|type_| condition(resource, type_).is_some_and(|condition| condition.reason == self.reason()))
        };
        world.until("orders", self.reason(), told).await;
        if self.reason() != "Suspended" {
            world.event("orders", self.reason()).await;
        }
        world
    }
}

/// What the operator has written: status, finalizers, Secrets, events.
fn writes(world: &World) -> Vec<Request> {
    world.proxy().requests_that(&Which::writes())
}

/// All of status but for what a further try has to change.
fn told(status: KeyspacesCredentialStatus) -> KeyspacesCredentialStatus {
    KeyspacesCredentialStatus { failures: None, operation: None, ..status }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_does_not_change_costs_no_write() {
    join_all(CALM.map(async |trouble| {
        let world = trouble.world().await;
        passes(&world, 1).await;
        let resource = world.resource("orders").await;
        let (before, told) = (writes(&world), status(&resource));
        assert_eq!(
            told.observed_generation, resource.metadata.generation,
            "{trouble:?}: it speaks of the present spec"
        );
        passes(&world, 3).await;
        assert_eq!(writes(&world)[before.len()..], [], "{trouble:?}");
        assert_eq!(status(&world.resource("orders").await), told, "{trouble:?}");
        world.assert_no_password_shown().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_lasts_is_counted_and_told_once() {
    join_all(TRIED.map(async |trouble| {
        let mut world = trouble.world().await;
        let count = |resource: &_| status(resource).failures.map_or(0, |failures| failures.count);
        let first = world.until("orders", "failing", |resource| count(resource) > 0).await;
        let before = writes(&world).len();
        let again = |resource: &_| count(resource) >= count(&first) + trouble.tries();
        world.until("orders", "failing again", again).await;
        world.operator().kill().await;

        let last = world.resource("orders").await;
        let tries = usize::try_from(count(&last) - count(&first)).expect("it grows");
        let writes = writes(&world).split_off(before);
        let (events, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(|write| write.resource == "events");
        let of_status = others.iter().filter(|write| write.resource == "keyspacescredentials/status").count();
        assert_eq!(others.len(), of_status, "{trouble:?}: {others:#?}");
        // One write may have been on its way when the first count was read, and one when the operator was killed.
        let most = (tries + 2) * trouble.writes_a_try();
        assert!((tries..=most).contains(&of_status), "{trouble:?}: {of_status} writes in {tries} tries");
        assert!(events.len() <= (tries + 1) * (trouble.writes_a_try() - 1), "{trouble:?}: {events:#?}");
        if trouble.writes_a_try() == 1 {
            assert_eq!(told(status(&last)), told(status(&first)), "{trouble:?}");
        }
        world.assert_no_password_shown().await;
    }))
    .await;
}
