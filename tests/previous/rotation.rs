//! The rotation clock: when a credential is due, and what becomes of the one that it replaces.
//!
//! All of it is a function of what is recorded and the given time, so a missed window gives one rotation and not a burst,
//! and a clock that jumps costs at most one.

use jiff::{SignedDuration, Timestamp};

use crate::decide::later;
use crate::facts::{Observed, Resource, Rotation};
use crate::operation::retire;
use crate::ownership::CLOCK_SKEW;
use crate::recorded::{Retiring, RetiringStage};
use crate::step::Step;

/// By how much of the interval a rotation may come early: a tenth. Early and not late, because an interval is a promise
/// about the greatest age.
const EARLY: i32 = 10;

/// When the credential that was published at `rotated_at` is due for replacement.
#[must_use]
pub fn due(rotation: &Rotation, rotated_at: Timestamp) -> Option<Timestamp> {
    let interval = rotation.interval?;
    let window = u64::try_from((interval / EARLY).as_secs()).unwrap_or(0);
    let early = rotation.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16;
    let early = i64::try_from(early.checked_rem(window + 1).unwrap_or(0)).unwrap_or(0);
    Some(later(rotated_at, interval - SignedDuration::from_secs(early)))
}

/// The shortest interval that leaves a replaced credential its time, and IAM time to settle, before the next rotation.
#[must_use]
pub fn shortest_interval(rotation: &Rotation, settle: SignedDuration) -> SignedDuration {
    let needed = [rotation.overlap, rotation.inactive_for, settle, settle]
        .into_iter()
        .fold(SignedDuration::ZERO, SignedDuration::saturating_add);
    let seconds = needed.as_secs().saturating_add(1);
    SignedDuration::from_secs(seconds.saturating_add(seconds / i64::from(EARLY - 1)).saturating_add(1))
}

/// Whether the schedule asks for a rotation now. A record from the future is a clock that was wrong: it is answered with one
/// rotation, for otherwise it would silence the schedule until that future comes.
pub(crate) fn is_due(resource: &Resource, now: Timestamp) -> bool {
    let Some(rotated_at) = resource.recorded.rotated_at else {
        return false;
    };
    due(&resource.rotation, rotated_at).is_some_and(|due| due <= now || rotated_at > later(now, CLOCK_SKEW))
}

/// When the replaced credential stops working.
pub(crate) fn stops_at(resource: &Resource, retiring: &Retiring) -> Timestamp {
    later(retiring.since, resource.rotation.overlap)
}

/// Until when the replaced credential works, if it does.
pub(crate) fn works_until(resource: &Resource, retiring: &Retiring) -> Option<Timestamp> {
    match retiring.stage {
        RetiringStage::Active => Some(stops_at(resource, retiring)),
        RetiringStage::Inactive => None,
    }
}

/// When the replaced credential is deleted.
pub(crate) fn gone_at(resource: &Resource, retiring: &Retiring) -> Timestamp {
    later(stops_at(resource, retiring), resource.rotation.inactive_for)
}

/// When something is next to be done for the replaced credential.
pub(crate) fn next_stage_at(resource: &Resource, retiring: &Retiring) -> Timestamp {
    match retiring.stage {
        RetiringStage::Active => stops_at(resource, retiring),
        RetiringStage::Inactive => gone_at(resource, retiring),
    }
}

/// What is due for the replaced credential. Its owner can end its time by naming it.
pub(crate) fn retirement(observed: &Observed, retiring: &Retiring, now: Timestamp) -> Option<Step> {
    let resource = &observed.resource;
    if resource.retire.as_deref() == Some(retiring.id.as_str()) || gone_at(resource, retiring) <= now {
        return Some(retire(observed, retiring));
    }
    match retiring.stage {
        // IAM first and the record second: the other way round a crash would leave it working in the belief that it is off.
        RetiringStage::Active if observed.deactivated.contains(&retiring.id) => Some(Step::RecordInactive),
        RetiringStage::Active if stops_at(resource, retiring) <= now => Some(Step::Deactivate(retiring.id.clone())),
        RetiringStage::Active | RetiringStage::Inactive => None,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn rotation(interval: i64, seed: u64) -> Rotation {
        Rotation {
            strategy: crate::facts::Strategy::Overlap,
            interval: Some(SignedDuration::from_secs(interval)),
            overlap: SignedDuration::from_secs(60),
            inactive_for: SignedDuration::ZERO,
            seed,
        }
    }

    #[test]
    fn rotations_are_spread_over_the_last_tenth_of_the_interval_and_stable_for_one_resource() {
        let times: std::collections::BTreeSet<_> =
            (0..200).map(|seed| due(&rotation(100_000, seed), Timestamp::UNIX_EPOCH).unwrap()).collect();
        assert!(times.len() > 150, "{}", times.len());
        assert!(times.iter().all(|time| (90_000..=100_000).contains(&time.as_second())), "{times:?}");
        assert_eq!(due(&rotation(100, 7), Timestamp::UNIX_EPOCH), due(&rotation(100, 7), Timestamp::UNIX_EPOCH));
    }

    #[test]
    fn the_shortest_interval_leaves_room_even_for_the_earliest_rotation() {
        let settle = SignedDuration::from_secs(120);
        for overlap in [0, 1, 59, 3600, 86_400] {
            let mut rotation = Rotation { overlap: SignedDuration::from_secs(overlap), ..rotation(0, 0) };
            let shortest = shortest_interval(&rotation, settle);
            rotation.interval = Some(shortest);
            for seed in 0..100 {
                rotation.seed = seed;
                let earliest = due(&rotation, Timestamp::UNIX_EPOCH).unwrap().as_second();
                assert!(earliest >= overlap + 240, "{overlap}: {earliest}");
            }
        }
    }
}
