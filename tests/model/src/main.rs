//! m
#![allow(missing_docs, clippy::print_stderr)]
use protocol_model::scenario::{Budget, Outside, Scenario, Start};

fn main() {
    let outside = &[Outside::Rotate, Outside::DeleteSecret, Outside::DamageSecret, Outside::DeleteCredential, Outside::AddForeign, Outside::DeleteResource];
    for start in [Start::Applied, Start::Ready, Start::Overlap] {
        let scenario = Scenario {
            budget: Budget { crashes: 1, failures: 1, late: 1, stale: 1, outside: 1 },
            outside,
            ticks: 3,
            ..Scenario::quiet("one", start)
        };
        println!("{start:?} {}", protocol_model::check(&scenario));
    }
}
