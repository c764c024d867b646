//! A short run of the randomised robustness test, always from the same seed. `make soak` runs others, for longer.

use std::time::Duration;

use kit::soak::{self, Soak};

use crate::BINARY;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_any_chaos_all_comes_right_and_no_published_password_dies() {
    let soak = Soak { seed: 1, duration: Duration::from_secs(40) };
    let outcome = soak::run(BINARY, soak).await;
    println!("{soak:?}: {outcome:#?}");
    assert!(outcome.actions > 50 && outcome.looks > 100, "{outcome:?}");
}
