//! A pass panics at any place where it reads the clock: the clock fails there once, and Rust's standard library panics.

use futures::future::join_all;
use keyspaces_emulator::Options;
use kit::clock::WrongClock;
use kit::world::{USER, World};

use crate::BINARY;
use crate::support::{OTHER, apply, quiet_as, status};

/// More than any rotation takes.
const NEVER: u64 = 1_000_000;

/// How many worlds run at the same time.
const WORLDS: u64 = 4;

/// A world with two resources, and the clock of its operator.
async fn world() -> (World, WrongClock) {
    // The operator reaches the proxy without TLS: checking a certificate reads the clock as well, in a task that is part of no
    // pass.
    let mut world = World::proxied_with_iam(BINARY, "panic", Options::with_users([USER, OTHER])).await;
    let clock = WrongClock::new(world.folder());
    // A log line reads the clock too, so the operator logs nothing before the panic. It also looks at nothing by itself.
    let environment = [clock.environment().as_slice(), &[("RUST_LOG", "warn")]].concat();
    world.start_with(&["--resync", "1h", "--consistency-window", "1s", "--hold", "4s"], &environment);
    for (name, user) in [("orders", USER), ("bills", OTHER)] {
        apply(&world, name, user, "1s").await;
        world.ready(name).await;
    }
    (world, clock)
}

/// Rotates, and waits until the replaced credential is gone.
async fn rotate(world: &World, name: &str, value: &str) {
    world.rotate(name, value).await;
    world
        .until(name, "rotated", |resource| {
            let status = status(resource);
            status.last_handled_rotate.as_deref() == Some(value) && status.retiring.is_none()
        })
        .await;
    world.login(name).await.expect("the published password works");
}

/// How many lines of the log have these words.
fn lines(world: &World, words: &str) -> usize {
    world.log().lines().filter(|line| line.contains(words)).count()
}

/// Row 49 of the fault catalogue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_a_pass_panics_the_next_one_goes_on_and_loses_nothing() {
    let (world, clock) = world().await;
    clock.fail_at(NEVER);
    rotate(&world, "orders", "counted").await;
    let readings = NEVER - clock.fails_in().expect("it has not failed");
    drop(world);

    let shares = (1..=WORLDS).map(async |first| {
        let (world, clock) = self::world().await;
        let mut struck = 0;
        for nth in (first..=readings).step_by(WORLDS.try_into().expect("a small number")) {
            clock.fail_at(nth);
            rotate(&world, "orders", &format!("panics-{nth}")).await;
            // This rotation may have read the clock less often, so that no reading failed.
            struck += usize::from(clock.mend());
        }
        for name in ["orders", "bills"] {
            rotate(&world, name, "at last").await;
            quiet_as(&world, name).await;
        }
        assert_eq!(lines(&world, "a panic, please report it"), struck, "{}", world.log());
        // The other panics were in the task of a connection, which is opened again.
        let passes = lines(&world, "internal error in the operator");
        assert!(passes <= struck);
        (struck, passes)
    });
    let counts = join_all(shares).await;
    let (struck, passes) = counts.iter().fold((0, 0), |(all, ended), (struck, passes)| (all + struck, ended + passes));
    println!("{readings} readings of the clock in a rotation, {struck} of them failed, {passes} ended a pass");
    assert!(passes > 10, "{readings} {struck} {passes}");
}
