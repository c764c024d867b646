//! The options of the operator, on the command line or in the environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use crate::api::Span;
use crate::reconcile::Grants;

/// Keeps Amazon Keyspaces credentials in Kubernetes Secrets.
///
/// The operator finds its AWS identity and region as every AWS SDK does: IRSA, EKS Pod Identity, AWS_* variables, profiles.
/// Write a TIME in hours, minutes and seconds: 1h30m, 10m, 15s.
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
    /// Watch this namespace only. The operator then does not see resources in other namespaces, and so does not notice when one
    /// of them uses the same IAM user.
    #[arg(long, env = "WATCH_NAMESPACE")]
    pub namespace: Option<String>,

    /// Which namespaces may use which IAM users. namespace: a namespace may use the users that the annotation
    /// keyspaces.dev/iam-users of its Namespace names. open: every namespace may use every user, for single-tenant clusters.
    #[arg(long, env, value_enum, default_value = "namespace")]
    pub grants: Grants,

    /// How long IAM may take to show the effect of a call. The operator is unsafe with a value below what IAM really takes, and
    /// with a value below twice --iam-deadline.
    #[arg(long, env, default_value = "2m", value_parser = span, value_name = "TIME")]
    pub consistency_window: Duration,

    /// How long other processes wait for the holder of a new password to publish it. The holder gives the password up after
    /// half of this time. So it must be more than twice --api-deadline, the deadline of a call to the API server.
    #[arg(long, env, default_value = "1m", value_parser = span, value_name = "TIME")]
    pub hold: Duration,

    /// How often the operator compares a resource with IAM although nothing has changed.
    #[arg(long, env, default_value = "10m", value_parser = span, value_name = "TIME")]
    pub resync: Duration,

    /// How often the operator looks again at a resource that waits for a human.
    #[arg(long, env, default_value = "2m", value_parser = span, value_name = "TIME")]
    pub recheck: Duration,

    /// How long one call to IAM may take.
    #[arg(long, env, default_value = "15s", value_parser = span, value_name = "TIME")]
    pub iam_deadline: Duration,

    /// How many requests per second the operator sends to IAM in the long run, for all resources together. IAM throttles the
    /// account as a whole, so this is taken from all other clients of the account.
    #[arg(long, env, default_value = "5", value_parser = rate, value_name = "NUMBER")]
    pub iam_rate: f64,

    /// How many requests the operator may send to IAM at once after a pause.
    #[arg(long, env, default_value = "10", value_parser = clap::value_parser!(u32).range(1..=1000), value_name = "NUMBER")]
    pub iam_burst: u32,

    /// How long one call to the Kubernetes API server may take.
    #[arg(long, env, default_value = "10s", value_parser = span, value_name = "TIME")]
    pub api_deadline: Duration,

    /// Whether the replicas elect one of them to act. Without an election nothing is lost, but all replicas do the same work.
    #[arg(long, env, default_value_t = true, action = ArgAction::Set, value_name = "BOOL")]
    pub leader_election: bool,

    /// How long the other replicas wait after the leader's last renewal before one of them takes over. A leader that cannot
    /// renew its lease stops acting after two thirds of this time.
    #[arg(long, env, default_value = "15s", value_parser = lease_span, value_name = "TIME")]
    pub lease_duration: Duration,

    /// The namespace of the lease, by default the namespace of the pod. The operator must be allowed to get, create and update
    /// leases of coordination.k8s.io there.
    #[arg(long, env = "POD_NAMESPACE", value_name = "NAMESPACE")]
    pub lease_namespace: Option<String>,

    /// The address of the probes: /healthz (the process lives) and /readyz (the process reconciles, or stands by).
    #[arg(long, env, default_value = "[::]:8081", value_name = "ADDRESS")]
    pub probe_address: SocketAddr,

    /// The format of log lines. RUST_LOG sets what is logged, by default info.
    #[arg(long, env, value_enum, default_value = "text")]
    pub log_format: LogFormat,
}

impl Options {
    /// The combinations of these times with which the protocol cannot keep its promises, one sentence each.
    #[must_use]
    pub fn unsafe_times(&self) -> Vec<&'static str> {
        let hold = (self.hold <= 2 * self.api_deadline).then_some(
            "--hold is not more than twice --api-deadline: a password may be published when others think it given up",
        );
        let window = (self.consistency_window < 2 * self.iam_deadline).then_some(
            "--consistency-window is less than twice --iam-deadline: what a call does may show when nobody looks for it any more",
        );
        hold.into_iter().chain(window).collect()
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

/// At a slower rate, a queue of a few requests would take longer than the protocol expects.
const SLOWEST_RATE: f64 = 0.1;

fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (SLOWEST_RATE..=1_000.0).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err(format!("write a number from {SLOWEST_RATE} to 1000")),
    }
}

/// With anything shorter, each call would fail or each wait would become a busy loop.
const SHORTEST: Duration = Duration::from_secs(1);

fn span(text: &str) -> Result<Duration, String> {
    let duration = Span::from_text(text).duration().map_err(|error| error.to_string())?;
    let duration = Duration::try_from(duration).map_err(|error| error.to_string())?;
    if duration < SHORTEST { Err("write at least 1s".to_owned()) } else { Ok(duration) }
}

/// The leader tries to renew every two fifteenths of this time, and a renewal takes two requests.
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
        assert_eq!(arguments.options.consistency_window, Duration::from_mins(2));
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
        assert!(told(&["--iam-deadline", "61s"]).starts_with("--consistency-window is less than twice --iam-deadline"));
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
        let error = Arguments::try_parse_from(["operator", "--consistency-window", "1.5h"]).unwrap_err().to_string();
        assert!(error.contains("1h30m"), "{error}");
    }

    #[test]
    fn no_time_is_zero() {
        for flag in ["--consistency-window", "--hold", "--resync", "--recheck", "--iam-deadline", "--api-deadline"] {
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
