//! Requests to IAM, and the claim on its user.

use keyspaces_credential_protocol as protocol;
use protocol::{Claim, Contender};

use crate::facts::{Held, Id, Issued, Object, Stage, one, set, time};
use crate::mutation::Mutation;
use crate::scenario::Scenario;
use crate::shell::{FAILED, Next, Outcome};
use crate::world::{Flying, Harm, Pass, World};

/// The pass is too old to send what would have to land before its window is closed.
fn too_old(scenario: &Scenario, world: &World, pass: &Pass) -> bool {
    scenario.create_deadline && world.now >= pass.read_at + scenario.settle
}

pub(crate) fn create(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &Pass,
    epoch: u8,
    outcome: Outcome,
) -> Next {
    let owner = world.processes[me].resource;
    if too_old(scenario, world, pass) {
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
                return refused(world, me, epoch);
            }
            created
        }
    };
    let created = match (outcome, scenario.mutation) {
        (Outcome::Reply, _) => created,
        (_, Some(Mutation::RetryCreate)) => world.create(Some(owner)),
        _ => None,
    };
    take_in_hand(scenario, world, me, pass, epoch, created.map(|created| (created, 0)))
}

/// The same credential with another password.
pub(crate) fn reset(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &Pass,
    epoch: u8,
    id: Id,
    outcome: Outcome,
) -> Next {
    if too_old(scenario, world, pass) {
        return Next::StartOver;
    }
    match outcome {
        Outcome::Lost => return take_in_hand(scenario, world, me, pass, epoch, None),
        Outcome::Late => {
            world.flying.push(Flying::Reset { id, epoch, before: pass.read_at + scenario.settle });
            return take_in_hand(scenario, world, me, pass, epoch, None);
        }
        _ => {}
    }
    let Some(credential) = world.reset(id, epoch) else {
        // NoSuchEntity.
        return refused(world, me, epoch);
    };
    let known = (Issued { id, at: credential.created }, credential.version);
    take_in_hand(scenario, world, me, pass, epoch, Some(known).filter(|_| outcome == Outcome::Reply))
}

/// A definite refusal leaves the attempt ours.
fn refused(world: &mut World, me: usize, epoch: u8) -> Next {
    world.processes[me].memory.attempt = Some((epoch, Stage::Begun));
    Next::Sleep(Some(world.now + 1))
}

/// What the process knows after Create or Reset: the credential with its password, or nothing.
fn take_in_hand(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &Pass,
    epoch: u8,
    reply: Option<(Issued, u8)>,
) -> Next {
    let (since, secret_name) = (world.now, pass.object.secret_name(scenario));
    let held = reply.map(|(credential, version)| Held { credential, version, since, secret_name });
    world.processes[me].memory.attempt = held.map(|held| (epoch, Stage::InHand(held)));
    if held.is_some() { Next::StartOver } else { FAILED }
}

pub(crate) fn delete(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    id: Id,
    outcome: Outcome,
) -> Next {
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Late => {
            world.flying.push(Flying::Delete { id });
            return FAILED;
        }
        _ => world.delete_by_us(id, scenario.foreign),
    }
    if outcome == Outcome::Unseen {
        return FAILED;
    }
    pass.removed |= one(id);
    if world.processes[me].memory.in_hand().is_some_and(|held| held.credential.id == id) {
        world.processes[me].memory.attempt = None;
    }
    Next::Step
}

/// Switches a replaced credential off. To IAM, one that is gone is off.
pub(crate) fn deactivate(world: &mut World, pass: &mut Pass, id: Id, outcome: Outcome) -> Next {
    if outcome == Outcome::Lost {
        return FAILED;
    }
    world.iam.iter_mut().filter(|credential| credential.id == id).for_each(|credential| credential.inactive = true);
    if outcome == Outcome::Unseen {
        return FAILED;
    }
    pass.deactivated |= one(id);
    Next::Step
}

/// The claim by a quorum read of all resources. The first is the oldest.
pub(crate) fn claim(scenario: &Scenario, world: &World, resource: u8) -> Claim {
    if scenario.mutation == Some(Mutation::ShareUser) {
        return Claim::Won;
    }
    let contender = |index: usize, object: &Object| Contender {
        granted: world.owned[index].granted,
        uid: index.to_string(),
        created_at: time(0),
        namespace: String::new(),
        name: String::new(),
        operating: object.recorded.operation.is_some()
            || (scenario.windows_contest && object.recorded.unresolved.is_some()),
        holds: set(object.recorded.known()),
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
