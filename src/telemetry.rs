//! The log.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{Directive, LevelFilter};

use crate::arguments::LogFormat;

/// Sets up the log on standard output. Called once.
pub fn start(format: LogFormat) {
    // kube's span round each pass repeats in 140 characters what each line says itself; it is there for those who set RUST_LOG.
    let wanted =
        std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| "info,kube_runtime::controller=warn".to_owned());
    let mut filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(wanted);
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
