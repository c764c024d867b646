//! What may happen next: the processes' own steps, and everything that goes wrong around them.

use keyspaces_credential_protocol::Step;

use crate::facts::{Memory, Stage, one};
use crate::mutation::Mutation;
use crate::scenario::{Outside, Scenario};
use crate::shell::{self, Outcome};
use crate::world::{Flying, World};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// A process makes its next request.
    Go(u8, Outcome),
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
    let budget = &world.budget;
    for (index, process) in (0u8..).zip(&world.processes) {
        let overtakes = world.last.is_some_and(|last| last != index);
        if overtakes && budget.switches == 0 {
            continue;
        }
        let Some(step) = shell::pending(scenario, world, usize::from(index)) else {
            if process.wake == Some(0) {
                actions.push(Action::Go(index, Outcome::Reply));
            }
            if budget.crashes > 0 && process.memory != Memory::default() {
                actions.push(Action::Crash(index));
            }
            continue;
        };
        actions.push(Action::Go(index, Outcome::Reply));
        actions.extend(
            faults(&step)
                .iter()
                .filter(|outcome| match outcome {
                    Outcome::Reply => false,
                    Outcome::Unseen | Outcome::Lost | Outcome::Conflict => budget.failures > 0,
                    Outcome::Late => budget.late > 0,
                    Outcome::Stale => budget.stale > 0 && world.list(true, scenario.settle) != world.list(false, 0),
                })
                .map(|outcome| Action::Go(index, *outcome)),
        );
        if step == Step::ReadSecret && scenario.mutation == Some(Mutation::ErrorIsAbsence) && budget.failures > 0 {
            actions.push(Action::Go(index, Outcome::Lost));
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
            let possible = scenario.outside.iter().filter(|act| outside(scenario, world, **act, resource).is_some());
            actions.extend(possible.map(|act| Action::Outside(*act, resource)));
        }
    }
}

/// What can come of a step but for its reply.
fn faults(step: &Step) -> &'static [Outcome] {
    match step {
        Step::Wait { .. }
        | Step::StartOver
        | Step::ReadOther(_)
        | Step::ReadGrant
        | Step::ReadClaims
        | Step::ReadSecret
        | Step::ConfirmListing
        | Step::Preflight(_) => &[],
        Step::ListCredentials | Step::Resync => &[Outcome::Stale],
        Step::Deactivate(_) => &[Outcome::Unseen, Outcome::Lost],
        Step::Create(_) | Step::Reset(..) | Step::DeleteCredential(..) => {
            &[Outcome::Unseen, Outcome::Lost, Outcome::Late]
        }
        Step::AddFinalizer
        | Step::BeginOperation(_)
        | Step::FenceSecret(_)
        | Step::VoidEarlier(_)
        | Step::Publish(_)
        | Step::Complete(_)
        | Step::Abandon(_)
        | Step::Rerender
        | Step::AnnounceCopy(_)
        | Step::CopySecret
        | Step::Move(_)
        | Step::DeleteFormer(_)
        | Step::ForgetFormer(_)
        | Step::RecordInactive
        | Step::ForgetRetiring
        | Step::Settle
        | Step::ReleaseSecret
        | Step::RemoveFinalizer => &[Outcome::Unseen, Outcome::Lost, Outcome::Conflict],
    }
}

/// The world after `action`. None if it changes nothing.
pub(crate) fn next(scenario: &Scenario, world: &World, action: Action) -> Option<World> {
    let mut next = world.clone();
    match action {
        Action::Go(process, outcome) => {
            match outcome {
                Outcome::Reply => {}
                Outcome::Unseen | Outcome::Lost | Outcome::Conflict => next.budget.failures -= 1,
                Outcome::Late => next.budget.late -= 1,
                Outcome::Stale => next.budget.stale -= 1,
            }
            if next.last.is_some_and(|last| last != process) {
                next.budget.switches -= 1;
            }
            shell::go(scenario, &mut next, usize::from(process), outcome);
            next.last = next.processes[usize::from(process)].pass.as_ref().map(|_| process);
        }
        Action::Crash(process) => {
            next.budget.crashes -= 1;
            next.last = next.last.filter(|last| *last != process);
            let process = &mut next.processes[usize::from(process)];
            process.memory = Memory::default();
            process.pass = None;
            process.wake = Some(0);
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
        Action::Tick => next.advance(world.now + 1, scenario.settle),
        Action::Outside(act, resource) => {
            next = outside(scenario, world, act, resource)?;
            next.budget.outside -= 1;
        }
    }
    Some(next)
}

/// What somebody outside does, where he can.
fn outside(scenario: &Scenario, world: &World, act: Outside, resource: u8) -> Option<World> {
    let index = usize::from(resource);
    let mut next = world.clone();
    let object = next.owned[index].object.as_mut()?;
    match act {
        Outside::Rotate => {
            object.rotate = Some(object.rotate.map_or(1, |value| value + 1));
            next.resource_changed(resource, None);
        }
        Outside::DeleteSecret => {
            let name = object.secret_name(scenario);
            next.owned[index].secrets[usize::from(name)].take()?;
            next.secret_lost = true;
            next.secret_changed(resource, name, None);
        }
        Outside::DamageSecret => {
            let name = object.secret_name(scenario);
            let secret = next.owned[index].secrets[usize::from(name)].as_mut();
            secret.filter(|secret| secret.ours)?.published.take()?;
            next.secret_lost = true;
            next.secret_changed(resource, name, None);
        }
        Outside::DeleteCredential => {
            let id = object.recorded.credential?.id;
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
            next.collect(resource, None);
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

/// No operation is open or unresolved, and none is about to begin from what it has listed already.
fn windows_closed(world: &World) -> bool {
    let open = |recorded: &crate::facts::Recorded| recorded.operation.is_some() || recorded.unresolved.is_some();
    world.flying.is_empty()
        && world.owned.iter().filter_map(|owned| owned.object.as_ref()).all(|object| !open(&object.recorded))
        && world.processes.iter().all(|process| {
            process.memory.in_hand().is_none()
                && process.pass.as_ref().is_none_or(|pass| pass.listing.is_none() && !open(&pass.object.recorded))
        })
}
