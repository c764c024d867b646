//! The randomised robustness test: a short run, always from the same seed. `make soak` runs others, for longer.

use std::time::Duration;

use kit::soak::{self, Soak};

use crate::BINARY;

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_chaos_all_comes_right_and_no_published_password_dies() {
    let soak = Soak {
        seed: number("SOAK_SEED").unwrap_or(1),
        duration: Duration::from_secs(number("SOAK_SECONDS").unwrap_or(40)),
    };
    println!("{soak:?}");
    let outcome = soak::run(BINARY, soak).await;
    println!("{outcome:#?}");
    assert!(outcome.actions > 50 && outcome.looks > 100, "{outcome:?}");
}
