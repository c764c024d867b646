//! Requests to the API server, each fenced by the resourceVersion that the pass has read.

use crate::facts::{Name, Object, Published, Secret};
use crate::mutation::Mutation;
use crate::scenario::Scenario;
use crate::shell::{FAILED, Next, Outcome};
use crate::world::{Pass, Seen, World};

/// One write of the resource with the resourceVersion that this pass knows. The reply is the new observation.
pub(crate) fn write_resource(
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
    answer(outcome)
}

fn answer(outcome: Outcome) -> Next {
    if outcome == Outcome::Unseen { FAILED } else { Next::Step }
}

/// One write of the Secret with the resourceVersion that this pass knows. The reply is the new fact.
pub(crate) fn write_secret(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    outcome: Outcome,
    change: impl FnOnce(&mut Secret),
) -> Next {
    let name = pass.object.secret_name(scenario);
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Conflict => return Next::StartOver,
        _ if !unchanged(pass.secret, name) || world.refuses_secret => return Next::StartOver,
        _ => {}
    }
    let Some(mut secret) = world.owned[usize::from(world.processes[me].resource)].secrets[usize::from(name)] else {
        return Next::StartOver;
    };
    change(&mut secret);
    pass.secret = Some(put(world, me, name, Some(secret)));
    answer(outcome)
}

/// The Secret of this name is there as the pass has seen it.
fn unchanged(seen: Option<Seen>, name: Name) -> bool {
    seen.is_some_and(|seen| seen.name == name && seen.fresh && seen.secret.is_some())
}

fn put(world: &mut World, me: usize, name: Name, secret: Option<Secret>) -> Seen {
    let resource = world.processes[me].resource;
    world.owned[usize::from(resource)].secrets[usize::from(name)] = secret;
    world.secret_changed(resource, name, Some(me));
    Seen { name, secret, fresh: true }
}

/// GET the Secret, then, as another request, the resource. Both must be as this pass knows them.
pub(crate) fn confirm(scenario: &Scenario, world: &World, me: usize, pass: &mut Pass) -> Next {
    let name = pass.object.secret_name(scenario);
    let truth = world.owned[usize::from(world.processes[me].resource)].secrets[usize::from(name)];
    let same = match pass.secret.and_then(|seen| seen.secret) {
        Some(_) => unchanged(pass.secret, name),
        None => truth.is_none(),
    };
    let Some(listing) = &mut pass.listing else {
        return Next::StartOver;
    };
    if scenario.reread_secret && !listing.secret_seen {
        listing.secret_seen = true;
        return if same { Next::Step } else { Next::StartOver };
    }
    listing.confirmed = true;
    pass.read_at = world.now;
    if pass.fresh { Next::Step } else { Next::StartOver }
}

/// The credential in hand into the Secret.
pub(crate) fn publish(
    scenario: &Scenario,
    world: &mut World,
    me: usize,
    pass: &mut Pass,
    epoch: u8,
    outcome: Outcome,
) -> Next {
    let Some(held) = world.processes[me].memory.in_hand() else {
        return Next::StartOver;
    };
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Conflict => return Next::StartOver,
        _ => {}
    }
    let name = pass.object.secret_name(scenario);
    let owned = &world.owned[usize::from(world.processes[me].resource)];
    let fenced = match pass.secret.and_then(|seen| seen.secret) {
        Some(_) => unchanged(pass.secret, name),
        // must-not-exist: no resourceVersion protects it, so the request's deadline is inside the hold time.
        None => owned.secrets[usize::from(name)].is_none() && world.now < held.since + scenario.hold,
    };
    let unfenced = scenario.mutation == Some(Mutation::PublishUnfenced);
    if (!fenced && !unfenced) || owned.object.is_none() || world.refuses_secret {
        return Next::StartOver;
    }
    let published = Published { credential: held.credential, version: held.version, epoch };
    let secret = Secret { ours: true, published: Some(published), fence: epoch };
    pass.secret = Some(put(world, me, name, Some(secret)));
    answer(outcome)
}

/// The Secret's own credential into the Secret to move to, with the resourceVersion of that one.
pub(crate) fn copy(scenario: &Scenario, world: &mut World, me: usize, pass: &mut Pass, outcome: Outcome) -> Next {
    let name = pass.object.wanted_secret;
    let Some(published) = pass.secret.and_then(|seen| seen.secret).and_then(|secret| secret.published) else {
        return Next::StartOver;
    };
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Conflict => return Next::StartOver,
        _ => {}
    }
    let owned = &world.owned[usize::from(world.processes[me].resource)];
    let existing = pass.other.and_then(|seen| seen.secret);
    let fenced = match existing {
        Some(_) => unchanged(pass.other, name),
        None => owned.secrets[usize::from(name)].is_none() && world.now < pass.decided_at + scenario.hold,
    };
    if !fenced || owned.object.is_none() || world.refuses_secret {
        return Next::StartOver;
    }
    // Higher than before, so that the write is one.
    let fence = existing.map_or(published.epoch, |existing| existing.fence.max(published.epoch) + 1);
    let secret = Secret { ours: true, published: Some(published), fence };
    pass.other = Some(put(world, me, name, Some(secret)));
    pass.copied = true;
    answer(outcome)
}

/// GET the resource, which must not have changed, then, as another request, deletes a Secret that was moved from, if it is still
/// the one that was read.
pub(crate) fn delete_former(world: &mut World, me: usize, pass: &mut Pass, name: Name, outcome: Outcome) -> Next {
    let seen = [pass.secret, pass.other].into_iter().find(|seen| seen.is_some_and(|seen| seen.name == name)).flatten();
    match outcome {
        Outcome::Lost => return FAILED,
        Outcome::Conflict => return Next::StartOver,
        _ if !pass.reread && !pass.fresh => return Next::StartOver,
        _ if !pass.reread => {
            pass.reread = true;
            return Next::Step;
        }
        _ if !unchanged(seen, name) => return Next::StartOver,
        _ => {}
    }
    pass.reread = false;
    pass.other = Some(put(world, me, name, None));
    answer(outcome)
}
