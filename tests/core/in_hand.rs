//! What becomes of a password in hand that can no longer be published.

use jiff::SignedDuration;

use crate::world::{CONSISTENCY_WINDOW, World, id};
use keyspaces_credential_protocol::*;

const LONG: SignedDuration = SignedDuration::from_mins(30);

#[test]
fn a_password_in_hand_that_lost_to_another_process_is_removed() {
    let mut world = World::ready();
    let operation = Epoch(1);
    // This process made credential 7 for a rotation that another process completed with credential 1.
    world.add_foreign(7);
    let stage = Stage::InHand { id: id(7), since: world.now };
    world.memory.attempt = Some(Attempt { epoch: operation, stage });
    let done = world.run();
    assert!(done.contains(&"Delete(7, Leftover)".to_owned()), "{done:?}");
    assert_eq!((world.reason(), world.ids()), (Reason::Published, [id(1)].into()));
}

#[test]
fn a_password_in_hand_whose_operation_is_over_is_a_leftover_inside_its_window() {
    let mut world = World::ready();
    let baseline = world.ids();
    world.add_foreign(7);
    let stage = Stage::InHand { id: id(7), since: world.now };
    world.memory.attempt = Some(Attempt { epoch: Epoch(1), stage });
    let end = world.now + CONSISTENCY_WINDOW;
    world.resource.record.window = Some(Window { epoch: Epoch(1), baseline, from: world.now, end });
    // There is no Secret that says who published what, and none can be made.
    world.put(SecretFact::Absent);
    world.grant = Grant::Refused { namespace: "shop".to_owned(), annotation: None };
    let done = world.run_for(LONG);
    assert!(done.contains(&"Delete(7, Leftover)".to_owned()), "{done:?}");
    assert_eq!((world.ids(), &world.record().window), ([id(1)].into(), &None));
}

#[test]
fn a_password_in_hand_is_deleted_at_once_only_if_its_publication_can_no_longer_land() {
    // The fence, whether the Secret holds something, whether something was accepted, and whether the password is out of the race.
    for (fence, published, accepted, lost) in [
        (1, false, false, false),
        (1, false, true, false),
        (1, true, true, true),
        (0, false, false, false),
        (2, false, false, true),
        (2, false, true, true),
    ] {
        let mut world = World::ready();
        world.add_foreign(7);
        world.memory.attempt = Some(Attempt { epoch: Epoch(1), stage: Stage::InHand { id: id(7), since: world.now } });
        world.secret_mut().fence = Epoch(fence);
        if !published {
            world.secret_mut().published = None;
        }
        if !accepted {
            world.resource.record.current = None;
        }
        let done = world.run_once();
        let deleted = done.contains(&"Delete(7, Leftover)".to_owned());
        assert_eq!(deleted, lost, "{fence} {published} {accepted}: {done:?}");
    }
}
