//! What may happen in a history.

use jiff::SignedDuration;
use keyspaces_credential_protocol::*;

use super::history::History;
use crate::world::{RESYNC, id};

/// What becomes of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fate {
    Done,
    /// It fails, and did nothing.
    Refused(Class),
    /// It happened, and the reply is lost.
    Lost,
    /// The reply is lost, and it happens when [`Event::Land`] comes.
    Late,
    CrashBefore,
    CrashAfter,
}

#[derive(Debug, Clone)]
pub(crate) enum Event {
    /// A process takes so many steps.
    Steps { who: usize, count: usize },
    /// A process runs until it waits.
    Run { who: usize },
    /// A process runs, and waits as long as it asks for, so many times.
    Waits { who: usize, times: usize },
    /// A process runs up to its next effect, which has this fate.
    Act { who: usize, fate: Fate },
    /// The same with the next step of a kind.
    Until { who: usize, kind: &'static str, fate: Fate },
    /// The last request whose reply was lost lands.
    Land,
    /// Somebody or something else changes the world.
    Change(Change),
}

/// What changes without a process of ours.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    Pass(SignedDuration),
    /// Until the time that a process waits for, and so much longer.
    PassUntil(usize, i64),
    ClockAhead(usize, i64),
    // The owner.
    Rotate(u8),
    Retire(bool),
    Rename,
    Restyle,
    Delete,
    Retain(bool),
    Foreign(bool),
    InPlace(bool),
    Interval(Option<i64>),
    Overlap(i64),
    InactiveFor(i64),
    Suspend(bool),
    Asks,
    // Whoever may write Secrets.
    SecretGone,
    SecretDamaged,
    SecretPutBack(usize),
    SecretImmutable,
    SecretNotOurs,
    FenceRaised(u64),
    // Whoever may write in IAM, and IAM itself.
    IamAdds,
    IamDeletes(usize),
    IamSets(usize, bool),
    IamUnknown(usize),
    ListHides(usize),
    ListShowsAll,
    ListShowsGone(usize),
    // Rights, and status.
    Grant(bool),
    Claim(u8),
    StatusCleared,
}

impl Change {
    pub(crate) fn happen(self, history: &mut History) {
        match self {
            Self::Pass(span) => history.now += span,
            Self::PassUntil(who, seconds) => {
                let until = history.processes[who].until.unwrap_or(history.now).min(history.now + RESYNC * 4);
                history.now = history.now.max(until + SignedDuration::from_secs(seconds));
            }
            Self::ClockAhead(who, seconds) => history.processes[who].ahead = seconds,
            Self::Grant(granted) => history.grant = grant_of(granted),
            Self::Claim(which) => history.claim = claim_of(which, &history.resource.record),
            Self::StatusCleared => history.resource.record = Record::default(),
            Self::Rename => history.resource.wanted_secret = history.other_name(),
            Self::Restyle
            | Self::SecretGone
            | Self::SecretDamaged
            | Self::SecretPutBack(_)
            | Self::SecretImmutable
            | Self::SecretNotOurs
            | Self::FenceRaised(_) => self.to_secret(history),
            Self::IamAdds
            | Self::IamDeletes(_)
            | Self::IamSets(..)
            | Self::IamUnknown(_)
            | Self::ListHides(_)
            | Self::ListShowsAll
            | Self::ListShowsGone(_) => self.to_iam(history),
            _ => self.by_owner(&mut history.resource),
        }
    }

    fn by_owner(self, resource: &mut Resource) {
        match self {
            Self::Rotate(value) => resource.rotate = Some(format!("r{value}")),
            Self::Retire(current) => {
                let record = &resource.record;
                let named = if current { record.current_id() } else { record.retiring_id() };
                resource.retire = named.map(ToString::to_string);
            }
            Self::Delete => resource.deleting = true,
            Self::Retain(retain) => {
                resource.deletion_policy = if retain { DeletionPolicy::Retain } else { DeletionPolicy::Delete };
            }
            Self::Foreign(delete) => {
                resource.foreign = if delete { ForeignPolicy::Delete } else { ForeignPolicy::Keep }
            }
            Self::InPlace(reset) => {
                resource.rotation.strategy = if reset { Strategy::InPlace } else { Strategy::Overlap };
            }
            Self::Interval(minutes) => resource.rotation.interval = minutes.map(SignedDuration::from_mins),
            Self::Overlap(minutes) => resource.rotation.overlap = SignedDuration::from_mins(minutes),
            Self::InactiveFor(minutes) => resource.rotation.inactive_for = SignedDuration::from_mins(minutes),
            Self::Suspend(suspended) => resource.suspended = suspended,
            Self::Asks => resource.changed_since_failure = true,
            _ => {}
        }
    }

    fn to_secret(self, history: &mut History) {
        let kept = history.kept.clone();
        let secret = history.secret_mut();
        match (self, secret) {
            (Self::SecretGone, secret) => *secret = SecretFact::Absent,
            (Self::SecretNotOurs, secret) => *secret = SecretFact::NotOurs,
            (Self::SecretPutBack(nth), secret) if !kept.is_empty() => *secret = kept[nth % kept.len()].clone(),
            (Self::Restyle, SecretFact::Ours(ours)) => ours.rendering = Rendering::Stale,
            (Self::SecretDamaged, SecretFact::Ours(ours)) => ours.published = None,
            (Self::SecretImmutable, SecretFact::Ours(ours)) => ours.immutable = true,
            (Self::FenceRaised(by), SecretFact::Ours(ours)) => ours.fence.0 += by,
            _ => {}
        }
    }

    fn to_iam(self, history: &mut History) {
        let count = history.iam.len().max(1);
        let nth = |history: &History, nth: usize| history.iam.get(nth % count).map(|listed| listed.id.clone());
        match self {
            Self::IamAdds if history.iam.len() < 2 => {
                history.iam.push(Listed { id: id(history.next_id), created_at: history.now, usable: Usable::Yes });
                history.next_id += 1;
            }
            Self::IamDeletes(which) if !history.iam.is_empty() => drop(history.iam.remove(which % count)),
            Self::IamSets(which, on) if !history.iam.is_empty() => {
                history.iam[which % count].usable = if on { Usable::Yes } else { Usable::No };
            }
            Self::IamUnknown(which) if !history.iam.is_empty() => {
                history.iam[which % count].usable = Usable::Unknown("Resting".to_owned());
            }
            Self::ListHides(which) => history.hidden.extend(nth(history, which)),
            Self::ListShowsAll => {
                history.hidden.clear();
                history.ghosts.clear();
            }
            Self::ListShowsGone(which) => history.ghosts.extend(history.iam.get(which % count).cloned()),
            _ => {}
        }
    }
}

pub(crate) fn grant_of(granted: bool) -> Grant {
    if granted { Grant::Granted } else { Grant::Refused { namespace: "shop".to_owned(), annotation: None } }
}

pub(crate) fn claim_of(which: u8, record: &Record) -> Claim {
    match which {
        0 => Claim::Contested,
        1 => Claim::Lost { winner: Some("elder".to_owned()), theirs: [].into() },
        2 => Claim::Lost { winner: None, theirs: record.current_id().cloned().into_iter().collect() },
        3 => Claim::Lost { winner: None, theirs: (1..6).map(id).collect() },
        _ => Claim::Won,
    }
}
