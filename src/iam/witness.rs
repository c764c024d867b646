//! What became of one request, seen from inside the SDK.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_iam::config::interceptors::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_iam::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_iam::error::BoxError;

use super::error::Operation;

/// Watches one request. Two facts decide what a failure means, and the SDK's errors show neither:
///
/// * whether the request left at all: a chain without credentials, a refused connection and a lost reply are all a
///   `DispatchFailure`, and only the first of them certainly did nothing;
/// * whether the reply is whole: the SDK's parser returns `Ok` for XML that breaks off. A List could then lack entries, which
///   would look like deleted credentials, and a Create could yield half a password.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    operation: Operation,
    left: Arc<AtomicBool>,
}

impl Witness {
    /// A witness for one request. Do not use it for a second one: nobody could say which of the two its facts are about.
    pub(super) fn of(operation: Operation) -> Self {
        Self { operation, left: Arc::default() }
    }

    /// Whether the SDK passed the request to the network. If not, IAM cannot have seen it.
    pub(super) fn has_left(&self) -> bool {
        self.left.load(Ordering::SeqCst)
    }

    fn is_whole(&self, body: &[u8]) -> bool {
        body.trim_ascii_end()
            .strip_suffix(b"Response>")
            .and_then(|body| body.strip_suffix(self.operation.name().as_bytes()))
            .is_some_and(|body| body.ends_with(b"</"))
    }
}

impl Intercept for Witness {
    fn name(&self) -> &'static str {
        "Witness"
    }

    // The last hook before the bytes are sent: the SDK has found its credentials and has signed the request.
    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.left.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // An error from here replaces the outcome of the call. It must not replace a failure: the SDK would log that failure
        // with `Debug`.
        if context.output_or_error().is_err() {
            return Ok(());
        }
        match context.response().body().bytes() {
            Some(body) if self.is_whole(body) => Ok(()),
            _ => Err("the reply breaks off".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_whole_when_its_root_element_is_closed() {
        let witness = Witness::of(Operation::Delete);
        for whole in [
            "<DeleteServiceSpecificCredentialResponse></DeleteServiceSpecificCredentialResponse>",
            "</DeleteServiceSpecificCredentialResponse>\r\n",
        ] {
            assert!(witness.is_whole(whole.as_bytes()), "{whole}");
        }
        for cut in [
            "",
            "<html></html>",
            "<DeleteServiceSpecificCredentialResponse>",
            "<DeleteServiceSpecificCredentialResponse></DeleteServiceSpecificCredentialRes",
            "</CreateServiceSpecificCredentialResponse>",
        ] {
            assert!(!witness.is_whole(cut.as_bytes()), "{cut}");
        }
    }
}
