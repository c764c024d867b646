//! What the user is told, and by which word.

use keyspaces_credential_protocol::*;

use crate::world::{World, id, issued};

#[test]
fn what_iam_last_showed_speaks_against_the_credential_that_it_names_and_no_other() {
    let at = World::new().now;
    let inactive = |number| Listed { id: id(number), created_at: at, usable: Usable::No };
    let doubts = |sighting| Memory { sighting, ..Memory::default() }.doubts(&issued(1, at));
    assert!(doubts(Sighting::Missing { id: id(1), since: at }));
    assert!(doubts(Sighting::Unusable(inactive(1))));
    assert!(!doubts(Sighting::Missing { id: id(2), since: at }));
    assert!(!doubts(Sighting::Unusable(inactive(2))));
    assert!(!doubts(Sighting::Usable) && !doubts(Sighting::NotSeen));
}

#[test]
fn a_credential_of_just_the_consistency_window_is_missed() {
    let mut world = World::ready();
    let listed_at = world.record().current.as_ref().unwrap().issued_at + crate::world::CONSISTENCY_WINDOW;
    world.memory = Memory::default();
    world.hidden.insert(id(1));
    world.now = listed_at;
    world.run();
    assert_eq!(world.memory.sighting, Sighting::Missing { id: id(1), since: listed_at });
}

#[test]
fn a_condition_has_no_word_of_an_event() {
    let of_conditions = |reason: &&Reason| reason.is_of_conditions();
    let events: Vec<&str> =
        Reason::ALL.iter().filter(|reason| !of_conditions(reason)).map(|reason| reason.as_str()).collect();
    assert_eq!(
        events,
        [
            "Conflict",
            "TakenOver",
            "CredentialCreated",
            "PasswordReset",
            "SecretMoved",
            "FormerSecretDeleted",
            "RetiringDeactivated",
            "LeftoverDeleted",
            "RetiredDeleted",
            "ForeignDeleted",
            "CredentialDeleted",
            "CredentialNotOurs",
        ]
    );
}

#[test]
fn a_suspended_resource_says_whether_the_published_password_may_be_dead() {
    let mut world = World::ready();
    world.resource.suspended = true;
    assert!(world.reported().message.contains("what is published stays as it is"));
    world.resource.suspended = false;
    world.resource.rotation.strategy = Strategy::InPlace;
    world.resource.rotate = Some("now".to_owned());
    world.fault = Some(crate::world::Fault::CrashAfter("Begin"));
    world.run_until_fault();
    world.resource.suspended = true;
    let message = world.reported().message;
    assert!(message.contains("a reset is open, so the password in the Secret may not log in"), "{message}");
}
