//! What is written to a Secret, and which Secret is deleted.

use super::*;

#[test]
fn nobody_elses_secret_is_written_and_no_immutable_one() {
    // Rule 7.
    assert_of_moments(1_000, |observed, now| {
        let step = decide(observed, now);
        let publishes = matches!(step, Step::Publish(_) | Step::DryRun(_) | Step::Render);
        if !publishes && !matches!(step, Step::FenceSecret(_) | Step::ReleaseSecret) {
            return Ok(false);
        }
        let secret = observed.secret();
        prop_assert!(secret.is_some_and(|secret| *secret != SecretFact::NotOurs), "{step:?}");
        prop_assert!(
            !publishes || !matches!(secret, Some(SecretFact::Ours(OurSecret { immutable: true, .. }))),
            "{step:?}"
        );
        Ok(true)
    });
}

#[test]
fn a_fence_only_rises() {
    // Rules 7, 10.
    assert_of_moments(500, |observed, now| {
        let (Step::FenceSecret(epoch) | Step::Publish(epoch)) = decide(observed, now) else {
            return Ok(false);
        };
        prop_assert!(epoch >= fence(observed), "{epoch} is below {}", fence(observed));
        Ok(true)
    });
}

#[test]
fn a_secret_is_rendered_only_when_it_has_to_be() {
    assert_of_moments(20, |observed, now| {
        let stale = matches!(observed.secret(), Some(SecretFact::Ours(OurSecret { rendering: Rendering::Stale, .. })));
        let renders = decide(observed, now) == Step::Render;
        prop_assert!(!renders || stale && observed.resource.record.operation.is_none());
        Ok(renders)
    });
}

#[test]
fn a_former_secret_goes_only_while_another_one_holds_the_credential_and_at_its_time() {
    assert_of_moments(20, |observed, now| {
        let Step::DeleteFormerSecret(name) = decide(observed, now) else {
            return Ok(false);
        };
        let (resource, record) = (&observed.resource, &observed.resource.record);
        prop_assert_ne!(&name, resource.secret_name());
        prop_assert!(matches!(observed.secrets.get(&name), Some(SecretFact::Ours(_))));
        prop_assert!(record.current_id().is_some() && published_id(observed) == record.current_id());
        let former = record.former_secrets.iter().find(|former| former.name == name).expect("it is on record");
        prop_assert!(later(former.since, resource.rotation.overlap) <= now && later(former.since, HOLD * 2) <= now);
        Ok(true)
    });
}

#[test]
fn a_copy_is_announced_before_it_is_made_and_not_made_while_a_window_is_open() {
    assert_of_moments(50, |observed, now| {
        if decide(observed, now) != Step::CopySecret {
            return Ok(false);
        }
        let (resource, record) = (&observed.resource, &observed.resource.record);
        prop_assert!(record.window.is_none() && record.operation.is_none());
        let announced = record.former_secrets.iter().filter(|former| former.name == resource.wanted_secret);
        prop_assert!(announced.map(|former| former.since).any(|since| now < later(since, HOLD)));
        prop_assert!(record.current_id().is_some() && published_id(observed) == record.current_id());
        let target = observed.secrets.get(&resource.wanted_secret).expect("it was read");
        prop_assert!(*target != SecretFact::NotOurs && !matches!(target, SecretFact::Ours(ours) if ours.immutable));
        Ok(true)
    });
}
