//! The operator gets SIGTERM at the worst moments: it publishes a password in hand, begins nothing new and ends with code 0.

use keyspaces_emulator::{Fault, FaultKind, Operation};
use kit::operator::signal;
use kit::proxy::{Action, Which};
use kit::world::{PATIENCE, World};

use crate::BINARY;
use crate::support::{quiet, struck, world};

/// Asks the operator to end, and waits until it has received the signal.
async fn ask_to_end(world: &mut World) {
    signal("TERM", world.operator().id()).await;
    assert!(world.eventually(async || world.log().contains("stopping: ")).await, "{}", world.log());
}

#[tokio::test]
async fn what_iam_is_creating_is_published_before_it_ends() {
    let mut world = World::new(BINARY, "ending").await;
    world.start(&["--iam-deadline", "60s", "--hold", "60s"]);
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Delay { ms: 5000 }));
    world.apply_with_defaults("orders").await;
    struck(&world).await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    // No operator runs any more that could do something.
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_password_in_hand_is_published_and_recorded_before_it_ends() {
    let mut world = World::proxied(BINARY, "handed").await;
    world.start(&["--hold", "60s", "--api-deadline", "60s"]);
    let gate = world.proxy().hold(Which::writes().of("secrets"));
    world.apply_with_defaults("orders").await;
    gate.arrived().await;
    ask_to_end(&mut world).await;
    gate.release();
    assert_eq!(world.operator().ended().await, Some(0), "{}", world.log());
    world.assert_whole("orders").await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_pass_that_has_nothing_in_hand_goes_no_step_further() {
    let mut world = World::proxied(BINARY, "halted").await;
    world.start(&["--api-deadline", "60s"]);
    let gate = world.proxy().hold(Which::dry_runs().of("secrets"));
    world.apply_with_defaults("orders").await;
    gate.arrived().await;
    ask_to_end(&mut world).await;
    gate.release();
    assert_eq!(world.operator().ended().await, Some(0), "{}", world.log());
    assert_eq!(world.counts().0, 0, "the next step was Create");
    let last = world.proxy().requests_that(&Which::effects()).pop().expect("it has written");
    assert!(last.dry_run, "{last:?}");
    world.start(&[]);
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn while_iam_hangs_it_ends_and_the_next_process_removes_what_was_created() {
    let mut world = World::new(BINARY, "hanging").await;
    world.start(&[]);
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Hang).after_effect());
    world.apply_with_defaults("orders").await;
    struck(&world).await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    world.start(&[]);
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let mut world = World::new(BINARY, "impatient").await;
    world.start(&["--iam-deadline", "1h"]);
    world.iam.set_fault(Fault::on(Operation::Create, FaultKind::Hang).after_effect());
    world.apply_with_defaults("orders").await;
    struck(&world).await;
    ask_to_end(&mut world).await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    assert!(world.log().contains("stopping in the middle of a pass"), "{}", world.log());
    world.start(&[]);
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn before_a_silent_api_server_it_ends_although_it_cannot_publish() {
    let mut world = World::proxied(BINARY, "mute").await;
    world.start(&["--api-deadline", "2s"]);
    let writes = Which::writes().of("secrets");
    world.proxy().set_fault(kit::proxy::Fault::on(writes, Action::Hang).for_ever());
    world.apply_with_defaults("orders").await;
    world.proxy().until("the publication", |requests| requests.iter().any(|request| request.fault.is_some())).await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    assert_eq!(world.ids().len(), 1, "nobody has its password any more");
    world.proxy().clear_faults();
    world.start(&[]);
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 1));
}

#[tokio::test]
async fn sigterm_ends_it_with_code_zero_and_a_new_one_goes_on() {
    let mut world = world("sigterm").await;
    world.ready_with_defaults("orders").await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    world.start(&[]);
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.calls().len() == 3).await, "the new one looks at IAM once");
    world.assert_whole("orders").await;
    assert_eq!(world.counts(), (1, 2, 0));
}
