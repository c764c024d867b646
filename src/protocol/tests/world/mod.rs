//! A small world that does what the shell does: one resource, one Secret, an IAM user with two slots, one process.

mod words;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

pub(crate) use words::{kind, name};

use crate::*;

pub(crate) const SETTLE: SignedDuration = SignedDuration::from_mins(2);
pub(crate) const HOLD: SignedDuration = SignedDuration::from_mins(1);
pub(crate) const OVERLAP: SignedDuration = SignedDuration::from_hours(1);
pub(crate) const RESYNC: SignedDuration = SignedDuration::from_hours(6);
pub(crate) const RECHECK: SignedDuration = SignedDuration::from_mins(10);

pub(crate) const SETTINGS: Settings = Settings { settle: SETTLE, hold: HOLD, resync: RESYNC, recheck: RECHECK };

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
    pub secret: SecretFact,
    /// The Secrets of other names.
    pub others: BTreeMap<SecretName, SecretFact>,
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
                secret_name: secret_name("orders"),
                wanted_secret_name: secret_name("orders"),
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
                recorded: Recorded::default(),
            },
            gone: false,
            grant: Grant::Granted,
            claim: Claim::Won,
            secret: SecretFact::Absent,
            others: BTreeMap::new(),
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
        assert_eq!(world.recorded().credential.as_ref().map(|issued| issued.id.clone()), Some(id(1)));
        world.pass_time(SignedDuration::from_hours(24));
        world.run();
        world
    }

    /// Ready with credential 2, while credential 1 is in its overlap.
    pub(crate) fn rotated() -> Self {
        let mut world = Self::ready();
        world.resource.rotate = Some("now".to_owned());
        world.run();
        assert_eq!(world.recorded().retiring.as_ref().map(|retiring| retiring.id.clone()), Some(id(1)));
        world
    }

    pub(crate) fn recorded(&self) -> &Recorded {
        &self.resource.recorded
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
        loop {
            let step = decide(&observed, self.now);
            done.push(name(&step));
            if matches!(step, Step::Wait { .. }) || !self.perform(&mut observed, step) {
                return done;
            }
        }
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
            let next = self.perform(&mut observed, step);
            self.safe();
            pass = next.then_some(observed);
        }
        panic!("the process does not come to rest: {done:?}");
    }

    /// Runs, and lets time pass as `decide` asks, until it asks for nothing sooner than `patience`.
    pub(crate) fn run_for(&mut self, patience: SignedDuration) -> Vec<String> {
        let (deadline, mut done) = (self.now + patience, Vec::new());
        loop {
            done.extend(self.run());
            let until = if self.gone { None } else { self.wait().0 };
            match until.filter(|until| *until <= deadline) {
                Some(until) => self.now = until.max(self.now + SignedDuration::from_millis(1)),
                None => return done,
            }
        }
    }

    /// What the process waits for, and what it tells meanwhile.
    pub(crate) fn wait(&self) -> (Option<Timestamp>, Verdict) {
        let mut world = self.clone();
        let mut observed = world.observe();
        loop {
            match decide(&observed, world.now) {
                Step::Wait { until, verdict } => return (until, verdict),
                step => {
                    if !world.perform(&mut observed, step) {
                        observed = world.observe();
                    }
                }
            }
        }
    }

    pub(crate) fn reason(&self) -> Reason {
        self.wait().1.reason
    }

    fn observe(&self) -> Observed {
        Observed {
            resource: self.resource.clone(),
            grant: None,
            claim: None,
            secret: None,
            others: BTreeMap::new(),
            copied: BTreeSet::new(),
            listing: None,
            removed: BTreeSet::new(),
            deactivated: BTreeSet::new(),
            memory: self.memory.clone(),
            settings: SETTINGS,
        }
    }

    fn struck(&mut self, fault: Fault) -> bool {
        let strikes = self.fault == Some(fault);
        if strikes {
            self.fault = None;
        }
        strikes
    }

    /// One step, as the shell performs it. False when the pass is over.
    fn perform(&mut self, observed: &mut Observed, step: Step) -> bool {
        let kind = kind(&step);
        if self.struck(Fault::CrashBefore(kind)) {
            self.memory = Memory::default();
            return false;
        }
        let goes_on = self.effect(observed, step);
        if self.struck(Fault::CrashAfter(kind)) {
            self.memory = Memory::default();
            return false;
        }
        observed.resource = self.resource.clone();
        observed.memory = self.memory.clone();
        goes_on
    }

    fn effect(&mut self, observed: &mut Observed, step: Step) -> bool {
        match step {
            Step::ReadGrant => observed.grant = Some(self.grant.clone()),
            Step::ReadClaims => observed.claim = Some(self.claim.clone()),
            Step::ReadSecret => observed.secret = Some(self.secret.clone()),
            Step::ListCredentials | Step::Resync => {
                let credentials = self.iam.iter().filter(|listed| !self.hidden.contains(&listed.id)).cloned().collect();
                let listing = Listing { credentials, taken_at: self.now, confirmed: false };
                self.memory.learn(&listing, self.resource.recorded.credential.as_ref(), SETTLE);
                observed.listing = Some(listing);
            }
            Step::ConfirmListing => observed.listing.as_mut().unwrap().confirmed = true,
            Step::AddFinalizer => self.resource.finalizer = true,
            Step::BeginOperation(operation) => {
                self.memory.attempt = Some(Attempt { epoch: operation.epoch, stage: Stage::Begun });
                self.resource.recorded.operation = Some(operation);
                observed.claim = None;
            }
            Step::FenceSecret(epoch) => {
                self.secret_mut().fence = epoch;
                observed.secret = Some(self.secret.clone());
            }
            Step::VoidEarlier(epoch) => self.resource.recorded.completed = epoch,
            Step::Preflight(epoch) => self.memory.attempt = Some(Attempt { epoch, stage: Stage::Preflighted }),
            Step::Create(epoch) => return self.create(epoch),
            Step::Reset(epoch, id) => return self.reset(epoch, id),
            Step::ReadOther(name) => {
                let fact = self.others.get(&name).cloned().unwrap_or(SecretFact::Absent);
                observed.others.insert(name, fact);
            }
            Step::AnnounceCopy(former) => self.resource.recorded.former_secrets = former,
            Step::CopySecret => {
                let name = self.resource.wanted_secret_name.clone();
                let mut copy = self.secret_mut().clone();
                copy.immutable = false;
                let copy = SecretFact::Ours(copy);
                self.others.insert(name.clone(), copy.clone());
                observed.others.insert(name.clone(), copy);
                observed.copied.insert(name);
            }
            Step::Move(former) => return self.relocate(former),
            Step::DeleteFormer(name) => {
                self.others.remove(&name);
                observed.others.insert(name, SecretFact::Absent);
            }
            Step::ForgetFormer(name) => self.resource.recorded.former_secrets.retain(|former| former.name != name),
            Step::Publish(epoch) => return self.publish(observed, epoch),
            Step::Complete(completion) => self.complete(completion),
            Step::Abandon(settlement) => {
                self.resource.recorded.operation = None;
                self.resource.recorded.completed = settlement.completed;
                self.resource.recorded.unresolved = settlement.unresolved;
                self.resource.recorded.reset_in_doubt = settlement.reset_in_doubt;
            }
            Step::Rerender => {
                self.secret_mut().rendering = Rendering::Current;
                observed.secret = Some(self.secret.clone());
            }
            Step::DeleteCredential(id, _) => {
                if self.published().as_ref() == Some(&id) && !self.works() {
                    self.dead.insert(id.clone());
                }
                self.iam.retain(|listed| listed.id != id);
                if self.in_hand() == Some(&id) {
                    self.memory.attempt = None;
                }
                self.deleted.push(id.clone());
                observed.removed.insert(id);
            }
            Step::Deactivate(id) => {
                self.iam.iter_mut().filter(|listed| listed.id == id).for_each(|listed| listed.usable = Usable::No);
                observed.deactivated.insert(id);
            }
            Step::RecordInactive => self.resource.recorded.retiring.as_mut().unwrap().stage = RetiringStage::Inactive,
            Step::ForgetRetiring => self.resource.recorded.retiring = None,
            Step::Settle => self.resource.recorded.unresolved = None,
            Step::ReleaseSecret => {
                self.secret = SecretFact::NotOurs;
                observed.secret = Some(self.secret.clone());
            }
            Step::RemoveFinalizer => {
                self.resource.finalizer = false;
                self.gone = true;
                return false;
            }
            Step::StartOver | Step::Wait { .. } => return false,
        }
        true
    }

    fn create(&mut self, epoch: Epoch) -> bool {
        if self.iam.len() >= 2 {
            self.memory.attempt = Some(Attempt { epoch, stage: Stage::Begun });
            return false;
        }
        if self.struck(Fault::CreateIsLost) {
            self.memory.attempt = None;
            return false;
        }
        let id = id(self.next_id);
        self.next_id += 1;
        self.iam.push(Listed { id: id.clone(), created_at: self.now, usable: Usable::Yes });
        self.held = 0;
        let unseen = self.struck(Fault::CreateHappensUnseen);
        self.memory.attempt = (!unseen).then_some(Attempt { epoch, stage: Stage::InHand { id, since: self.now } });
        false
    }

    fn reset(&mut self, epoch: Epoch, id: CredentialId) -> bool {
        let version = self.resets.entry(id.clone()).or_default();
        *version += 1;
        self.held = *version;
        let unseen = self.struck(Fault::ResetHappensUnseen);
        self.memory.attempt = (!unseen).then_some(Attempt { epoch, stage: Stage::InHand { id, since: self.now } });
        false
    }

    /// Status names the wanted Secret from now on.
    fn relocate(&mut self, former: Vec<FormerSecret>) -> bool {
        let wanted = self.resource.wanted_secret_name.clone();
        let left = std::mem::replace(&mut self.resource.secret_name, wanted.clone());
        let new = self.others.remove(&wanted).unwrap_or(SecretFact::Absent);
        let old = std::mem::replace(&mut self.secret, new);
        self.others.insert(left, old);
        self.resource.recorded.former_secrets = former;
        false
    }

    /// The password in the Secret is the one that IAM has, and is not switched off.
    pub(crate) fn works(&self) -> bool {
        self.published().is_some_and(|id| {
            self.iam.iter().any(|listed| listed.id == id && listed.usable == Usable::Yes)
                && self.resets.get(&id).copied().unwrap_or_default() == self.published_reset
        })
    }

    fn publish(&mut self, observed: &mut Observed, epoch: Epoch) -> bool {
        let in_hand = self.in_hand().cloned().expect("only a password in hand can be published");
        let number = (1..self.next_id).find(|number| id(*number) == in_hand).expect("it was created");
        let created_at = self.iam.iter().find(|listed| listed.id == in_hand).map(|listed| listed.created_at);
        let credential = issued(number, created_at.unwrap_or(self.now));
        self.published_reset = self.held;
        self.secret = SecretFact::Ours(OurSecret {
            published: Some(Published { credential, epoch }),
            fence: epoch,
            rendering: Rendering::Current,
            immutable: false,
        });
        observed.secret = Some(self.secret.clone());
        !self.struck(Fault::PublishUnseen)
    }

    fn complete(&mut self, completion: Completion) {
        if self.in_hand().is_none_or(|id| *id == completion.credential.id) {
            self.memory.attempt = None;
        }
        self.resource.recorded = Recorded {
            reset_in_doubt: completion.reset_in_doubt,
            former_secrets: std::mem::take(&mut self.resource.recorded.former_secrets),
            rotated_at: Some(completion.rotated_at),
            credential: Some(completion.credential),
            retiring: completion.retiring,
            operation: None,
            completed: completion.completed,
            published: Some(completion.published),
            handled_rotate: completion.handled_rotate,
            unresolved: completion.unresolved,
            failures: None,
        };
    }

    fn in_hand(&self) -> Option<&CredentialId> {
        match &self.memory.attempt {
            Some(Attempt { stage: Stage::InHand { id, .. }, .. }) => Some(id),
            _ => None,
        }
    }

    pub(crate) fn secret_mut(&mut self) -> &mut OurSecret {
        match &mut self.secret {
            SecretFact::Ours(secret) => secret,
            other => panic!("the Secret is not ours: {other:?}"),
        }
    }

    pub(crate) fn published(&self) -> Option<CredentialId> {
        match &self.secret {
            SecretFact::Ours(secret) => secret.published.as_ref().map(|published| published.credential.id.clone()),
            SecretFact::Absent | SecretFact::NotOurs => None,
        }
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
