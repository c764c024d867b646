//! The log.

use std::any::Any;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::arguments::LogFormat;

/// kube's span round each pass repeats in 140 characters what each line says itself, and so does the election with what the
/// operator says about its role. They are there for those who set RUST_LOG.
const QUIET: &str = "info,kube_runtime::controller=warn,k8s_controller=warn";

/// kube's client logs the body of a reply that it cannot decode, and that body may be a Secret. It is silenced whatever
/// RUST_LOG says; what went wrong is told by the operator itself.
const SILENCED: &str = "kube_client::client";

/// Sets up the log on standard output, and what is said of a panic. Called once.
pub fn start(format: LogFormat) {
    std::panic::set_hook(Box::new(tell_panic));
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| QUIET.to_owned());
    let wanted = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(wanted);
    let lines = match format {
        // Colours are for people who look on; a collector would have to take them out again.
        LogFormat::Text => fmt::layer().with_ansi(std::io::stdout().is_terminal()).boxed(),
        LogFormat::Json => fmt::layer().json().boxed(),
    };
    // A filter of its own and no directive: one about a span would overrule it.
    let lines = lines.with_filter(filter_fn(|metadata| !metadata.target().starts_with(SILENCED)));
    tracing_subscriber::registry().with(wanted).with(lines).init();
}

fn tell_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let location = panic.location().map(ToString::to_string);
    tracing::error!(thread = thread.name(), location, "a panic, please report it: {}", words(panic.payload()));
}

/// What a panic says, if that is written in the source. What was put together at run time may quote a password.
fn words(payload: &dyn Any) -> &'static str {
    payload.downcast_ref::<&'static str>().copied().unwrap_or("its words are not shown, for they may quote a password")
}

#[cfg(test)]
#[expect(clippy::panic, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_panic_are_shown_only_if_they_are_in_the_source() {
        let password = String::from("hunter2");
        let put_together = std::panic::catch_unwind(|| panic!("cannot use {password}")).unwrap_err();
        let plain = std::panic::catch_unwind(|| panic!("out of luck")).unwrap_err();
        assert!(!words(&*put_together).contains("hunter2"));
        assert_eq!(words(&*plain), "out of luck");
    }
}
