//! The runs: each has the faults of one kind of trouble, and explores all that can come of them.

use keyspaces_credential_protocol::{DeletionPolicy, ForeignPolicy, Strategy};

use crate::scenario::{Budget, Outside, Scenario, Start};

const NONE: Budget = Budget { crashes: 0, failures: 0, late: 0, stale: 0, outside: 0, switches: 0 };

/// The runs of `make test`: complete within their bounds.
#[must_use]
pub fn small() -> Vec<Scenario> {
    let mut runs = one_process();
    runs.extend(in_place());
    runs.extend(moved());
    runs.extend(options());
    runs.extend(two_processes(3, 2));
    runs
}

/// The runs of `make model`: the same with more faults, more time and more overtaking.
#[must_use]
pub fn large() -> Vec<Scenario> {
    let more = |mut run: Scenario| {
        run.ticks += 1;
        run.budget.crashes += 1;
        run.budget.failures += 1;
        run
    };
    let one = [one_process(), in_place(), moved(), options()].into_iter().flatten();
    let mut runs: Vec<Scenario> = one.map(more).collect();
    runs.extend(two_processes(6, 3));
    runs
}

fn one_process() -> Vec<Scenario> {
    use Outside::{AddForeign, DamageSecret, DeleteCredential, DeleteResource, DeleteSecret, Grant, Rotate, Withdraw};
    use Start::{Applied, Overlap, Ready};
    vec![
        Scenario {
            budget: Budget { failures: 1, late: 1, stale: 1, ..NONE },
            ..Scenario::quiet("calls lost, late, stale", Applied)
        },
        Scenario { budget: Budget { crashes: 2, failures: 1, ..NONE }, ..Scenario::quiet("crash, and again", Applied) },
        Scenario {
            budget: Budget { crashes: 1, failures: 1, outside: 1, ..NONE },
            outside: &[DeleteResource],
            ..Scenario::quiet("deleted during create", Applied)
        },
        Scenario {
            budget: Budget { late: 1, stale: 1, outside: 1, ..NONE },
            outside: &[DeleteResource],
            ..Scenario::quiet("deleted, calls late, stale", Applied)
        },
        Scenario {
            budget: Budget { late: 1, outside: 1, ..NONE },
            outside: &[DeleteSecret, DamageSecret],
            ..Scenario::quiet("Secret lost, calls late", Applied)
        },
        Scenario {
            budget: Budget { crashes: 1, stale: 1, outside: 1, ..NONE },
            outside: &[DeleteSecret, DamageSecret],
            ..Scenario::quiet("Secret lost, crash, stale", Applied)
        },
        Scenario {
            budget: Budget { crashes: 1, outside: 2, ..NONE },
            outside: &[Rotate, DeleteSecret],
            ..Scenario::quiet("rotated, Secret lost, crash", Ready)
        },
        Scenario {
            budget: Budget { failures: 1, outside: 2, ..NONE },
            outside: &[Rotate, AddForeign],
            ..Scenario::quiet("rotated beside a foreign one", Ready)
        },
        Scenario {
            budget: Budget { crashes: 1, stale: 1, outside: 2, ..NONE },
            outside: &[DeleteCredential, DeleteSecret],
            ticks: 3,
            ..Scenario::quiet("both lost, crash, stale", Ready)
        },
        Scenario {
            budget: Budget { crashes: 1, failures: 1, outside: 1, ..NONE },
            outside: &[Rotate, DeleteSecret, DamageSecret, DeleteCredential, AddForeign, DeleteResource],
            ..Scenario::quiet("anything in an overlap", Overlap)
        },
        Scenario {
            budget: Budget { crashes: 1, outside: 3, ..NONE },
            outside: &[Rotate, Withdraw, Grant],
            ticks: 2,
            ..Scenario::quiet("grant withdrawn and restored", Ready)
        },
        Scenario {
            policy: DeletionPolicy::Retain,
            budget: Budget { crashes: 1, failures: 1, outside: 2, ..NONE },
            outside: &[Rotate, DeleteResource],
            ticks: 3,
            ..Scenario::quiet("rotated, deleted, retained", Ready)
        },
    ]
}

fn in_place() -> Vec<Scenario> {
    use Outside::{DamageSecret, DeleteCredential, DeleteResource, DeleteSecret, Rename, Rotate};
    let reset = |name| Scenario { strategy: Strategy::InPlace, ..Scenario::quiet(name, Start::Ready) };
    vec![
        Scenario {
            budget: Budget { failures: 1, late: 1, outside: 1, ..NONE },
            outside: &[Rotate],
            ..reset("reset, calls lost, late")
        },
        Scenario {
            budget: Budget { crashes: 2, late: 1, outside: 1, ..NONE },
            outside: &[Rotate],
            ..reset("reset, crash, and again, late")
        },
        Scenario {
            budget: Budget { late: 1, outside: 2, ..NONE },
            outside: &[Rotate, DeleteSecret, DamageSecret, DeleteCredential],
            ticks: 3,
            ..reset("reset, lost, late")
        },
        Scenario {
            policy: DeletionPolicy::Retain,
            budget: Budget { crashes: 1, late: 1, outside: 2, ..NONE },
            outside: &[Rotate, DeleteResource],
            ticks: 3,
            ..reset("reset, deleted, retained, late")
        },
        Scenario {
            budget: Budget { crashes: 1, outside: 2, ..NONE },
            outside: &[Rotate, Rename],
            ..reset("reset, renamed, crash")
        },
    ]
}

fn moved() -> Vec<Scenario> {
    use Outside::{DeleteResource, DeleteSecret, Rename, Rotate};
    use Start::{Applied, Ready};
    vec![
        Scenario {
            budget: Budget { crashes: 1, failures: 1, outside: 1, ..NONE },
            outside: &[Rename],
            ..Scenario::quiet("renamed during create, crash", Applied)
        },
        Scenario {
            budget: Budget { crashes: 1, failures: 1, outside: 2, ..NONE },
            outside: &[Rename],
            ..Scenario::quiet("renamed, and again, crash", Ready)
        },
        Scenario {
            budget: Budget { crashes: 1, outside: 2, ..NONE },
            outside: &[Rename, Rotate],
            ..Scenario::quiet("renamed, rotated, crash", Ready)
        },
        Scenario {
            budget: Budget { crashes: 1, late: 1, outside: 2, ..NONE },
            outside: &[Rename, DeleteSecret],
            ..Scenario::quiet("renamed, Secret lost, crash, late", Ready)
        },
        Scenario {
            policy: DeletionPolicy::Retain,
            budget: Budget { crashes: 1, failures: 1, outside: 2, ..NONE },
            outside: &[Rename, DeleteResource],
            ..Scenario::quiet("renamed, deleted, retained", Ready)
        },
    ]
}

fn options() -> Vec<Scenario> {
    use Outside::{AddForeign, DeleteResource, DeleteSecret, Rotate, Suspend};
    use Start::{Overlap, Ready};
    vec![
        Scenario {
            inactive_for: 1,
            budget: Budget { crashes: 1, failures: 1, outside: 1, ..NONE },
            outside: &[Rotate, DeleteSecret, DeleteResource, Suspend],
            ticks: 5,
            ..Scenario::quiet("switched off after an overlap", Overlap)
        },
        Scenario {
            foreign: ForeignPolicy::Delete,
            budget: Budget { crashes: 1, late: 1, outside: 2, ..NONE },
            outside: &[Rotate, AddForeign],
            ticks: 3,
            ..Scenario::quiet("foreign ones make room, late", Ready)
        },
        Scenario {
            budget: Budget { crashes: 1, outside: 3, ..NONE },
            outside: &[Rotate, DeleteResource, Suspend],
            ticks: 3,
            ..Scenario::quiet("suspended, crash", Ready)
        },
    ]
}

fn two_processes(switches: u8, ticks: u8) -> Vec<Scenario> {
    use Outside::{DeleteResource, DeleteSecret, Grant, Rename, Rotate, Withdraw};
    use Start::{Applied, Ready};
    let two = |name, start| Scenario { replicas: 2, epochs: 3, ticks, ..Scenario::quiet(name, start) };
    vec![
        Scenario { budget: Budget { switches: switches + 1, ..NONE }, ..two("two processes, created", Applied) },
        Scenario {
            budget: Budget { crashes: 1, switches: switches - 2, ..NONE },
            ..two("two processes, crash", Applied)
        },
        Scenario {
            budget: Budget { outside: 1, switches, ..NONE },
            outside: &[Rotate],
            ..two("two processes, rotated", Ready)
        },
        Scenario {
            budget: Budget { outside: 1, switches, ..NONE },
            outside: &[DeleteSecret],
            ..two("two processes, Secret lost", Ready)
        },
        Scenario {
            budget: Budget { outside: 1, switches, ..NONE },
            outside: &[DeleteSecret],
            hold: 2,
            ticks: ticks + 1,
            ..two("the same, held for longer", Ready)
        },
        Scenario {
            policy: DeletionPolicy::Retain,
            budget: Budget { outside: 2, switches: switches - 2, ..NONE },
            outside: &[Rotate, DeleteResource],
            ticks: ticks - 1,
            ..two("two processes, retained", Ready)
        },
        Scenario {
            strategy: Strategy::InPlace,
            budget: Budget { outside: 1, switches, ..NONE },
            outside: &[Rotate],
            ..two("two processes, reset", Ready)
        },
        Scenario {
            budget: Budget { outside: 2, switches: switches - 1, ..NONE },
            outside: &[Rename, Rotate],
            ticks: ticks - 1,
            ..two("two processes, renamed", Ready)
        },
        Scenario {
            resources: 2,
            epochs: 3,
            ticks,
            budget: Budget { crashes: 1, outside: 1, switches: switches - 1, ..NONE },
            outside: &[DeleteResource],
            ..Scenario::quiet("two resources, one IAM user", Applied)
        },
        Scenario {
            resources: 2,
            epochs: 3,
            ticks: ticks - 1,
            refused: &[0],
            budget: Budget { crashes: 1, outside: 1, switches: switches - 2, ..NONE },
            outside: &[Grant, Withdraw],
            ..Scenario::quiet("the elder is granted later", Applied)
        },
    ]
}
