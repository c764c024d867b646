//! What the shell does with each step: the table that the real one is compared with.

use keyspaces_credential_protocol as protocol;
use protocol::{Epoch, Grant, Observed, Purpose, Settings, Step};

use crate::calls::{claim, create, deactivate, delete, reset};
use crate::facts::{
    FormerSecret, Listing, Memory, Operation, ResetInDoubt, Stage, Unresolved, number, secret_name, secret_number,
    secret_out, set, span, tick, time,
};
use crate::mutation::{self, Mutation};
use crate::scenario::Scenario;
use crate::world::{Harm, Pass, Seen, World};
use crate::writes::{confirm, copy, delete_former, publish, write_resource, write_secret};

/// What comes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outcome {
    /// It happens and the reply arrives, whatever it says.
    Reply,
    /// It happens and the reply is lost.
    Unseen,
    /// It does not happen, and the process cannot tell.
    Lost,
    /// The reply is lost and it happens later, or never.
    Late,
    /// Somebody else writes the object just before.
    Conflict,
    /// List: the reply is stale.
    Stale,
}

/// How a pass goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next step of this pass.
    Step,
    /// A new pass at once.
    StartOver,
    /// The process sleeps until a time or a change.
    Sleep(Option<u8>),
}

pub(crate) const FAILED: Next = Next::Sleep(Some(0));

/// The facts of a pass, as `decide` takes them.
pub(crate) fn observed(scenario: &Scenario, pass: &Pass, memory: &Memory) -> Observed {
    let settle = if scenario.mutation == Some(Mutation::NoSettle) { 0 } else { scenario.settle };
    Observed {
        resource: pass.object.out(scenario),
        grant: pass.granted.map(grant),
        claim: pass.claim.clone(),
        secret: pass.secret.map(|seen| secret_out(seen.secret)),
        others: pass.other.map(|seen| (secret_name(seen.name), secret_out(seen.secret))).into_iter().collect(),
        copied: pass.copied.then(|| secret_name(pass.object.wanted_secret)).into_iter().collect(),
        listing: pass.listing.as_ref().map(Listing::out),
        removed: set(pass.removed),
        deactivated: set(pass.deactivated),
        memory: memory.out(),
        settings: Settings { settle: span(settle), hold: span(scenario.hold), resync: span(4), recheck: span(1) },
    }
}

/// The step that a process is about to perform. None if it is about to begin a pass.
pub(crate) fn pending(scenario: &Scenario, world: &World, process: usize) -> Option<Step> {
    let process = &world.processes[process];
    let pass = process.pass.as_ref()?;
    let observed = observed(scenario, pass, &process.memory);
    Some(mutation::decide(scenario.mutation, observed, time(pass.decided_at)))
}

/// A process makes its next request. What needs none is done along the way.
pub(crate) fn go(scenario: &Scenario, world: &mut World, process: usize, outcome: Outcome) {
    match pending(scenario, world, process) {
        None => begin_pass(scenario, world, process),
        Some(step) => go_on(scenario, world, process, step, outcome),
    }
    while let Some(step) = pending(scenario, world, process).filter(|step| needs_no_request(scenario, step)) {
        go_on(scenario, world, process, step, Outcome::Reply);
    }
}

fn needs_no_request(scenario: &Scenario, step: &Step) -> bool {
    match step {
        Step::Wait { .. } | Step::StartOver | Step::Preflight(_) => true,
        Step::ReadGrant => !scenario.knows_refusals(),
        Step::ReadClaims => scenario.resources == 1,
        _ => false,
    }
}

fn go_on(scenario: &Scenario, world: &mut World, process: usize, step: Step, outcome: Outcome) {
    let Some(mut pass) = world.processes[process].pass.take() else {
        return;
    };
    match perform(scenario, world, process, &mut pass, step, outcome) {
        Next::Step => {
            pass.decided_at = world.now;
            world.processes[process].pass = Some(pass);
        }
        Next::StartOver => world.processes[process].wake = Some(0),
        Next::Sleep(until) => {
            let due = world.processes[process].wake == Some(0);
            world.processes[process].wake = if due { Some(0) } else { until };
        }
    }
}

/// GET the resource. Where it is gone, a credential in hand goes too.
fn begin_pass(scenario: &Scenario, world: &mut World, process: usize) {
    let resource = world.processes[process].resource;
    world.processes[process].wake = None;
    let Some(object) = world.owned[usize::from(resource)].object.clone() else {
        if let Some(held) = world.processes[process].memory.in_hand() {
            let kept = world.owned[usize::from(resource)].secrets[usize::from(held.secret_name)];
            let published = kept.and_then(|secret| secret.published).map(|published| published.credential.id);
            // The reply to its publication may have been lost, and a Secret that was to be kept then holds it.
            if !scenario.look_when_gone || published != Some(held.credential.id) {
                world.delete_by_us(held.credential.id, scenario.foreign);
            }
        }
        world.processes[process].memory = Memory::default();
        return;
    };
    world.processes[process].pass = Some(Pass {
        object,
        fresh: true,
        read_at: world.now,
        decided_at: world.now,
        granted: None,
        claim: None,
        secret: None,
        other: None,
        copied: false,
        reread: false,
        listing: None,
        removed: 0,
        deactivated: 0,
    });
}

/// One step, one effect.
fn perform(scenario: &Scenario, world: &mut World, me: usize, pass: &mut Pass, step: Step, outcome: Outcome) -> Next {
    let resource = world.processes[me].resource;
    let owned = usize::from(resource);
    match step {
        Step::Wait { until, .. } => Next::Sleep(until.map(tick)),
        Step::StartOver => Next::StartOver,
        Step::ReadGrant => {
            pass.granted = Some(world.owned[owned].granted);
            Next::Step
        }
        Step::ReadClaims => {
            pass.claim = Some(claim(scenario, world, resource));
            Next::Step
        }
        Step::ReadSecret => {
            let name = pass.object.secret_name(scenario);
            let secret = world.owned[owned].secrets[usize::from(name)].filter(|_| outcome != Outcome::Lost);
            pass.secret = Some(Seen { name, secret, fresh: true });
            Next::Step
        }
        Step::ReadOther(name) => {
            let name = secret_number(&name);
            pass.other = Some(Seen { name, secret: world.owned[owned].secrets[usize::from(name)], fresh: true });
            Next::Step
        }
        Step::ListCredentials | Step::Resync => {
            let listing = world.list(outcome == Outcome::Stale, scenario.settle);
            world.processes[me].memory.learn(&listing, pass.object.recorded.credential, scenario.settle);
            pass.listing = Some(listing);
            Next::Step
        }
        Step::ConfirmListing => confirm(scenario, world, me, pass),
        Step::AddFinalizer => write_resource(scenario, world, me, pass, outcome, |object| object.finalizer = true),
        Step::BeginOperation(operation) => begin_operation(scenario, world, me, pass, &operation, outcome),
        Step::FenceSecret(epoch) => {
            write_secret(scenario, world, me, pass, outcome, |secret| secret.fence = small(epoch))
        }
        Step::VoidEarlier(epoch) => {
            write_resource(scenario, world, me, pass, outcome, |object| object.recorded.completed = small(epoch))
        }
        Step::Preflight(epoch) => {
            if world.refuses_secret && scenario.mutation != Some(Mutation::NoPreflight) {
                return Next::Sleep(Some(world.now + 1));
            }
            world.processes[me].memory.attempt = Some((small(epoch), Stage::Preflighted));
            Next::Step
        }
        Step::Create(epoch) => create(scenario, world, me, pass, small(epoch), outcome),
        Step::Publish(epoch) => publish(scenario, world, me, pass, small(epoch), outcome),
        Step::Reset(epoch, id) => reset(scenario, world, me, pass, small(epoch), number(&id), outcome),
        Step::Complete(completion) => complete(scenario, world, me, pass, &completion, outcome),
        Step::Abandon(settlement) => abandon(scenario, world, me, pass, &settlement, outcome),
        Step::Rerender => write_secret(scenario, world, me, pass, outcome, |_| {}),
        Step::AnnounceCopy(former) => {
            let former = former.iter().map(FormerSecret::of).collect();
            write_resource(scenario, world, me, pass, outcome, |object| object.recorded.former_secrets = former)
        }
        Step::CopySecret => copy(scenario, world, me, pass, outcome),
        Step::Move(former) => {
            let former: Vec<FormerSecret> = former.iter().map(FormerSecret::of).collect();
            let next = write_resource(scenario, world, me, pass, outcome, |object| {
                object.recorded.binding = Some(object.wanted_secret);
                object.recorded.former_secrets = former;
            });
            if next == Next::Step { Next::StartOver } else { next }
        }
        Step::DeleteFormer(name) => delete_former(world, me, pass, secret_number(&name), outcome),
        Step::ForgetFormer(name) => write_resource(scenario, world, me, pass, outcome, |object| {
            object.recorded.former_secrets.retain(|former| former.name != secret_number(&name));
        }),
        Step::DeleteCredential(id, _) => delete(scenario, world, me, pass, number(&id), outcome),
        Step::Deactivate(id) => deactivate(world, pass, number(&id), outcome),
        Step::RecordInactive => write_resource(scenario, world, me, pass, outcome, |object| {
            if let Some(retiring) = &mut object.recorded.retiring {
                retiring.inactive = true;
            }
        }),
        Step::ForgetRetiring => {
            write_resource(scenario, world, me, pass, outcome, |object| object.recorded.retiring = None)
        }
        Step::Settle => write_resource(scenario, world, me, pass, outcome, |object| object.recorded.unresolved = None),
        Step::ReleaseSecret => write_secret(scenario, world, me, pass, outcome, |secret| secret.ours = false),
        Step::RemoveFinalizer => {
            let next = write_resource(scenario, world, me, pass, outcome, |object| object.finalizer = false);
            world.collect(resource, Some(me));
            // The resource is gone, so the pass has nothing to go on with; the next one sees a 404.
            if next == Next::Step { Next::StartOver } else { next }
        }
    }
}

fn begin_operation(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    operation: &protocol::Operation,
    outcome: Outcome,
) -> Next {
    let operation = Operation::of(operation);
    let epoch = operation.epoch;
    let needless = operation.purpose == Purpose::SecretLost
        && operation.epoch == operation.first_epoch
        && world.owned[usize::from(world.processes[me].resource)].secrets[usize::from(operation.secret_name)]
            .and_then(|secret| secret.published)
            .map(|published| published.credential)
            == pass.object.recorded.credential;
    if scenario.mutation == Some(Mutation::Continue) && operation.epoch > operation.first_epoch {
        world.processes[me].memory.attempt = Some((epoch - 1, Stage::Begun));
        return Next::Step;
    }
    let next = if scenario.mutation == Some(Mutation::NoIntent) {
        pass.object.recorded.operation = Some(operation);
        Next::Step
    } else {
        write_resource(scenario, world, me, pass, outcome, |object| object.recorded.operation = Some(operation))
    };
    if next == Next::Step {
        if needless {
            world.harm = Some(Harm::HealthyReplaced);
        }
        world.processes[me].memory.attempt = Some((epoch, Stage::Begun));
        pass.claim = None;
    } else if matches!(outcome, Outcome::Unseen | Outcome::Lost | Outcome::Late) {
        // What may have been written must not look as if another process had written it.
        world.processes[me].memory.attempt = None;
    }
    next
}

fn complete(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    completion: &protocol::Completion,
    outcome: Outcome,
) -> Next {
    let (credential, binding) = (number(&completion.credential.id), pass.object.secret_name(scenario));
    let next = write_resource(scenario, world, me, pass, outcome, |object| {
        object.recorded.complete(completion, binding);
    });
    let memory = &mut world.processes[me].memory;
    if next == Next::Step && memory.in_hand().is_none_or(|held| held.credential.id == credential) {
        memory.attempt = None;
    }
    next
}

fn abandon(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    settlement: &protocol::Settlement,
    outcome: Outcome,
) -> Next {
    let unresolved = settlement.unresolved.as_ref().map(Unresolved::of);
    let doubt = settlement.reset_in_doubt.as_ref().map(ResetInDoubt::of);
    let next = write_resource(scenario, world, me, pass, outcome, |object| {
        object.recorded.operation = None;
        object.recorded.completed = small(settlement.completed);
        object.recorded.unresolved = unresolved;
        object.recorded.reset_in_doubt = doubt;
    });
    if next == Next::Step {
        world.processes[me].memory.attempt = None;
    }
    next
}

/// The grant as `decide` takes it.
fn grant(granted: bool) -> Grant {
    if granted { Grant::Granted } else { Grant::Refused { namespace: String::new(), annotation: None } }
}

fn small(epoch: Epoch) -> u8 {
    u8::try_from(epoch.0).expect("an epoch of this model")
}
