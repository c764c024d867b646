//! Waits: none for what is over, none for what never comes, and what is told meanwhile.

use super::*;

/// What a decision waits for.
fn wait(observed: &Observed, now: Timestamp) -> Option<(Option<Timestamp>, Option<Report>)> {
    match decide(observed, now) {
        Step::Wait { until, report } => Some((until, report)),
        _ => None,
    }
}

/// Whether memory knows of the listing, as it does in every pass that took one.
fn remembers_the_listing(observed: &Observed) -> bool {
    observed.listing.as_ref().is_none_or(|listing| Some(listing.taken_at) == observed.memory.listed_at)
}

#[test]
fn nothing_is_waited_for_that_is_over() {
    assert_of_moments(2_000, |observed, now| {
        let Some((Some(until), _)) =
            wait(observed, now).filter(|_| remembers_the_listing(observed) && now < Timestamp::MAX)
        else {
            return Ok(false);
        };
        // It may have come since the listing was taken: then IAM is listed again at once.
        let since_the_listing = observed.listing.as_ref().is_some_and(|listing| listing.taken_at < until);
        prop_assert!(until > now || since_the_listing, "{until}");
        Ok(true)
    });
}

#[test]
fn nothing_is_waited_for_that_lies_further_ahead_than_the_operator_ever_sets_it() {
    // Rule 15.
    assert_of_moments(2_000, |observed, now| {
        let record = &observed.resource.record;
        let attempted_at = record.operation.as_ref().map(|operation| operation.attempted_at);
        let retained = observed.resource.deleting && record.reset_in_doubt.is_some();
        // Not yet: an attempt of this process that was recorded under a wrong clock, and the doubt of a resource that is deleted.
        let not_yet = attempted_at.is_some_and(|at| !is_believable(at, SignedDuration::ZERO, now)) || retained;
        let Some((Some(until), report)) = wait(observed, now).filter(|_| remembers_the_listing(observed) && !not_yet)
        else {
            return Ok(false);
        };
        let Settings { consistency_window, hold, resync, recheck } = observed.settings;
        let furthest = match report.as_ref().map(|report| (report.state, report.reason)) {
            // A pause after a failure, or another process that has taken over.
            None => SignedDuration::from_mins(15),
            Some((_, Reason::IamUserContested)) => SignedDuration::from_secs(5),
            Some((_, Reason::CleaningUp)) => {
                (hold * 3).max(hold + consistency_window).max(hold * 2 + consistency_window * 2)
            }
            Some((_, Reason::Deleting)) => hold * 2 + consistency_window * 2,
            Some((State::Stalled, _)) => recheck,
            Some(_) => resync.max(recheck),
        };
        // The seconds that a record is rounded up by.
        prop_assert!(
            until <= later(later(later(now, furthest), CLOCK_SKEW), SignedDuration::from_secs(2)),
            "{until}: {report:?}"
        );
        Ok(true)
    });
}

#[test]
fn after_a_failure_nothing_is_done_before_its_time_unless_the_owner_changed_something() {
    // Rules 15, 16.
    assert_of_moments(200, |observed, now| {
        let resource = &observed.resource;
        let gone = resource.deleting && !resource.finalizer;
        let Some(failures) = resource.record.failures.filter(|_| !gone && !resource.suspended) else {
            return Ok(false);
        };
        let paused = decide(observed, now) == Step::Wait { until: Some(failures.next), report: None };
        let believable = failures.next <= later(now, SignedDuration::from_mins(20));
        let expected = now < failures.next && believable && !resource.changed_since_failure;
        prop_assert!(paused || !expected);
        prop_assert!(expected || !paused || resource.record.operation.is_some());
        Ok(expected)
    });
}

#[test]
fn a_suspended_resource_and_one_that_is_gone_are_left_alone() {
    assert_of_moments(200, |observed, now| {
        let resource = &observed.resource;
        let gone = resource.deleting && !resource.finalizer;
        if !gone && !resource.suspended {
            return Ok(false);
        }
        let Some((until, report)) = wait(observed, now) else {
            return Err(proptest::test_runner::TestCaseError::fail("it is not left alone"));
        };
        prop_assert_eq!(until, None);
        prop_assert_eq!(report.map(|report| report.reason), (!gone).then_some(Reason::Suspended));
        Ok(true)
    });
}

#[test]
fn ready_is_told_only_of_a_secret_that_holds_the_current_credential() {
    // Rule 8.
    assert_of_moments(2_000, |observed, now| {
        let Some((_, Some(report))) = wait(observed, now) else {
            return Ok(false);
        };
        prop_assert_eq!(report.state == State::Ready, report.reason == Reason::Published);
        if report.state != State::Ready {
            return Ok(false);
        }
        let record = &observed.resource.record;
        let published = observed.secret().and_then(SecretFact::published);
        prop_assert!(published.is_some_and(|published| record.is_current(published)));
        prop_assert!(record.operation.is_none() && !observed.resource.deleting);
        prop_assert!(record.current.as_ref().is_some_and(|current| !observed.memory.doubts(current)));
        prop_assert!(observed.resource.finalizer && observed.grant == Some(Grant::Granted));
        let former = record
            .former_secrets
            .iter()
            .map(|former| later(former.since, HOLD * 2).max(later(former.since, observed.resource.rotation.overlap)));
        prop_assert!(former.into_iter().all(|gone_at| gone_at > now), "a former Secret is due");
        Ok(true)
    });
}

#[test]
fn a_credential_is_called_gone_only_after_it_was_missing_for_the_consistency_window() {
    // Rule 12.
    assert_of_moments(10, |observed, now| {
        let Some(Update { change: Change::Begin, record: after, .. }) = update(decide(observed, now)) else {
            return Ok(false);
        };
        if after.operation.is_none_or(|operation| operation.purpose != Purpose::CredentialGone) {
            return Ok(false);
        }
        let Sighting::Missing { id, since } = &observed.memory.sighting else {
            return Err(proptest::test_runner::TestCaseError::fail("it is not missing"));
        };
        prop_assert_eq!(Some(id), observed.resource.record.current_id());
        prop_assert!(later(*since, CONSISTENCY_WINDOW) <= now);
        Ok(true)
    });
}

#[test]
fn iam_is_looked_at_once_per_resync_and_more_often_while_it_does_not_list_the_credential() {
    assert_of_moments(500, |observed, now| {
        let looks = decide(observed, now) == Step::Resync;
        let record = &observed.resource.record;
        let missing =
            matches!(&observed.memory.sighting, Sighting::Missing { id, .. } if Some(id) == record.current_id());
        let pace = if missing { CONSISTENCY_WINDOW } else { observed.settings.resync };
        let due = observed.memory.listed_at.is_none_or(|at| later(at, pace) <= now || at > now);
        prop_assert!(!looks || due);
        Ok(looks)
    });
}

#[test]
fn what_is_told_does_not_change_by_itself() {
    // A message with a time that moves would be written for ever.
    assert_of_moments(2_000, |observed, now| {
        let Some((_, Some(report))) = wait(observed, now) else {
            return Ok(false);
        };
        match wait(observed, later(now, SignedDuration::from_secs(1))) {
            Some((_, Some(next))) if next.reason == report.reason => prop_assert_eq!(report, next),
            _ => return Ok(false),
        }
        Ok(true)
    });
}
