//! Two replicas with an election: one acts, the other one takes over. A former leader that continues too late does no harm.

use k8s_openapi::api::coordination::v1::Lease;
use keyspaces_credential_operator::api::MANAGER;
use keyspaces_emulator::Operation;
use kit::operator::{Operator, signal};
use kit::proxy::{Action, Fault, Which};
use kit::world::World;
use kube::Api;
use kube::api::DeleteParams;

use crate::BINARY;
use crate::support::{handled, quiet};

/// The manifests that give an operator the right to leases of its own namespace.
const RIGHT: [&str; 4] = ["-f", "deploy/role.yaml", "-f", "deploy/role-binding.yaml"];

/// A world in which the operator may use leases, as in the namespace that it is deployed to.
async fn world(name: &str) -> World {
    let world = World::proxied(BINARY, name).await;
    grant(&world).await;
    world
}

async fn grant(world: &World) {
    world.kubectl(&[&["apply"], RIGHT.as_slice()].concat()).await.success();
}

/// How the replicas of these tests are started. The leader tries to renew for two thirds of the lease. A busy machine may stand
/// still for that long.
fn flags(world: &World) -> Vec<String> {
    ["--leader-election", "true", "--lease-namespace", &world.namespace, "--lease-duration", "9s"]
        .map(str::to_owned)
        .to_vec()
}

fn texts(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

/// Starts the first replica, which reaches the API server through the proxy, and waits until it leads.
async fn start_first(world: &mut World, more: &[&str]) {
    let flags = flags(world);
    world.start(&[texts(&flags).as_slice(), more].concat());
    is(world, world.operator.as_ref().expect("it was started"), "leading").await;
}

/// Starts another replica, which reaches the API server directly.
fn start_another(world: &World, more: &[&str]) -> Operator {
    let flags = flags(world);
    world.replica(&[texts(&flags).as_slice(), more].concat())
}

/// Waits until a replica reports this role.
async fn is(world: &World, replica: &Operator, role: &str) {
    let holds = world.eventually(async || replica.readiness().await.as_deref() == Some(role)).await;
    assert!(holds, "it is not {role} but {:?}\n{}", replica.readiness().await, world.log());
}

fn leases(world: &World) -> Api<Lease> {
    Api::namespaced(world.client.clone(), &world.namespace)
}

async fn holder(world: &World) -> Option<String> {
    leases(world).get(MANAGER).await.ok()?.spec?.holder_identity.filter(|holder| !holder.is_empty())
}

/// What was written in the namespace to keep credentials.
fn writes(world: &World) -> Vec<String> {
    let mut writes = world.control_plane.writes_in(&world.namespace);
    writes.retain(|write| !write.ends_with(" leases"));
    writes
}

/// What the first replica has written so far but for its lease.
fn writes_of_the_first(world: &World) -> usize {
    let writes = world.proxy().requests_that(&Which::effects());
    writes.iter().filter(|request| request.resource != "leases").count()
}

#[tokio::test]
async fn of_two_replicas_one_acts_and_nothing_is_done_twice() {
    let live = async |world: &World| {
        world.ready_with_defaults("orders").await;
        world.rotate("orders", "once").await;
        handled(world, "once").await;
        quiet(world).await;
    };
    let mut alone = World::new(BINARY, "alone").await;
    alone.start(&[]);
    live(&alone).await;

    let mut world = world("both").await;
    start_first(&mut world, &[]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    live(&world).await;
    is(&world, &other, "standby").await;
    assert_eq!(world.counts(), alone.counts());
    assert_eq!(writes(&world), writes(&alone));
    let told = |line: &str| world.log().lines().filter(|told| told.ends_with(line)).count();
    assert_eq!((told(" leading"), told(" standing by")), (1, 2), "{}", world.log());
}

#[tokio::test]
async fn when_the_leader_is_killed_the_standby_does_what_was_asked_meanwhile_once() {
    let mut world = world("killed").await;
    start_first(&mut world, &[]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    world.ready_with_defaults("orders").await;
    world.operator().kill().await;
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    is(&world, &other, "leading").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn a_leader_that_is_stopped_releases_the_lease() {
    let mut world = world("released").await;
    start_first(&mut world, &[]).await;
    assert!(holder(&world).await.is_some());
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    assert_eq!(holder(&world).await, None, "whoever comes next need not wait\n{}", world.log());

    start_first(&mut world, &[]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    world.ready_with_defaults("orders").await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    is(&world, &other, "leading").await;
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn a_leader_that_ends_keeps_the_lease_until_its_password_is_published() {
    let mut world = world("keeping").await;
    start_first(&mut world, &["--hold", "60s", "--api-deadline", "60s"]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    let gate = world.proxy().hold(Which::writes().of("secrets"));
    world.apply_with_defaults("orders").await;
    gate.arrived().await;
    signal("TERM", world.operator().id()).await;
    is(&world, world.operator.as_ref().unwrap(), "ending").await;
    // Longer than the other replica waits for a renewal.
    let renewals = || world.proxy().requests_that(&Which::writes().of("leases")).len();
    let renewed = renewals();
    assert!(world.eventually(async || renewals() >= renewed + 10).await, "{}", world.log());
    assert_eq!(other.readiness().await.as_deref(), Some("standby"), "{}", world.log());
    gate.release();

    assert_eq!(world.operator().ended().await, Some(0), "{}", world.log());
    is(&world, &other, "leading").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (1, 0));
}

#[tokio::test]
async fn a_leader_that_was_frozen_with_a_password_in_hand_comes_too_late() {
    let mut world = world("frozen").await;
    start_first(&mut world, &["--hold", "60s", "--api-deadline", "60s"]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    world.ready_with_defaults("orders").await;

    let gate = world.proxy().hold(Which::writes().of("secrets"));
    world.rotate("orders", "once").await;
    gate.arrived().await;
    world.operator().pause().await;
    handled(&world, "once").await;
    let published = world.user_and_password("orders").await;
    gate.release();
    world.operator().resume().await;

    is(&world, world.operator.as_ref().unwrap(), "standby").await;
    // Its pass ends with the process, whatever it still had to do.
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    let replies = world.proxy().requests_that(&Which::writes().of("secrets"));
    assert_eq!(replies.last().and_then(|write| write.effect), Some(409), "its publication has lost");
    quiet(&world).await;
    assert!(world.user_and_password("orders").await == published, "what was published stays");
    assert_eq!(world.counts().0, 3, "the first one, and one of each replica for the rotation");
    assert_eq!(world.ids().len(), 2, "the current one and the one in its overlap");
}

#[tokio::test]
async fn a_leader_that_was_frozen_before_create_leaves_nothing_behind() {
    let mut world = world("freezing").await;
    start_first(&mut world, &["--hold", "60s", "--api-deadline", "60s", "--consistency-window", "60s"]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;

    let gate = world.proxy().hold(Which::dry_runs().of("secrets"));
    world.apply_with_defaults("orders").await;
    gate.arrived().await;
    world.operator().pause().await;
    world.ready("orders").await;
    let published = world.user_and_password("orders").await;
    // The reply is there when the process continues. It may go on to Create before it looks at its clock.
    gate.release();
    world.operator().resume().await;

    is(&world, world.operator.as_ref().unwrap(), "standby").await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    quiet(&world).await;
    assert!(world.user_and_password("orders").await == published, "what was published stays");
    // Whether it still sends the Create is chance here. `fencing.rs` tests it without chance.
    assert_eq!(world.ids().len(), 1, "no extra one is left\n{}", world.log());
}

#[tokio::test]
async fn without_its_lease_a_leader_steps_down_and_one_of_the_two_takes_it_again() {
    let mut world = world("deleted").await;
    start_first(&mut world, &[]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    world.ready_with_defaults("orders").await;
    let stood_by = || world.log().lines().filter(|line| line.ends_with(" standing by")).count();
    let before = stood_by();

    leases(&world).delete(MANAGER, &DeleteParams::default()).await.unwrap();
    assert!(world.eventually(async || stood_by() > before).await, "the leader steps down\n{}", world.log());
    assert!(world.eventually(async || holder(&world).await.is_some()).await, "{}", world.log());
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn without_the_right_to_leases_it_does_not_act_and_says_what_is_missing() {
    let mut world = world("revoked").await;
    start_first(&mut world, &[]).await;
    world.ready_with_defaults("orders").await;
    let before = (writes_of_the_first(&world), world.iam.calls().len());

    world.kubectl(&["delete", "rolebinding", MANAGER]).await.success();
    is(&world, world.operator.as_ref().unwrap(), "standby").await;
    world.rotate("orders", "once").await;
    // It still asks for the lease.
    let requests = || world.proxy().requests_that(&Which::any().of("leases")).len();
    let asked = requests();
    assert!(world.eventually(async || requests() > asked + 3).await, "{}", world.log());
    assert_eq!((writes_of_the_first(&world), world.iam.calls().len()), before, "it does nothing\n{}", world.log());
    let log = world.log();
    assert!(log.contains("needs get, create, and update permissions on leases in coordination.k8s.io"), "{log}");
    // A new replica, which has never had the right, reports it too and is not ready.
    let new = start_another(&world, &[]);
    let says =
        format!("resource \"leases\" in API group \"coordination.k8s.io\" in the namespace \"{}\"", world.namespace);
    let told =
        async || world.log().lines().any(|line| line.contains("the lease cannot be read") && line.contains(&says));
    assert!(world.eventually(told).await, "{}", world.log());
    assert_eq!(new.readiness().await.as_deref(), Some("the lease could not be asked for yet"));

    grant(&world).await;
    handled(&world, "once").await;
    quiet(&world).await;
    assert_eq!((world.counts().0, world.counts().2), (2, 0));
}

#[tokio::test]
async fn a_leader_whose_renewals_are_not_answered_stops_acting() {
    let mut world = world("unheard").await;
    start_first(&mut world, &[]).await;
    let mut other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    world.ready_with_defaults("orders").await;

    world.proxy().set_fault(Fault::on(Which::any().of("leases"), Action::Hang).for_ever());
    is(&world, world.operator.as_ref().unwrap(), "standby").await;
    let written = writes_of_the_first(&world);
    is(&world, &other, "leading").await;
    world.rotate("orders", "once").await;
    handled(&world, "once").await;
    assert_eq!(writes_of_the_first(&world), written, "all of it is the other one's work");
    assert_eq!((world.counts().0, world.counts().2), (2, 0));

    world.proxy().clear_faults();
    assert_eq!(other.terminate().await, Some(0), "{}", world.log());
    is(&world, world.operator.as_ref().unwrap(), "leading").await;
    quiet(&world).await;
}

#[tokio::test]
async fn before_a_silent_api_server_a_leader_steps_down_and_can_still_be_stopped() {
    let mut world = world("silent").await;
    start_first(&mut world, &["--api-deadline", "3s"]).await;
    let other = start_another(&world, &[]);
    is(&world, &other, "standby").await;
    world.ready_with_defaults("orders").await;

    world.proxy().set_fault(Fault::on(Which::any(), Action::Hang).for_ever());
    world.rotate("orders", "once").await;
    is(&world, world.operator.as_ref().unwrap(), "standby").await;
    handled(&world, "once").await;
    assert_eq!(world.operator().terminate().await, Some(0), "{}", world.log());
    is(&world, &other, "leading").await;
    quiet(&world).await;
    assert_eq!(world.calls(Operation::Create).len(), 2);
}
