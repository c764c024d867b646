//! Putting the parts together.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use jiff::SignedDuration;
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::arguments::Options;
use crate::iam::{Iam, Rate};
use crate::protocol::Settings;
use crate::reconcile::{self, Context, Events, Grants};
use crate::{probes, telemetry};

/// Runs the operator until SIGTERM or SIGINT.
///
/// # Errors
/// It cannot start: no kubeconfig, an address that is taken.
pub fn run(options: Options) -> Result<(), Box<dyn Error>> {
    telemetry::start(options.log_format);
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(operate(options))
}

async fn operate(options: Options) -> Result<(), Box<dyn Error>> {
    let Options {
        namespace,
        grants,
        settle,
        hold,
        resync,
        recheck,
        iam_deadline,
        iam_rate,
        iam_burst,
        api_deadline,
        probe_address,
        log_format: _,
    } = options;
    let settings = Settings {
        settle: SignedDuration::try_from(settle)?,
        hold: SignedDuration::try_from(hold)?,
        resync: SignedDuration::try_from(resync)?,
        recheck: SignedDuration::try_from(recheck)?,
    };
    let mut config = Config::infer().await.map_err(|error| {
        format!(
            "no way to the API server: run in a cluster, or set KUBECONFIG to a kubeconfig that can be read ({})",
            causes(&error)
        )
    })?;
    // A resent write could meet its own success, and with fifteen tries a call has no end that a pass could count on. The
    // operator has its own deadlines and its own backoff.
    config.default_retry = false;
    // A watch whose other end is gone without a word ends here. The API server itself ends every watch after less than this.
    config.read_timeout = Some(Duration::from_secs(295));
    let client =
        Client::try_from(config).map_err(|error| format!("the way to the API server cannot be used: {error}"))?;
    let listener = probes::listen(probe_address).await.map_err(|error| {
        format!("cannot listen on {probe_address} for probes: {error}; choose another --probe-address")
    })?;

    let aws = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let iam = Iam::new(&aws, iam_deadline, Rate { per_second: iam_rate, burst: iam_burst });
    let (events, writer) = Events::start(client.clone());
    let context = Arc::new(Context::new(client, iam, settings, namespace, grants, api_deadline, events));

    let (ready, is_ready) = watch::channel(false);
    let probes = tokio::spawn(probes::serve(listener, is_ready));
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
    if grants == Grants::Open {
        tracing::warn!("--grants=open: every namespace may ask for every IAM user");
    }
    reconcile::run(context, ready, stopped()?).await;
    probes.abort();
    // The last events are still on their way; each has a deadline of its own.
    writer.await?;
    tracing::info!("stopped");
    Ok(())
}

/// Completes on SIGTERM or SIGINT.
fn stopped() -> std::io::Result<impl Future<Output = ()> + Send + Sync + 'static> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let (sender, receiver) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: finishing the passes that have begun");
        // The receiver is gone only if the operator is already on its way out.
        let _ = sender.send(());
    });
    Ok(async move {
        let _ = receiver.await;
    })
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
