//! Chaos for as long as you like: see [`kit::soak`].
//!
//!     cargo run -p kit --bin soak -- --operator target/debug/keyspaces-credential-operator --seconds 600 --seed 7
#![allow(clippy::print_stdout, reason = "what it has to say is for the terminal")]

use std::time::Duration;

use clap::Parser;
use kit::soak::{self, Soak};

/// Two operators, a handful of resources, and everything that can go wrong.
#[derive(Debug, Parser)]
struct Arguments {
    /// The operator's program.
    #[arg(long)]
    operator: String,
    /// What happens is made from this number.
    #[arg(long)]
    seed: u64,
    /// How long it lasts. Until all is well again, it takes up to fifteen minutes more.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let soak = Soak { seed: arguments.seed, duration: Duration::from_secs(arguments.seconds) };
    println!("seed {}, {:?} of chaos", soak.seed, soak.duration);
    println!("{:#?}", soak::run(&arguments.operator, soak).await);
}
