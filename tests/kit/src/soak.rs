//! The randomised robustness test: chaos, then a time without faults, then the universal oracle.
//!
//! Three operators work on a handful of resources, all at once or one at a time. Meanwhile people rotate, delete and edit, IAM
//! and the API server fail in every way that the emulator and the proxy know, and two of the operators are killed and stopped.
//! The seed decides what happens, but not how it coincides in time. So the same seed need not find the same fault.
//!
//! During the chaos the test asserts three things: the password in every Secret that nobody tampers with works at every moment;
//! no credential of somebody else is deleted; and no password is in anything that the operators write besides Secrets. Then the
//! faults are cleared, and the operators have to bring everything in order by themselves.
//!
//! The chaos stays within the limits of the operator that the README describes: nobody makes a credential by hand for a user
//! whose resource has an operation open, and nothing is on its way for longer than the flags of the operators allow.

mod actor;
mod dice;
mod guard;
mod plan;
mod stage;

use std::fmt::Write as _;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use futures::FutureExt;
use keyspaces_credential_operator::api::KeyspacesCredential;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::world::has_condition;
use guard::Guard;
use plan::{CAST, Plan};
use stage::Stage;

/// How long it may take until all is well again. The longest wait between two tries is ten minutes and a quarter.
const QUIET: Duration = Duration::from_mins(15);

/// The least number of things that happen. On a busy machine the chaos lasts longer, so that it reaches this number.
const FEWEST: usize = 50;

/// How often the log, the events and the objects are searched for passwords.
const SEARCH: Duration = Duration::from_secs(10);

/// What the operators know of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// They know nothing of each other, and all of them act.
    Strangers,
    /// One of them acts, as they are deployed.
    Elected,
}

/// Which chaos, and how much.
#[derive(Clone, Copy, Debug)]
pub struct Soak {
    /// What the sequence of events is made from.
    pub seed: u64,
    /// How long the chaos lasts at the least.
    pub duration: Duration,
    /// What the operators know of each other.
    pub replicas: Replicas,
}

/// What was done, and what it cost.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many things happened.
    pub actions: usize,
    /// How often a Secret was looked at.
    pub looks: usize,
    /// How often IAM was asked to create, list and delete.
    pub counts: (usize, usize, usize),
    /// The resident memory of the operator that nobody killed, in KiB: at the beginning, after half of the chaos, at the end.
    pub memory: [u64; 3],
    /// How many bytes of log were searched for passwords.
    pub log: u64,
}

/// What happened, one line each.
type Timeline = std::sync::Mutex<String>;

/// Runs it. When something is not as it must be, it reports that on stderr with the seed, the timeline and a folder that holds
/// the log of the operators.
///
/// # Panics
/// When something is not as it must be.
pub async fn run(binary: &str, soak: Soak) -> Outcome {
    let timeline = Timeline::default();
    let mut stage = Stage::new(binary, soak.replicas).await;
    match AssertUnwindSafe(play(&mut stage, soak, &timeline)).catch_unwind().await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(harm)) => fail(&stage, soak, &timeline, &harm),
        Err(_) => fail(&stage, soak, &timeline, "see the message above"),
    }
}

async fn play(stage: &mut Stage, soak: Soak, timeline: &Timeline) -> Result<Outcome, String> {
    let at_first = stage.memory();
    let (over, is_over) = watch::channel(false);
    let guard = Guard { secrets: stage.world.secrets(), iam: stage.world.iam.handle(), foreign: stage.foreign.clone() };
    let watching = tokio::spawn(guard.watch(is_over));

    let begun = Instant::now();
    let note = |text: &str| {
        let mut timeline = timeline.lock().expect("nobody panics with it");
        let _ = writeln!(timeline, "{:>8.3} {text}", begun.elapsed().as_secs_f64());
    };
    let mut plan = Plan::new(soak.seed);
    let (mut actions, mut halfway, mut searched) = (0, None, begun);
    while (begun.elapsed() < soak.duration || actions < FEWEST) && !watching.is_finished() {
        let (pause, action) = plan.next();
        tokio::time::sleep(pause).await;
        stage.tick().await;
        let text = format!("{action:?}");
        let became = stage.perform(action).await;
        note(&format!("{text} {became}"));
        actions += 1;
        if searched.elapsed() > SEARCH {
            stage.world.assert_no_password_shown().await;
            searched = Instant::now();
        }
        if halfway.is_none() && begun.elapsed() > soak.duration / 2 {
            halfway = Some(stage.memory());
        }
    }
    note("quiet");
    stage.calm_down().await;
    // The guard goes on checking, since the recovery is as dangerous as the chaos.
    for (name, _) in CAST {
        come_right(stage, name).await?;
        note(&format!("{name} has come right"));
    }
    over.send_replace(true);
    let looks = watching.await.map_err(|error| error.to_string())??;
    for (name, _) in CAST {
        stage.world.assert_in_order(name).await;
    }
    stage.world.assert_no_password_shown().await;
    let memory = [at_first, halfway.unwrap_or(at_first), stage.memory()];
    Ok(Outcome { actions, looks, counts: stage.world.counts(), memory, log: stage.world.log_size() })
}

/// Waits until nothing is left to be done for a resource. Nobody helps the operators.
async fn come_right(stage: &Stage, name: &str) -> Result<(), String> {
    let deadline = Instant::now() + QUIET;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        match stage.resource(name).await {
            None => {
                stage.apply(name).await;
            }
            // The operators notice only after a while what people did in IAM, so status alone proves nothing.
            Some(resource) if has_come_right(&resource) && stage.serves(name).await => return Ok(()),
            Some(resource) if Instant::now() > deadline => {
                return Err(format!("{name} does not come right: {:#?}", resource.status));
            }
            Some(_) => {}
        }
    }
}

fn has_come_right(resource: &KeyspacesCredential) -> bool {
    let status = resource.status.clone().unwrap_or_default();
    let idle = status.operation.is_none() && status.unresolved.is_none() && status.retiring.is_none();
    let asked = resource.metadata.annotations.as_ref().and_then(|all| all.get("keyspaces.dev/rotate"));
    let handled = asked.is_none() || asked == status.last_handled_rotate.as_ref();
    let ready = has_condition(resource, "Ready", "True", "Published") && status.conditions.len() == 1;
    let present = status.observed_generation == resource.metadata.generation;
    idle && handled && ready && present && status.credential.is_some() && resource.metadata.deletion_timestamp.is_none()
}

fn fail(stage: &Stage, soak: Soak, timeline: &Timeline, harm: &str) -> ! {
    let timeline = timeline.lock().map(|timeline| timeline.clone()).unwrap_or_default();
    let calls: String = stage.world.iam.calls().iter().fold(String::new(), |mut text, call| {
        let _ = writeln!(text, "{call:?}");
        text
    });
    let folder = keep(soak, &[("timeline", &timeline), ("operator.log", &stage.world.log()), ("iam-calls", &calls)]);
    panic!("{harm}\n\nseed {}, {:?} of chaos\n{timeline}\nmore in {}", soak.seed, soak.duration, folder.display());
}

/// Writes files into a folder that stays.
fn keep(soak: Soak, files: &[(&str, &str)]) -> PathBuf {
    let prefix = format!("soak-{}-", soak.seed);
    let folder = tempfile::Builder::new().prefix(&prefix).tempdir().expect("a folder").keep();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("the file can be written");
    }
    folder
}
