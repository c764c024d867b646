//! What the operator can be told, on the command line or in the environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::api::Span;
use crate::reconcile::Grants;

/// Keeps Amazon Keyspaces credentials in Kubernetes Secrets.
///
/// AWS is set up by the environment, as for every AWS SDK: IRSA, EKS Pod Identity, AWS_* variables, profiles. A TIME is written
/// in hours, minutes and seconds: 1h30m, 10m, 15s.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Arguments {
    /// What to do instead of running the operator.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to run the operator.
    #[command(flatten)]
    pub options: Options,
}

/// What to do instead of running the operator.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the CustomResourceDefinition as YAML.
    Crd,
}

/// How to run the operator.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Look at this namespace only. Resources elsewhere are then not seen, not even to find out who else uses an IAM user.
    #[arg(long, env = "WATCH_NAMESPACE")]
    pub namespace: Option<String>,

    /// Which namespaces may ask for which IAM users. namespace: those that the Namespace's annotation keyspaces.dev/iam-users
    /// names. open: all, for single-tenant clusters.
    #[arg(long, env, value_enum, default_value = "namespace")]
    pub grants: Grants,

    /// How long IAM may take to show the effect of a call. A value below what IAM really takes is unsafe, and so is one below
    /// twice --iam-deadline.
    #[arg(long, env, default_value = "2m", value_parser = span, value_name = "TIME")]
    pub settle: Duration,

    /// How long others wait for the holder of a new password to publish it. It gives the password up after half of this, so
    /// this must be more than twice the deadline of a call to the API server.
    #[arg(long, env, default_value = "1m", value_parser = span, value_name = "TIME")]
    pub hold: Duration,

    /// How often a resource is compared with IAM although nothing happened.
    #[arg(long, env, default_value = "10m", value_parser = span, value_name = "TIME")]
    pub resync: Duration,

    /// How often to look again at a resource that waits for a human.
    #[arg(long, env, default_value = "2m", value_parser = span, value_name = "TIME")]
    pub recheck: Duration,

    /// How long one call to IAM may take.
    #[arg(long, env, default_value = "15s", value_parser = span, value_name = "TIME")]
    pub iam_deadline: Duration,

    /// How many requests per second go to IAM in the long run, from all resources together. IAM throttles the account as a
    /// whole, so this is what is taken from everybody else.
    #[arg(long, env, default_value = "5", value_parser = rate, value_name = "NUMBER")]
    pub iam_rate: f64,

    /// How many requests may go to IAM at once after a pause.
    #[arg(long, env, default_value = "10", value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "NUMBER")]
    pub iam_burst: u32,

    /// How long one call to the Kubernetes API server may take.
    #[arg(long, env, default_value = "10s", value_parser = span, value_name = "TIME")]
    pub api_deadline: Duration,

    /// Whether the replicas elect one of them to act. Without it nothing is lost, but all of them do the same work.
    #[arg(long, env, default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    pub leader_election: bool,

    /// How long the others wait after the leader's last renewal before one of them takes over. The leader stops after two thirds
    /// of this if it cannot renew its lease.
    #[arg(long, env, default_value = "15s", value_parser = lease_span, value_name = "TIME")]
    pub lease_duration: Duration,

    /// Where the lease is kept, by default the namespace of the pod. The operator must be allowed to get, create and update
    /// leases of coordination.k8s.io there.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub lease_namespace: Option<String>,

    /// Where /healthz (the process lives) and /readyz (it stands by, or it reconciles) answer.
    #[arg(long, env, default_value = "[::]:8081", value_name = "ADDRESS")]
    pub probe_address: SocketAddr,

    /// How log lines look. What is logged is set by RUST_LOG, by default info.
    #[arg(long, env, value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

impl Options {
    /// What the protocol cannot bear of these times, one sentence each. Its promises hold only without them.
    #[must_use]
    pub fn unsafe_times(&self) -> Vec<&'static str> {
        let hold = (self.hold <= 2 * self.api_deadline).then_some(
            "--hold is not more than twice --api-deadline: a password may be published when others think it given up",
        );
        let settle = (self.settle < 2 * self.iam_deadline).then_some(
            "--settle is less than twice --iam-deadline: what a call does may show when nobody looks for it any more",
        );
        hold.into_iter().chain(settle).collect()
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For collectors.
    Json,
}

/// Slower than this, a queue of a few requests would outlast what the protocol reckons with.
const SLOWEST_RATE: f64 = 0.1;

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (SLOWEST_RATE..=1_000.0).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err(format!("write a number from {SLOWEST_RATE} to 1000")),
    }
}

/// Anything shorter would make each call fail, or each wait a loop.
const SHORTEST: Duration = Duration::from_secs(1);

fn span(text: &str) -> Result<Duration, String> {
    let duration = Span::from_text(text).duration().map_err(|error| error.to_string())?;
    let duration = Duration::try_from(duration).map_err(|error| error.to_string())?;
    if duration < SHORTEST { Err("write at least 1s".to_owned()) } else { Ok(duration) }
}

/// A renewal is tried every two fifteenths of this, and takes two requests.
const SHORTEST_LEASE: Duration = Duration::from_secs(3);

fn lease_span(text: &str) -> Result<Duration, String> {
    let duration = span(text)?;
    if duration < SHORTEST_LEASE {
        return Err(format!(
            "shorter than {}s, and replicas would do little else than renew",
            SHORTEST_LEASE.as_secs()
        ));
    }
    Ok(duration)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn every_option_has_a_default() {
        let arguments = Arguments::try_parse_from(["operator"]).unwrap();
        assert_eq!(arguments.options.settle, Duration::from_mins(2));
        assert!(arguments.command.is_none());
    }

    #[test]
    fn times_that_do_not_go_together_are_told() {
        let told = |flags: &[&str]| {
            let arguments = [&["operator"], flags].concat();
            Arguments::try_parse_from(arguments).unwrap().options.unsafe_times().join("\n")
        };
        assert_eq!(told(&[]), "");
        assert!(told(&["--hold", "20s"]).starts_with("--hold is not more than twice --api-deadline"));
        assert_eq!(told(&["--hold", "21s"]), "");
        assert!(told(&["--iam-deadline", "61s"]).starts_with("--settle is less than twice --iam-deadline"));
    }

    #[test]
    fn leader_election_is_on_unless_it_is_switched_off() {
        assert!(Arguments::try_parse_from(["operator"]).unwrap().options.leader_election);
        let off = Arguments::try_parse_from(["operator", "--leader-election=false"]).unwrap();
        assert!(!off.options.leader_election);
        assert!(Arguments::try_parse_from(["operator", "--lease-duration", "2s"]).is_err());
    }

    #[test]
    fn a_bad_time_is_refused_with_the_way_to_write_it() {
        let error = Arguments::try_parse_from(["operator", "--settle", "1.5h"]).unwrap_err().to_string();
        assert!(error.contains("1h30m"), "{error}");
    }

    #[test]
    fn no_time_is_zero() {
        for flag in ["--settle", "--hold", "--resync", "--recheck", "--iam-deadline", "--api-deadline"] {
            assert!(Arguments::try_parse_from(["operator", flag, "1s"]).is_ok(), "{flag}");
            let error = Arguments::try_parse_from(["operator", flag, "0s"]).unwrap_err().to_string();
            assert!(error.contains("at least 1s"), "{error}");
        }
    }

    #[test]
    fn a_rate_is_a_positive_number_that_is_not_absurd() {
        for good in ["0.1", "5", "2.5", "1000"] {
            assert!(rate(good).is_ok(), "{good}");
        }
        for bad in ["0", "-1", "NaN", "inf", "1e9", "", "5/s", "0.01"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
    }
}
