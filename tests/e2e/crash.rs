//! The exhaustive crash test: `kill -9` before and after every effect that the operator has, in every scenario, and again
//! while the next one recovers.
//!
//! Every effect passes the proxy or the emulator, so that is where the operator is killed, and it needs to know nothing of
//! it. Each scenario runs once without a fault, which counts its effects. Then it runs again in a fresh world for each of
//! them, twice: killed before the effect, which then never happens, and after it, with the reply lost. A new operator starts,
//! and when nothing is left to be done, the universal oracle holds. What the new operator did on the way are the places for
//! a second crash.

mod run;
mod scenario;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt};

use run::{Crash, Effort, Run, crashes};
use scenario::Scenario;

/// Worlds at the same time. Most of a run is waiting for the settle time.
const WORLDS: usize = 8;
/// Of the pairs of crashes, one in this many is tried, always the same ones. A prime, so that the sample does not fall into
/// step with the order of the effects. `CRASH_PAIRS=all` tries every pair: see `make test-all`.
const ONE_IN: usize = 13;

/// A scenario, where its operators die one after the other, and its effort without that.
type Plan<'a> = (Scenario, Vec<Crash>, &'a Effort);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_or_after_any_effect_and_again_in_its_recovery_it_loses_nothing() {
    let faultless = futures::future::join_all(Scenario::ALL.map(|scenario| scenario.run(&[]))).await;
    let mut once: Vec<Plan<'_>> = Vec::new();
    for (scenario, run) in Scenario::ALL.into_iter().zip(&faultless) {
        let crashes = crashes(&run.effort);
        println!("{scenario:?}: {:?} without a crash, {} crashes", run.effort, crashes.len());
        once.extend(crashes.into_iter().map(|crash| (scenario, vec![crash], &run.effort)));
    }
    let (recovered, mut failed) = survive(once).await;
    println!("{} runs with one crash, {} of them failed", recovered.len() + failed.len(), failed.len());

    let one_in = if std::env::var("CRASH_PAIRS").is_ok_and(|pairs| pairs == "all") { 1 } else { ONE_IN };
    let pairs: Vec<Plan<'_>> = recovered
        .into_iter()
        .filter(|((scenario, ..), _)| scenario.again())
        .flat_map(|((scenario, first, effort), run)| {
            crashes(&run.recovery)
                .into_iter()
                .map(move |second| (scenario, [first.clone(), vec![second]].concat(), effort))
        })
        .collect();
    let all = pairs.len();
    let tried: Vec<Plan<'_>> = pairs.into_iter().step_by(one_in).collect();
    let count = tried.len();
    let (recovered, failed_twice) = survive(tried).await;
    let twice = recovered.iter().filter(|(_, run)| run.deaths == 2).count();
    println!(
        "{count} of {all} pairs of crashes, {} of them failed; in {twice} the second operator died as well, in the others \
         it was done before",
        failed_twice.len()
    );
    failed.extend(failed_twice);
    assert_eq!(failed, BTreeSet::new());
    assert!(2 * twice > count, "the second crash is seldom met: {twice} of {count}");
}

/// Runs all plans, some at a time. Gives what became of those that survived, in their order, and the names of the others.
async fn survive(plans: Vec<Plan<'_>>) -> (Vec<(Plan<'_>, Run)>, BTreeSet<String>) {
    let mut failed = BTreeSet::new();
    let mut survived = Vec::new();
    let mut runs = futures::stream::iter(plans)
        .map(async |(scenario, crashes, faultless)| {
            // What it panicked with is on stderr.
            let run = AssertUnwindSafe(scenario.survive(&crashes, faultless)).catch_unwind().await;
            ((scenario, crashes, faultless), run.ok())
        })
        .buffered(WORLDS);
    while let Some((plan, run)) = runs.next().await {
        match run {
            Some(run) => survived.push((plan, run)),
            None => {
                failed.insert(format!("{:?}, killed at {:?}", plan.0, plan.1));
            }
        }
    }
    (survived, failed)
}
