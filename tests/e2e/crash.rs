//! The exhaustive crash test: `kill -9` before and after every effect that the operator has, in every scenario.
//!
//! Every effect passes the proxy or the emulator, so that is where the operator is killed, and it needs to know nothing of
//! it. Each scenario runs once without a fault, which counts its effects. Then it runs again in a fresh world for each of
//! them, twice: killed before the effect, which then never happens, and after it, with the reply lost. A new operator starts,
//! and when nothing is left to be done, the universal oracle holds.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt};
use keyspaces_credential_operator::api::{KeyspacesCredential, KeyspacesCredentialStatus};
use keyspaces_emulator::{Fault as IamFault, FaultKind, Operation, When};
use kit::proxy::{Action, Fault, Gate, Request, Which};
use kit::world::{PATIENCE, USER, World, has_condition};
use kube::api::DeleteParams;
use serde_json::json;

use crate::BINARY;

/// Worlds at the same time. Most of a run is waiting for the settle time.
const WORLDS: usize = 6;
const NAME: &str = "orders";
/// IAM's lag is what the settle time is for, and this one has none. A password is held for as long as a slow machine may
/// need to publish it.
const FLAGS: [&str; 8] = ["--settle", "2s", "--hold", "4s", "--iam-deadline", "60s", "--api-deadline", "60s"];
/// The calls of IAM that change something.
const CALLS: [Operation; 4] = [Operation::Create, Operation::Reset, Operation::Update, Operation::Delete];

/// What the operator is in the middle of when it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scenario {
    Create,
    /// Until the replaced credential is gone.
    Rotate,
    /// The Secret was deleted; until the replaced credential is gone.
    Heal,
    Delete,
}

/// One effect of the operator, counted from 1 in its kind.
#[derive(Clone, Copy, Debug)]
enum Effect {
    /// A write at the API server.
    Write(u64),
    /// A call of IAM that changes something.
    Call(Operation, u64),
}

/// Where the operator dies.
type Crash = (Effect, When);

/// How much was done in a run, from the beginning of the scenario to its end.
#[derive(Clone, Debug)]
struct Effort {
    writes: Vec<String>,
    calls: Vec<Operation>,
}

impl Effort {
    fn calls_of(&self, operation: Operation) -> usize {
        self.calls.iter().filter(|call| **call == operation).count()
    }
}

impl Scenario {
    /// The state that the scenario begins from.
    async fn prepare(self, world: &World) {
        if self == Self::Create {
            return;
        }
        let rotation = json!({ "overlap": "3s", "inactiveFor": "1s" });
        world.apply(NAME, json!({ "iamUserName": USER, "rotation": rotation })).await;
        world.ready(NAME).await;
    }

    /// What a human does.
    async fn begin(self, world: &World) {
        match self {
            Self::Create => {
                world.apply(NAME, json!({ "iamUserName": USER })).await;
            }
            Self::Rotate => world.rotate(NAME, "once").await,
            Self::Heal => {
                world.secrets().delete(NAME, &DeleteParams::default()).await.expect("it is there");
            }
            Self::Delete => world.delete(NAME).await,
        }
    }

    /// Whether somebody else may have a credential of the same user: only where one slot is enough.
    fn leaves_room(self) -> bool {
        matches!(self, Self::Create | Self::Delete)
    }

    /// Waits until nothing is left to be done, and asserts that all is well.
    async fn end(self, world: &World, before: Option<&KeyspacesCredential>) {
        if self == Self::Delete {
            world.gone(NAME).await;
            world.secret_gone(NAME).await;
            world.assert_no_password_shown().await;
            let ours = world.iam.credentials_of(USER).into_iter().filter(|credential| !credential.outside);
            assert_eq!(ours.count(), 0, "nothing of ours is left in IAM\n{}", world.log());
            return;
        }
        let old = before.and_then(|resource| credential(resource.status.as_ref()));
        let done = |status: &KeyspacesCredentialStatus| {
            let idle = status.operation.is_none() && status.unresolved.is_none() && status.retiring.is_none();
            let rotated = self != Self::Rotate || status.last_handled_rotate.as_deref() == Some("once");
            let current = credential(Some(status));
            idle && rotated && current.is_some() && current != old
        };
        let ready = |resource: &KeyspacesCredential| has_condition(resource, "Ready", "True", "Published");
        world.until(NAME, "done", |resource| ready(resource) && resource.status.as_ref().is_some_and(done)).await;
        world.assert_whole(NAME).await;
    }

    /// Runs it in a world of its own.
    async fn run(self, crash: Option<Crash>) -> Effort {
        let name = format!("{self:?}").to_lowercase();
        let mut world = World::proxied(BINARY, &name).await;
        world.start(&FLAGS);
        self.prepare(&world).await;
        let foreign = self.leaves_room().then(|| world.iam.create_credential(USER).expect("there is room"));
        let before = world.resources().get_opt(NAME).await.expect("it can be read");
        let (writes, calls) = (writes_of(&world).len(), calls_of(&world).len());

        match crash {
            None => self.begin(&world).await,
            Some((Effect::Write(nth), when)) => {
                let gate = Gate::new();
                world
                    .proxy()
                    .set_fault(Fault::on(Which::effects(), Action::Hold(gate.clone())).from_nth(nth).when(when));
                self.begin(&world).await;
                gate.arrived().await;
                world.operator().kill().await;
                gate.discard();
                world.start(&FLAGS);
            }
            Some((Effect::Call(operation, nth), when)) => {
                let fault = IamFault::on(operation, FaultKind::Hang).from_nth(nth);
                world.iam.set_fault(if when == When::After { fault.after_effect() } else { fault });
                self.begin(&world).await;
                let hangs = world.iam.wait_until(PATIENCE, |iam| iam.faults().iter().any(|fault| fault.applied > 0));
                assert!(hangs.await, "{operation:?} was not called");
                world.operator().kill().await;
                world.start(&FLAGS);
            }
        }

        self.end(&world, before.as_ref()).await;
        if let Some(foreign) = foreign {
            assert!(world.ids().contains(&foreign.info.id), "somebody else's credential is still there");
        }
        Effort { writes: writes_of(&world).split_off(writes), calls: calls_of(&world).split_off(calls) }
    }

    /// Runs it with one crash, and compares with the run without.
    async fn survive(self, crash: Crash, faultless: &Effort) {
        let effort = self.run(Some(crash)).await;
        let no_more = CALLS.iter().all(|call| effort.calls_of(*call) <= faultless.calls_of(*call) + 1)
            && effort.writes.len() <= 2 * faultless.writes.len() + 4;
        assert!(no_more, "{effort:?}, and without a crash {faultless:?}");
    }
}

/// What the operator has written so far, but for events.
fn writes_of(world: &World) -> Vec<String> {
    let text = |write: &Request| {
        let dry_run = if write.dry_run { " (dry run)" } else { "" };
        format!("{:?} {}{dry_run}", write.verb, write.resource)
    };
    world.proxy().requests_that(&Which::effects()).iter().map(text).collect()
}

/// What the operator has called so far, but for reads.
fn calls_of(world: &World) -> Vec<Operation> {
    world.iam.calls().into_iter().map(|call| call.operation).filter(|operation| CALLS.contains(operation)).collect()
}

fn credential(status: Option<&KeyspacesCredentialStatus>) -> Option<&str> {
    Some(status?.credential.as_ref()?.id.as_str())
}

/// All places to die in.
fn crashes(effort: &Effort) -> Vec<Crash> {
    let nths = |count: usize| 1..=u64::try_from(count).expect("a small number");
    let writes = nths(effort.writes.len()).map(Effect::Write);
    let calls = CALLS.into_iter().flat_map(|call| nths(effort.calls_of(call)).map(move |nth| Effect::Call(call, nth)));
    writes.chain(calls).flat_map(|effect| [(effect, When::Before), (effect, When::After)]).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_or_after_any_effect_it_loses_nothing() {
    let mut runs = Vec::new();
    let scenarios = [Scenario::Create, Scenario::Rotate, Scenario::Heal, Scenario::Delete];
    let faultless = futures::future::join_all(scenarios.map(|scenario| scenario.run(None))).await;
    for (scenario, effort) in scenarios.into_iter().zip(&faultless) {
        let crashes = crashes(effort);
        println!("{scenario:?}: {effort:?} without a crash, {} crashes", crashes.len());
        runs.extend(crashes.into_iter().map(|crash| (scenario, crash, effort)));
    }
    let count = runs.len();
    let failed: BTreeSet<String> = futures::stream::iter(runs)
        .map(async |(scenario, crash, effort)| {
            let survived = AssertUnwindSafe(scenario.survive(crash, effort)).catch_unwind().await;
            // What it panicked with is on stderr.
            survived.err().map(|_| format!("{scenario:?}, killed {:?} {:?}", crash.1, crash.0))
        })
        .buffer_unordered(WORLDS)
        .filter_map(futures::future::ready)
        .collect()
        .await;
    println!("{count} runs with a crash, {} of them failed", failed.len());
    assert_eq!(failed, BTreeSet::new());
}
