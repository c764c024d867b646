//! The schedule: when a credential is due, and what becomes of the one that it replaces.
//!
//! All of it is a function of the record and the given time, so a missed time gives one rotation and no burst, and a
//! clock that jumps costs at most one.

use jiff::{SignedDuration, Timestamp};

use crate::facts::{FormerSecret, Observed, Resource, Retiring, RetiringStage, Rotation, is_believable, later};

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

/// The shortest interval that leaves a replaced credential its time, and IAM twice the consistency window, before the
/// next rotation.
#[must_use]
pub fn shortest_interval(rotation: &Rotation, consistency_window: SignedDuration) -> SignedDuration {
    let needed = [rotation.overlap, rotation.inactive_for, consistency_window, consistency_window]
        .into_iter()
        .fold(SignedDuration::ZERO, SignedDuration::saturating_add);
    let seconds = needed.as_secs().saturating_add(1);
    SignedDuration::from_secs(seconds.saturating_add(seconds / i64::from(EARLY - 1)).saturating_add(1))
}

/// Whether the schedule asks for a rotation now. A recorded time that cannot be right is answered with one rotation: it
/// would silence the schedule until it comes (rule 15).
pub(crate) fn is_due(resource: &Resource, now: Timestamp) -> bool {
    let Some(rotated_at) = resource.record.rotated_at else {
        return false;
    };
    due(&resource.rotation, rotated_at)
        .is_some_and(|due| due <= now || !is_believable(rotated_at, SignedDuration::ZERO, now))
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
pub(crate) fn retiring_gone_at(resource: &Resource, retiring: &Retiring) -> Timestamp {
    later(stops_at(resource, retiring), resource.rotation.inactive_for)
}

/// When something is next to be done for the replaced credential.
pub(crate) fn next_stage_at(resource: &Resource, retiring: &Retiring) -> Timestamp {
    match retiring.stage {
        RetiringStage::Active => stops_at(resource, retiring),
        RetiringStage::Inactive => retiring_gone_at(resource, retiring),
    }
}

/// When a Secret that was moved from is deleted: after the time of an overlap, in which pods mount its successor. But
/// not before a copy that was announced has landed, however short the overlap: a copy is decided within the hold time
/// of its record, and written within the hold time of that.
pub(crate) fn former_secret_gone_at(observed: &Observed, former: &FormerSecret) -> Timestamp {
    let hold = observed.settings.hold;
    let landed = later(later(former.since, hold), hold);
    later(former.since, observed.resource.rotation.overlap).max(landed)
}

/// When the last Secret that was moved from is deleted.
pub(crate) fn last_former_secret_gone_at(observed: &Observed) -> Option<Timestamp> {
    observed.resource.record.former_secrets.iter().map(|former| former_secret_gone_at(observed, former)).max()
}

/// When the next Secret that was moved from is deleted.
pub(crate) fn next_former_secret_gone_at(observed: &Observed) -> Option<Timestamp> {
    observed.resource.record.former_secrets.iter().map(|former| former_secret_gone_at(observed, former)).min()
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
