//! Runs the model: `--large` for more faults and more time, a number of seconds as a limit for each run.
#![allow(clippy::print_stdout, reason = "the report is the purpose of this program")]

use std::process::ExitCode;
use std::time::Duration;

use protocol_model::{check, runs};

fn main() -> ExitCode {
    let (mut large, mut timeout) = (false, None);
    for argument in std::env::args().skip(1) {
        match (argument.as_str(), argument.parse()) {
            ("--large", _) => large = true,
            (_, Ok(seconds)) => timeout = Some(Duration::from_secs(seconds)),
            (other, Err(_)) => {
                println!("unknown argument {other}; known: --large, and a number of seconds as a limit for each run");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut failed = false;
    for mut run in if large { runs::large() } else { runs::small() } {
        run.timeout = timeout;
        let report = check(&run);
        println!("{report}");
        failed |= !report.counterexamples.is_empty();
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
