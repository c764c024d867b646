//! The facts in a small form, so that millions of states fit, and their translation to and from the protocol's types.
//!
//! Time is counted in ticks of ten minutes, which is more than [`protocol::CLOCK_SKEW`]; a credential is a number.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use keyspaces_credential_protocol as protocol;
use protocol::{CredentialId, Epoch, IamUserName, SecretName, ServiceUserName};

use crate::mutation::Mutation;
use crate::scenario::Scenario;

/// Logical time.
pub(crate) type Tick = u8;
/// A credential. The first is 1.
pub(crate) type Id = u8;
/// A set of credentials, a bit each.
pub(crate) type Ids = u32;
/// A password: how often that of its credential was reset before.
pub(crate) type Version = u8;
/// The name of a Secret: 0 or 1.
pub(crate) type Name = u8;

/// The largest number of credentials that a run can make.
pub(crate) const MOST_IDS: u8 = 24;
const SECONDS: i64 = 600;

/// The set of one.
pub(crate) const fn one(id: Id) -> Ids {
    1 << id
}

/// A credential that was issued to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Issued {
    pub(crate) id: Id,
    pub(crate) at: Tick,
}

/// `status.retiring`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Retiring {
    pub(crate) id: Id,
    pub(crate) since: Tick,
    pub(crate) inactive: bool,
}

/// How an operation gets a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Means {
    Create,
    Reset(Id),
}

/// `status.operation`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    pub(crate) epoch: u8,
    pub(crate) first_epoch: u8,
    pub(crate) purpose: protocol::Purpose,
    pub(crate) means: Means,
    pub(crate) secret_name: Name,
    pub(crate) rotate: Option<u8>,
    pub(crate) started_at: Tick,
    pub(crate) attempted_at: Tick,
    pub(crate) baseline: Ids,
}

/// `status.unresolved`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Unresolved {
    pub(crate) epoch: u8,
    pub(crate) baseline: Ids,
    pub(crate) started_at: Tick,
    pub(crate) until: Tick,
}

/// `status.resetInDoubt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ResetInDoubt {
    pub(crate) id: Id,
    pub(crate) until: Tick,
}

/// One of `status.formerSecrets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FormerSecret {
    pub(crate) name: Name,
    pub(crate) since: Tick,
}

/// Status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Recorded {
    pub(crate) credential: Option<Issued>,
    pub(crate) retiring: Option<Retiring>,
    pub(crate) operation: Option<Operation>,
    pub(crate) completed: u8,
    pub(crate) handled_rotate: Option<u8>,
    pub(crate) unresolved: Option<Unresolved>,
    pub(crate) reset_in_doubt: Option<ResetInDoubt>,
    pub(crate) binding: Option<Name>,
    pub(crate) former_secrets: Vec<FormerSecret>,
}

/// The resource as the API server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Object {
    pub(crate) deleting: bool,
    pub(crate) finalizer: bool,
    pub(crate) suspended: bool,
    pub(crate) wanted_secret: Name,
    pub(crate) rotate: Option<u8>,
    pub(crate) recorded: Recorded,
}

/// What the Secret holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Published {
    pub(crate) credential: Issued,
    pub(crate) version: Version,
    pub(crate) epoch: u8,
}

/// The Secret as the API server has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Secret {
    /// Controlled by the resource.
    pub(crate) ours: bool,
    pub(crate) published: Option<Published>,
    pub(crate) fence: u8,
}

/// A reply of List.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Listing {
    pub(crate) shown: Vec<Issued>,
    /// Which of them are switched off.
    pub(crate) inactive: Ids,
    pub(crate) taken_at: Tick,
    /// The Secret was read again after it.
    pub(crate) secret_seen: bool,
    pub(crate) confirmed: bool,
}

/// A credential whose password this process alone knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Held {
    pub(crate) credential: Issued,
    pub(crate) version: Version,
    pub(crate) since: Tick,
    pub(crate) secret_name: Name,
}

/// How far an attempt of a process came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Begun,
    Preflighted,
    InHand(Held),
}

/// What a process remembers between passes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Memory {
    pub(crate) attempt: Option<(u8, Stage)>,
    pub(crate) listed_at: Option<Tick>,
    pub(crate) sighting: Sighting,
}

/// How IAM last showed the current credential.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Sighting {
    #[default]
    NotSeen,
    Usable,
    Missing(Id, Tick),
}

static NAMES: LazyLock<Vec<(CredentialId, ServiceUserName)>> = LazyLock::new(|| {
    let name = |id: u8| {
        let spelt = CredentialId::parse(format!("ACCA{id:017}")).expect("a valid id");
        (spelt, ServiceUserName::parse(format!("orders-app+{id}-at-111122223333")).expect("a valid user name"))
    };
    (0..=MOST_IDS).map(name).collect()
});
static USER: LazyLock<IamUserName> = LazyLock::new(|| IamUserName::parse("orders-app").expect("a valid user name"));

static SECRETS: LazyLock<[SecretName; 2]> =
    LazyLock::new(|| ["orders", "renamed"].map(|name| SecretName::parse(name).expect("a valid name of a Secret")));

/// The protocol's name of a credential.
pub(crate) fn spelt(id: Id) -> CredentialId {
    NAMES[usize::from(id)].0.clone()
}

/// The number of a credential.
pub(crate) fn number(id: &CredentialId) -> Id {
    id.as_str()[4..].parse().expect("an id of this model")
}

/// The time of a tick.
pub(crate) fn time(tick: Tick) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::from(tick) * SECONDS)
}

/// A number of ticks.
pub(crate) fn span(ticks: Tick) -> SignedDuration {
    SignedDuration::from_secs(i64::from(ticks) * SECONDS)
}

/// The first tick at or after a time.
pub(crate) fn tick(time: Timestamp) -> Tick {
    u8::try_from((time.as_second() + SECONDS - 1) / SECONDS).expect("a time of this model")
}

/// The protocol's name of a Secret.
pub(crate) fn secret_name(name: Name) -> SecretName {
    SECRETS[usize::from(name)].clone()
}

/// The Secret of a name.
pub(crate) fn secret_number(name: &SecretName) -> Name {
    u8::from(*name != SECRETS[0])
}

fn epoch(epoch: Epoch) -> u8 {
    u8::try_from(epoch.0).expect("an epoch of this model")
}

/// The protocol's names of a set of credentials.
pub(crate) fn set(ids: Ids) -> BTreeSet<CredentialId> {
    (0..=MOST_IDS).filter(|id| ids & one(*id) != 0).map(spelt).collect()
}

fn mask(ids: &BTreeSet<CredentialId>) -> Ids {
    ids.iter().map(|id| one(number(id))).sum()
}

fn value(text: Option<&String>) -> Option<u8> {
    text.map(|text| text.parse().expect("a value of this model"))
}

impl Issued {
    pub(crate) fn out(self) -> protocol::Issued {
        let service_user_name = NAMES[usize::from(self.id)].1.clone();
        protocol::Issued { id: spelt(self.id), service_user_name, issued_at: time(self.at) }
    }

    pub(crate) fn of(issued: &protocol::Issued) -> Self {
        Self { id: number(&issued.id), at: tick(issued.issued_at) }
    }
}

impl Operation {
    pub(crate) fn out(&self) -> protocol::Operation {
        protocol::Operation {
            epoch: Epoch(self.epoch.into()),
            first_epoch: Epoch(self.first_epoch.into()),
            purpose: self.purpose,
            means: match self.means {
                Means::Create => protocol::Means::Create,
                Means::Reset(id) => protocol::Means::Reset(spelt(id)),
            },
            secret_name: secret_name(self.secret_name),
            rotate: self.rotate.map(|value| value.to_string()),
            started_at: time(self.started_at),
            attempted_at: time(self.attempted_at),
            baseline: set(self.baseline),
        }
    }

    pub(crate) fn of(operation: &protocol::Operation) -> Self {
        Self {
            epoch: epoch(operation.epoch),
            first_epoch: epoch(operation.first_epoch),
            purpose: operation.purpose,
            means: match &operation.means {
                protocol::Means::Create => Means::Create,
                protocol::Means::Reset(id) => Means::Reset(number(id)),
            },
            secret_name: secret_number(&operation.secret_name),
            rotate: value(operation.rotate.as_ref()),
            started_at: tick(operation.started_at),
            attempted_at: tick(operation.attempted_at),
            baseline: mask(&operation.baseline),
        }
    }
}

impl Unresolved {
    pub(crate) fn out(&self) -> protocol::Unresolved {
        protocol::Unresolved {
            epoch: Epoch(self.epoch.into()),
            baseline: set(self.baseline),
            started_at: time(self.started_at),
            until: time(self.until),
        }
    }

    pub(crate) fn of(unresolved: &protocol::Unresolved) -> Self {
        Self {
            epoch: epoch(unresolved.epoch),
            baseline: mask(&unresolved.baseline),
            started_at: tick(unresolved.started_at),
            until: tick(unresolved.until),
        }
    }
}

impl ResetInDoubt {
    pub(crate) fn of(doubt: &protocol::ResetInDoubt) -> Self {
        Self { id: number(&doubt.id), until: tick(doubt.until) }
    }
}

impl FormerSecret {
    pub(crate) fn of(former: &protocol::FormerSecret) -> Self {
        Self { name: secret_number(&former.name), since: tick(former.since) }
    }
}

impl Recorded {
    pub(crate) fn out(&self) -> protocol::Recorded {
        let retiring = self.retiring.map(|retiring| protocol::Retiring {
            id: spelt(retiring.id),
            service_user_name: NAMES[usize::from(retiring.id)].1.clone(),
            since: time(retiring.since),
            stage: if retiring.inactive { protocol::RetiringStage::Inactive } else { protocol::RetiringStage::Active },
            published: None,
        });
        protocol::Recorded {
            credential: self.credential.map(Issued::out),
            retiring,
            operation: self.operation.as_ref().map(Operation::out),
            completed: Epoch(self.completed.into()),
            // Nobody puts an old Secret back in the model.
            published: None,
            handled_rotate: self.handled_rotate.map(|value| value.to_string()),
            rotated_at: None,
            unresolved: self.unresolved.as_ref().map(Unresolved::out),
            reset_in_doubt: self
                .reset_in_doubt
                .map(|doubt| protocol::ResetInDoubt { id: spelt(doubt.id), until: time(doubt.until) }),
            former_secrets: self
                .former_secrets
                .iter()
                .map(|former| protocol::FormerSecret { name: secret_name(former.name), since: time(former.since) })
                .collect(),
            failures: None,
        }
    }

    /// What it calls current and retiring.
    pub(crate) fn known(&self) -> Ids {
        let current = self.credential.map_or(0, |current| one(current.id));
        current | self.retiring.map_or(0, |retiring| one(retiring.id))
    }

    /// Takes in what completing an operation leaves in status. The Secret that it was published to is the one from now on.
    pub(crate) fn complete(&mut self, completion: &protocol::Completion, binding: Name) {
        *self = Self {
            credential: Some(Issued::of(&completion.credential)),
            retiring: completion.retiring.as_ref().map(|one| Retiring {
                id: number(&one.id),
                since: tick(one.since),
                inactive: one.stage == protocol::RetiringStage::Inactive,
            }),
            operation: None,
            completed: epoch(completion.completed),
            handled_rotate: value(completion.handled_rotate.as_ref()),
            unresolved: completion.unresolved.as_ref().map(Unresolved::of),
            reset_in_doubt: completion.reset_in_doubt.as_ref().map(ResetInDoubt::of),
            binding: Some(binding),
            former_secrets: std::mem::take(&mut self.former_secrets),
        };
    }
}

impl Object {
    /// The Secret that the open operation publishes to, or the last one did.
    pub(crate) fn secret_name(&self, scenario: &Scenario) -> Name {
        let by_operation = self.recorded.operation.as_ref().map(|operation| match scenario.mutation {
            Some(Mutation::FollowWantedSecret) => self.wanted_secret,
            _ => operation.secret_name,
        });
        by_operation.or(self.recorded.binding).unwrap_or(self.wanted_secret)
    }

    pub(crate) fn out(&self, scenario: &Scenario) -> protocol::Resource {
        protocol::Resource {
            iam_user: USER.clone(),
            created_at: time(0),
            secret_name: secret_name(self.secret_name(scenario)),
            wanted_secret_name: secret_name(self.wanted_secret),
            deleting: self.deleting,
            finalizer: self.finalizer,
            suspended: self.suspended,
            deletion_policy: scenario.policy,
            foreign: scenario.foreign,
            rotation: protocol::Rotation {
                strategy: scenario.strategy,
                interval: None,
                overlap: span(scenario.overlap),
                inactive_for: span(scenario.inactive_for),
                seed: 0,
            },
            retire: None,
            rotate: self.rotate.map(|value| value.to_string()),
            changed_since_failure: false,
            recorded: self.recorded.out(),
        }
    }
}

/// A Secret, or none, as `decide` sees it.
pub(crate) fn secret_out(secret: Option<Secret>) -> protocol::SecretFact {
    match secret {
        None => protocol::SecretFact::Absent,
        Some(Secret { ours: false, .. }) => protocol::SecretFact::NotOurs,
        Some(secret) => protocol::SecretFact::Ours(protocol::OurSecret {
            published: secret.published.map(|published| protocol::Published {
                credential: published.credential.out(),
                epoch: Epoch(published.epoch.into()),
            }),
            fence: Epoch(secret.fence.into()),
            rendering: protocol::Rendering::Current,
            immutable: false,
        }),
    }
}

impl Listing {
    pub(crate) fn out(&self) -> protocol::Listing {
        let listed = |issued: &Issued| protocol::Listed {
            id: spelt(issued.id),
            created_at: time(issued.at),
            usable: if self.inactive & one(issued.id) == 0 { protocol::Usable::Yes } else { protocol::Usable::No },
        };
        protocol::Listing {
            credentials: self.shown.iter().map(listed).collect(),
            taken_at: time(self.taken_at),
            confirmed: self.confirmed,
        }
    }
}

impl Memory {
    pub(crate) fn out(&self) -> protocol::Memory {
        let attempt = self.attempt.map(|(epoch, stage)| protocol::Attempt {
            epoch: Epoch(epoch.into()),
            stage: match stage {
                Stage::Begun => protocol::Stage::Begun,
                Stage::Preflighted => protocol::Stage::Preflighted,
                Stage::InHand(held) => {
                    protocol::Stage::InHand { id: spelt(held.credential.id), since: time(held.since) }
                }
            },
        });
        let sighting = match self.sighting {
            Sighting::NotSeen => protocol::Sighting::NotSeen,
            Sighting::Usable => protocol::Sighting::Usable,
            Sighting::Missing(id, since) => protocol::Sighting::Missing { id: spelt(id), since: time(since) },
        };
        protocol::Memory { attempt, listed_at: self.listed_at.map(time), sighting }
    }

    /// Takes in a listing by the protocol's own rule.
    pub(crate) fn learn(&mut self, listing: &Listing, current: Option<Issued>, settle: Tick) {
        let mut memory = self.out();
        memory.learn(&listing.out(), current.map(Issued::out).as_ref(), span(settle));
        self.listed_at = memory.listed_at.map(tick);
        self.sighting = match memory.sighting {
            protocol::Sighting::NotSeen => Sighting::NotSeen,
            protocol::Sighting::Usable | protocol::Sighting::Unusable(_) => Sighting::Usable,
            protocol::Sighting::Missing { id, since } => Sighting::Missing(number(&id), tick(since)),
        };
    }

    /// The credential whose password this process alone knows.
    pub(crate) fn in_hand(&self) -> Option<Held> {
        match self.attempt {
            Some((_, Stage::InHand(held))) => Some(held),
            _ => None,
        }
    }
}
