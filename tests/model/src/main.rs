//! m
#![allow(missing_docs, clippy::print_stderr)]
use protocol_model::scenario::{Budget, Outside, Scenario, Start};

fn main() {
    let outside = &[
        Outside::Rotate,
        Outside::DeleteSecret,
        Outside::DamageSecret,
        Outside::DeleteCredential,
        Outside::AddForeign,
        Outside::DeleteResource,
    ];
    let args: Vec<u8> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let start = [Start::Applied, Start::Ready, Start::Overlap][args[0] as usize];
    let scenario = Scenario {
        budget: Budget { crashes: args[1], failures: args[2], late: args[3], stale: args[4], outside: args[5] },
        outside,
        ticks: args[6],
        replicas: args[7],
        policy: if args[8] == 0 {
            keyspaces_credential_protocol::DeletionPolicy::Delete
        } else {
            keyspaces_credential_protocol::DeletionPolicy::Retain
        },
        epochs: args[9],
        write_deadline: std::env::var_os("NOWRITE").is_none(),
        hold: args.get(10).copied().unwrap_or(1),
        reread_secret: std::env::var_os("NOREREAD").is_none(),
        create_deadline: std::env::var_os("NODEADLINE").is_none(),
        ..Scenario::quiet("one", start)
    };
    println!("{start:?} {}", protocol_model::check(&scenario));
}
