//! What can go wrong in a step, and how it is answered.

use tokio::time::error::Elapsed;

use crate::cut::cut;
use crate::iam::IamError;
use crate::protocol::{Class, Reason, Report, State};

/// Why a step failed. It never holds a password: what a server says about a write of a Secret's data is not repeated,
/// and what it says about the trial of one only if that quotes none of its values.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Somebody else wrote first, or it was our own write whose reply was lost. Observe again.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    /// The API server refused.
    #[error("{doing}: {message}")]
    Refused { doing: &'static str, message: String },
    /// The API server refused the Secret as it would be written.
    #[error("the Secret would be refused, so nothing was changed in IAM: {message}")]
    SecretRefused { message: String },
    /// The API server did not answer in time, or not in words that we understand.
    #[error("{doing}: {why}")]
    Unreachable { doing: &'static str, why: &'static str },
    /// IAM.
    #[error(transparent)]
    Iam(#[from] IamError),
    /// The resource says something that it must not be able to say.
    #[error("{0}")]
    Invalid(String),
    /// The spec asks for something that the schema cannot refuse but that cannot be.
    #[error("{0}")]
    InvalidSpec(String),
    /// The pass took more steps than any pass should.
    #[error("gave up after {0} steps without an end; please report this")]
    Endless(usize),
    /// Pass after pass had to begin anew, each as often as this.
    #[error(
        "gave up after it had to begin anew {0} times in a row: somebody writes the resource or its Secret all the time, or a \
         webhook refuses with the code 409; please report this if neither is so"
    )]
    Collisions(usize),
    /// The pass panicked. Where, and with which words if they stand in the source, is in the log.
    #[error("internal error in the operator; its log says where, please report this")]
    Panicked,
}

impl Failure {
    /// How it is answered.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Conflict(_) => Class::Conflict,
            Self::Refused { .. } | Self::SecretRefused { .. } | Self::Invalid(_) | Self::InvalidSpec(_) => {
                Class::Terminal
            }
            Self::Unreachable { .. } | Self::Endless(_) | Self::Collisions(_) | Self::Panicked => Class::Transient,
            Self::Iam(error) => error.class(),
        }
    }

    /// What the user is told.
    pub(crate) fn report(&self) -> Report {
        let state = match self.class() {
            Class::Terminal => State::Stalled,
            Class::Transient | Class::Conflict | Class::Ambiguous => State::Reconciling,
        };
        Report::new(state, self.reason(), self.to_string())
    }

    /// One word for the condition, the event and the log.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Conflict(_) => Reason::Conflict,
            Self::Refused { .. } => Reason::KubernetesRefused,
            Self::SecretRefused { .. } => Reason::SecretRefused,
            Self::Unreachable { .. } => Reason::KubernetesUnavailable,
            Self::Iam(error) => error.kind().reason(),
            Self::Invalid(_) => Reason::InvalidResource,
            Self::InvalidSpec(_) => Reason::InvalidSpec,
            Self::Endless(_) | Self::Collisions(_) => Reason::NoProgress,
            Self::Panicked => Reason::InternalError,
        }
    }
}

/// Classes an error of the API server. `doing` says what was tried: "writing the status".
///
/// Only a refusal's own message is kept. Any other error may carry a body, and a body may be a Secret.
pub(crate) fn kubernetes(doing: &'static str, error: &kube::Error) -> Failure {
    match error {
        kube::Error::Api(status) => match status.code {
            404 | 409 | 410 => Failure::Conflict(doing),
            429 | 500..=599 => Failure::Unreachable { doing, why: "the API server asks to try again" },
            _ => Failure::Refused { doing, message: message(&status.message) },
        },
        kube::Error::Auth(_) => Failure::Unreachable { doing, why: "the operator's own token was not available" },
        kube::Error::SerdeError(_) => {
            Failure::Unreachable { doing, why: "the API server's reply is not the object that was asked for" }
        }
        kube::Error::Service(error) if error.is::<Elapsed>() => {
            Failure::Unreachable { doing, why: "the API server did not answer in time" }
        }
        _ => Failure::Unreachable { doing, why: "the API server could not be reached" },
    }
}

/// At most this many bytes of a server's message go into a condition.
const LONGEST_MESSAGE: usize = 600;

/// What a server says, as far as a condition has room for it.
pub(crate) fn message(text: &str) -> String {
    cut(text, LONGEST_MESSAGE)
}
