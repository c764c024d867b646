//! `make demo`: the operator at work on a real control plane, from the creation of a resource to its deletion, with rotations
//! and accidents.
//!
//! Everything that it prints is either the output of a command that it ran or a statement that it has checked.
#![allow(clippy::print_stderr, reason = "this program talks to a person")]

mod accidents;
mod screen;
mod stage;
mod story;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::screen::Screen;
use crate::stage::Stage;

/// Longer than a control plane takes to start: it can only be stopped once it runs.
const LAST_WAIT: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_secs(30);

/// The exit code that a shell reports for a program that Ctrl-C has ended.
const STOPPED: u8 = 130;

/// Shows the operator at work on a real control plane.
#[derive(Parser)]
#[command(name = "demo")]
struct Arguments {
    /// The operator's program
    #[arg(long, value_name = "PATH")]
    operator: PathBuf,
    /// Leave everything running after the last rotation, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

/// Why the demo ends early.
enum Early {
    /// A human stopped it.
    Stopped,
    /// A check failed.
    Failed(String),
}

impl From<String> for Early {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The kit panics when something is not as it should be. To the user, that is a failure like any other.
    std::panic::set_hook(Box::new(|panic| eprintln!("\nfailed: {}", screen::panic_text(panic))));
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("failed: no runtime: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match Stopped::new() {
            Ok(stopped) => show(&arguments, &Screen::new(), stopped).await,
            Err(error) => Err(Early::Failed(format!("signals cannot be caught: {error}"))),
        }
    });
    if let Err(Early::Stopped) = outcome {
        eprintln!("\nstopping");
    }
    runtime.shutdown_timeout(LAST_WAIT);
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Early::Stopped) => {
            eprintln!("stopped before the end");
            ExitCode::from(STOPPED)
        }
        Err(Early::Failed(why)) => {
            eprintln!("\nfailed: {why}");
            ExitCode::FAILURE
        }
    }
}

async fn show(arguments: &Arguments, screen: &Screen, mut stopped: Stopped) -> Result<(), Early> {
    let start = Instant::now();
    let stage = unless_stopped(&mut stopped, Stage::set(screen, &arguments.operator)).await?;
    let outcome = perform(arguments, screen, &stage, &mut stopped).await;
    if let Err(Early::Failed(_)) = outcome {
        stage.show_log(screen);
    }
    let struck = stage.strike(screen).await;
    outcome?;
    struck?;
    screen.check(&format!("nothing is left running; {} s in all", start.elapsed().as_secs()));
    Ok(())
}

/// All that happens while the operator runs.
async fn perform(arguments: &Arguments, screen: &Screen, stage: &Stage, stopped: &mut Stopped) -> Result<(), Early> {
    let mut operator = unless_stopped(stopped, story::install(screen, stage)).await?;
    let told = async {
        let told = unless_stopped(stopped, Box::pin(tell(arguments, screen, stage))).await;
        if told.is_ok() && arguments.keep {
            story::what_to_try(screen, stage);
            stopped.asked().await;
        }
        told
    };
    tokio::select! {
        // A Ctrl-C at the terminal reaches the operator as well, so it is no failure that the operator ends then.
        biased;
        told = told => {
            // The operator gets the time that Kubernetes would give it, though it needs none.
            if tokio::time::timeout(GRACE, operator.terminate()).await.is_err() {
                operator.kill().await;
            }
            told
        }
        code = operator.ended() => Err(Early::Failed(format!("the operator ended by itself, exit code {code:?}"))),
    }
}

async fn tell(arguments: &Arguments, screen: &Screen, stage: &Stage) -> Result<(), String> {
    let first = story::ask(screen, stage).await?;
    let second = story::rotate(screen, stage, &first).await?;
    let third = accidents::schedule(screen, stage, &second).await?;
    let fourth = accidents::recover(screen, stage, &third).await?;
    let fifth = accidents::respect(screen, stage, &fourth).await?;
    if !arguments.keep {
        story::delete(screen, stage, &fifth, 5).await?;
    }
    Ok(())
}

async fn unless_stopped<T>(stopped: &mut Stopped, work: impl Future<Output = Result<T, String>>) -> Result<T, Early> {
    tokio::select! {
        done = work => done.map_err(Early::Failed),
        () = stopped.asked() => Err(Early::Stopped),
    }
}

/// The signals that ask a program to stop. They are caught from the beginning: what the demo has started has to be ended.
struct Stopped {
    signals: [Signal; 3],
}

impl Stopped {
    fn new() -> std::io::Result<Self> {
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [interrupt, terminate, hangup] = kinds.map(signal);
        Ok(Self { signals: [interrupt?, terminate?, hangup?] })
    }

    async fn asked(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
