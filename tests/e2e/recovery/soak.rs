//! The randomised robustness test: a short run, always from the same seed. `make soak` runs others, for longer.

use std::time::Duration;

use kit::soak::{self, Replicas, Soak};

use crate::BINARY;

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

async fn chaos(replicas: Replicas) {
    let soak = Soak {
        seed: number("SOAK_SEED").unwrap_or(1),
        duration: Duration::from_secs(number("SOAK_SECONDS").unwrap_or(40)),
        replicas,
    };
    println!("{soak:?}");
    let outcome = soak::run(BINARY, soak).await;
    println!("{soak:?}: {outcome:#?}");
    assert!(outcome.looks > outcome.actions, "nothing happens unseen: {outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_chaos_all_comes_right_and_no_published_password_dies() {
    chaos(Replicas::Strangers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_one_leader_at_a_time_it_comes_right_as_well() {
    chaos(Replicas::Elected).await;
}
