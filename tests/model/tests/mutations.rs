//! Each rule of the protocol is needed: without it the checker finds a way to harm.

use std::time::Duration;

use keyspaces_credential_protocol::Strategy;
use protocol_model::check;
use protocol_model::mutation::Mutation;
use protocol_model::report::{CONVERGES, IN_A_SECRET, NO_HARM, PASSWORD_WORKS};
use protocol_model::scenario::{Budget, Outside, Scenario, Start};

const NONE: Budget = Budget { crashes: 0, failures: 0, late: 0, stale: 0, outside: 0, switches: 3 };

fn broken(rule: &'static str, mutation: Mutation, start: Start) -> Scenario {
    Scenario { mutation: Some(mutation), ..Scenario::quiet(rule, start) }
}

fn two(mut scenario: Scenario) -> Scenario {
    (scenario.replicas, scenario.epochs, scenario.ticks) = (2, 3, 2);
    scenario
}

fn in_place(mut scenario: Scenario) -> Scenario {
    scenario.strategy = Strategy::InPlace;
    scenario
}

/// What is violated, and the rule, how it is broken, and the least trouble under which that does harm.
fn mutations() -> Vec<(&'static str, Scenario)> {
    use Outside::{AddForeign, DeleteResource, RefuseSecret, Rotate};
    use Start::{Applied, Ready};
    vec![
        (
            NO_HARM,
            Scenario {
                budget: Budget { crashes: 1, failures: 1, ..NONE },
                ..broken("1 an error is no absence", Mutation::ErrorIsAbsence, Ready)
            },
        ),
        (
            PASSWORD_WORKS,
            Scenario {
                resources: 2,
                epochs: 3,
                budget: Budget { crashes: 1, switches: 1, ..NONE },
                ticks: 2,
                ..broken("2 one resource per user", Mutation::ShareUser, Applied)
            },
        ),
        (
            CONVERGES,
            Scenario { budget: Budget { crashes: 1, ..NONE }, ..broken("3 intent first", Mutation::NoIntent, Applied) },
        ),
        (
            CONVERGES,
            Scenario { budget: Budget { crashes: 1, ..NONE }, ..broken("4 take over", Mutation::Continue, Applied) },
        ),
        (
            NO_HARM,
            Scenario {
                budget: Budget { outside: 2, ..NONE },
                outside: &[Rotate, RefuseSecret],
                ..broken("5 dry run", Mutation::NoDryRun, Ready)
            },
        ),
        (
            CONVERGES,
            Scenario {
                budget: Budget { failures: 1, ..NONE },
                ..broken("6 create once", Mutation::RetryCreate, Applied)
            },
        ),
        (
            PASSWORD_WORKS,
            two(Scenario { budget: NONE, ..broken("7 publish fenced", Mutation::PublishUnfenced, Applied) }),
        ),
        (
            IN_A_SECRET,
            Scenario {
                budget: Budget { crashes: 1, outside: 1, ..NONE },
                outside: &[Rotate],
                ..broken("8 accepted", Mutation::AcceptUnseen, Ready)
            },
        ),
        (
            NO_HARM,
            Scenario {
                budget: Budget { crashes: 1, outside: 1, ..NONE },
                outside: &[AddForeign],
                ..broken("9 leftovers only", Mutation::ClaimAll, Applied)
            },
        ),
        (
            PASSWORD_WORKS,
            two(Scenario {
                budget: Budget { outside: 1, ..NONE },
                outside: &[Rotate],
                ..broken("10 fence before deletion", Mutation::NoFence, Ready)
            }),
        ),
        (
            NO_HARM,
            Scenario {
                budget: Budget { outside: 2, crashes: 1, ..NONE },
                outside: &[AddForeign, Rotate],
                ..broken("11 order of destruction", Mutation::CurrentFirst, Ready)
            },
        ),
        (
            CONVERGES,
            Scenario {
                budget: Budget { late: 1, ..NONE },
                ..broken("12 belief takes time", Mutation::BelieveAtOnce, Applied)
            },
        ),
        (
            CONVERGES,
            Scenario {
                budget: Budget { outside: 1, ..NONE },
                outside: &[DeleteResource],
                ..broken("13 deletion", Mutation::LetGoFirst, Ready)
            },
        ),
    ]
}

/// The same for rotation in place and for a Secret's new name.
fn newer_mutations() -> Vec<(&'static str, Scenario)> {
    use Outside::{Rename, Rotate};
    use Start::{Applied, Ready};
    vec![
        (
            PASSWORD_WORKS,
            in_place(Scenario {
                budget: Budget { late: 1, outside: 1, ..NONE },
                outside: &[Rotate],
                ..broken("14 a last reset", Mutation::ForgetDoubt, Ready)
            }),
        ),
        (
            PASSWORD_WORKS,
            two(in_place(Scenario {
                budget: Budget { outside: 1, ..NONE },
                outside: &[Rotate],
                ..broken("14 fence before a reset", Mutation::NoFence, Ready)
            })),
        ),
        (
            PASSWORD_WORKS,
            Scenario {
                budget: Budget { failures: 1, late: 1, ..NONE },
                ..broken("14 no recovery by reset", Mutation::AdoptByReset, Applied)
            },
        ),
        (
            IN_A_SECRET,
            Scenario {
                budget: Budget { failures: 1, outside: 2, ..NONE },
                outside: &[Rotate, Rename],
                ..broken("7 an operation keeps its Secret", Mutation::FollowWantedSecret, Ready)
            },
        ),
        (
            IN_A_SECRET,
            Scenario {
                budget: Budget { outside: 1, ..NONE },
                outside: &[Rename],
                ..broken("the new Secret comes first", Mutation::DeleteBeforeCopy, Ready)
            },
        ),
    ]
}

fn assert_found(mutations: Vec<(&'static str, Scenario)>) {
    let mut missed = Vec::new();
    for (property, mut run) in mutations {
        // Only so that a search that finds nothing ends.
        run.only = Some(property);
        run.timeout = Some(Duration::from_mins(5));
        let report = check(&run);
        println!("{report}");
        if report.counterexamples.is_empty() {
            missed.push(format!("{}: {property}", run.name));
        }
    }
    assert!(missed.is_empty(), "not found: {missed:#?}");
}

#[test]
fn without_a_rule_the_checker_finds_harm() {
    assert_found(mutations());
}

#[test]
fn without_a_rule_of_resets_and_renames_the_checker_finds_harm() {
    assert_found(newer_mutations());
}
