//! The exhaustive crash test: `kill -9` before and after every effect of the operator, in every scenario, and again while the
//! next operator recovers.
//!
//! Every effect passes the proxy or the emulator. That is where the test kills the operator, which needs no code for it. Each
//! scenario first runs once without a fault, which counts its effects. Then it runs twice per effect, each time in a fresh
//! world. In one run the operator is killed before the effect, which then never happens. In the other it is killed after the
//! effect, and the reply is lost. A new operator starts. When nothing is left to be done, three things must hold: the universal
//! oracle holds; the final state is that of the run without a crash; and the operators did no more than the crashes explain,
//! object by object. The effects of the new operator are the places for a second crash.

mod cost;
mod effort;
mod ending;
mod run;
mod scenario;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt};

use run::{Crash, Run, crashes};
use scenario::Scenario;

/// How many worlds run at the same time. A run mostly waits for the consistency window.
const WORLDS: usize = 8;
/// Of the pairs of crashes, one in this many is tried, always the same ones. It is a prime, so that the sample does not repeat
/// the order of the effects. `CRASH_PAIRS=all` tries every pair: see `make test-all`.
const ONE_IN: usize = 13;

/// A scenario, the places where its operators are killed one after the other, and the run without a crash.
type Plan<'a> = (Scenario, Vec<Crash>, &'a Run);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_before_or_after_any_effect_and_again_in_its_recovery_it_loses_nothing() {
    let faultless = futures::future::join_all(Scenario::ALL.map(|scenario| scenario.run(&[]))).await;
    let mut once: Vec<Plan<'_>> = Vec::new();
    for (scenario, run) in Scenario::ALL.into_iter().zip(&faultless) {
        let crashes = crashes(&run.effort);
        println!("{scenario:?}: {:?} without a crash, {} crashes", run.effort.counts(), crashes.len());
        once.extend(crashes.into_iter().map(|crash| (scenario, vec![crash], run)));
    }
    let (recovered, mut failed) = survive(once).await;
    println!("{} runs with one crash, {} of them failed", recovered.len() + failed.len(), failed.len());
    for scenario in Scenario::ALL {
        println!("{scenario:?}: {:?} more for one crash", greatest_cost(scenario, &recovered));
    }

    let one_in = if std::env::var("CRASH_PAIRS").is_ok_and(|pairs| pairs == "all") { 1 } else { ONE_IN };
    let pairs: Vec<Plan<'_>> = recovered
        .into_iter()
        .filter(|((scenario, ..), _)| scenario.again())
        .flat_map(|((scenario, first, faultless), run)| {
            crashes(&run.recovery)
                .into_iter()
                .map(move |second| (scenario, [first.clone(), vec![second]].concat(), faultless))
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

/// How much more often than without a crash something was done in a run of a scenario, at most.
fn greatest_cost(scenario: Scenario, runs: &[(Plan<'_>, Run)]) -> BTreeMap<String, usize> {
    let mut greatest: BTreeMap<String, usize> = BTreeMap::new();
    for ((of, _, faultless), run) in runs {
        for (deed, more) in run.effort.beyond(&faultless.effort).into_iter().filter(|_| *of == scenario) {
            let known = greatest.entry(deed.to_string()).or_default();
            *known = more.max(*known);
        }
    }
    greatest
}

/// Runs all plans, some at a time. Returns the runs that passed, in their order, and the names of the others.
async fn survive(plans: Vec<Plan<'_>>) -> (Vec<(Plan<'_>, Run)>, BTreeSet<String>) {
    let mut failed = BTreeSet::new();
    let mut survived = Vec::new();
    let mut runs = futures::stream::iter(plans)
        .map(async |(scenario, crashes, faultless)| {
            // The message of the panic is on stderr.
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
