//! Every reason: the one word that a condition, an event and a log line share.

use crate::facts::Purpose;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// Why a resource is as it is, or what happened to it: one word for the condition, the event and the log line.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($(#[$doc])* $name,)+
        }

        impl Reason {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }
        }
    };
}

reasons! {
    // Ready.

    /// The Secret holds a working credential.
    Published,

    // Reconciling: work goes on, or waits for something that comes by itself.

    /// The first credential is being created.
    Creating,
    /// The credential is being replaced because the annotation or the schedule asks for it.
    Rotating,
    /// The credential is being replaced because it is lost.
    Recovering,
    /// A rotation waits for the end of the last one.
    RotationWaits,
    /// What an earlier attempt left behind is waited for, or is about to be deleted.
    CleaningUp,
    /// List does not show the credential, but may be late.
    CredentialMissing,
    /// The resource is being deleted.
    Deleting,
    /// Another resource of the same IAM user is in the middle of an operation.
    IamUserContested,
    /// IAM counts a credential that it does not list yet.
    IamLimitExceeded,
    /// IAM asks to come back later.
    IamThrottled,
    /// IAM was not reached, or its answer cannot be believed.
    IamUnavailable,
    /// Nobody knows whether IAM carried out a Create or Reset.
    IamOutcomeUnknown,
    /// The API server did not answer in time, or its answer cannot be believed.
    KubernetesUnavailable,
    /// Somebody else wrote first.
    Conflict,
    /// Pass after pass ended without a result.
    NoProgress,
    /// The operator has a defect.
    InternalError,

    // Stalled: a human has to act.

    /// The namespace may not ask for the IAM user.
    IamUserNotGranted,
    /// Another resource has the IAM user.
    IamUserInUse,
    /// The IAM user does not exist.
    IamUserNotFound,
    /// A policy forbids the operator a request.
    IamAccessDenied,
    /// The operator has no valid AWS identity.
    OperatorCredentials,
    /// IAM can never accept the request.
    IamInvalidRequest,
    /// The Secret belongs to something else.
    SecretConflict,
    /// The Secret is immutable.
    SecretImmutable,
    /// Quota, admission or rights refuse the Secret.
    SecretRefused,
    /// Both slots of the IAM user are taken.
    NoFreeSlot,
    /// Somebody switched the credential off in IAM.
    CredentialInactive,
    /// The API server refuses a request of the operator.
    KubernetesRefused,
    /// The spec asks for what cannot be.
    InvalidSpec,
    /// The resource holds what its schema does not allow.
    InvalidResource,

    // Unknown: nobody looks.

    /// `spec.suspend`.
    Suspended,

    // Events only: something happened.

    /// An attempt whose outcome is unknown was taken over.
    TakenOver,
    /// IAM created a credential.
    CredentialCreated,
    /// IAM reset a password.
    PasswordReset,
    /// The credential is in a Secret of another name from now on.
    SecretMoved,
    /// A Secret of a former name was deleted.
    FormerSecretDeleted,
    /// A replaced credential was switched off.
    RetiringDeactivated,
    /// A credential that an attempt had left behind was deleted.
    LeftoverDeleted,
    /// A replaced credential was deleted.
    RetiredDeleted,
    /// A foreign credential was deleted to free its slot.
    ForeignDeleted,
    /// A credential was deleted because its resource is.
    CredentialDeleted,
    /// IAM says that a credential is not one of this user.
    CredentialNotOurs,
}

impl Reason {
    /// Whether a condition can have it. The others are of events alone.
    #[must_use]
    pub const fn is_of_conditions(self) -> bool {
        !matches!(
            self,
            Self::Conflict
                | Self::TakenOver
                | Self::CredentialCreated
                | Self::PasswordReset
                | Self::SecretMoved
                | Self::FormerSecretDeleted
                | Self::RetiringDeactivated
                | Self::LeftoverDeleted
                | Self::RetiredDeleted
                | Self::ForeignDeleted
                | Self::CredentialDeleted
                | Self::CredentialNotOurs
        )
    }
}

impl From<Purpose> for Reason {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::First => Self::Creating,
            Purpose::Requested | Purpose::Scheduled | Purpose::ResetInDoubt => Self::Rotating,
            Purpose::SecretLost | Purpose::SecretDamaged | Purpose::CredentialGone => Self::Recovering,
        }
    }
}
