//! Runs a scenario to its end, and says what came of it.

use std::fmt;
use std::time::{Duration, Instant};

use keyspaces_credential_protocol::{DeletionPolicy, Strategy};
use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::environment::{self, Action};
use crate::facts::{FormerSecret, Means, Object, Secret};
use crate::scenario::{Scenario, Start};
use crate::schedule::{self, Known};
use crate::shell;
use crate::world::World;

/// What holds in every reachable state.
pub const PASSWORD_WORKS: &str = "a published password works";
pub const IN_A_SECRET: &str = "the current credential is in a Secret";
pub const FORMER_WORKS: &str = "a Secret that was moved from works for its time";
pub const NO_HARM: &str = "no harm is done";
pub const CONVERGES: &str = "when faults stop, all becomes good";

/// A way that ends badly.
#[derive(Clone, Debug)]
pub struct Counterexample {
    pub property: &'static str,
    pub trace: Vec<String>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Findings {
    pub scenario: Scenario,
    pub states: usize,
    pub depth: usize,
    pub time: Duration,
    /// All states within the bounds were seen.
    pub complete: bool,
    pub counterexamples: Vec<Counterexample>,
}

impl fmt::Display for Findings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, states, depth, time, .. } = self;
        write!(
            formatter,
            "{:<34} {states:>9} states, depth {depth:>3}, {:>6.1} s, {}: {scenario}",
            scenario.name,
            time.as_secs_f64(),
            if self.complete { "complete" } else { "not complete" },
        )?;
        for counterexample in &self.counterexamples {
            write!(formatter, "\n  NOT {}:", counterexample.property)?;
            for line in &counterexample.trace {
                write!(formatter, "\n    {line}")?;
            }
        }
        Ok(())
    }
}

struct Checked {
    scenario: Scenario,
    start: World,
    known: Known,
}

impl Checked {
    fn new(mut scenario: Scenario) -> Self {
        // What is broken is broken from here on.
        let start = start(&Scenario { mutation: None, ..scenario.clone() });
        scenario.ticks += start.now;
        scenario.epochs += start.owned[0].object.as_ref().map_or(0, |object| object.record.closed);
        Self { scenario, start, known: Known::default() }
    }
}

/// The first state of a run.
fn start(scenario: &Scenario) -> World {
    let window = scenario.consistency_window;
    let mut world = World::applied(scenario);
    let rest = |world: &mut World| {
        while let Some(index) = world.processes.iter().position(|one| one.pass.is_some() || one.wake == Some(0)) {
            shell::go(scenario, world, index, None);
        }
    };
    if scenario.start == Start::Applied {
        return world;
    }
    rest(&mut world);
    world.advance(world.now + window + 1, window);
    rest(&mut world);
    if scenario.start == Start::Overlap {
        for owned in &mut world.owned {
            if let Some(object) = &mut owned.object {
                object.rotate = Some(1);
            }
        }
        world.resource_changed(0, None);
        rest(&mut world);
    }
    world
}

/// What the Secret of the resource holds works. A reset weakens that: the published password may be an old one while the
/// operation that resets it is open, and where a reset of an attempt that was no longer the present one came after the last
/// of a present one, for as long as the doubt is recorded.
fn published_works(model: &Checked, world: &World) -> bool {
    world.owned.iter().all(|owned| {
        let Some(object) = &owned.object else {
            return model.scenario.policy == DeletionPolicy::Delete
                || owned.all_secrets().all(|one| holds_good(world, one));
        };
        let secret = owned.secrets[usize::from(object.secret_name())];
        (object.deleting && model.scenario.policy == DeletionPolicy::Delete)
            || secret.is_none_or(|secret| holds_good(world, secret) || excused(world, object, secret))
    })
}

fn holds_good(world: &World, secret: Secret) -> bool {
    secret.published.is_none_or(|published| schedule::works(world, published))
}

fn excused(world: &World, object: &Object, secret: Secret) -> bool {
    let Some(id) = secret.published.map(|published| published.credential.id) else {
        return true;
    };
    let record = &object.record;
    let open = record.operation.as_ref().is_some_and(|open| open.means == Means::Reset(id));
    let doubted = record.reset_in_doubt.is_some_and(|doubt| doubt.id == id);
    let credential = world.iam.iter().find(|credential| credential.id == id);
    credential.is_some_and(|credential| !credential.inactive && (open || (doubted && credential.stray)))
}

/// The credential that the record calls current is in a Secret of the resource, of the one name or the other, or the open operation
/// has published its replacement. Unless somebody outside destroyed the Secret.
fn current_is_published(_: &Checked, world: &World) -> bool {
    world.owned.iter().all(|owned| {
        let Some(object) = owned.object.as_ref().filter(|object| !object.deleting && !world.secret_lost) else {
            return true;
        };
        let record = &object.record;
        let replaced = |epoch| record.operation.is_some() && epoch > record.closed;
        record.current.is_none_or(|current| {
            owned
                .all_secrets()
                .filter_map(|secret| secret.published.filter(|_| secret.ours))
                .any(|published| published.credential.id == current.id || replaced(published.epoch))
        })
    })
}

/// What a Secret that was moved from holds works for the time of an overlap. Unless it was reset in place, or its slot was
/// needed because somebody outside destroyed what came after it. One that is on record and not there is a copy that was announced.
fn former_works(model: &Checked, world: &World) -> bool {
    let undisturbed =
        model.scenario.strategy == Strategy::Overlap && !world.secret_lost && world.destroyed_outside == 0;
    let lasts = |former: &&FormerSecret| undisturbed && world.now < former.since + model.scenario.overlap;
    world.owned.iter().all(|owned| {
        let object = owned.object.as_ref().filter(|object| !object.deleting);
        let mut formers = object.into_iter().flat_map(|object| &object.record.former_secrets).filter(lasts);
        formers.all(|former| owned.secrets[usize::from(former.name)].is_none_or(|secret| holds_good(world, secret)))
    })
}

fn converges(model: &Checked, world: &World) -> bool {
    schedule::converges(&model.scenario, world, &model.known, false).is_ok()
}

impl Model for Checked {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.start.clone()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        environment::actions(&self.scenario, world, actions);
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        environment::next(&self.scenario, world, action)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(PASSWORD_WORKS, published_works),
            Property::always(IN_A_SECRET, current_is_published),
            Property::always(FORMER_WORKS, former_works),
            Property::always(NO_HARM, |_, world: &World| world.harm.is_none()),
            Property::always(CONVERGES, |model: &Checked, world: &World| {
                world.harm.is_some() || converges(model, world)
            }),
        ]
        .into_iter()
        .filter(|property| self.scenario.only.is_none_or(|only| only == property.name))
        .collect()
    }

    fn within_boundary(&self, world: &World) -> bool {
        let epoch = |object: &Object| object.record.operation.as_ref().map_or(0, |one| one.epoch);
        world.owned.iter().filter_map(|owned| owned.object.as_ref()).all(|object| epoch(object) <= self.scenario.epochs)
    }
}

/// Explores all states of a scenario.
pub fn check(scenario: &Scenario) -> Findings {
    let begun = Instant::now();
    let mut builder =
        Checked::new(scenario.clone()).checker().threads(scenario.threads).finish_when(HasDiscoveries::Any);
    if let Some(timeout) = scenario.timeout {
        builder = builder.timeout(timeout);
    }
    let checker = builder.spawn_bfs().join();
    let time = begun.elapsed();
    let model = checker.model();
    let counterexamples: Vec<Counterexample> = checker
        .discoveries()
        .into_iter()
        .map(|(property, path)| Counterexample { property, trace: trace(model, &path.into_vec()) })
        .collect();
    Findings {
        scenario: scenario.clone(),
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        time,
        complete: counterexamples.is_empty() && scenario.timeout.is_none_or(|timeout| time < timeout),
        counterexamples,
    }
}

fn trace(model: &Checked, path: &[(World, Option<Action>)]) -> Vec<String> {
    let line = |(world, action): &(World, Option<Action>)| {
        let told = match (*action)? {
            Action::Go(process, fault) => {
                let step = schedule::describe(&model.scenario, world, usize::from(process));
                let fault = fault.map(|fault| format!(" [{fault:?}]")).unwrap_or_default();
                format!("p{process} {step}{fault}")
            }
            other => format!("{other:?}"),
        };
        Some(format!("t{} {told}", world.now))
    };
    let mut lines: Vec<String> = path.iter().filter_map(line).collect();
    if let Some((end, _)) = path.last() {
        if let Err(unrest) = schedule::converges(&model.scenario, end, &Known::default(), true) {
            lines.push(format!("-- faults stop, process {} goes on: {}", unrest.leader, unrest.why));
            lines.extend(unrest.steps.iter().take(40).cloned());
            lines.push(format!("-- end: {:?}", unrest.end));
        } else {
            lines.push(format!("-- end: {end:?}"));
        }
    }
    lines
}
