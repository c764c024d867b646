//! Steps that came to nothing.

use crate::iam::IamError;
use crate::protocol::Next;
use crate::reconcile::failure::Failure;

/// Why a step has no outcome.
pub(crate) enum Interruption {
    /// It failed, or nobody knows whether it did.
    Failed(Failure),
    /// It was not tried: what has to come first.
    NotTried(Next),
}

impl From<Failure> for Interruption {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<IamError> for Interruption {
    fn from(error: IamError) -> Self {
        Self::Failed(error.into())
    }
}
