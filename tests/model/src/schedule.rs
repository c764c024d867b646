//! The end of all faults: from any state, one process goes on alone, and all must become quiet and good.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use keyspaces_credential_protocol::{Change, DeletionPolicy, Step};

use crate::facts::{Ids, MOST_IDS, Object, Published, Secret, Tick, one};
use crate::scenario::{Budget, Scenario};
use crate::shell;
use crate::world::{Credential, Owned, Process, World};

/// More steps than any way to rest takes.
const MOST_STEPS: usize = 400;
/// How many ticks everything may take.
const PATIENCE: Tick = 20;

/// States from which the way to rest is known to end well.
#[derive(Debug, Default)]
pub(crate) struct Known(Mutex<HashSet<u64>>);

impl Known {
    fn contains(&self, mark: u64) -> bool {
        self.0.lock().expect("no other thread failed").contains(&mark)
    }

    fn extend(&self, way: Vec<u64>) {
        self.0.lock().expect("no other thread failed").extend(way);
    }
}

/// How a state ended that did not end well.
#[derive(Clone, Debug)]
pub(crate) struct Unrest {
    pub(crate) leader: usize,
    pub(crate) why: String,
    pub(crate) steps: Vec<String>,
    pub(crate) end: World,
}

/// Lets each process in turn be the one that leads, while the others stand still for ever. `tell`: the steps are put into words.
pub(crate) fn converges(scenario: &Scenario, world: &World, known: &Known, tell: bool) -> Result<(), Box<Unrest>> {
    let mut world = world.clone();
    world.budget = Budget::default();
    world.last = None;
    // What has not landed when faults stop never does. That it lands first is another reachable state.
    world.flying.clear();
    world.refuses_secret = false;
    for owned in &mut world.owned {
        if let Some(object) = &mut owned.object
            && std::mem::take(&mut object.suspended)
        {
            awaken(&mut world.processes);
        }
    }
    for leader in 0..usize::from(scenario.replicas) {
        run(scenario, &world, leader, known, tell)?;
    }
    Ok(())
}

fn awaken(processes: &mut [Process]) {
    for process in processes {
        process.wake = Some(0);
    }
}

fn leads(scenario: &Scenario, process: usize, leader: usize) -> bool {
    process % usize::from(scenario.replicas) == leader
}

fn run(scenario: &Scenario, start: &World, leader: usize, known: &Known, tell: bool) -> Result<(), Box<Unrest>> {
    let mut world = start.clone();
    let (mut way, mut steps) = (Vec::new(), Vec::new());
    let mut others_went = false;
    let mut deadline = start.now + PATIENCE;
    let mut why = String::new();
    for _ in 0..MOST_STEPS {
        let mark = fingerprint(&world, leader, others_went);
        if known.contains(mark) {
            known.extend(way);
            return Ok(());
        }
        way.push(mark);
        if let Some(process) = due(scenario, &world, leader, others_went) {
            if tell {
                steps.push(format!("t{} p{process} {}", world.now, describe(scenario, &world, process)));
            }
            shell::go(scenario, &mut world, process, None);
            if let Some(harm) = world.harm {
                why = format!("{harm:?}");
                break;
            }
            if world.next_id >= MOST_IDS {
                "credentials are made without end".clone_into(&mut why);
                break;
            }
            continue;
        }
        why = match good(scenario, &world) {
            Ok(()) if others_went || scenario.replicas == 1 => {
                known.extend(way);
                return Ok(());
            }
            Ok(()) => {
                // The others wake up with what they remember: that must not disturb what is good.
                others_went = true;
                awaken(&mut world.processes);
                continue;
            }
            Err(why) => why.to_owned(),
        };
        let awake =
            world.processes.iter().enumerate().filter(|(index, _)| others_went || leads(scenario, *index, leader));
        let until = awake.filter_map(|(_, process)| process.wake).min();
        match until.filter(|until| *until <= deadline) {
            Some(until) => world.advance(until.max(world.now + 1), scenario.consistency_window),
            // A human frees a slot of his own, as the message of `NoFreeSlot` asks.
            None if free_foreign(&mut world) => {
                steps.push(format!("t{} a human frees his slot", world.now));
                deadline = world.now + PATIENCE;
            }
            None => break,
        }
    }
    Err(Box::new(Unrest { leader, why, steps, end: world }))
}

/// The process that goes next: the leaders first, then the others.
fn due(scenario: &Scenario, world: &World, leader: usize, others_went: bool) -> Option<usize> {
    let ready = |index: &usize| world.processes[*index].pass.is_some() || world.processes[*index].wake == Some(0);
    let all = || (0..world.processes.len()).filter(ready);
    all().find(|index| leads(scenario, *index, leader)).or_else(|| all().find(|_| others_went))
}

/// A human deletes the credentials that he made.
fn free_foreign(world: &mut World) -> bool {
    let before = world.iam.len();
    world.iam.retain(|credential| credential.owner.is_some());
    world.iam.len() < before
}

/// Whether all is as the owners want it.
pub(crate) fn good(scenario: &Scenario, world: &World) -> Result<(), &'static str> {
    let mut eldest = true;
    for (resource, owned) in (0u8..).zip(&world.owned) {
        let ours = ids_of(world, resource);
        match &owned.object {
            None => ended(scenario, world, owned, ours),
            Some(_) if eldest && owned.granted => {
                eldest = false;
                ready(world, owned, ours)
            }
            Some(object) => waiting(scenario, object, ours),
        }?;
    }
    Ok(())
}

/// Nothing of a deleted resource is left, or exactly what it was to leave.
fn ended(scenario: &Scenario, world: &World, owned: &Owned, ours: Ids) -> Result<(), &'static str> {
    let kept = match scenario.policy {
        DeletionPolicy::Delete => 0,
        DeletionPolicy::Retain => owned.kept,
    };
    if ours & !kept != 0 {
        return Err("a deleted resource left a credential");
    }
    let dead = |secret: Secret| secret.published.is_some_and(|published| !works(world, published));
    if owned.all_secrets().any(dead) {
        return Err("the Secret that was to be kept holds a dead credential");
    }
    Ok(())
}

/// A resource that may not have the IAM user, or not any more, does nothing. What it had before it keeps.
fn waiting(scenario: &Scenario, object: &Object, ours: Ids) -> Result<(), &'static str> {
    let kept = if scenario.knows_refusals() { object.record.known() } else { 0 };
    if object.deleting || object.record.is_open() {
        return Err("a resource that has no claim is not at rest");
    }
    if ours & !kept != 0 {
        return Err("a resource that has no claim left something");
    }
    Ok(())
}

/// What a Secret holds lets its reader in, or a human has deleted it.
pub(crate) fn works(world: &World, published: Published) -> bool {
    let id = published.credential.id;
    let holds = |one: &Credential| one.id == id && one.version == published.version && !one.inactive;
    world.iam.iter().any(holds) || world.destroyed_outside & one(id) != 0
}

fn ready(world: &World, owned: &Owned, ours: Ids) -> Result<(), &'static str> {
    let object = owned.object.as_ref().ok_or("the resource is gone")?;
    let record = &object.record;
    let current = record.current.ok_or("there is no credential")?;
    let [wanted, other] = [object.wanted_secret, 1 - object.wanted_secret].map(usize::from);
    let published = owned.secrets[wanted].filter(|secret| secret.ours).and_then(|secret| secret.published);
    let credential = world.iam.iter().find(|credential| credential.id == current.id);
    [
        (object.deleting, "the deletion is not done"),
        (
            published.map(|published| published.credential.id) != Some(current.id),
            "the Secret does not hold the credential",
        ),
        (credential.is_none(), "IAM does not have the credential"),
        (record.is_open(), "an operation is not over"),
        (record.reset_in_doubt.is_some(), "a reset is in doubt"),
        (credential.is_some_and(|credential| credential.inactive), "the credential is switched off"),
        (
            credential.map(|credential| credential.version) != published.map(|published| published.version),
            "the Secret holds an old password",
        ),
        (object.rotate.is_some() && object.rotate != record.handled_rotate, "a rotation is not done"),
        (record.retiring.is_some(), "the replaced credential is there"),
        (ours & !one(current.id) != 0, "a leftover is left"),
        (usize::from(object.secret_name()) != wanted, "the record names another Secret"),
        (!record.former_secrets.is_empty(), "a former Secret is on record"),
        (owned.secrets[other].is_some(), "a former Secret is left"),
    ]
    .into_iter()
    .find_map(|(wrong, why)| wrong.then_some(why))
    .map_or(Ok(()), Err)
}

fn ids_of(world: &World, resource: u8) -> Ids {
    world.iam.iter().filter(|credential| credential.owner == Some(resource)).map(|credential| one(credential.id)).sum()
}

/// What a process is about to do.
pub(crate) fn describe(scenario: &Scenario, world: &World, process: usize) -> String {
    match shell::pending(scenario, world, process) {
        None => "ReadResource".to_owned(),
        Some(Step::Wait { report, .. }) => {
            format!("Wait({})", report.map_or("as before", |report| report.reason.as_str()))
        }
        Some(Step::DeleteCredential(id, disposal)) => format!("Delete({}, {disposal:?})", crate::facts::number(&id)),
        Some(Step::Record(update)) => match (update.change, update.record.operation, update.record.current) {
            (Change::Begin | Change::TakeOver, Some(operation), _) => {
                format!("{:?}({}, {:?})", update.change, operation.epoch, operation.purpose)
            }
            (Change::Accept, _, Some(current)) => format!("Accept({})", crate::facts::number(&current.id)),
            (change, ..) => format!("{change:?}"),
        },
        Some(Step::Reset(epoch, id)) => format!("Reset({epoch}, {})", crate::facts::number(&id)),
        Some(step) => format!("{step:?}"),
    }
}

fn fingerprint(world: &World, leader: usize, others_went: bool) -> u64 {
    let mut hasher = DefaultHasher::new();
    (world, leader, others_went).hash(&mut hasher);
    hasher.finish()
}
