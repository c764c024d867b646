//! A short history: one resource, its Secrets, an IAM user, two processes, and everybody who changes something meanwhile.
//!
//! [`World`](crate::world::World) tells one process what it may expect. Here nothing is expected: any step may fail, land late or be lost
//! in the middle of a pass, and every decision on the way is a moment that a property is asserted of.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use keyspaces_credential_protocol::*;

use super::events::{self, Event, Fate};
use crate::steps::kind;
use crate::world::{SETTINGS, World, id, issued, secret_name};

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

    pub(crate) fn secret_named(&self, name: &SecretName) -> SecretFact {
        self.secrets.get(name).cloned().unwrap_or(SecretFact::Absent)
    }

    /// Writes a Secret, if it is still as it was read.
    fn write(
        &mut self,
        observed: &Observed,
        name: &SecretName,
        change: impl FnOnce(&OurSecret) -> SecretFact,
    ) -> Outcome {
        let before = self.secret_named(name);
        if observed.secrets.get(name) != Some(&before) {
            return Outcome::Failed(Class::Conflict);
        }
        let empty = OurSecret { published: None, fence: Epoch(0), rendering: Rendering::Current, immutable: false };
        let after = match &before {
            SecretFact::Ours(ours) if !ours.immutable => change(ours),
            SecretFact::Absent => change(&empty),
            SecretFact::Ours(_) | SecretFact::NotOurs => return Outcome::Failed(Class::Terminal),
        };
        self.kept.push(before);
        self.secrets.insert(name.clone(), after.clone());
        Outcome::Secret(after)
    }

    fn record(&mut self, observed: &Observed, change: impl FnOnce(&mut Resource)) -> Outcome {
        if self.resource != observed.resource {
            return Outcome::Failed(Class::Conflict);
        }
        change(&mut self.resource);
        Outcome::Done
    }

    fn effect(&mut self, observed: &Observed, step: &Step) -> Outcome {
        let name = observed.resource.secret_name();
        match step {
            Step::ReadGrant => Outcome::Grant(self.grant.clone()),
            Step::ReadClaims => Outcome::Claim(self.claim.clone()),
            Step::ReadSecret(name) => Outcome::Secret(self.secret_named(name)),
            Step::ListCredentials | Step::Resync => Outcome::Listing(self.list()),
            Step::ConfirmListing => {
                let same = self.resource == observed.resource && observed.secret() == Some(&self.secret_named(name));
                if same { Outcome::Done } else { Outcome::Changed }
            }
            Step::AddFinalizer => self.record(observed, |resource| resource.finalizer = true),
            Step::RemoveFinalizer => self.record(observed, |resource| resource.finalizer = false),
            Step::Record(update) => self.record(observed, |resource| resource.record = update.record.clone()),
            Step::FenceSecret(epoch) => {
                self.write(observed, name, |ours| SecretFact::Ours(OurSecret { fence: *epoch, ..ours.clone() }))
            }
            Step::Render => self.write(observed, name, |ours| {
                SecretFact::Ours(OurSecret { rendering: Rendering::Current, ..ours.clone() })
            }),
            Step::Publish(epoch) => {
                let published =
                    observed.memory.in_hand().map(|id| Published { credential: self.issued(id), epoch: *epoch });
                self.write(observed, name, |ours| {
                    SecretFact::Ours(OurSecret { published, fence: *epoch, ..ours.clone() })
                })
            }
            Step::ReleaseSecret => self.write(observed, name, |_| SecretFact::NotOurs),
            Step::CopySecret => {
                let copy = observed.secret().cloned().unwrap_or(SecretFact::Absent);
                self.write(observed, &observed.resource.wanted_secret, |_| copy)
            }
            Step::DeleteFormerSecret(name) => self.write(observed, name, |_| SecretFact::Absent),
            Step::Create(_) => self.create(),
            Step::Reset(_, id) => {
                let Issued { id, service_user_name, .. } = self.issued(id);
                Outcome::Issued { id, service_user_name, at: self.now }
            }
            Step::DeleteCredential(id, _) => {
                let before = self.iam.len();
                self.iam.retain(|listed| listed.id != *id);
                Outcome::Deleted(if self.iam.len() < before { Deleted::Now } else { Deleted::Before })
            }
            Step::Deactivate(id) => {
                self.iam.iter_mut().filter(|listed| listed.id == *id).for_each(|listed| listed.usable = Usable::No);
                Outcome::Done
            }
            Step::DryRun(_) | Step::StartOver | Step::Wait { .. } => Outcome::Done,
        }
    }

    fn create(&mut self) -> Outcome {
        if self.iam.len() >= 2 {
            return Outcome::Failed(Class::Transient);
        }
        let Issued { id, service_user_name, issued_at } = issued(self.next_id, self.now);
        self.next_id += 1;
        self.iam.push(Listed { id: id.clone(), created_at: issued_at, usable: Usable::Yes });
        Outcome::Issued { id, service_user_name, at: issued_at }
    }

    fn list(&self) -> Listing {
        let shown = self.iam.iter().filter(|listed| !self.hidden.contains(&listed.id));
        let gone = self.ghosts.iter().filter(|ghost| self.iam.iter().all(|listed| listed.id != ghost.id));
        Listing { credentials: shown.chain(gone).cloned().collect(), taken_at: self.now, confirmed: false }
    }

    /// A credential as IAM issued it.
    pub(crate) fn issued(&self, wanted: &CredentialId) -> Issued {
        let number = (0..=self.next_id).find(|number| id(*number) == *wanted).unwrap_or(0);
        let created_at = self.iam.iter().find(|listed| listed.id == *wanted).map(|listed| listed.created_at);
        Issued { id: wanted.clone(), ..issued(number, created_at.unwrap_or(self.now)) }
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
