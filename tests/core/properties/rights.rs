//! Who may have the IAM user, and what is left alone without that right.

use super::*;

/// The same facts of a resource that is not deleted and whose namespace is not granted the user, or not known to be.
fn refused(observed: &Observed, known: bool) -> Observed {
    let mut observed = observed.clone();
    observed.resource.deleting = false;
    observed.grant = known.then(|| Grant::Refused { namespace: "shop".to_owned(), annotation: None });
    observed
}

#[test]
fn without_a_grant_nothing_is_made_changed_or_ended_but_leftovers() {
    // Rule 2.
    assert_of_moments(10_000, |observed, now| {
        let observed = refused(observed, true);
        let record = &observed.resource.record;
        let step = decide(&observed, now);
        match &step {
            // What was reset is published: the password before it is dead.
            Step::Publish(_) => prop_assert!(record.operation.as_ref().is_some_and(|open| open.means != Means::Create)),
            Step::DeleteCredential(id, disposal) => {
                prop_assert_eq!(*disposal, Disposal::Leftover);
                prop_assert!(record.current_id() != Some(id) && record.retiring_id() != Some(id), "{id}");
                prop_assert!(published_id(&observed) != Some(id), "{id}");
            }
            Step::Record(update) => match update.change {
                // To take over is to end what is open: it is not begun.
                Change::TakeOver | Change::CloseEarlier | Change::Accept | Change::Abandon | Change::CloseWindow => {}
                change => prop_assert!(false, "{change:?}"),
            },
            Step::ReadGrant
            | Step::ReadClaims
            | Step::ReadSecret(_)
            | Step::ListCredentials
            | Step::ConfirmListing
            | Step::StartOver
            | Step::FenceSecret(_)
            | Step::Wait { .. } => {}
            step => prop_assert!(false, "{step:?}"),
        }
        Ok(true)
    });
}

#[test]
fn without_a_grant_iam_is_asked_only_about_what_may_be_left_behind() {
    // Rule 2.
    assert_of_moments(10_000, |observed, now| {
        let mut observed = refused(observed, now.as_second() % 2 == 0);
        observed.resource.record.operation = None;
        observed.resource.record.window = None;
        observed.memory.attempt = None;
        let step = decide(&observed, now);
        let asks = matches!(
            step,
            Step::ListCredentials | Step::Resync | Step::Create(_) | Step::DeleteCredential(..) | Step::Deactivate(_)
        );
        prop_assert!(!asks, "{:?}", step);
        Ok(true)
    });
}

#[test]
fn iam_is_asked_only_when_the_rights_and_the_secret_are_known() {
    // Rules 1, 2.
    assert_of_moments(2_000, |observed, now| {
        let step = decide(observed, now);
        let asks = matches!(
            step,
            Step::ListCredentials
                | Step::Resync
                | Step::Create(_)
                | Step::Reset(..)
                | Step::DeleteCredential(..)
                | Step::Deactivate(_)
        );
        if !asks {
            return Ok(false);
        }
        prop_assert!(observed.grant.is_some() || observed.resource.deleting);
        prop_assert!(observed.claim.is_some() && observed.secret().is_some());
        Ok(true)
    });
}

#[test]
fn nothing_that_is_known_is_read_again() {
    // Rule 1: one pass, one read of each fact.
    assert_of_moments(5_000, |observed, now| {
        match decide(observed, now) {
            Step::ReadGrant => prop_assert!(observed.grant.is_none() && !observed.resource.deleting),
            Step::ReadClaims => prop_assert!(observed.claim.is_none()),
            Step::ReadSecret(name) => prop_assert!(!observed.secrets.contains_key(&name)),
            Step::ListCredentials | Step::Resync => prop_assert!(observed.listing.is_none()),
            Step::ConfirmListing => prop_assert!(observed.listing.as_ref().is_some_and(|listing| !listing.confirmed)),
            Step::AddFinalizer => prop_assert!(!observed.resource.finalizer && !observed.resource.deleting),
            _ => return Ok(false),
        }
        Ok(true)
    });
}

#[test]
fn who_lost_the_user_to_another_resource_changes_nothing_but_what_is_its_own() {
    // Rule 2.
    assert_of_moments(100, |observed, now| {
        if !matches!(observed.claim, Some(Claim::Lost { .. })) || observed.resource.deleting {
            return Ok(false);
        }
        let record = &observed.resource.record;
        let step = decide(observed, now);
        let resets = record.operation.as_ref().is_some_and(|open| open.means != Means::Create);
        let begins = matches!(&step, Step::Record(update) if update.change == Change::Begin);
        let makes =
            matches!(step, Step::Create(_) | Step::Reset(..) | Step::DryRun(_) | Step::Render | Step::CopySecret);
        prop_assert!(!makes && !begins, "{step:?}");
        prop_assert!(resets || !matches!(step, Step::Publish(_)), "{step:?}");
        Ok(true)
    });
}

#[test]
fn while_another_resource_is_in_the_middle_of_an_operation_nothing_new_begins() {
    // Rule 2.
    assert_of_moments(100, |observed, now| {
        if observed.claim != Some(Claim::Contested) {
            return Ok(false);
        }
        let step = decide(observed, now);
        let begins = matches!(&step, Step::Record(update) if update.change == Change::Begin);
        prop_assert!(!begins && !matches!(step, Step::Create(_) | Step::Reset(..) | Step::DryRun(_)), "{step:?}");
        Ok(true)
    });
}

#[test]
fn a_message_that_invites_to_a_deletion_names_none_of_ours_for_it() {
    // Rule 11.
    assert_of_moments(100, |observed, now| {
        let Step::Wait { report: Some(Report { reason: Reason::NoFreeSlot, message, .. }), .. } = decide(observed, now)
        else {
            return Ok(false);
        };
        let (kept, others) = message.split_once("does not know ").unwrap_or((&message, ""));
        let offers = message.contains("delete-service-specific-credential");
        prop_assert_eq!(offers, !others.is_empty());
        for id in ours(observed) {
            prop_assert!(!others.contains(id.as_str()), "{}", message);
        }
        for listed in observed.listed() {
            prop_assert!(kept.contains(listed.id.as_str()) != others.contains(listed.id.as_str()), "{}", message);
        }
        Ok(offers)
    });
}
