//! What the shell promises beside performing a step is needed: without it the checker finds harm.

use keyspaces_credential_protocol::DeletionPolicy;
use protocol_model::check;
use protocol_model::scenario::{Budget, Outside, Scenario, Start};

const NONE: Budget = Budget { crashes: 0, failures: 0, late: 0, stale: 0, outside: 0, switches: 4 };

fn two(name: &'static str, start: Start) -> Scenario {
    Scenario { replicas: 2, epochs: 3, ticks: 2, budget: NONE, ..Scenario::quiet(name, start) }
}

/// A promise of the shell, broken, and the least trouble under which that does harm.
fn broken() -> Vec<Scenario> {
    vec![
        Scenario {
            reread_secret: false,
            budget: Budget { outside: 1, switches: 3, ..NONE },
            outside: &[Outside::DeleteSecret],
            ..two("the Secret is not read again", Start::Ready)
        },
        Scenario {
            create_deadline: false,
            budget: Budget { crashes: 1, switches: 1, ..NONE },
            ticks: 8,
            ..two("Create is sent late", Start::Applied)
        },
        Scenario {
            look_when_gone: false,
            policy: DeletionPolicy::Retain,
            budget: Budget { failures: 1, outside: 2, ..NONE },
            outside: &[Outside::Rotate, Outside::DeleteResource],
            ..Scenario::quiet("a kept Secret is not looked at", Start::Ready)
        },
        Scenario {
            windows_contest: false,
            resources: 2,
            refused: &[0],
            epochs: 3,
            ticks: 1,
            budget: Budget { crashes: 1, outside: 1, switches: 1, ..NONE },
            outside: &[Outside::Grant],
            ..Scenario::quiet("an open window is not told", Start::Applied)
        },
    ]
}

#[test]
fn without_a_promise_of_the_shell_the_checker_finds_harm() {
    let mut missed = Vec::new();
    for mut run in broken() {
        // Only so that a search that finds nothing ends: the longest took eleven minutes on a busy machine.
        run.timeout = Some(std::time::Duration::from_mins(20));
        let report = check(&run);
        println!("{report}");
        if report.counterexamples.is_empty() {
            missed.push(run.name);
        }
    }
    assert!(missed.is_empty(), "no counterexample for {missed:?}");
}
