//! The one error of this folder: what was asked, what kind of failure it is, and a message for whoever reads the status.

use std::fmt;

use keyspaces_credential_protocol::{Class, IamUserName, Reason};

use super::scrub::scrub;
use crate::cut::cut;

/// The longest message, in bytes.
const LONGEST_MESSAGE: usize = 1024;

/// A request to IAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `CreateServiceSpecificCredential`. A client must not repeat it: each success is one more credential.
    Create,
    /// `ListServiceSpecificCredentials`.
    List,
    /// `DeleteServiceSpecificCredential`.
    Delete,
    /// `UpdateServiceSpecificCredential`.
    Update,
    /// `ResetServiceSpecificCredential`. The former password stops working. A client must not repeat it without looking at the
    /// outcome.
    Reset,
}

impl Operation {
    /// The name in the *IAM API Reference*.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "CreateServiceSpecificCredential",
            Self::List => "ListServiceSpecificCredentials",
            Self::Delete => "DeleteServiceSpecificCredential",
            Self::Update => "UpdateServiceSpecificCredential",
            Self::Reset => "ResetServiceSpecificCredential",
        }
    }

    /// The kind of the failure when nobody knows whether IAM has carried the request out.
    ///
    /// List changes nothing, and a second Delete or Update does no harm. So for these three the kind only means "try again".
    pub(super) const fn outcome_unknown(self) -> IamErrorKind {
        match self {
            Self::Create | Self::Reset => IamErrorKind::Ambiguous,
            Self::List | Self::Delete | Self::Update => IamErrorKind::Unavailable,
        }
    }
}

/// The action as an IAM policy spells it, for instance `iam:CreateServiceSpecificCredential`.
impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "iam:{}", self.name())
    }
}

/// The kinds of failure. Except for [`Unavailable`](Self::Unavailable) and [`Ambiguous`](Self::Ambiguous) each is a
/// definite refusal: IAM did not carry the request out.
///
/// Source: *IAM API Reference*, the errors of the operations and "Common Error Types".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IamErrorKind {
    /// The IAM user does not exist, or IAM does not show it yet.
    UserNotFound,
    /// The user has two credentials for the service already. One of them may be a leftover that List does not show yet.
    LimitExceeded,
    /// A policy forbids it, or a policy that allows it has not taken effect yet.
    AccessDenied,
    /// IAM throttled the request.
    Throttled,
    /// The operator's own identity or clock: no credentials found, expired, unknown, or a signature out of time. It says
    /// nothing about the user or the credential.
    Credentials,
    /// The request can never succeed as it is: a malformed value, or a service that this partition does not offer.
    InvalidRequest,
    /// List, Delete or Update: IAM was not reached, or did not answer in a way that can be believed.
    Unavailable,
    /// Create or Reset: nobody knows whether IAM carried it out.
    Ambiguous,
}

impl IamErrorKind {
    /// One word for a condition, an event and the log.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::UserNotFound => Reason::IamUserNotFound,
            Self::LimitExceeded => Reason::IamLimitExceeded,
            Self::AccessDenied => Reason::IamAccessDenied,
            Self::Throttled => Reason::IamThrottled,
            Self::Credentials => Reason::OperatorCredentials,
            Self::InvalidRequest => Reason::IamInvalidRequest,
            Self::Unavailable => Reason::IamUnavailable,
            Self::Ambiguous => Reason::IamOutcomeUnknown,
        }
    }

    /// What a caller does about it.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::UserNotFound | Self::AccessDenied | Self::Credentials | Self::InvalidRequest => Class::Terminal,
            // If a slot is taken by a credential that List does not show, that is a leftover, and List will show it later.
            Self::LimitExceeded | Self::Throttled | Self::Unavailable => Class::Transient,
            Self::Ambiguous => Class::Ambiguous,
        }
    }

    const fn advice(self) -> &'static str {
        match self {
            Self::UserNotFound => {
                "Create the IAM user, or delete this resource and create one that names the right user in spec.iamUserName."
            }
            Self::LimitExceeded => {
                "An IAM user has at most two credentials for Amazon Keyspaces, inactive ones included, and IAM counts one \
                 that it does not list yet: the operator waits until it shows whose that is."
            }
            Self::AccessDenied => {
                "Allow this action on this IAM user to the operator's role; a new policy needs some minutes to spread."
            }
            Self::Throttled => "The operator tries again; the account's other tools share IAM's request rate.",
            Self::Credentials => {
                "Give the operator's pod an AWS identity (IRSA, EKS Pod Identity or the AWS_* environment variables), \
                 and see that the node's clock is right."
            }
            Self::InvalidRequest => {
                "Trying again does not help: check the resource, the operator's region and its AWS endpoint."
            }
            Self::Unavailable => "The operator tries again.",
            Self::Ambiguous => {
                "Nobody knows whether IAM carried it out. The operator begins anew: it deletes a credential that was left behind, and \
                 resets an uncertain password once more."
            }
        }
    }
}

/// Why a request to IAM failed.
///
/// Its message is for users. It holds no request id and no time, so it stays the same while the cause does. It holds nothing of
/// a reply except IAM's own error message, so it never holds a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct IamError {
    kind: IamErrorKind,
    message: String,
}

impl IamError {
    /// Composes the error: action, user, what happened, what to do. `detail` is scrubbed, and cut so that the whole has at
    /// most 1 kB.
    #[must_use]
    pub fn new(operation: Operation, kind: IamErrorKind, user: &IamUserName, detail: &str) -> Self {
        let subject = format!("{operation} for the IAM user {user}");
        let advice = kind.advice();
        let room = LONGEST_MESSAGE.saturating_sub(subject.len() + advice.len() + ": . ".len());
        let detail = scrub(detail);
        let detail = cut(detail.trim_end_matches('.'), room);
        Self { kind, message: format!("{subject}: {detail}. {advice}") }
    }

    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> IamErrorKind {
        self.kind
    }

    /// What to do about it.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.kind.class()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_action_user_cause_and_remedy() {
        let user = IamUserName::parse("orders-app").unwrap();
        let error = IamError::new(Operation::List, IamErrorKind::UserNotFound, &user, "NoSuchEntity.");
        assert_eq!(
            error.to_string(),
            "iam:ListServiceSpecificCredentials for the IAM user orders-app: NoSuchEntity. Create the IAM user, or \
             delete this resource and create one that names the right user in spec.iamUserName."
        );
        assert_eq!(error.class(), Class::Terminal);
    }

    #[test]
    fn a_message_has_at_most_one_kilobyte_and_keeps_the_remedy() {
        let user = IamUserName::parse("u".repeat(64)).unwrap();
        for kind in [IamErrorKind::LimitExceeded, IamErrorKind::Ambiguous, IamErrorKind::Credentials] {
            let message = IamError::new(Operation::Create, kind, &user, &"é".repeat(4096)).to_string();
            assert!(message.len() <= LONGEST_MESSAGE && message.len() > LONGEST_MESSAGE - 4);
            assert!(message.ends_with(kind.advice()));
        }
    }
}
