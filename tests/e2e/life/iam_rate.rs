//! Many resources at a time: the operator keeps to `--iam-rate` and `--iam-burst`, and a resource with a fault delays no other.

use std::time::Instant;

use futures::stream::{self, StreamExt};
use jiff::Timestamp;
use keyspaces_emulator::{Call, Fault, FaultKind, Operation, Options};
use kit::world::{PATIENCE, USER, World, has_condition};
use kube::api::ListParams;
use serde_json::json;

use crate::BINARY;
use crate::support::refuse;

/// What IAM may at most see in any window.
#[derive(Clone, Copy)]
struct Allowed {
    per_second: f64,
    burst: f64,
}

const UNLIMITED: Allowed = Allowed { per_second: 1_000.0, burst: 1_000.0 };

/// Starts the operator with the times of production: a busy machine must not look like an IAM that does not answer. For the
/// same reason it logs little; in the other tests the log level is TRACE.
fn start(world: &mut World, allowed: Allowed) {
    let (rate, burst) = (allowed.per_second.to_string(), allowed.burst.to_string());
    let pace = ["--iam-rate", &rate, "--iam-burst", &burst];
    let times = ["--consistency-window", "2m", "--hold", "1m", "--iam-deadline", "15s"];
    world.start_with(&[pace.as_slice(), &times].concat(), &[("RUST_LOG", "info")]);
}

impl Allowed {
    /// No window between two calls holds more calls than the token bucket allows. A request may be on its way for a second, so
    /// a call that was sent before the window may arrive in it.
    fn assert_holds(self, calls: &[Call]) {
        const UNDER_WAY: f64 = 1.0;
        let mut times: Vec<f64> = calls
            .iter()
            .map(|call| call.time.parse::<Timestamp>().unwrap().duration_since(Timestamp::UNIX_EPOCH).as_secs_f64())
            .collect();
        times.sort_by(f64::total_cmp);
        for (index, first) in times.iter().enumerate() {
            let mut seen = 0.0;
            for last in &times[index..] {
                seen += 1.0;
                let allowed = self.burst + self.per_second * (last - first + UNDER_WAY);
                assert!(seen <= allowed + 1.0, "{seen} calls in {:.2} s, {allowed:.1} allowed", last - first);
            }
        }
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("app-{number:04}")).collect()
}

/// Applies a resource for each user and waits until all are Ready.
async fn all_ready(world: &World, names: &[String]) {
    stream::iter(names)
        .for_each_concurrent(16, async |name| drop(world.apply(name, json!({ "iamUserName": name })).await))
        .await;
    until_all_ready(world, names.len()).await;
}

async fn ready_count(world: &World) -> usize {
    let resources = world.resources().list(&ListParams::default()).await.unwrap().items;
    resources.iter().filter(|resource| has_condition(resource, "Ready", "True", "Published")).count()
}

async fn until_all_ready(world: &World, count: usize) {
    let mut ready = 0;
    let mut before = usize::MAX;
    // The test waits as long as there is progress.
    while ready < count && ready != before {
        before = ready;
        world
            .eventually(async || {
                ready = ready_count(world).await;
                ready == count || ready >= before.saturating_add(count / 4)
            })
            .await;
    }
    assert_eq!(
        ready,
        count,
        "{}",
        world.log().lines().filter(|line| line.contains("WARN")).take(20).collect::<String>()
    );
}

/// The versions of all Secrets.
async fn versions(world: &World) -> Vec<(Option<String>, Option<String>)> {
    let secrets = world.secrets().list(&ListParams::default()).await.unwrap().items;
    secrets.into_iter().map(|secret| (secret.metadata.name, secret.metadata.resource_version)).collect()
}

/// Row 57 of the fault catalogue. `LOAD=1000` takes that many instead.
#[tokio::test]
async fn many_resources_at_a_cold_start_are_looked_at_in_the_allowed_pace_and_nothing_is_created() {
    let count = std::env::var("LOAD").ok().and_then(|count| count.parse().ok()).unwrap_or(100);
    let names = names(count);
    let mut world = World::with_iam(BINARY, "load", Options::with_users(names.clone())).await;
    start(&mut world, UNLIMITED);
    let began = Instant::now();
    all_ready(&world, &names).await;
    println!("{count} resources Ready after {:.1?}, with {} KiB", began.elapsed(), world.operator().resident_kib());
    assert_eq!(world.operator().terminate().await, Some(0));
    let before = versions(&world).await;
    world.iam.clear_calls();

    let allowed = Allowed { per_second: 20.0, burst: 5.0 };
    let began = Instant::now();
    start(&mut world, allowed);
    let lists = |iam: &keyspaces_emulator::Handle| iam.calls().len();
    let mut seen = 0;
    while seen < count {
        let more = world.iam.wait_until(PATIENCE, |iam| lists(iam) > seen).await;
        assert!(more, "{seen} of {count} are looked at\n{}", world.log().len());
        seen = world.iam.calls().len();
    }
    println!("{count} resources looked at after {:.1?}, with {} KiB", began.elapsed(), world.operator().resident_kib());
    assert_eq!(world.counts(), (0, count, 0));
    allowed.assert_holds(&world.iam.calls());
    assert_eq!(ready_count(&world).await, count);
    assert_eq!(versions(&world).await, before, "no Secret was written");
    world.assert_whole(&names[count - 1]).await;
}

/// While the operator looks at hundreds of resources only because it is time, a resource that needs IAM is served first.
#[tokio::test]
async fn a_rotation_does_not_wait_for_the_resync_of_all_others() {
    let names = names(120);
    let mut world = World::with_iam(BINARY, "lanes", Options::with_users(names.clone())).await;
    start(&mut world, UNLIMITED);
    all_ready(&world, &names).await;
    assert_eq!(world.operator().terminate().await, Some(0));
    world.iam.clear_calls();
    // If all resources stood in one line, the operator would look at the last one after two minutes.
    let allowed = Allowed { per_second: 1.0, burst: 1.0 };
    start(&mut world, allowed);
    assert!(world.iam.wait_until(PATIENCE, |iam| !iam.calls().is_empty()).await);
    let chosen = &names[100];
    world.rotate(chosen, "once").await;
    world
        .until(chosen, "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| status.last_handled_rotate.as_deref() == Some("once"))
        })
        .await;
    let calls = world.iam.calls();
    let others = calls.iter().filter(|call| call.user.as_deref() != Some(chosen)).count();
    assert!(others < names.len() / 2, "{others} looks at others came first");
    allowed.assert_holds(&calls);
    world.assert_whole(chosen).await;
}

#[tokio::test]
async fn a_storm_of_deletions_keeps_to_the_pace_and_leaves_nothing() {
    let names = names(40);
    let mut world = World::with_iam(BINARY, "storm", Options::with_users(names.clone())).await;
    start(&mut world, UNLIMITED);
    all_ready(&world, &names).await;
    assert_eq!(world.operator().terminate().await, Some(0));
    world.iam.clear_calls();
    let allowed = Allowed { per_second: 20.0, burst: 5.0 };
    start(&mut world, allowed);
    world.kubectl(&["delete", "kscred", "--all", "--wait=false"]).await.success();
    let gone = async || world.resources().list(&ListParams::default()).await.is_ok_and(|list| list.items.is_empty());
    assert!(world.eventually(gone).await, "{}", ready_count(&world).await);
    assert_eq!(world.iam.credentials().len(), 0);
    assert_eq!((world.counts().0, world.counts().2), (0, names.len()), "one Delete each");
    allowed.assert_holds(&world.iam.calls());
}

#[tokio::test]
async fn who_waits_for_a_turn_does_not_hold_up_the_end() {
    let names = names(20);
    let mut world = World::with_iam(BINARY, "leaving", Options::with_users(names.clone())).await;
    // The last resource would have its turn after some minutes.
    start(&mut world, Allowed { per_second: 0.1, burst: 1.0 });
    for name in &names {
        world.apply(name, json!({ "iamUserName": name })).await;
    }
    assert!(world.iam.wait_until(PATIENCE, |iam| !iam.calls().is_empty()).await);
    let (ended, code) = (Instant::now(), world.operator().terminate().await);
    assert_eq!(code, Some(0), "{}", world.log());
    println!("ended after {:.1?}", ended.elapsed());
    assert!(world.counts().1 < names.len() / 2, "the others were still waiting");
    // The next process serves them.
    start(&mut world, UNLIMITED);
    until_all_ready(&world, names.len()).await;
    world.assert_whole(&names[19]).await;
}

#[tokio::test]
async fn one_slow_iam_user_does_not_hold_another() {
    let mut world = World::with_iam(BINARY, "slow", Options::with_users([USER, "slow-app"])).await;
    // The hanging call outlasts the test.
    world.start(&["--iam-deadline", "1h"]);
    world.iam.set_fault(Fault::on_any(FaultKind::Hang).of_user("slow-app").for_ever());
    world.apply("slow", json!({ "iamUserName": "slow-app" })).await;
    let hangs = |call: &Call| call.user.as_deref() == Some("slow-app");
    assert!(world.iam.wait_until(PATIENCE, |iam| iam.calls().iter().any(hangs)).await);
    world.ready_with_defaults("orders").await;
    world.rotate("orders", "once").await;
    world
        .until("orders", "rotated", |resource| {
            resource.status.as_ref().is_some_and(|status| status.last_handled_rotate.as_deref() == Some("once"))
        })
        .await;
    world.assert_whole("orders").await;
    assert_eq!(world.iam.calls().iter().filter(|call| hangs(call)).count(), 1, "it still hangs");
    world.operator().kill().await;
    world.iam.clear_faults();
    world.start(&[]);
    world.ready("slow").await;
    world.assert_whole("slow").await;
}

/// Row 16 of the fault catalogue.
#[tokio::test]
async fn an_account_that_is_throttled_is_asked_less_and_less_and_all_become_ready() {
    const REFUSED: u64 = 30;
    let names = names(12);
    let mut world = World::with_iam(BINARY, "account", Options::with_users(names.clone())).await;
    world.iam.set_fault(Fault::on_any(refuse(400, "Throttling")).times(REFUSED));
    let allowed = Allowed { per_second: 20.0, burst: 10.0 };
    start(&mut world, allowed);
    all_ready(&world, &names).await;
    let calls = world.iam.calls();
    allowed.assert_holds(&calls);
    let refused: Vec<_> = calls.iter().filter(|call| call.status == Some(400)).cloned().collect();
    assert_eq!(refused.len() as u64, REFUSED);
    // The burst was sent before the first throttling. From then on there is no burst, and at most half of the rate.
    Allowed { per_second: 10.0, burst: 1.0 }.assert_holds(&refused[10..]);
    let created = world.calls(Operation::Create).into_iter().filter(|call| call.applied).count();
    assert_eq!(created, names.len(), "one Create each");
    assert_eq!(world.iam.credentials().len(), names.len(), "and nothing is left over");
    world.assert_whole(&names[0]).await;
}
