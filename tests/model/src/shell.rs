//! What the shell does with each step: the table that the real one is compared with.

use std::collections::{BTreeMap, BTreeSet};

use keyspaces_credential_protocol as protocol;
use protocol::{Claim, Contender, Epoch, Observed, Purpose, Settings, Step};

use crate::facts::{
    Issued, Listing, Memory, Object, Operation, Published, Recorded, Secret, Stage, Unresolved, number, one,
    secret_out, set, span, tick, time,
};
use crate::mutation::{self, Mutation};
use crate::scenario::Scenario;
use crate::world::{Flying, Harm, Pass, World};

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
enum Next {
    /// The next step of this pass.
    Step,
    /// A new pass at once.
    StartOver,
    /// The process sleeps until a time or a change.
    Sleep(Option<u8>),
}

const FAILED: Next = Next::Sleep(Some(0));

/// The facts of a pass, as `decide` takes them.
pub(crate) fn observed(scenario: &Scenario, pass: &Pass, memory: &Memory) -> Observed {
    let settle = if scenario.mutation == Some(Mutation::NoSettle) { 0 } else { scenario.settle };
    Observed {
        resource: pass.object.out(scenario.policy, scenario.overlap),
        claim: pass.claim.clone(),
        secret: pass.secret.map(secret_out),
        others: BTreeMap::new(),
        listing: pass.listing.as_ref().map(Listing::out),
        removed: set(pass.removed),
        deactivated: BTreeSet::new(),
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
        let published = world.owned[usize::from(resource)].secret.and_then(|secret| secret.published);
        if let Some(held) = world.processes[process].memory.in_hand() {
            // The reply to its publication may have been lost, and a Secret that was to be kept then holds it.
            if !scenario.look_when_gone || published.map(|published| published.credential.id) != Some(held.id) {
                world.delete_by_us(held.id);
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
        claim: None,
        secret: None,
        secret_fresh: true,
        listing: None,
        removed: 0,
    });
}

/// One step, one effect.
fn perform(scenario: &Scenario, world: &mut World, me: usize, pass: &mut Pass, step: Step, outcome: Outcome) -> Next {
    let resource = world.processes[me].resource;
    let owned = usize::from(resource);
    match step {
        Step::Wait { until, .. } => Next::Sleep(until.map(tick)),
        // A replaced credential has no inactive time in these runs: it is deleted when its overlap is over.
        Step::StartOver | Step::Deactivate(_) | Step::RecordInactive => Next::StartOver,
        // Passwords are not reset and Secrets keep their names.
        Step::Reset(..)
        | Step::ReadOther(_)
        | Step::CopySecret
        | Step::Move(_)
        | Step::DeleteFormer(_)
        | Step::ForgetFormer(_) => Next::StartOver,
        Step::ReadClaims => {
            pass.claim = Some(claim(scenario, world, resource));
            Next::Step
        }
        Step::ReadSecret => {
            pass.secret = Some(world.owned[owned].secret.filter(|_| outcome != Outcome::Lost));
            pass.secret_fresh = true;
            Next::Step
        }
        Step::ListCredentials => {
            let listing = world.list(outcome == Outcome::Stale, scenario.settle);
            world.processes[me].memory.learn(&listing, pass.object.recorded.credential, scenario.settle);
            pass.listing = Some(listing);
            Next::Step
        }
        Step::ConfirmListing => confirm(scenario, world, me, pass),
        Step::AddFinalizer => write_resource(scenario, world, me, pass, outcome, |object| object.finalizer = true),
        Step::BeginOperation(operation) => {
            let operation = Operation::of(&operation);
            let epoch = operation.epoch;
            let needless = operation.purpose == Purpose::SecretLost
                && operation.epoch == operation.first_epoch
                && world.owned[owned].secret.and_then(|secret| secret.published).map(|published| published.credential)
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
            }
            next
        }
        Step::FenceSecret(epoch) => write_secret(world, me, pass, outcome, |secret| secret.fence = small(epoch)),
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
        Step::Complete(completion) => {
            let recorded = Recorded::of(&completion);
            let credential = recorded.credential;
            let next = write_resource(scenario, world, me, pass, outcome, |object| object.recorded = recorded);
            let memory = &mut world.processes[me].memory;
            if next == Next::Step && memory.in_hand().is_none_or(|held| Some(held.id) == credential.map(|one| one.id)) {
                memory.attempt = None;
            }
            next
        }
        Step::Abandon(settlement) => {
            let unresolved = settlement.unresolved.as_ref().map(Unresolved::of);
            let next = write_resource(scenario, world, me, pass, outcome, |object| {
                object.recorded.operation = None;
                object.recorded.completed = small(settlement.completed);
                object.recorded.unresolved = unresolved;
            });
            if next == Next::Step {
                world.processes[me].memory.attempt = None;
            }
            next
        }
        Step::Rerender => write_secret(world, me, pass, outcome, |_| {}),
        Step::DeleteCredential(id, _) => delete(world, me, pass, number(&id), outcome),
        Step::ForgetRetiring => {
            write_resource(scenario, world, me, pass, outcome, |object| object.recorded.retiring = None)
        }
        Step::Settle => write_resource(scenario, world, me, pass, outcome, |object| object.recorded.unresolved = None),
        Step::ReleaseSecret => write_secret(world, me, pass, outcome, |secret| secret.ours = false),
        Step::RemoveFinalizer => {
            let next = write_resource(scenario, world, me, pass, outcome, |object| object.finalizer = false);
            world.collect(resource, Some(me));
            // The resource is gone, so the pass has nothing to go on with; the next one sees a 404.
            if next == Next::Step { Next::StartOver } else { next }
        }
    }
}

fn small(epoch: Epoch) -> u8 {
    u8::try_from(epoch.0).expect("an epoch of this model")
}

/// One write of the resource with the resourceVersion that this pass knows. The reply is the new observation.
fn write_resource(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    outcome: Outcome,
    change: impl FnOnce(&mut Object),
) -> Next {
    let resource = world.processes[me].resource;
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Conflict => return Next::StartOver,
        _ if !pass.fresh => return Next::StartOver,
        // The request's deadline: a decision that was made long ago is not written any more.
        _ if scenario.write_deadline && world.now >= pass.decided_at + scenario.hold => return Next::StartOver,
        _ => {}
    }
    let Some(object) = &mut world.owned[usize::from(resource)].object else {
        return Next::StartOver;
    };
    change(object);
    pass.object = object.clone();
    pass.read_at = world.now;
    world.resource_changed(resource, Some(me));
    if outcome == Outcome::Unseen { FAILED } else { Next::Step }
}

/// One write of the Secret with the resourceVersion that this pass knows. The reply is the new fact.
fn write_secret(
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    outcome: Outcome,
    change: impl FnOnce(&mut Secret),
) -> Next {
    let resource = world.processes[me].resource;
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Conflict => return Next::StartOver,
        _ if !pass.secret_fresh || world.refuses_secret => return Next::StartOver,
        _ => {}
    }
    let Some(secret) = &mut world.owned[usize::from(resource)].secret else {
        return Next::StartOver;
    };
    change(secret);
    pass.secret = Some(Some(*secret));
    world.secret_changed(resource, Some(me));
    if outcome == Outcome::Unseen { FAILED } else { Next::Step }
}

/// GET the Secret, then, as another request, the resource. Both must be as this pass knows them.
fn confirm(scenario: &Scenario, world: &World, me: usize, pass: &mut Pass) -> Next {
    let secret = world.owned[usize::from(world.processes[me].resource)].secret;
    let unchanged = match pass.secret.flatten() {
        Some(_) => pass.secret_fresh,
        None => secret.is_none(),
    };
    let Some(listing) = &mut pass.listing else {
        return Next::StartOver;
    };
    if scenario.reread_secret && !listing.secret_seen {
        listing.secret_seen = true;
        return if unchanged { Next::Step } else { Next::StartOver };
    }
    listing.confirmed = true;
    pass.read_at = world.now;
    if pass.fresh { Next::Step } else { Next::StartOver }
}

fn create(scenario: &Scenario, world: &mut World, me: usize, pass: &Pass, epoch: u8, outcome: Outcome) -> Next {
    let owner = world.processes[me].resource;
    if scenario.create_deadline && world.now >= pass.read_at + scenario.settle {
        // The pass is too old to act on.
        return Next::StartOver;
    }
    if world.refuses_secret {
        world.harm = Some(Harm::CreatedInVain);
    }
    let created = match outcome {
        Outcome::Lost => None,
        Outcome::Late => {
            world.flying.push(Flying::Create { before: pass.read_at + scenario.settle, owner });
            None
        }
        _ => {
            let created = world.create(Some(owner));
            if created.is_none() {
                // LimitExceeded: it did not happen, and the process knows.
                world.processes[me].memory.attempt = Some((epoch, Stage::Begun));
                return Next::Sleep(Some(world.now + 1));
            }
            created
        }
    };
    let created = match (outcome, scenario.mutation) {
        (Outcome::Reply, _) => created,
        (_, Some(Mutation::RetryCreate)) => world.create(Some(owner)),
        _ => None,
    };
    let attempt = created.map(|created| (epoch, Stage::InHand(Issued { id: created.id, at: world.now })));
    world.processes[me].memory.attempt = attempt;
    if attempt.is_some() { Next::StartOver } else { FAILED }
}

fn publish(scenario: &Scenario, world: &mut World, me: usize, pass: &mut Pass, epoch: u8, outcome: Outcome) -> Next {
    let resource = world.processes[me].resource;
    let truth = world.owned[usize::from(resource)].secret;
    let Some(held) = world.processes[me].memory.in_hand() else {
        return Next::StartOver;
    };
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Conflict => return Next::StartOver,
        _ => {}
    }
    let unchanged = match pass.secret.flatten() {
        Some(_) => pass.secret_fresh,
        // must-not-exist: no resourceVersion protects it, so the request's deadline is inside the hold time.
        None => truth.is_none() && world.now < held.at + scenario.hold,
    };
    let gone = world.owned[usize::from(resource)].object.is_none();
    if (!unchanged && scenario.mutation != Some(Mutation::PublishUnfenced)) || gone || world.refuses_secret {
        return Next::StartOver;
    }
    let secret = Secret { ours: true, published: Some(Published { credential: held, epoch }), fence: epoch };
    world.owned[usize::from(resource)].secret = Some(secret);
    pass.secret = Some(Some(secret));
    pass.secret_fresh = true;
    world.secret_changed(resource, Some(me));
    if outcome == Outcome::Unseen { FAILED } else { Next::Step }
}

fn delete(world: &mut World, me: usize, pass: &mut Pass, id: u8, outcome: Outcome) -> Next {
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Late => {
            world.flying.push(Flying::Delete { id });
            return FAILED;
        }
        _ => world.delete_by_us(id),
    }
    if outcome == Outcome::Unseen {
        return FAILED;
    }
    pass.removed |= one(id);
    if world.processes[me].memory.in_hand().is_some_and(|held| held.id == id) {
        world.processes[me].memory.attempt = None;
    }
    Next::Step
}

/// The claim by a quorum read of all resources. The first is the oldest.
fn claim(scenario: &Scenario, world: &World, resource: u8) -> Claim {
    if scenario.mutation == Some(Mutation::ShareUser) {
        return Claim::Won;
    }
    let contender = |index: usize, object: &Object| Contender {
        uid: index.to_string(),
        created_at: time(0),
        namespace: String::new(),
        name: String::new(),
        operating: object.recorded.operation.is_some(),
    };
    let all: Vec<Contender> = world
        .owned
        .iter()
        .enumerate()
        .filter_map(|(index, owned)| owned.object.as_ref().map(|object| contender(index, object)))
        .collect();
    let me = all.iter().find(|contender| contender.uid == resource.to_string());
    me.map_or(Claim::Won, |me| protocol::claim(me, &all))
}
