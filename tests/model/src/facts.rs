//! The facts in a small form, so that millions of states fit: `out` translates them to the protocol's types, and `of` back.
//!
//! Time is counted in ticks of ten minutes, which is more than [`protocol::CLOCK_SKEW`]. A credential is a number.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use keyspaces_credential_protocol as protocol;
use protocol::{CredentialId, Epoch, IamUserName, RetiringStage, SecretFact, SecretName, ServiceUserName, Usable};

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

/// The replaced credential.
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

/// The open operation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Operation {
    pub(crate) epoch: u8,
    pub(crate) first_epoch: u8,
    pub(crate) purpose: protocol::Purpose,
    pub(crate) means: Means,
    pub(crate) secret_name: Name,
    pub(crate) rotate: Option<u8>,
    pub(crate) from: Tick,
    pub(crate) attempted_at: Tick,
    pub(crate) baseline: Ids,
}

/// The window of an operation that is over.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Window {
    pub(crate) epoch: u8,
    pub(crate) baseline: Ids,
    pub(crate) from: Tick,
    pub(crate) end: Tick,
}

/// A reset that may still land.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ResetInDoubt {
    pub(crate) id: Id,
    pub(crate) until: Tick,
}

/// A Secret that was moved from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FormerSecret {
    pub(crate) name: Name,
    pub(crate) since: Tick,
}

/// What the protocol remembers of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Record {
    pub(crate) current: Option<Issued>,
    pub(crate) retiring: Option<Retiring>,
    pub(crate) operation: Option<Operation>,
    pub(crate) closed: u8,
    pub(crate) window: Option<Window>,
    pub(crate) reset_in_doubt: Option<ResetInDoubt>,
    pub(crate) secret_name: Option<Name>,
    pub(crate) former_secrets: Vec<FormerSecret>,
    pub(crate) handled_rotate: Option<u8>,
}

/// The resource as the API server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Object {
    pub(crate) deleting: bool,
    pub(crate) finalizer: bool,
    pub(crate) suspended: bool,
    pub(crate) wanted_secret: Name,
    pub(crate) rotate: Option<u8>,
    pub(crate) record: Record,
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
    pub(crate) confirmed: bool,
}

/// How far an attempt of a process came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Begun,
    DryRun,
    InHand { id: Id, since: Tick },
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

/// The user name that logs in with a credential.
pub(crate) fn user_name(id: Id) -> ServiceUserName {
    NAMES[usize::from(id)].1.clone()
}

/// The number of a credential.
pub(crate) fn number(id: &CredentialId) -> Id {
    id.as_str()[4..].parse().expect("an id of this model")
}

/// The time of a tick.
pub(crate) fn time(tick: Tick) -> Timestamp {
    Timestamp::UNIX_EPOCH + span(tick)
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
pub(crate) fn secret_name(name: Name) -> &'static SecretName {
    &SECRETS[usize::from(name)]
}

/// The Secret of a name.
pub(crate) fn secret_number(name: &SecretName) -> Name {
    u8::from(*name != SECRETS[0])
}

/// The number of an attempt.
pub(crate) fn small(epoch: Epoch) -> u8 {
    u8::try_from(epoch.0).expect("an epoch of this model")
}

/// The protocol's names of a set of credentials.
pub(crate) fn set(ids: Ids) -> BTreeSet<CredentialId> {
    (0..=MOST_IDS).filter(|id| ids & one(*id) != 0).map(spelt).collect()
}

/// The set of these credentials.
pub(crate) fn mask<'a>(ids: impl IntoIterator<Item = &'a CredentialId>) -> Ids {
    ids.into_iter().map(|id| one(number(id))).sum()
}

fn value(text: Option<&String>) -> Option<u8> {
    text.map(|text| text.parse().expect("a value of this model"))
}

impl Issued {
    pub(crate) fn out(self) -> protocol::Issued {
        protocol::Issued { id: spelt(self.id), service_user_name: user_name(self.id), issued_at: time(self.at) }
    }

    pub(crate) fn of(issued: &protocol::Issued) -> Self {
        Self { id: number(&issued.id), at: tick(issued.issued_at) }
    }
}

impl Operation {
    fn out(&self) -> protocol::Operation {
        protocol::Operation {
            epoch: Epoch(self.epoch.into()),
            first_epoch: Epoch(self.first_epoch.into()),
            purpose: self.purpose,
            means: match self.means {
                Means::Create => protocol::Means::Create,
                Means::Reset(id) => protocol::Means::Reset(spelt(id)),
            },
            secret_name: secret_name(self.secret_name).clone(),
            rotate: self.rotate.map(|value| value.to_string()),
            from: time(self.from),
            attempted_at: time(self.attempted_at),
            baseline: set(self.baseline),
        }
    }

    fn of(operation: &protocol::Operation) -> Self {
        Self {
            epoch: small(operation.epoch),
            first_epoch: small(operation.first_epoch),
            purpose: operation.purpose,
            means: match &operation.means {
                protocol::Means::Create => Means::Create,
                protocol::Means::Reset(id) => Means::Reset(number(id)),
            },
            secret_name: secret_number(&operation.secret_name),
            rotate: value(operation.rotate.as_ref()),
            from: tick(operation.from),
            attempted_at: tick(operation.attempted_at),
            baseline: mask(&operation.baseline),
        }
    }
}

impl Record {
    fn out(&self) -> protocol::Record {
        protocol::Record {
            current: self.current.map(Issued::out),
            // Nobody puts an old Secret back in the model.
            published_by: None,
            retiring: self.retiring.map(|retiring| protocol::Retiring {
                id: spelt(retiring.id),
                service_user_name: user_name(retiring.id),
                since: time(retiring.since),
                stage: if retiring.inactive { RetiringStage::Inactive } else { RetiringStage::Active },
                published_by: None,
            }),
            operation: self.operation.as_ref().map(Operation::out),
            closed: Epoch(self.closed.into()),
            window: self.window.as_ref().map(|window| protocol::Window {
                epoch: Epoch(window.epoch.into()),
                baseline: set(window.baseline),
                from: time(window.from),
                end: time(window.end),
            }),
            reset_in_doubt: self
                .reset_in_doubt
                .map(|doubt| protocol::ResetInDoubt { id: spelt(doubt.id), until: time(doubt.until) }),
            secret_name: self.secret_name.map(secret_name).cloned(),
            former_secrets: self
                .former_secrets
                .iter()
                .map(|former| protocol::FormerSecret {
                    name: secret_name(former.name).clone(),
                    since: time(former.since),
                })
                .collect(),
            handled_rotate: self.handled_rotate.map(|value| value.to_string()),
            rotated_at: None,
            failures: None,
        }
    }

    pub(crate) fn of(record: &protocol::Record) -> Self {
        Self {
            current: record.current.as_ref().map(Issued::of),
            retiring: record.retiring.as_ref().map(|retiring| Retiring {
                id: number(&retiring.id),
                since: tick(retiring.since),
                inactive: retiring.stage == RetiringStage::Inactive,
            }),
            operation: record.operation.as_ref().map(Operation::of),
            closed: small(record.closed),
            window: record.window.as_ref().map(|window| Window {
                epoch: small(window.epoch),
                baseline: mask(&window.baseline),
                from: tick(window.from),
                end: tick(window.end),
            }),
            reset_in_doubt: record
                .reset_in_doubt
                .as_ref()
                .map(|doubt| ResetInDoubt { id: number(&doubt.id), until: tick(doubt.until) }),
            secret_name: record.secret_name.as_ref().map(secret_number),
            former_secrets: record
                .former_secrets
                .iter()
                .map(|former| FormerSecret { name: secret_number(&former.name), since: tick(former.since) })
                .collect(),
            handled_rotate: value(record.handled_rotate.as_ref()),
        }
    }

    /// What it calls current and retiring.
    pub(crate) fn known(&self) -> Ids {
        let current = self.current.map_or(0, |current| one(current.id));
        current | self.retiring.map_or(0, |retiring| one(retiring.id))
    }

    /// An operation or a window is open.
    pub(crate) fn is_open(&self) -> bool {
        self.operation.is_some() || self.window.is_some()
    }
}

impl Object {
    /// The Secret of the credential, as [`protocol::Resource::secret_name`] says it.
    pub(crate) fn secret_name(&self) -> Name {
        let by_operation = self.record.operation.as_ref().map(|operation| operation.secret_name);
        by_operation.or(self.record.secret_name).unwrap_or(self.wanted_secret)
    }

    pub(crate) fn out(&self, scenario: &Scenario) -> protocol::Resource {
        protocol::Resource {
            iam_user: USER.clone(),
            created_at: time(0),
            wanted_secret: secret_name(self.wanted_secret).clone(),
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
            rotate: self.rotate.map(|value| value.to_string()),
            retire: None,
            changed_since_failure: false,
            record: self.record.out(),
        }
    }
}

/// A Secret, or none, as `decide` sees it.
pub(crate) fn secret_out(secret: Option<Secret>) -> SecretFact {
    match secret {
        None => SecretFact::Absent,
        Some(Secret { ours: false, .. }) => SecretFact::NotOurs,
        Some(secret) => SecretFact::Ours(protocol::OurSecret {
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
            usable: if self.inactive & one(issued.id) == 0 { Usable::Yes } else { Usable::No },
        };
        protocol::Listing {
            credentials: self.shown.iter().map(listed).collect(),
            taken_at: time(self.taken_at),
            confirmed: self.confirmed,
        }
    }

    pub(crate) fn of(listing: &protocol::Listing) -> Self {
        let off = listing.credentials.iter().filter(|listed| listed.usable != Usable::Yes);
        let issued = |listed: &protocol::Listed| Issued { id: number(&listed.id), at: tick(listed.created_at) };
        Self {
            shown: listing.credentials.iter().map(issued).collect(),
            inactive: mask(off.map(|listed| &listed.id)),
            taken_at: tick(listing.taken_at),
            confirmed: listing.confirmed,
        }
    }
}

impl Memory {
    pub(crate) fn out(&self) -> protocol::Memory {
        let attempt = self.attempt.map(|(epoch, stage)| protocol::Attempt {
            epoch: Epoch(epoch.into()),
            stage: match stage {
                Stage::Begun => protocol::Stage::Begun,
                Stage::DryRun => protocol::Stage::DryRun,
                Stage::InHand { id, since } => protocol::Stage::InHand { id: spelt(id), since: time(since) },
            },
        });
        let sighting = match self.sighting {
            Sighting::NotSeen => protocol::Sighting::NotSeen,
            Sighting::Usable => protocol::Sighting::Usable,
            Sighting::Missing(id, since) => protocol::Sighting::Missing { id: spelt(id), since: time(since) },
        };
        protocol::Memory { attempt, listed_at: self.listed_at.map(time), sighting }
    }

    pub(crate) fn of(memory: &protocol::Memory) -> Self {
        let stage = |stage: &protocol::Stage| match stage {
            protocol::Stage::Begun => Stage::Begun,
            protocol::Stage::DryRun => Stage::DryRun,
            protocol::Stage::InHand { id, since } => Stage::InHand { id: number(id), since: tick(*since) },
        };
        Self {
            attempt: memory.attempt.as_ref().map(|attempt| (small(attempt.epoch), stage(&attempt.stage))),
            listed_at: memory.listed_at.map(tick),
            sighting: match &memory.sighting {
                protocol::Sighting::NotSeen => Sighting::NotSeen,
                protocol::Sighting::Usable | protocol::Sighting::Unusable(_) => Sighting::Usable,
                protocol::Sighting::Missing { id, since } => Sighting::Missing(number(id), tick(*since)),
            },
        }
    }
}
