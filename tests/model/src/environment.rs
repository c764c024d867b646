//! What may happen next: the processes' own steps, and everything that goes wrong around them.

use keyspaces_credential_protocol::Step;

use crate::facts::{Memory, Stage, one};
use crate::mutation::Mutation;
use crate::scenario::{Budget, Outside, Scenario};
use crate::shell::{self, Fault};
use crate::world::{Flying, Process, World};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A process makes its next request.
    Go(u8, Option<Fault>),
    /// A process dies and starts again.
    Crash(u8),
    /// A call lands that was on its way.
    Land(u8),
    /// Time passes.
    Tick,
    /// Somebody outside acts on a resource.
    Outside(Outside, u8),
}

/// All that may happen in `world`.
pub(crate) fn actions(scenario: &Scenario, world: &World, actions: &mut Vec<Action>) {
    if world.harm.is_some() {
        return;
    }
    let mut budget = world.budget;
    for (index, process) in (0u8..).zip(&world.processes) {
        let overtakes = world.last.is_some_and(|last| last != index);
        if overtakes && budget.switches == 0 {
            continue;
        }
        let Some(step) = shell::pending(scenario, world, usize::from(index)) else {
            if process.wake == Some(0) {
                actions.push(Action::Go(index, None));
            }
            if budget.crashes > 0 && process.memory != Memory::default() {
                actions.push(Action::Crash(index));
            }
            continue;
        };
        actions.push(Action::Go(index, None));
        for fault in faults(scenario, &step) {
            let no_other = || world.list(true, scenario.consistency_window) == world.list(false, 0);
            if *left(&mut budget, *fault) > 0 && !(*fault == Fault::Stale && no_other()) {
                actions.push(Action::Go(index, Some(*fault)));
            }
        }
        if budget.crashes > 0 {
            actions.push(Action::Crash(index));
        }
    }
    actions.extend((0u8..).zip(&world.flying).map(|(index, _)| Action::Land(index)));
    if world.now < scenario.ticks {
        actions.push(Action::Tick);
    }
    if budget.outside > 0 {
        for resource in 0..scenario.resources {
            let possible = scenario.outside.iter().filter(|act| outside(world, **act, resource).is_some());
            actions.extend(possible.map(|act| Action::Outside(*act, resource)));
        }
    }
}

/// How many faults of this kind may still happen.
fn left(budget: &mut Budget, fault: Fault) -> &mut u8 {
    match fault {
        Fault::Unseen | Fault::Lost | Fault::Conflict => &mut budget.failures,
        Fault::Late => &mut budget.late,
        Fault::Stale => &mut budget.stale,
    }
}

/// What can go wrong with a step.
fn faults(scenario: &Scenario, step: &Step) -> &'static [Fault] {
    match step {
        Step::ReadSecret(_) if scenario.mutation == Some(Mutation::ErrorIsAbsence) => &[Fault::Lost],
        Step::Wait { .. }
        | Step::StartOver
        | Step::ReadGrant
        | Step::ReadClaims
        | Step::ReadSecret(_)
        | Step::ConfirmListing
        | Step::DryRun(_) => &[],
        Step::ListCredentials | Step::Resync => &[Fault::Stale],
        Step::Deactivate(_) => &[Fault::Unseen, Fault::Lost],
        Step::Create(_) | Step::Reset(..) | Step::DeleteCredential(..) => &[Fault::Unseen, Fault::Lost, Fault::Late],
        Step::AddFinalizer
        | Step::Record(_)
        | Step::FenceSecret(_)
        | Step::Publish(_)
        | Step::Render
        | Step::CopySecret
        | Step::DeleteFormerSecret(_)
        | Step::ReleaseSecret
        | Step::RemoveFinalizer => &[Fault::Unseen, Fault::Lost, Fault::Conflict],
    }
}

/// The world after `action`. None if it changes nothing.
pub(crate) fn next(scenario: &Scenario, world: &World, action: Action) -> Option<World> {
    let mut next = world.clone();
    match action {
        Action::Go(process, fault) => {
            if let Some(fault) = fault {
                *left(&mut next.budget, fault) -= 1;
            }
            if next.last.is_some_and(|last| last != process) {
                next.budget.switches -= 1;
            }
            shell::go(scenario, &mut next, usize::from(process), fault);
            next.last = next.processes[usize::from(process)].pass.as_ref().map(|_| process);
        }
        Action::Crash(process) => {
            next.budget.crashes -= 1;
            next.last = next.last.filter(|last| *last != process);
            let process = &mut next.processes[usize::from(process)];
            *process = Process::started(process.resource);
        }
        Action::Land(index) => match next.flying.remove(usize::from(index)) {
            Flying::Create { owner, .. } => {
                next.create(Some(owner));
            }
            Flying::Delete { id } => next.delete_by_us(id, scenario.foreign),
            Flying::Reset { id, epoch, .. } => {
                next.reset(id, epoch);
            }
        },
        Action::Tick => next.advance(world.now + 1, scenario.consistency_window),
        Action::Outside(act, resource) => {
            next = outside(world, act, resource)?;
            next.budget.outside -= 1;
        }
    }
    Some(next)
}

/// What somebody outside does, where he can.
fn outside(world: &World, act: Outside, resource: u8) -> Option<World> {
    let index = usize::from(resource);
    let mut next = world.clone();
    let object = next.owned[index].object.as_mut()?;
    match act {
        Outside::Rotate => {
            object.rotate = Some(object.rotate.map_or(1, |value| value + 1));
            next.resource_changed(resource, None);
        }
        Outside::DeleteSecret => {
            let name = object.secret_name();
            next.owned[index].secrets[usize::from(name)].take()?;
            next.secret_lost = true;
            next.secret_changed(resource, name, None);
        }
        Outside::DamageSecret => {
            let name = object.secret_name();
            let secret = next.owned[index].secrets[usize::from(name)].as_mut();
            secret.filter(|secret| secret.ours)?.published.take()?;
            next.secret_lost = true;
            next.secret_changed(resource, name, None);
        }
        Outside::DeleteCredential => {
            let id = object.record.current?.id;
            if next.ids() & one(id) == 0 {
                return None;
            }
            next.destroyed_outside |= one(id);
            next.delete(id);
        }
        Outside::AddForeign => {
            // The documented limit: what a human makes inside an operation's window cannot be told from ours.
            if !windows_closed(world) {
                return None;
            }
            next.create(None)?;
        }
        Outside::DeleteResource => {
            if object.deleting {
                return None;
            }
            object.deleting = true;
            next.resource_changed(resource, None);
            next.collect(resource);
        }
        Outside::Grant | Outside::Withdraw => {
            let granted = act == Outside::Grant;
            if next.owned[index].granted == granted {
                return None;
            }
            next.owned[index].granted = granted;
            next.grant_changed(resource);
        }
        Outside::Rename => {
            object.wanted_secret = 1 - object.wanted_secret;
            next.resource_changed(resource, None);
        }
        Outside::Suspend => {
            object.suspended = !object.suspended;
            next.resource_changed(resource, None);
        }
        Outside::RefuseSecret => {
            let past = |stage: &Stage| !matches!(stage, Stage::Begun);
            if world.refuses_secret
                || world.processes.iter().any(|one| one.memory.attempt.is_some_and(|(_, stage)| past(&stage)))
            {
                return None;
            }
            next.refuses_secret = true;
        }
    }
    Some(next)
}

/// No operation and no window is open, and none is about to begin from what it has listed already.
fn windows_closed(world: &World) -> bool {
    world.flying.is_empty()
        && world.owned.iter().filter_map(|owned| owned.object.as_ref()).all(|object| !object.record.is_open())
        && world.processes.iter().all(|process| {
            process.held.is_none()
                && process.pass.as_ref().is_none_or(|pass| pass.listing.is_none() && !pass.object.record.is_open())
        })
}
