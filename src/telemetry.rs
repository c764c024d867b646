//! The log.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};

use crate::arguments::LogFormat;

/// Sets up the log on standard output. Called once.
pub fn start(format: LogFormat) {
    let mut filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    // kube's client logs the body of a reply that it cannot decode, and that body may be a Secret. It is silenced whatever
    // RUST_LOG says; what went wrong is told by the operator itself.
    if let Ok(directive) = "kube_client::client=off".parse::<Directive>() {
        filter = filter.add_directive(directive);
    }
    let log = tracing_subscriber::fmt().with_env_filter(filter);
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().init(),
    }
}
