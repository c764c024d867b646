//! Sets up the log.

use std::any::Any;
use std::io::IsTerminal;
use std::panic::PanicHookInfo;

use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::arguments::LogFormat;

/// The default filter. It leaves out kube's span of each pass: in 140 characters it repeats what each line says anyway. It
/// leaves out the lines of the election: the operator itself logs its role. Set RUST_LOG to see both.
const QUIET: &str = "info,kube_runtime::controller=warn,k8s_controller=warn";

/// kube's client logs the body of a reply that it cannot decode, and that body may be a Secret. Its lines are never logged,
/// whatever RUST_LOG says. The operator itself reports what went wrong.
const SILENCED: &str = "kube_client::client";

/// Sets up the log on standard output and the report of a panic. Called once.
pub fn start(format: LogFormat) {
    std::panic::set_hook(Box::new(tell_panic));
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_else(|_| QUIET.to_owned());
    let wanted = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).parse_lossy(wanted);
    let lines = match format {
        // Colours are for terminals only: a log collector would have to remove them.
        LogFormat::Text => fmt::layer().with_ansi(std::io::stdout().is_terminal()).boxed(),
        LogFormat::Json => fmt::layer().json().boxed(),
    };
    // This is a filter of its own, not a directive of `wanted`: a directive about a span would override that.
    let lines = lines.with_filter(filter_fn(|metadata| !metadata.target().starts_with(SILENCED)));
    tracing_subscriber::registry().with(wanted).with(lines).init();
}

fn tell_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let location = panic.location().map(ToString::to_string);
    tracing::error!(thread = thread.name(), location, "a panic, please report it: {}", words(panic.payload()));
}

/// The message of a panic, if it is a literal in the source. A message that was composed at run time may quote a password.
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
