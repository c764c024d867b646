//! A short history: one resource, its Secrets, an IAM user, two processes, and everybody who changes something meanwhile.
//!
//! [`World`](crate::world::World) tells one process what it may expect. Here nothing is expected: any step may fail, land late or be lost
//! in the middle of a pass, and every decision on the way is a moment that a property is asserted of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keyspaces_credential_protocol::*;

use super::events::{self, Event, Fate};
use crate::steps::kind;
use crate::world::{SETTINGS, World, secret_name};

/// The facts of a decision, and when it is taken.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub observed: Observed,
    pub now: Timestamp,
}

/// A process that holds an operator.
#[derive(Debug, Clone, Default)]
pub(crate) struct Process {
    pub memory: Memory,
    /// The pass that it is in the middle of.
    pass: Option<Observed>,
    /// What it last waited for.
    pub until: Option<Timestamp>,
    /// By how many seconds its clock is ahead.
    pub ahead: i64,
}

/// What is true outside of the processes.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub now: Timestamp,
    pub resource: Resource,
    pub grant: Grant,
    pub claim: Claim,
    pub secrets: BTreeMap<SecretName, SecretFact>,
    /// Secrets as they once were, for those who put them back.
    pub kept: Vec<SecretFact>,
    pub iam: Vec<Listed>,
    /// What List does not show yet, and what it still shows.
    pub hidden: BTreeSet<CredentialId>,
    pub ghosts: Vec<Listed>,
    pub next_id: u64,
    pub processes: [Process; 2],
    /// Requests whose reply was lost and that land later.
    late: Vec<(Observed, Step)>,
    pub moments: Vec<Moment>,
}

impl From<World> for History {
    fn from(world: World) -> Self {
        Self {
            now: world.now,
            resource: world.resource,
            grant: world.grant,
            claim: world.claim,
            kept: world.secrets.values().cloned().collect(),
            secrets: world.secrets,
            iam: world.iam,
            hidden: world.hidden,
            ghosts: Vec::new(),
            next_id: world.next_id,
            processes: [Process { memory: world.memory, ..Process::default() }, Process::default()],
            late: Vec::new(),
            moments: Vec::new(),
        }
    }
}

/// Whether a step changes anything outside of the process.
fn is_effect(step: &Step) -> bool {
    let looks = matches!(
        step,
        Step::ReadGrant
            | Step::ReadClaims
            | Step::ReadSecret(_)
            | Step::ListCredentials
            | Step::Resync
            | Step::ConfirmListing
    );
    !looks && !matches!(step, Step::StartOver | Step::Wait { .. })
}

impl History {
    /// Lets events happen one after the other.
    pub(crate) fn live(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::Steps { who, count } => {
                    for _ in 0..*count {
                        self.step(*who, |_| Fate::Done);
                    }
                }
                Event::Run { who } => self.run(*who, |_| Fate::Done, |_| false),
                Event::Waits { who, times } => {
                    for _ in 0..*times {
                        self.run(*who, |_| Fate::Done, |_| false);
                        events::Change::PassUntil(*who, 0).happen(self);
                    }
                }
                Event::Act { who, fate } => {
                    self.run(*who, |step| if is_effect(step) { *fate } else { Fate::Done }, is_effect);
                }
                Event::Until { who, kind: wanted, fate } => {
                    let is_wanted = |step: &Step| kind(step) == *wanted;
                    self.run(*who, |step| if is_wanted(step) { *fate } else { Fate::Done }, is_wanted);
                }
                Event::Land => {
                    if let Some((observed, step)) = self.late.pop() {
                        self.effect(&observed, &step);
                    }
                }
                Event::Change(change) => change.happen(self),
            }
        }
    }

    /// Runs a process until it waits, or until a step after which it is to stop.
    fn run(&mut self, who: usize, fate: impl Fn(&Step) -> Fate, stops_after: impl Fn(&Step) -> bool) {
        for _ in 0..40 {
            let step = self.step(who, &fate);
            if matches!(step, Step::Wait { .. }) || stops_after(&step) {
                return;
            }
        }
    }

    /// The time on the clock of a process.
    fn time_of(&self, who: usize) -> Timestamp {
        self.now + jiff::SignedDuration::from_secs(self.processes[who].ahead)
    }

    /// A process takes one step, and learns of it what its fate lets it learn.
    fn step(&mut self, who: usize, fate: impl Fn(&Step) -> Fate) -> Step {
        let now = self.time_of(who);
        let memory = &self.processes[who].memory;
        let begin = || Observed::new(self.resource.clone(), memory.clone(), SETTINGS);
        let mut observed = self.processes[who].pass.take().unwrap_or_else(begin);
        let step = decide(&observed, now);
        self.moments.push(Moment { observed: observed.clone(), now });
        // The other's clock is not asked for the time of a listing.
        let outcome = match fate(&step) {
            Fate::CrashBefore => None,
            Fate::Refused(class) => Some(Outcome::Failed(class)),
            Fate::Late => {
                self.late.push((observed.clone(), step.clone()));
                Some(Outcome::Failed(Class::Ambiguous))
            }
            Fate::Lost => {
                self.effect(&observed, &step);
                Some(Outcome::Failed(Class::Ambiguous))
            }
            Fate::CrashAfter => {
                self.effect(&observed, &step);
                None
            }
            Fate::Done => Some(self.outcome(&observed, &step, now)),
        };
        let Some(outcome) = outcome else {
            self.processes[who] = Process { ahead: self.processes[who].ahead, ..Process::default() };
            return step;
        };
        self.remember(&step, &outcome, now);
        let next = observed.after(&step, outcome);
        if let Next::Rest(until) = next {
            observed.memory.forget_dry_run();
            self.processes[who].until = until;
        }
        self.processes[who].memory = observed.memory.clone();
        self.processes[who].pass = (next == Next::Decide).then_some(observed);
        step
    }

    /// The shell records failures, and forgets them when it has something else to tell.
    fn remember(&mut self, step: &Step, outcome: &Outcome, now: Timestamp) {
        let failures = &mut self.resource.record.failures;
        match (step, outcome) {
            (_, Outcome::Failed(class)) if *class != Class::Conflict => {
                *failures = Some(failed(failures.as_ref(), *class, 7, now));
                self.resource.changed_since_failure = false;
            }
            (Step::Wait { report: Some(_), .. }, _) => *failures = None,
            _ => {}
        }
    }

    fn outcome(&mut self, observed: &Observed, step: &Step, now: Timestamp) -> Outcome {
        match self.effect(observed, step) {
            Outcome::Listing(listing) => Outcome::Listing(Listing { taken_at: now, ..listing }),
            Outcome::Issued { id, service_user_name, .. } => Outcome::Issued { id, service_user_name, at: now },
            outcome => outcome,
        }
    }

    /// The Secret of the credential, to be changed behind everybody's back.
    pub(crate) fn secret_mut(&mut self) -> &mut SecretFact {
        let name = self.resource.secret_name().clone();
        let secret = self.secrets.entry(name).or_insert(SecretFact::Absent);
        self.kept.push(secret.clone());
        secret
    }

    /// The other of the two names that a Secret is given.
    pub(crate) fn other_name(&self) -> SecretName {
        let wanted = &self.resource.wanted_secret;
        [secret_name("orders"), secret_name("bills")].into_iter().find(|name| name != wanted).unwrap()
    }
}
