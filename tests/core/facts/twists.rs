//! Facts that are changed after a history: what nobody could have lived through, but somebody may have written.

use jiff::{SignedDuration, Timestamp};
use keyspaces_credential_protocol::*;
use proptest::prelude::{Just, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::Strategy as Draw;

use super::events::{claim_of, grant_of};
use super::history::Moment;
use super::places::{epochs, ids, times};
use crate::world::{id, issued, secret_name};

/// One fact that is another one. A number says which of several.
#[derive(Debug, Clone)]
pub(crate) enum Twist {
    Now(i64),
    /// One of the recorded times, set so many seconds from now.
    Time(u8, i64),
    /// One of the ids.
    Id(u8, u64),
    /// One of the epochs, set to a number, or raised or lowered.
    Epoch(u8, Number),
    Grant(Option<bool>),
    Claim(Option<u8>),
    Secret(u8),
    Listing(u8, usize),
    Record(u8),
    Resource(u8),
    Memory(u8),
    /// An id of this pass: deleted, switched off.
    Done(u8, u64),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Is(u64),
    Up(u64),
    Down(u64),
}

impl Number {
    fn of(self, epoch: &mut Epoch) {
        epoch.0 = match self {
            Self::Is(number) => number,
            Self::Up(by) => epoch.0.saturating_add(by),
            Self::Down(by) => epoch.0.saturating_sub(by),
        };
    }
}

fn at(now: Timestamp, seconds: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

impl Twist {
    pub(crate) fn apply(&self, moment: &mut Moment) {
        self.twist(moment);
        // The adapter reads each id once.
        if let Some(Listing { credentials, .. }) = &mut moment.observed.listing {
            let mut seen = std::collections::BTreeSet::new();
            credentials.retain(|one| seen.insert(one.id.clone()));
        }
    }

    fn twist(&self, moment: &mut Moment) {
        let observed = &mut moment.observed;
        match self {
            Self::Now(seconds) => moment.now = at(moment.now, *seconds),
            Self::Time(which, seconds) => {
                let time = at(moment.now, *seconds);
                times(observed).into_iter().nth(usize::from(*which)).flatten().into_iter().for_each(|one| *one = time);
            }
            Self::Id(which, number) => {
                ids(observed)
                    .into_iter()
                    .nth(usize::from(*which))
                    .flatten()
                    .into_iter()
                    .for_each(|one| *one = id(*number));
            }
            Self::Epoch(which, number) => {
                epochs(observed)
                    .into_iter()
                    .nth(usize::from(*which))
                    .flatten()
                    .into_iter()
                    .for_each(|one| number.of(one));
            }
            Self::Grant(granted) => observed.grant = granted.map(grant_of),
            Self::Claim(which) => observed.claim = which.map(|which| claim_of(which, &observed.resource.record)),
            Self::Secret(which) => to_secret(observed, *which),
            Self::Listing(which, nth) => to_listing(observed, *which, *nth, moment.now),
            Self::Record(which) => to_record(&mut observed.resource, *which, moment.now),
            Self::Resource(which) => to_resource(&mut observed.resource, *which),
            Self::Memory(which) => to_memory(&mut observed.memory, *which, moment.now),
            Self::Done(0, number) => drop(observed.deleted.insert(id(*number))),
            Self::Done(_, number) => drop(observed.deactivated.insert(id(*number))),
        }
    }
}

fn to_secret(observed: &mut Observed, which: u8) {
    let name = observed.resource.secret_name().clone();
    let other = if which < 8 { name } else { observed.resource.wanted_secret.clone() };
    let retiring = observed.resource.record.retiring.clone();
    match (which % 8, observed.secrets.get_mut(&other)) {
        (0, _) => drop(observed.secrets.insert(other, SecretFact::Absent)),
        (1, _) => drop(observed.secrets.insert(other, SecretFact::NotOurs)),
        (2, _) => drop(observed.secrets.remove(&other)),
        (3, Some(SecretFact::Ours(ours))) => ours.published = None,
        (4, Some(SecretFact::Ours(ours))) => ours.immutable = !ours.immutable,
        (5, Some(SecretFact::Ours(ours))) => ours.rendering = Rendering::Stale,
        (_, Some(SecretFact::Ours(ours))) => {
            // Somebody put the Secret of the retiring credential back.
            ours.published = retiring.map(|retiring| Published {
                epoch: Epoch(retiring.published_by.unwrap_or_default().0.saturating_sub(u64::from(which % 2))),
                credential: Issued {
                    id: retiring.id,
                    service_user_name: retiring.service_user_name,
                    issued_at: retiring.since,
                },
            });
        }
        _ => {}
    }
}

fn to_listing(observed: &mut Observed, which: u8, nth: usize, now: Timestamp) {
    if which == 0 {
        observed.listing = None;
        return;
    }
    let empty = || Listing { credentials: Vec::new(), taken_at: now, confirmed: false };
    let Listing { credentials, confirmed, .. } = observed.listing.get_or_insert_with(empty);
    let nth_of_them = nth % credentials.len().max(1);
    match which {
        1 | 2 => *confirmed = true,
        3 => *confirmed = false,
        4 => credentials.iter_mut().skip(nth_of_them).take(1).for_each(|one| one.usable = Usable::No),
        5 => credentials
            .iter_mut()
            .skip(nth_of_them)
            .take(1)
            .for_each(|one| one.usable = Usable::Unknown("Resting".to_owned())),
        6 => drop(credentials.drain(..credentials.len().min(1))),
        _ if credentials.len() < 2 => {
            // The adapter reads each id once.
            let added = id(6 + nth as u64);
            credentials.retain(|one| one.id != added);
            credentials.push(Listed { id: added, created_at: now, usable: Usable::Yes });
        }
        _ => {}
    }
}

fn to_record(resource: &mut Resource, which: u8, now: Timestamp) {
    let record = &mut resource.record;
    match which {
        0 => record.operation = None,
        1 => record.window = None,
        2 => record.retiring = None,
        3 => record.current = None,
        4 => record.published_by = None,
        5 => record.secret_name = None,
        6 => record.secret_name = Some(secret_name("bills")),
        7 => record.former_secrets.push(FormerSecret { name: secret_name("bills"), since: now }),
        8 => record.former_secrets.push(FormerSecret { name: resource.wanted_secret.clone(), since: now }),
        9 | 10 => {
            let (from, end) = (at(now, -300), at(now, if which == 9 { -1 } else { 60 }));
            let baseline = record.current_id().cloned().into_iter().collect();
            record.window = Some(Window { epoch: record.closed, baseline, from, end });
        }
        11 => {
            record.retiring = record.current.clone().map(|current| Retiring {
                id: current.id,
                service_user_name: current.service_user_name,
                since: now,
                stage: RetiringStage::Active,
                published_by: record.published_by,
            });
        }
        12 => {
            if let Some(retiring) = &mut record.retiring {
                retiring.stage = RetiringStage::Inactive;
            }
        }
        13 => record.reset_in_doubt = record.current_id().cloned().map(|id| ResetInDoubt { id, until: now }),
        14 => record.failures = Some(failed(None, Class::Transient, 7, now)),
        15 => record.current = Some(issued(5, now)),
        16 => record.operation.iter_mut().for_each(|one| one.purpose = Purpose::CredentialGone),
        17 => record.operation.iter_mut().for_each(|one| one.means = Means::Create),
        18 => record.operation.iter_mut().for_each(|one| one.baseline.clear()),
        _ => record.window.iter_mut().for_each(|one| one.baseline.clear()),
    }
}

fn to_resource(resource: &mut Resource, which: u8) {
    match which {
        0 => resource.deleting = !resource.deleting,
        1 => resource.finalizer = !resource.finalizer,
        2 => resource.suspended = true,
        3 => resource.deletion_policy = DeletionPolicy::Retain,
        4 => resource.foreign = ForeignPolicy::Delete,
        5 => resource.rotation.strategy = Strategy::InPlace,
        6 => resource.rotation.strategy = Strategy::Overlap,
        7 => resource.rotate = Some("twisted".to_owned()),
        8 => resource.retire = resource.record.retiring_id().map(ToString::to_string),
        9 => resource.wanted_secret = secret_name("bills"),
        10 => resource.rotation.interval = Some(SignedDuration::from_mins(10)),
        11 => resource.rotation.overlap = SignedDuration::ZERO,
        12 => resource.rotation.inactive_for = SignedDuration::from_hours(1),
        // The longest that the schema admits is 99999h99999m99999s.
        _ => resource.rotation.interval = Some(SignedDuration::from_secs(366_096_339)),
    }
}

fn to_memory(memory: &mut Memory, which: u8, now: Timestamp) {
    let stage = match which {
        0 => return memory.attempt = None,
        1 => Stage::Begun,
        2 => Stage::DryRun,
        3 => Stage::InHand { id: id(5), since: now },
        4 => return memory.sighting = Sighting::Missing { id: id(1), since: at(now, -600) },
        5 => return memory.sighting = Sighting::NotSeen,
        _ => {
            let listed = Listed { id: id(u64::from(which) - 5), created_at: now, usable: Usable::No };
            return memory.sighting = Sighting::Unusable(listed);
        }
    };
    memory.attempt.iter_mut().for_each(|attempt| attempt.stage = stage.clone());
}

/// A twist of any kind.
pub(crate) fn twist() -> impl Draw<Value = Twist> {
    let seconds = || {
        select(vec![
            i64::MIN / 1_000_000_000_000,
            -86_400,
            -7_200,
            -600,
            -240,
            -121,
            -61,
            -59,
            -31,
            -1,
            0,
            1,
            29,
            59,
            61,
            119,
            121,
            241,
            301,
            541,
            900,
            1_199,
            1_201,
            7_200,
            86_400,
            i64::MAX / 1_000_000_000_000,
        ])
    };
    let number = prop_oneof![
        (0u64..6).prop_map(Number::Is),
        (1u64..3).prop_map(Number::Up),
        (1u64..3).prop_map(Number::Down),
        Just(Number::Is(Epoch::LAST.0 - 2)),
    ];
    prop_oneof![
        2 => seconds().prop_map(Twist::Now),
        5 => (0u8..18, seconds()).prop_map(|(which, seconds)| Twist::Time(which, seconds)),
        3 => (0u8..7, 1u64..6).prop_map(|(which, number)| Twist::Id(which, number)),
        3 => (0u8..9, number).prop_map(|(which, number)| Twist::Epoch(which, number)),
        1 => proptest::option::of(any::<bool>()).prop_map(Twist::Grant),
        1 => proptest::option::of(0u8..6).prop_map(Twist::Claim),
        3 => (0u8..16).prop_map(Twist::Secret),
        4 => (0u8..11, 0usize..2).prop_map(|(which, nth)| Twist::Listing(which, nth)),
        4 => (0u8..20).prop_map(Twist::Record),
        3 => (0u8..14).prop_map(Twist::Resource),
        2 => (0u8..9).prop_map(Twist::Memory),
        1 => (0u8..2, 1u64..6).prop_map(|(which, number)| Twist::Done(which, number)),
    ]
}
