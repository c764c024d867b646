//! Classifies the SDK's errors by one question: what is certain about the request?
//!
//! No code here prints an SDK error with `{:?}` or `DisplayErrorContext`. Both show the raw reply, and the raw reply of a
//! Create holds the password. The code uses only three parts of an answer: the status, IAM's error code, and IAM's message of a
//! refusal.

use std::error::Error;

use aws_sdk_iam::config::http::HttpResponse;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use keyspaces_credential_protocol::IamUserName;

use super::credential::SERVICE_NAME;
use super::error::{IamError, IamErrorKind, Operation};

/// Converts an SDK error. `left` says whether the SDK passed the request to the network.
pub(super) fn classify<E>(
    operation: Operation,
    user: &IamUserName,
    left: bool,
    error: &SdkError<E, HttpResponse>,
) -> IamError
where
    E: ProvideErrorMetadata,
{
    let unknown = operation.outcome_unknown();
    let (kind, detail) = match error {
        SdkError::ConstructionFailure(_) => {
            (IamErrorKind::InvalidRequest, "the request could not be built, and was not sent".to_owned())
        }
        SdkError::DispatchFailure(failure) if !left => {
            let cause = failure.as_connector_error().and_then(Error::source).map(chain);
            (IamErrorKind::Credentials, not_sent(cause.as_deref()))
        }
        _ if !left => (IamErrorKind::Credentials, not_sent(Some("not found within the deadline"))),
        SdkError::TimeoutError(_) => (unknown, "no answer within the deadline".to_owned()),
        // There was no answer and so no body: the causes are errors of the connection.
        SdkError::DispatchFailure(failure) => {
            let cause = failure.as_connector_error().map(root).unwrap_or_default();
            (unknown, format!("the connection to IAM failed: {cause}"))
        }
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let meta = answer.err().meta();
            let kind = of_answer(operation, user, status, meta.code(), meta.message().unwrap_or_default());
            (kind, describe(kind, status, meta.code(), meta.message()))
        }
        // A response error, or a variant that a later SDK adds.
        _ => (unknown, "IAM's answer breaks off or cannot be read".to_owned()),
    };
    IamError::new(operation, kind, user, &detail)
}

/// Whether IAM itself answered that the entity does not exist.
pub(super) fn is_absence<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(error, SdkError::ServiceError(answer)
        if answer.raw().status().is_client_error() && answer.err().code() == Some("NoSuchEntity"))
}

/// Whether IAM itself answered that the credential belongs to another user. IAM then uses the code of a malformed value, and
/// the operator sends no malformed value.
pub(super) fn is_of_another_user<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    matches!(error, SdkError::ServiceError(answer)
        if answer.raw().status().as_u16() == 400 && answer.err().code() == Some("ValidationError"))
}

/// The kind of an answer that is no success: by its status first, then by its code.
///
/// It compares codes, not the SDK's variants, since the SDK models most of these codes for none of the operations.
///
/// Source: *IAM API Reference*, "Common Error Types".
fn of_answer(operation: Operation, user: &IamUserName, status: u16, code: Option<&str>, message: &str) -> IamErrorKind {
    // This is not only 5xx. The SDK reports a 200 whose body it could not parse as a service error. A 3xx, or a 4xx without a
    // code, came from some gateway and proves nothing about IAM.
    let (400..=499, Some(code)) = (status, code) else {
        return operation.outcome_unknown();
    };
    match code {
        // IAM uses this code for an unknown user, and for a service that its partition does not have.
        "NoSuchEntity" if message.contains(SERVICE_NAME) && !user.as_str().contains(SERVICE_NAME) => {
            IamErrorKind::InvalidRequest
        }
        "NoSuchEntity" => IamErrorKind::UserNotFound,
        "LimitExceeded" => IamErrorKind::LimitExceeded,
        "AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "OptInRequired" | "UnauthorizedOperation" => {
            IamErrorKind::AccessDenied
        }
        // The last two are about the entity and not the rate, but the operator has to do the same: try later.
        "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "TooManyRequestsException"
        | "ConcurrentModification"
        | "EntityTemporarilyUnmodifiable" => IamErrorKind::Throttled,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => IamErrorKind::Credentials,
        // Failures of the server, whatever status they come with.
        "InternalError"
        | "InternalFailure"
        | "RequestTimeout"
        | "RequestTimeoutException"
        | "ServiceFailure"
        | "ServiceUnavailable" => operation.outcome_unknown(),
        _ => IamErrorKind::InvalidRequest,
    }
}

/// What an answer said. If the answer proves nothing, the text has its status only.
fn describe(kind: IamErrorKind, status: u16, code: Option<&str>, message: Option<&str>) -> String {
    match (kind, code) {
        (IamErrorKind::Ambiguous | IamErrorKind::Unavailable, _) | (_, None) => {
            format!("an answer with HTTP status {status} that is neither IAM's success nor its refusal")
        }
        (_, Some(code)) => match message {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        },
    }
}

fn not_sent(cause: Option<&str>) -> String {
    let cause = cause.unwrap_or("no credentials");
    format!("the request was not sent, as the operator has no AWS credentials to sign it with: {cause}")
}

/// The text of the deepest cause.
fn root(error: &(impl Error + 'static)) -> String {
    let mut deepest: &dyn Error = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    deepest.to_string()
}

/// An error and its causes, the first sentence of each. Only for errors from before there was an answer.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let sentence = cause.to_string().split(". ").next().unwrap_or_default().to_owned();
        if words.last() != Some(&sentence) {
            words.push(sentence);
        }
        next = cause.source();
    }
    words.join(": ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use IamErrorKind as Kind;

    fn kind(operation: Operation, status: u16, code: &str) -> Kind {
        let user = IamUserName::parse("orders-app").unwrap();
        let code = Some(code).filter(|code| !code.is_empty());
        of_answer(operation, &user, status, code, "some message")
    }

    #[test]
    fn a_refusal_by_iam_is_definite_for_every_operation() {
        let table = [
            (404, "NoSuchEntity", Kind::UserNotFound),
            (409, "LimitExceeded", Kind::LimitExceeded),
            (403, "AccessDenied", Kind::AccessDenied),
            (400, "Throttling", Kind::Throttled),
            (400, "RequestLimitExceeded", Kind::Throttled),
            (409, "ConcurrentModification", Kind::Throttled),
            (403, "ExpiredToken", Kind::Credentials),
            (403, "InvalidClientTokenId", Kind::Credentials),
            (403, "SignatureDoesNotMatch", Kind::Credentials),
            (400, "RequestExpired", Kind::Credentials),
            (403, "MissingAuthenticationToken", Kind::Credentials),
            (400, "ValidationError", Kind::InvalidRequest),
            (400, "InvalidInput", Kind::InvalidRequest),
            (404, "NotSupportedService", Kind::InvalidRequest),
            (400, "InvalidAction", Kind::InvalidRequest),
            (418, "SomethingNew", Kind::InvalidRequest),
        ];
        for (status, code, expected) in table {
            for operation in [Operation::Create, Operation::List, Operation::Delete] {
                assert_eq!(kind(operation, status, code), expected, "{operation} {status} {code}");
                assert_ne!(expected.class(), keyspaces_credential_protocol::Class::Ambiguous);
            }
        }
    }

    #[test]
    fn whatever_does_not_prove_a_refusal_leaves_the_outcome_unknown() {
        let table = [
            (500, "ServiceFailure"),
            (503, "ServiceUnavailable"),
            // In a 5xx, the code of a refusal proves nothing.
            (500, "AccessDenied"),
            (503, "Throttling"),
            (400, "InternalFailure"),
            // What the SDK reports for a success that it cannot parse.
            (200, ""),
            // Answers of gateways.
            (301, ""),
            (403, ""),
            (502, ""),
        ];
        for (status, code) in table {
            assert_eq!(kind(Operation::Create, status, code), Kind::Ambiguous, "{status} {code}");
            assert_eq!(kind(Operation::List, status, code), Kind::Unavailable, "{status} {code}");
            assert_eq!(kind(Operation::Delete, status, code), Kind::Unavailable, "{status} {code}");
        }
    }

    #[test]
    fn no_such_entity_about_the_service_is_not_about_the_user() {
        let user = IamUserName::parse("orders-app").unwrap();
        let about = |message| of_answer(Operation::Create, &user, 404, Some("NoSuchEntity"), message);
        assert_eq!(about("The user with name orders-app cannot be found."), Kind::UserNotFound);
        assert_eq!(about("No such service cassandra.amazonaws.com"), Kind::InvalidRequest);
    }
}
