//! m
#![allow(missing_docs, clippy::print_stderr)]
use protocol_model::scenario::{Budget, Outside, Scenario, Start};

fn main() {
    let all = [
        Outside::Rotate,
        Outside::DeleteSecret,
        Outside::DamageSecret,
        Outside::DeleteCredential,
        Outside::AddForeign,
        Outside::DeleteResource,
    ];
    let mut acts = Vec::new();
    let mut s = Scenario::quiet("one", Start::Applied);
    let mut b = Budget { switches: 100, ..Budget::default() };
    for arg in std::env::args().skip(1) {
        let (k, v) = arg.split_once('=').unwrap();
        let n: u8 = v.parse().unwrap_or(0);
        match k {
            "start" => s.start = [Start::Applied, Start::Ready, Start::Overlap][n as usize],
            "c" => b.crashes = n,
            "f" => b.failures = n,
            "l" => b.late = n,
            "s" => b.stale = n,
            "o" => b.outside = n,
            "sw" => b.switches = n,
            "acts" => acts = v.chars().map(|c| all[c.to_digit(10).unwrap() as usize]).collect(),
            "t" => s.ticks = n,
            "r" => s.replicas = n,
            "res" => s.resources = n,
            "e" => s.epochs = n,
            "hold" => s.hold = n,
            "settle" => s.settle = n,
            "retain" => s.policy = keyspaces_credential_protocol::DeletionPolicy::Retain,
            "noreread" => s.reread_secret = false,
            "nodeadline" => s.create_deadline = false,
            "nolook" => s.look_when_gone = false,
            "nowrite" => s.write_deadline = false,
            "timeout" => s.timeout = Some(std::time::Duration::from_secs(n.into())),
            _ => panic!("{k}"),
        }
    }
    if acts.is_empty() {
        acts = all.to_vec();
    }
    s.outside = acts.leak();
    s.budget = b;
    println!("{}", protocol_model::check(&s));
}
