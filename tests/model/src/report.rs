//! Runs a scenario to its end, and says what came of it.

use std::collections::HashSet;
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use keyspaces_credential_protocol::DeletionPolicy;
use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::environment::{self, Action};
use crate::facts::one;
use crate::scenario::{Scenario, Start};
use crate::schedule::{self, Known};
use crate::shell::{self, Outcome};
use crate::world::World;

/// A way that ends badly.
#[derive(Clone, Debug)]
pub struct Counterexample {
    pub property: &'static str,
    pub trace: Vec<String>,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Report {
    pub scenario: Scenario,
    pub states: usize,
    pub depth: usize,
    pub time: Duration,
    pub counterexamples: Vec<Counterexample>,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, states, depth, time, .. } = self;
        write!(formatter, "{:<28} {states:>9} states, depth {depth:>3}, {:>6.1} s", scenario.name, time.as_secs_f64())?;
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
    known: Mutex<Known>,
}

impl Checked {
    fn new(mut scenario: Scenario) -> Self {
        // What is broken is broken from here on.
        let start = start(&Scenario { mutation: None, ..scenario.clone() });
        scenario.ticks += start.now;
        scenario.epochs += start.owned[0].object.as_ref().map_or(0, |object| object.recorded.completed);
        Self { scenario, start, known: Mutex::new(HashSet::new()) }
    }
}

/// The first state of a run.
fn start(scenario: &Scenario) -> World {
    let mut world = World::applied(scenario);
    let rest = |world: &mut World| {
        while let Some(index) = world.processes.iter().position(|one| one.pass.is_some() || one.wake == Some(0)) {
            shell::go(scenario, world, index, Outcome::Reply);
        }
    };
    if scenario.start == Start::Applied {
        return world;
    }
    rest(&mut world);
    world.advance(world.now + scenario.settle + 1, scenario.settle);
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

fn published_works(model: &Checked, world: &World) -> bool {
    world.owned.iter().all(|owned| {
        let Some(published) = owned.secret.and_then(|secret| secret.published) else {
            return true;
        };
        let id = one(published.credential.id);
        let ending = owned.object.as_ref().is_none_or(|object| object.deleting);
        (ending && model.scenario.policy == DeletionPolicy::Delete)
            || world.ids() & id != 0
            || world.destroyed_outside & id != 0
    })
}

fn converges(model: &Checked, world: &World) -> bool {
    let mut known = model.known.lock().expect("no other thread failed");
    schedule::converges(&model.scenario, world, &mut known).is_ok()
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
            Property::always("a published password works", published_works),
            Property::always("no harm is done", |_, world: &World| world.harm.is_none()),
            Property::always("when faults stop, all becomes good", |model: &Checked, world: &World| {
                world.harm.is_some() || converges(model, world)
            }),
        ]
    }

    fn within_boundary(&self, world: &World) -> bool {
        let epoch = |object: &crate::facts::Object| object.recorded.operation.as_ref().map_or(0, |one| one.epoch);
        world.owned.iter().filter_map(|owned| owned.object.as_ref()).all(|object| epoch(object) <= self.scenario.epochs)
    }
}

/// Explores all states of a scenario.
pub fn check(scenario: &Scenario) -> Report {
    let begun = Instant::now();
    let mut builder =
        Checked::new(scenario.clone()).checker().threads(scenario.threads).finish_when(HasDiscoveries::Any);
    if let Some(timeout) = scenario.timeout {
        builder = builder.timeout(timeout);
    }
    let checker = builder.spawn_bfs().join();
    let model = checker.model();
    let counterexamples = checker
        .discoveries()
        .into_iter()
        .map(|(property, path)| Counterexample { property, trace: trace(model, &path.into_vec()) })
        .collect();
    Report {
        scenario: scenario.clone(),
        states: checker.unique_state_count(),
        depth: checker.max_depth(),
        time: begun.elapsed(),
        counterexamples,
    }
}

fn trace(model: &Checked, path: &[(World, Option<Action>)]) -> Vec<String> {
    let line = |(world, action): &(World, Option<Action>)| {
        let told = match (*action)? {
            Action::Go(process, outcome) => {
                let step = schedule::describe(&model.scenario, world, usize::from(process));
                let outcome = if outcome == Outcome::Reply { String::new() } else { format!(" [{outcome:?}]") };
                format!("p{process} {step}{outcome}")
            }
            other => format!("{other:?}"),
        };
        Some(format!("t{} {told}", world.now))
    };
    let mut lines: Vec<String> = path.iter().filter_map(line).collect();
    if let Some((end, _)) = path.last() {
        if let Err(unrest) = schedule::converges(&model.scenario, end, &mut Known::new()) {
            lines.push(format!("-- faults stop, process {} goes on: {}", unrest.leader, unrest.why));
            lines.extend(unrest.steps.iter().take(40).cloned());
            lines.push(format!("-- end: {:?}", unrest.end));
        } else {
            lines.push(format!("-- end: {end:?}"));
        }
    }
    lines
}
