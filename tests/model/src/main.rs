//! Runs the model: `--large` for more faults and more time, a number of seconds as a limit for each run, a part of a name for
//! the runs of that name only.
#![allow(clippy::print_stdout, reason = "the report is the purpose of this program")]

use std::process::ExitCode;
use std::time::Duration;

use protocol_model::{check, runs};

fn main() -> ExitCode {
    let (mut large, mut timeout, mut name) = (false, None, String::new());
    for argument in std::env::args().skip(1) {
        match argument.parse() {
            Ok(seconds) => timeout = Some(Duration::from_secs(seconds)),
            Err(_) if argument == "--large" => large = true,
            Err(_) if argument.starts_with('-') => {
                println!(
                    "unknown argument {argument}; known: --large, a number of seconds as a limit for each run, a part of a name"
                );
                return ExitCode::FAILURE;
            }
            Err(_) => name = argument,
        }
    }
    let mut failed = false;
    let runs = if large { runs::large() } else { runs::small() };
    for mut run in runs.into_iter().filter(|run| run.name.contains(&name)) {
        run.timeout = timeout;
        let report = check(&run);
        println!("{report}");
        failed |= !report.counterexamples.is_empty();
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
