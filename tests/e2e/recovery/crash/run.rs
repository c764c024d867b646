//! One run of a scenario in a world of its own, with operators that are killed on the way.

use keyspaces_emulator::{Fault as IamFault, FaultKind, Operation, When};
use kit::proxy::{Action, Fault, Gate, Which};
use kit::world::{PATIENCE, USER, World};

use super::effort::{CALLS, Effort};
use super::ending::Ending;
use super::scenario::Scenario;
use crate::BINARY;

/// The consistency window can be short because this IAM shows every change at once. The hold time is as long as a slow machine
/// may need to publish a password.
const FLAGS: [&str; 8] =
    ["--consistency-window", "2s", "--hold", "7s", "--iam-deadline", "60s", "--api-deadline", "60s"];

/// One effect of the operator, counted from 1 in its kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Effect {
    /// A write at the API server.
    Write(u64),
    /// A call of IAM that changes something.
    Call(Operation, u64),
}

/// Where an operator is killed.
pub(super) type Crash = (Effect, When);

/// What became of a run.
pub(super) struct Run {
    /// From the beginning of the scenario to its end.
    pub(super) effort: Effort,
    /// Since the last operator was started.
    pub(super) recovery: Effort,
    /// What there is in the end.
    pub(super) ending: Ending,
    /// How many operators were killed.
    pub(super) deaths: usize,
}

/// Something that holds the operator at an effect, so that it can be killed there.
enum Trap {
    Write(Gate),
    Call(u64),
}

/// All places to die in.
pub(super) fn crashes(effort: &Effort) -> Vec<Crash> {
    let nths = |count: usize| 1..=u64::try_from(count).expect("a small number");
    let writes = nths(effort.writes()).map(Effect::Write);
    let calls = CALLS.into_iter().flat_map(|call| nths(effort.calls_of(call)).map(move |nth| Effect::Call(call, nth)));
    writes.chain(calls).flat_map(|effect| [(effect, When::Before), (effect, When::After)]).collect()
}

impl Trap {
    fn set(world: &World, (effect, when): Crash) -> Self {
        match effect {
            Effect::Write(nth) => {
                let gate = Gate::new();
                let fault = Fault::on(Which::effects(), Action::Hold(gate.clone()));
                world.proxy().set_fault(fault.from_nth(nth).when(when));
                Self::Write(gate)
            }
            Effect::Call(operation, nth) => {
                let fault = IamFault::on(operation, FaultKind::Hang).from_nth(nth);
                Self::Call(world.iam.set_fault(if when == When::After { fault.after_effect() } else { fault }))
            }
        }
    }

    /// Waits until the operator is held at the effect.
    async fn sprung(&self, world: &World) {
        match self {
            Self::Write(gate) => gate.arrived().await,
            Self::Call(id) => {
                let applied = |iam: &keyspaces_emulator::Handle| {
                    iam.faults().iter().any(|fault| fault.id == *id && fault.applied > 0)
                };
                assert!(world.iam.wait_until(PATIENCE, applied).await, "IAM was not called");
            }
        }
    }

    /// Drops what is held, after the operator was killed. A request that was held before its effect never has any.
    fn discard(&self) {
        match self {
            Self::Write(gate) => gate.discard(),
            // The connection ended with the operator.
            Self::Call(_) => {}
        }
    }
}

impl Scenario {
    /// Runs it in a world of its own. The operator is killed at the first crash, the next operator at the second.
    pub(super) async fn run(self, crashes: &[Crash]) -> Run {
        let name = format!("{self:?}").to_lowercase();
        let mut world = World::proxied(BINARY, &name).await;
        world.start(&FLAGS);
        self.prepare(&world).await;
        let foreign = self.leaves_room().then(|| world.iam.create_credential(USER).expect("there is room"));
        let before = self.before(&world).await;
        let begun = Effort::so_far(&world);
        let mut restarted = begun.clone();

        let mut deaths = 0;
        let mut trap = crashes.first().map(|crash| Trap::set(&world, *crash));
        self.begin(&world).await;
        while let Some(set) = trap {
            let dies = tokio::select! {
                () = set.sprung(&world) => true,
                // A later operator may have less to do than the plan expects, so the second crash may not happen. The first one
                // always does.
                () = self.end(&world, before.as_ref()), if deaths > 0 => false,
            };
            if !dies {
                break;
            }
            world.operator().kill().await;
            set.discard();
            deaths += 1;
            restarted = Effort::so_far(&world);
            trap = crashes.get(deaths).map(|crash| Trap::set(&world, *crash));
            world.start(&FLAGS);
        }

        self.end(&world, before.as_ref()).await;
        if let Some(foreign) = foreign {
            assert!(world.ids().contains(&foreign.info.id), "somebody else's credential is still there");
        }
        let end = Effort::so_far(&world);
        let ending = Ending::of(&world).await;
        Run { effort: end.since(&begun), recovery: end.since(&restarted), ending, deaths }
    }

    /// Runs it with crashes, and compares the final state and the effects with those of the run without a crash.
    pub(super) async fn survive(self, crashes: &[Crash], faultless: &Run) -> Run {
        let run = self.run(crashes).await;
        let mut differences = run.ending.differences(&faultless.ending);
        differences.retain(|difference| !self.explains(difference, run.deaths));
        assert!(differences.is_empty(), "{self:?} ends otherwise than without {crashes:?}: {differences:#?}");

        let mut beyond = run.effort.beyond(&faultless.effort);
        beyond.retain(|(deed, more)| !faultless.effort.has_place_for(deed) || *more > run.deaths * self.cost(deed));
        assert!(beyond.is_empty(), "{self:?} does more than {crashes:?} explain: {beyond:#?}");
        run
    }
}
