//! A small world that does what the shell does: one resource, one Secret, an IAM user with two slots, one process.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::steps::{kind, name};

use keyspaces_credential_protocol::*;

pub(crate) const CONSISTENCY_WINDOW: SignedDuration = SignedDuration::from_mins(2);
pub(crate) const HOLD: SignedDuration = SignedDuration::from_mins(1);
pub(crate) const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
pub(crate) const RESYNC: SignedDuration = SignedDuration::from_hours(6);
pub(crate) const RECHECK: SignedDuration = SignedDuration::from_mins(10);

pub(crate) const SETTINGS: Settings =
    Settings { consistency_window: CONSISTENCY_WINDOW, hold: HOLD, resync: RESYNC, recheck: RECHECK };

/// The id number `number`, as IAM spells ids.
pub(crate) fn id(number: u64) -> CredentialId {
    CredentialId::parse(format!("ACCA{number:017}")).unwrap()
}

pub(crate) fn issued(number: u64, issued_at: Timestamp) -> Issued {
    let service_user_name = ServiceUserName::parse(format!("orders-app+{number}-at-111122223333")).unwrap();
    Issued { id: id(number), service_user_name, issued_at }
}

pub(crate) fn secret_name(text: &str) -> SecretName {
    SecretName::parse(text).unwrap()
}

/// What happens to the next effect of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before the effect.
    CrashBefore(&'static str),
    /// The process dies after the effect, before it learns of it.
    CrashAfter(&'static str),
    /// Create may have happened, and nobody will know: it did.
    CreateHappensUnseen,
    /// Create may have happened, and nobody will know: it did not.
    CreateIsLost,
    /// Reset may have happened, and nobody will know: it did.
    ResetHappensUnseen,
    /// The Secret is written and the reply is lost.
    PublishUnseen,
}

/// Everything outside `decide`.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub now: Timestamp,
    pub resource: Resource,
    /// The finalizer is off a deleted resource.
    pub gone: bool,
    pub grant: Grant,
    pub claim: Claim,
    /// The Secrets that are there.
    pub secrets: BTreeMap<SecretName, SecretFact>,
    /// Truth.
    pub iam: Vec<Listed>,
    /// How often the password of a credential was reset, in IAM.
    pub resets: BTreeMap<CredentialId, u32>,
    /// Which of these passwords the process holds, and which the Secret.
    pub held: u32,
    pub published_reset: u32,
    /// What List does not show yet.
    pub hidden: BTreeSet<CredentialId>,
    pub memory: Memory,
    pub next_id: u64,
    pub fault: Option<Fault>,
    /// Every id that was deleted from IAM, in order.
    pub deleted: Vec<CredentialId>,
    /// Those of them that did not log in from the Secret any more.
    pub dead: BTreeSet<CredentialId>,
}

impl World {
    /// A resource that was just applied.
    pub(crate) fn new() -> Self {
        Self {
            now: "2026-11-22T00:00:00Z".parse().unwrap(),
            resource: Resource {
                iam_user: IamUserName::parse("orders-app").unwrap(),
                created_at: "2026-11-22T00:00:00Z".parse().unwrap(),
                wanted_secret: secret_name("orders"),
                deleting: false,
                finalizer: false,
                suspended: false,
                deletion_policy: DeletionPolicy::Delete,
                foreign: ForeignPolicy::Keep,
                rotation: Rotation {
                    strategy: Strategy::Overlap,
                    interval: None,
                    overlap: OVERLAP,
                    inactive_for: SignedDuration::ZERO,
                    seed: 7,
                },
                retire: None,
                rotate: None,
                changed_since_failure: false,
                record: Record::default(),
            },
            gone: false,
            grant: Grant::Granted,
            claim: Claim::Won,
            secrets: BTreeMap::new(),
            iam: Vec::new(),
            resets: BTreeMap::new(),
            held: 0,
            published_reset: 0,
            hidden: BTreeSet::new(),
            memory: Memory::default(),
            next_id: 1,
            fault: None,
            deleted: Vec::new(),
            dead: BTreeSet::new(),
        }
    }

    /// A resource that is Ready with credential 1.
    pub(crate) fn ready() -> Self {
        let mut world = Self::new();
        world.run();
        assert_eq!(world.record().current.as_ref().map(|issued| issued.id.clone()), Some(id(1)));
        world.pass_time(SignedDuration::from_hours(24));
        world.run();
        world
    }

    /// Ready with credential 2, while credential 1 is in its overlap.
    pub(crate) fn rotated() -> Self {
        let mut world = Self::ready();
        world.resource.rotate = Some("now".to_owned());
        world.run();
        assert_eq!(world.record().retiring.as_ref().map(|retiring| retiring.id.clone()), Some(id(1)));
        world
    }

    pub(crate) fn record(&self) -> &Record {
        &self.resource.record
    }

    /// The Secret of the credential.
    pub(crate) fn secret(&self) -> SecretFact {
        self.secret_named(self.resource.secret_name())
    }

    fn secret_named(&self, name: &SecretName) -> SecretFact {
        self.secrets.get(name).cloned().unwrap_or(SecretFact::Absent)
    }

    /// Puts something in the place of the Secret of the credential.
    pub(crate) fn put(&mut self, secret: SecretFact) {
        self.secrets.insert(self.resource.secret_name().clone(), secret);
    }

    pub(crate) fn pass_time(&mut self, span: SignedDuration) {
        self.now += span;
    }

    /// Runs passes until the process waits, and says what it did.
    pub(crate) fn run(&mut self) -> Vec<String> {
        self.run_while(|_| true)
    }

    /// Runs until the planned fault has struck.
    pub(crate) fn run_until_fault(&mut self) -> Vec<String> {
        self.run_while(|world| world.fault.is_some())
    }

    /// Runs one pass.
    pub(crate) fn run_once(&mut self) -> Vec<String> {
        let mut observed = self.observe();
        let mut done = Vec::new();
        for _ in 0..200 {
            let step = decide(&observed, self.now);
            done.push(name(&step));
            if matches!(step, Step::Wait { .. }) || !self.perform(&mut observed, &step) {
                return done;
            }
        }
        panic!("the pass does not end: {done:?}");
    }

    fn run_while(&mut self, goes_on: impl Fn(&Self) -> bool) -> Vec<String> {
        let (mut done, mut pass) = (Vec::new(), None);
        for _ in 0..200 {
            if self.gone || !goes_on(self) {
                return done;
            }
            let mut observed = pass.take().unwrap_or_else(|| self.observe());
            let step = decide(&observed, self.now);
            done.push(name(&step));
            if let Step::Wait { until, .. } = step {
                assert!(until.is_none_or(|until| until > self.now), "nothing is waited for: {done:?}");
                self.memory.forget_dry_run();
                self.safe();
                return done;
            }
            let next = self.perform(&mut observed, &step);
            self.safe();
            pass = next.then_some(observed);
        }
        panic!("the process does not come to rest: {done:?}");
    }

    /// Runs, and lets time pass as `decide` asks, until it asks for nothing sooner than `patience`.
    pub(crate) fn run_for(&mut self, patience: SignedDuration) -> Vec<String> {
        let (deadline, mut done) = (self.now + patience, Vec::new());
        for _ in 0..10_000 {
            done.extend(self.run());
            let until = if self.gone { None } else { self.wait().0 };
            match until.filter(|until| *until <= deadline) {
                Some(until) => self.now = until.max(self.now + SignedDuration::from_millis(1)),
                None => return done,
            }
        }
        panic!("the process wakes again and again");
    }

    /// What the process waits for, and what it tells meanwhile.
    pub(crate) fn wait(&self) -> (Option<Timestamp>, Option<Report>) {
        let mut world = self.clone();
        let mut observed = world.observe();
        for _ in 0..200 {
            match decide(&observed, world.now) {
                Step::Wait { until, report } => return (until, report),
                step => {
                    if !world.perform(&mut observed, &step) {
                        observed = world.observe();
                    }
                }
            }
        }
        panic!("the process does not come to rest");
    }

    /// What the process tells while it waits.
    pub(crate) fn reported(&self) -> Report {
        self.wait().1.expect("it tells something")
    }

    pub(crate) fn reason(&self) -> Reason {
        self.reported().reason
    }

    fn observe(&self) -> Observed {
        Observed::new(self.resource.clone(), self.memory.clone(), SETTINGS)
    }

    fn struck(&mut self, fault: Fault) -> bool {
        let strikes = self.fault == Some(fault);
        if strikes {
            self.fault = None;
        }
        strikes
    }

    /// One step. What it does to the world is here, what it means for the facts is the core's own. False when the pass is over.
    fn perform(&mut self, observed: &mut Observed, step: &Step) -> bool {
        let kind = kind(step);
        if self.struck(Fault::CrashBefore(kind)) {
            self.memory = Memory::default();
            return false;
        }
        let outcome = self.effect(step);
        if self.struck(Fault::CrashAfter(kind)) {
            self.memory = Memory::default();
            return false;
        }
        let failed = matches!(outcome, Outcome::Failed(_));
        let next = observed.after(step, outcome);
        self.memory = observed.memory.clone();
        assert!(failed || observed.resource == self.resource, "the core and the world differ about {step:?}");
        next == Next::Decide && !failed
    }

    /// What a step does to the world.
    fn effect(&mut self, step: &Step) -> Outcome {
        match step {
            Step::ReadGrant => return Outcome::Grant(self.grant.clone()),
            Step::ReadClaims => return Outcome::Claim(self.claim.clone()),
            Step::ReadSecret(name) => return Outcome::Secret(self.secret_named(name)),
            Step::ListCredentials | Step::Resync => {
                let credentials = self.iam.iter().filter(|listed| !self.hidden.contains(&listed.id)).cloned().collect();
                return Outcome::Listing(Listing { credentials, taken_at: self.now, confirmed: false });
            }
            Step::AddFinalizer => self.resource.finalizer = true,
            Step::Record(update) => self.resource.record = update.record.clone(),
            Step::FenceSecret(epoch) => {
                self.secret_mut().fence = *epoch;
                return Outcome::Secret(self.secret());
            }
            Step::Create(_) => return self.create(),
            Step::Reset(_, id) => return self.reset(id),
            Step::CopySecret => {
                let mut copy = self.secret_mut().clone();
                copy.immutable = false;
                let copy = SecretFact::Ours(copy);
                self.secrets.insert(self.resource.wanted_secret.clone(), copy.clone());
                return Outcome::Secret(copy);
            }
            Step::DeleteFormerSecret(name) => {
                self.secrets.remove(name);
                return Outcome::Secret(SecretFact::Absent);
            }
            Step::Publish(epoch) => return self.publish(*epoch),
            Step::Render => {
                self.secret_mut().rendering = Rendering::Current;
                return Outcome::Secret(self.secret());
            }
            Step::DeleteCredential(id, _) => {
                if self.published().as_ref() == Some(id) && !self.works() {
                    self.dead.insert(id.clone());
                }
                self.iam.retain(|listed| listed.id != *id);
                self.deleted.push(id.clone());
                return Outcome::Deleted(Deleted::Now);
            }
            Step::Deactivate(id) => {
                self.iam.iter_mut().filter(|listed| listed.id == *id).for_each(|listed| listed.usable = Usable::No);
            }
            Step::ReleaseSecret => {
                self.put(SecretFact::NotOurs);
                return Outcome::Secret(SecretFact::NotOurs);
            }
            Step::RemoveFinalizer => {
                self.resource.finalizer = false;
                self.gone = true;
            }
            Step::ConfirmListing | Step::DryRun(_) | Step::StartOver | Step::Wait { .. } => {}
        }
        Outcome::Done
    }

    fn create(&mut self) -> Outcome {
        if self.iam.len() >= 2 {
            return Outcome::Failed(Class::Transient);
        }
        if self.struck(Fault::CreateIsLost) {
            return Outcome::Failed(Class::Ambiguous);
        }
        let issued = issued(self.next_id, self.now);
        self.next_id += 1;
        self.iam.push(Listed { id: issued.id.clone(), created_at: self.now, usable: Usable::Yes });
        self.held = 0;
        if self.struck(Fault::CreateHappensUnseen) {
            return Outcome::Failed(Class::Ambiguous);
        }
        Outcome::Issued { id: issued.id, service_user_name: issued.service_user_name, at: self.now }
    }

    fn reset(&mut self, id: &CredentialId) -> Outcome {
        let version = self.resets.entry(id.clone()).or_default();
        *version += 1;
        self.held = *version;
        if self.struck(Fault::ResetHappensUnseen) {
            return Outcome::Failed(Class::Ambiguous);
        }
        let Issued { id, service_user_name, .. } = self.issued(id);
        Outcome::Issued { id, service_user_name, at: self.now }
    }

    fn publish(&mut self, epoch: Epoch) -> Outcome {
        let in_hand = self.memory.in_hand().cloned().expect("only a password in hand can be published");
        let published = Published { credential: self.issued(&in_hand), epoch };
        self.published_reset = self.held;
        let rendering = Rendering::Current;
        self.put(SecretFact::Ours(OurSecret { published: Some(published), fence: epoch, rendering, immutable: false }));
        if self.struck(Fault::PublishUnseen) {
            return Outcome::Failed(Class::Transient);
        }
        Outcome::Secret(self.secret())
    }

    /// A credential as IAM issued it.
    fn issued(&self, id: &CredentialId) -> Issued {
        let number = (1..self.next_id).find(|number| crate::world::id(*number) == *id).expect("it was created");
        let created_at = self.iam.iter().find(|listed| listed.id == *id).map(|listed| listed.created_at);
        issued(number, created_at.unwrap_or(self.now))
    }

    /// The password in the Secret is the one that IAM has, and is not switched off.
    pub(crate) fn works(&self) -> bool {
        self.published().is_some_and(|id| {
            self.iam.iter().any(|listed| listed.id == id && listed.usable == Usable::Yes)
                && self.resets.get(&id).copied().unwrap_or_default() == self.published_reset
        })
    }

    pub(crate) fn secret_mut(&mut self) -> &mut OurSecret {
        let name = self.resource.secret_name().clone();
        match self.secrets.get_mut(&name) {
            Some(SecretFact::Ours(secret)) => secret,
            other => panic!("the Secret is not ours: {other:?}"),
        }
    }

    pub(crate) fn published(&self) -> Option<CredentialId> {
        self.secret().published().map(|published| published.credential.id.clone())
    }

    pub(crate) fn ids(&self) -> BTreeSet<CredentialId> {
        self.iam.iter().map(|listed| listed.id.clone()).collect()
    }

    /// Somebody else makes a credential.
    pub(crate) fn add_foreign(&mut self, number: u64) {
        self.iam.push(Listed { id: id(number), created_at: self.now, usable: Usable::Yes });
    }

    /// A published password is never destroyed by us, unless its resource is being deleted.
    fn safe(&self) {
        assert!(self.iam.len() <= 2, "IAM has two slots");
        if let Some(id) = self.published().filter(|id| !self.resource.deleting && !self.dead.contains(id)) {
            assert!(!self.deleted.contains(&id), "{id} was deleted while the Secret holds it");
        }
    }
}
