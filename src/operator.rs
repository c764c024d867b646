//! Starts the parts of the operator, connects them, and stops them.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use futures::FutureExt;
use jiff::SignedDuration;
use kube::{Client, Config};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::arguments::Options;
use crate::iam::{Iam, Rate};
use crate::leader::Candidate;
use crate::protocol::Settings;
use crate::reconcile::{self, Context, Events, Grants};
use crate::role::{CurrentRole, Role};
use crate::{probes, telemetry};

/// How long the last events may take.
const LAST_EVENTS: Duration = Duration::from_secs(5);

/// Runs the operator until SIGTERM or SIGINT. It then begins no new step, but publishes a password in hand. A second signal
/// ends it at once.
///
/// # Errors
/// The operator cannot start, for instance without a kubeconfig, or when its probe address is taken.
pub fn run(options: Options) -> Result<(), Box<dyn Error>> {
    telemetry::start(options.log_format);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(operate(options));
    // Dropping the runtime would wait for a DNS look-up that gets no answer.
    runtime.shutdown_background();
    outcome
}

async fn operate(options: Options) -> Result<(), Box<dyn Error>> {
    let unsafe_times = options.unsafe_times();
    let Options {
        namespace,
        grants,
        consistency_window,
        hold,
        resync,
        recheck,
        iam_deadline,
        iam_rate,
        iam_burst,
        api_deadline,
        leader_election,
        lease_duration,
        lease_namespace,
        probe_address,
        log_format: _,
    } = options;
    let settings = Settings {
        consistency_window: SignedDuration::try_from(consistency_window)?,
        hold: SignedDuration::try_from(hold)?,
        resync: SignedDuration::try_from(resync)?,
        recheck: SignedDuration::try_from(recheck)?,
    };
    let mut signals = Signals::listen()?;
    let mut config = Config::infer().await.map_err(|error| {
        format!(
            "no way to the API server: run in a cluster, or set KUBECONFIG to a kubeconfig that can be read ({})",
            causes(&error)
        )
    })?;
    // kube must not repeat calls. A write that is sent again could conflict with its own success. With kube's fifteen tries a
    // pass could not know when a call ends. The operator has its own deadlines and its own backoff.
    config.default_retry = false;
    // Ends a watch whose connection is dead and was never closed. The API server ends every other watch before that.
    config.read_timeout = Some(reconcile::LONGEST_SILENCE);
    let unusable = |error: kube::Error| format!("the way to the API server cannot be used: {error}");
    let candidate = leader_election
        .then(|| Candidate::new(config.clone(), lease_namespace.as_deref(), lease_duration))
        .transpose()
        .map_err(unusable)?;
    let client = Client::try_from(config).map_err(unusable)?;
    let listener = probes::listen(probe_address).await.map_err(|error| {
        format!("cannot listen on {probe_address} for probes: {error}; choose another --probe-address")
    })?;

    let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let iam = Iam::new(&aws, iam_deadline, Rate { per_second: iam_rate, burst: iam_burst });
    let (events, writer) = Events::start(client.clone());
    let role = CurrentRole::default();
    let context = Arc::new(Context::new(client, iam, settings, namespace, grants, api_deadline, events, role.clone()));

    let (listed, is_listed) = watch::channel(false);
    let probes = tokio::spawn(probes::serve(listener, role.clone(), is_listed));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    for told in unsafe_times {
        tracing::warn!("{told}");
    }
    if grants == Grants::Open {
        tracing::warn!("--grants=open: every namespace may ask for every IAM user");
    }

    let (ended, has_ended) = oneshot::channel::<()>();
    let reconciling = async {
        reconcile::run(context, listed).await;
        drop(ended);
    };
    let standing = async {
        match candidate {
            Some(candidate) => candidate.stand(&role, has_ended.map(drop)).await,
            None => role.assign(Role::Leading),
        }
    };
    // How long the end takes at most: one call to IAM, the calls that publish its outcome, and the release of the lease, all at
    // their deadlines. Every call has a deadline, so this limit is only for what nobody has thought of.
    let longest_end = iam_deadline + 4 * api_deadline;
    let impatience = async {
        signals.next().await;
        role.assign(Role::Ending);
        tokio::select! {
            () = tokio::time::sleep(longest_end) => {}
            () = signals.next() => {}
        }
    };
    tokio::select! {
        _ = futures::future::join(reconciling, standing) => {}
        () = impatience => tracing::warn!("stopping in the middle of a pass: the next process finds what it leaves"),
    }
    probes.abort();
    // The task that writes events may still have some to write.
    if tokio::time::timeout(LAST_EVENTS, writer).await.is_err() {
        tracing::debug!("not all events were written");
    }
    tracing::info!("stopped");
    Ok(())
}

/// The signals that ask the process to end.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// An error with its causes on one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text.replace('\n', " ")
}
