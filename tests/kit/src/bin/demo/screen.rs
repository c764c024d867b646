//! What the demo prints.

use std::io::{IsTerminal, Write, stdout};
use std::panic::PanicHookInfo;
use std::pin::pin;
use std::time::{Duration, Instant};

const BOLD: &str = "1";
const GREEN: &str = "32";
const CYAN: &str = "36";
const DIM: &str = "2";

/// Standard output, in colour if it is a terminal and NO_COLOR is not set.
pub(crate) struct Screen {
    colour: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        // https://no-color.org: set and not empty.
        let objection = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
        Self { colour: stdout().is_terminal() && !objection && !dumb }
    }

    pub(crate) fn heading(&self, text: &str) {
        println!("\n{}", self.paint(BOLD, &format!("── {text}")));
    }

    /// A command line, as one would type it.
    pub(crate) fn command(&self, line: &str) {
        println!("{}", self.paint(CYAN, &format!("$ {line}")));
    }

    /// What a command wrote.
    pub(crate) fn output(text: &str) {
        for line in text.trim_end().lines() {
            println!("{}", line.trim_end());
        }
    }

    /// A statement that was checked.
    pub(crate) fn check(&self, text: &str) {
        println!("{} {text}", self.paint(GREEN, "✓"));
    }

    /// An explanation.
    pub(crate) fn remark(&self, text: &str) {
        println!("{}", self.paint(DIM, &format!("# {text}")));
    }

    /// Does something that takes seconds, with a dot for each of them.
    pub(crate) async fn progress<T>(&self, what: &str, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        show_now(&self.paint(DIM, &format!("# {what} ")));
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.tick().await;
        let mut work = pin!(work);
        let done = loop {
            tokio::select! {
                done = &mut work => break done,
                _ = ticks.tick() => show_now(&self.paint(DIM, ".")),
            }
        };
        println!("{}", self.paint(DIM, &format!(" {} s", start.elapsed().as_secs())));
        done
    }

    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn show_now(text: &str) {
    print!("{text}");
    // A dot that is printed late is no reason to stop.
    let _ = stdout().flush();
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &PanicHookInfo<'_>) -> String {
    let text = panic.payload_as_str().unwrap_or("for an unknown reason");
    match panic.location() {
        Some(location) => format!("{text} ({}:{})", location.file(), location.line()),
        None => text.to_owned(),
    }
}
