//! A process and its passes: it reads the resource, asks `decide`, performs the step, and lets the core take the outcome in.
//!
//! What a step does to the API server and to IAM is in `writes` and `calls`. What its outcome means for the facts is written nowhere
//! in the model: [`Observed::after`] is the shipped one.

use keyspaces_credential_protocol as protocol;
use protocol::{Class, Grant, Next, Observed, Outcome, Settings, Step};

use crate::calls::claim;
use crate::facts::{
    Listing, Memory, Name, Record, mask, number, secret_name, secret_number, secret_out, set, small, span, tick, time,
};
use crate::mutation::{self, Mutation};
use crate::scenario::Scenario;
use crate::world::{Held, Pass, Process, World};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
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

/// Why a step has no outcome.
pub(crate) enum Interruption {
    /// It takes two requests, and the first one is made.
    Halfway,
    /// What the process knows is too old to act on.
    NotTried,
}

/// Nobody knows what IAM did.
pub(crate) const UNKNOWN: Outcome = Outcome::Failed(Class::Ambiguous);
/// The reply of a request that can be repeated is lost.
pub(crate) const NO_REPLY: Outcome = Outcome::Failed(Class::Transient);
/// Somebody else wrote first.
pub(crate) const CONFLICT: Outcome = Outcome::Failed(Class::Conflict);
/// It did not happen, and the process knows. This class, and no other, means that the next try comes a tick later.
pub(crate) const REFUSED: Outcome = Outcome::Failed(Class::Terminal);

/// One step of a process on its way to the API server and to IAM.
pub(crate) struct Request<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) world: &'a mut World,
    /// The process.
    pub(crate) me: usize,
    pub(crate) pass: &'a mut Pass,
    pub(crate) fault: Option<Fault>,
}

/// The step that a process is about to perform. None if it is about to begin a pass.
pub(crate) fn pending(scenario: &Scenario, world: &World, process: usize) -> Option<Step> {
    decided(scenario, world, process).map(|(_, step)| step)
}

/// A process makes its next request. What needs none is done along the way.
pub(crate) fn go(scenario: &Scenario, world: &mut World, process: usize, fault: Option<Fault>) {
    match decided(scenario, world, process) {
        None => begin_pass(scenario, world, process),
        Some((observed, step)) => go_on(scenario, world, process, observed, &step, fault),
    }
    while let Some((observed, step)) = decided(scenario, world, process)
        && needs_no_request(scenario, &step)
    {
        go_on(scenario, world, process, observed, &step, None);
    }
}

fn needs_no_request(scenario: &Scenario, step: &Step) -> bool {
    match step {
        Step::Wait { .. } | Step::StartOver | Step::DryRun(_) => true,
        Step::ReadGrant => !scenario.knows_refusals(),
        Step::ReadClaims => scenario.resources == 1,
        _ => false,
    }
}

/// The facts of a process, and the step that they ask for.
fn decided(scenario: &Scenario, world: &World, process: usize) -> Option<(Observed, Step)> {
    let process = &world.processes[process];
    let pass = process.pass.as_ref()?;
    let observed = pass.facts(scenario, &process.memory);
    let step = mutation::decide(scenario.mutation, &observed, time(pass.decided_at));
    Some((observed, step))
}

/// GET the resource. Where it is gone, a credential in hand goes too.
fn begin_pass(scenario: &Scenario, world: &mut World, process: usize) {
    let now = world.now;
    let Process { resource, memory, held, pass, wake } = &mut world.processes[process];
    *wake = None;
    let owned = &world.owned[usize::from(*resource)];
    if let Some(object) = &owned.object {
        *pass = Some(Pass::begun(object.clone(), now));
        return;
    }
    *memory = Memory::default();
    if let Some(Held { credential, secret_name, .. }) = held.take() {
        let kept = owned.secrets[usize::from(secret_name)].and_then(|secret| secret.published);
        // The reply to its publication may have been lost, and a Secret that was to be kept then holds it.
        if !scenario.look_when_gone || kept.map(|published| published.credential.id) != Some(credential.id) {
            world.delete_by_us(credential.id, scenario.foreign);
        }
    }
}

fn go_on(scenario: &Scenario, world: &mut World, me: usize, mut observed: Observed, step: &Step, fault: Option<Fault>) {
    let Some(mut pass) = world.processes[me].pass.take() else {
        return;
    };
    let outcome = Request { scenario, world, me, pass: &mut pass, fault }.perform(step);
    let now = world.now;
    let process = &mut world.processes[me];
    let next = match outcome {
        Ok(outcome) => {
            let refused = outcome == REFUSED;
            let next = observed.after(step, outcome);
            process.memory = Memory::of(&observed.memory);
            let in_hand = observed.memory.in_hand().map(number);
            process.held.take_if(|held| in_hand != Some(held.credential.id));
            if refused { Next::Rest(Some(time(now + 1))) } else { next }
        }
        Err(Interruption::NotTried) => Next::StartOver,
        Err(Interruption::Halfway) => {
            process.pass = Some(pass);
            return;
        }
    };
    match next {
        Next::Decide => {
            pass.take_in(&observed, now);
            let object = &world.owned[usize::from(process.resource)].object;
            let agree = !pass.fresh || object.as_ref() == Some(&pass.object);
            assert!(agree || scenario.mutation.is_some(), "the core and the API server differ about the resource");
            process.pass = Some(pass);
        }
        Next::StartOver => process.wake = Some(0),
        // What called it meanwhile is looked at first.
        Next::Rest(until) => process.wake = process.wake.filter(|wake| *wake == 0).or(until.map(tick)),
    }
}

impl Pass {
    /// The facts as `decide` takes them.
    fn facts(&self, scenario: &Scenario, memory: &Memory) -> Observed {
        let settings = Settings {
            consistency_window: span(scenario.consistency_window),
            hold: span(scenario.hold),
            resync: span(4),
            recheck: span(1),
        };
        let secrets = (0..).zip(self.secrets).filter_map(|(name, seen)| Some((name, seen?.secret)));
        let mut observed = Observed {
            grant: self.granted.map(grant),
            claim: self.claim.clone(),
            secrets: secrets.map(|(name, secret)| (secret_name(name).clone(), secret_out(secret))).collect(),
            copied: self.copied.then(|| secret_name(self.object.wanted_secret).clone()).into_iter().collect(),
            listing: self.listing.as_ref().map(Listing::out),
            deleted: set(self.deleted),
            deactivated: set(self.deactivated),
            ..Observed::new(self.object.out(scenario), memory.out(), settings)
        };
        mutation::distort(scenario.mutation, &mut observed);
        observed
    }

    /// Keeps the facts in their small form, for the decision that is made now.
    fn take_in(&mut self, observed: &Observed, now: u8) {
        let seen = |name: Name| self.secrets[usize::from(name)].map(|seen| secret_out(seen.secret));
        let differs = |name: &Name| observed.secrets.get(secret_name(*name)) != seen(*name).as_ref();
        assert_eq!((0..2).find(differs), None, "the core and the API server differ about a Secret");
        self.decided_at = now;
        self.halfway = false;
        self.object.finalizer = observed.resource.finalizer;
        self.object.record = Record::of(&observed.resource.record);
        self.granted = observed.grant.as_ref().map(|grant| *grant == Grant::Granted);
        self.claim.clone_from(&observed.claim);
        self.copied = !observed.copied.is_empty();
        self.listing = observed.listing.as_ref().map(Listing::of);
        self.deleted = mask(&observed.deleted);
        self.deactivated = mask(&observed.deactivated);
    }
}

impl Request<'_> {
    /// What a step does to the world, and what the process learns of it.
    fn perform(mut self, step: &Step) -> Result<Outcome, Interruption> {
        let resource = self.world.processes[self.me].resource;
        Ok(match step {
            Step::ReadGrant => Outcome::Grant(grant(self.owned().granted)),
            Step::ReadClaims => Outcome::Claim(claim(self.scenario, self.world, resource)),
            Step::ReadSecret(name) => self.read_secret(secret_number(name)),
            Step::ListCredentials | Step::Resync => {
                let stale = self.fault == Some(Fault::Stale);
                Outcome::Listing(self.world.list(stale, self.scenario.consistency_window).out())
            }
            Step::ConfirmListing => return self.confirm(),
            Step::AddFinalizer => self.write_resource(|object| object.finalizer = true),
            Step::Record(update) => self.record(update),
            Step::FenceSecret(epoch) => self.write_secret(|secret| secret.fence = small(*epoch)),
            Step::DryRun(_) if self.world.refuses_secret && !self.breaks(Mutation::NoDryRun) => REFUSED,
            Step::Wait { .. } | Step::StartOver | Step::DryRun(_) => Outcome::Done,
            Step::Create(_) => return self.create(),
            Step::Reset(epoch, id) => return self.reset(small(*epoch), number(id)),
            Step::Publish(epoch) => self.publish(small(*epoch)),
            Step::Render => self.write_secret(|_| {}),
            Step::CopySecret => self.copy(),
            Step::DeleteFormerSecret(name) => return self.delete_former(secret_number(name)),
            Step::DeleteCredential(id, _) => self.delete(number(id)),
            Step::Deactivate(id) => self.deactivate(number(id)),
            Step::ReleaseSecret => self.write_secret(|secret| secret.ours = false),
            Step::RemoveFinalizer => {
                let outcome = self.write_resource(|object| object.finalizer = false);
                self.world.collect(resource);
                outcome
            }
        })
    }

    pub(crate) fn breaks(&self, mutation: Mutation) -> bool {
        self.scenario.mutation == Some(mutation)
    }
}

/// The grant as `decide` takes it.
fn grant(granted: bool) -> Grant {
    if granted { Grant::Granted } else { Grant::Refused { namespace: String::new(), annotation: None } }
}
