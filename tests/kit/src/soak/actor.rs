//! An operator of the chaos, and what the test does to it.

use std::time::Duration;

use tokio::time::Instant;

use super::Replicas;
use super::plan::FLAGS;
use crate::operator::Operator;
use crate::world::{Way, World};

/// How long an operator may take to end before it is killed, as by a kubelet.
const GRACE: Duration = Duration::from_secs(30);

/// An operator, and what is to become of it.
pub(super) struct Actor {
    way: Way,
    replicas: Replicas,
    process: Option<Operator>,
    /// When the next one starts, if it is dead.
    starts_at: Option<Instant>,
    /// When it goes on, if it is stopped.
    resumes_at: Option<Instant>,
}

/// How an operator ends.
pub(super) enum End {
    Kill,
    Terminate,
}

/// Starts an operator.
pub(super) fn launch(world: &World, way: Way, replicas: Replicas) -> Operator {
    let election = match replicas {
        Replicas::Strangers => Vec::new(),
        Replicas::Elected => {
            vec!["--leader-election", "true", "--lease-duration", "4s", "--lease-namespace", &world.namespace]
        }
    };
    world.launch(way, &FLAGS.split(' ').chain(election).collect::<Vec<&str>>(), &[])
}

impl Actor {
    pub(super) fn start(world: &World, way: Way, replicas: Replicas) -> Self {
        let process = Some(launch(world, way, replicas));
        Self { way, replicas, process, starts_at: None, resumes_at: None }
    }

    pub(super) async fn end(&mut self, away: Duration, end: End) -> &'static str {
        let Some(mut process) = self.process.take() else {
            return "it is dead";
        };
        self.starts_at = Some(Instant::now() + away);
        let stopped = self.resumes_at.take().is_some();
        match end {
            End::Kill => process.kill().await,
            End::Terminate => {
                if stopped {
                    process.resume().await;
                }
                let Ok(code) = tokio::time::timeout(GRACE, process.terminate()).await else {
                    process.kill().await;
                    return "killed after its grace period";
                };
                // Just after its start the process does not handle the signal yet, and the kernel ends it.
                assert!(matches!(code, Some(0) | None), "it ended with {code:?}");
            }
        }
        "done"
    }

    pub(super) async fn pause(&mut self, time: Duration) -> &'static str {
        let Some(process) = self.process.as_ref().filter(|_| self.resumes_at.is_none()) else {
            return "it is dead or stopped";
        };
        process.pause().await;
        self.resumes_at = Some(Instant::now() + time);
        "done"
    }

    pub(super) async fn tick(&mut self, world: &World, now: Instant) {
        if let (Some(process), Some(_)) = (&self.process, self.resumes_at.filter(|at| *at <= now)) {
            process.resume().await;
            self.resumes_at = None;
        }
        if self.starts_at.is_some_and(|at| at <= now) {
            self.starts_at = None;
            self.process = Some(launch(world, self.way, self.replicas));
        }
    }
}
