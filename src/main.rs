//! `keyspaces-credential-operator`: runs the operator, or prints its CRD.

use std::process::ExitCode;

use clap::Parser;
use keyspaces_credential_operator::arguments::{Arguments, Command};
use keyspaces_credential_operator::{crd, operator};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command {
        Some(Command::Crd) => crd::print(),
        None => operator::run(arguments.options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The log may not be set up yet. Then this line is the only report of what went wrong.
            #[expect(clippy::print_stderr, reason = "the last words of the process")]
            {
                eprintln!("error: {error}");
            }
            ExitCode::FAILURE
        }
    }
}
