//! Create and Reset: once on the wire, and refused or ambiguous.

use std::time::{Duration, Instant};

use keyspaces_credential_protocol::Class;

use super::{DEADLINE, ID, Kind, RATE, Reply, Server, Turn, config, cut_after, iam, id, refused, user};
use crate::iam::{Iam, IamError};

pub(super) const PASSWORD: &str = "ab+/CD0123456789hunter2/ab+/CD0123456789hunter2/ab+/CD01234=";

/// A reply to Create. The password comes last, so that a cut can go through it with every other field in place.
pub(super) fn created() -> String {
    format!(
        "<CreateServiceSpecificCredentialResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <CreateServiceSpecificCredentialResult><ServiceSpecificCredential>\
         <CreateDate>2026-11-22T10:11:12Z</CreateDate><ServiceName>cassandra.amazonaws.com</ServiceName>\
         <ServiceUserName>orders-app-at-111122223333</ServiceUserName>\
         <ServiceSpecificCredentialId>{ID}</ServiceSpecificCredentialId><UserName>orders-app</UserName>\
         <Status>Active</Status><ServicePassword>{PASSWORD}</ServicePassword>\
         </ServiceSpecificCredential></CreateServiceSpecificCredentialResult>\
         <ResponseMetadata><RequestId>6d3f5a0c-9a3b-4f5e-8d5e-0123456789ab</RequestId></ResponseMetadata>\
         </CreateServiceSpecificCredentialResponse>"
    )
}

/// Creates against a server that always behaves like `reply`. Each failure is searched for the password, and its request must
/// have reached the server exactly once.
async fn failed_create(reply: Reply, deadline: Duration) -> IamError {
    let server = Server::start(vec![reply]);
    let error =
        Iam::new(&config(&server), deadline, RATE).create(Turn::for_test(), &user()).await.err().expect("an error");
    assert_eq!(server.requests().len(), 1, "requests that reached the server: {error}");
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(!shown.contains("6d3f5a0c"), "{shown}");
    assert!(shown.contains("iam:CreateServiceSpecificCredential for the IAM user orders-app"), "{shown}");
    error
}

#[tokio::test]
async fn create_asks_for_the_service_and_hands_over_what_iam_issued() {
    let server = Server::start(vec![Reply::Answer(200, created())]);
    let issued = iam(&server).create(Turn::for_test(), &user()).await.expect("a credential");
    assert_eq!(issued.id, id());
    assert_eq!(issued.service_user_name.as_str(), "orders-app-at-111122223333");
    assert_eq!(issued.password.expose(), PASSWORD);
    assert_eq!(issued.issued_at.to_string(), "2026-11-22T10:11:12Z");
    let [request] = server.requests().try_into().unwrap();
    assert!(request.contains("Action=CreateServiceSpecificCredential&"), "{request}");
    assert!(request.contains("&UserName=orders-app&ServiceName=cassandra.amazonaws.com"), "{request}");
}

#[tokio::test]
async fn a_create_whose_outcome_is_unknown_is_sent_once_and_is_ambiguous() {
    let whole = created();
    let in_password = cut_after(&whole, "hunter2");
    let foreign = |from: &str, to: &str| Reply::Answer(200, whole.replace(from, to));
    let table = [
        ("closed", Reply::Close),
        ("a failure", refused(500, "ServiceFailure", "hunter2")),
        ("busy", refused(503, "ServiceUnavailable", "hunter2")),
        ("short of its length", Reply::ShortOfItsLength(whole.clone())),
        ("short, in the password", Reply::ShortOfItsLength(in_password.clone())),
        ("whole for HTTP, cut in the password", Reply::EndsWithConnection(in_password.clone())),
        ("cut in the password, of that length", Reply::Answer(200, in_password)),
        ("cut after the password", Reply::Answer(200, cut_after(&whole, "</ServicePassword>"))),
        ("cut at the very end", Reply::Answer(200, whole[..whole.len() - 1].to_owned())),
        ("not XML", Reply::Answer(200, format!("<{PASSWORD}"))),
        ("another document", Reply::Answer(200, format!("<html>{PASSWORD}</html>"))),
        ("a malformed date", foreign("2026-11-22T10:11:12Z", "hunter2")),
        ("a broken header", Reply::Raw(format!("HTTP/1.1 200 OK\r\n{PASSWORD}\r\n\r\n"))),
        ("a broken status", Reply::Raw(format!("{PASSWORD}\r\n\r\n"))),
        ("nothing", Reply::Answer(200, String::new())),
        ("no password", foreign(&format!("<ServicePassword>{PASSWORD}</ServicePassword>"), "")),
        ("an empty password", foreign(PASSWORD, "")),
        ("a password with a space", foreign(PASSWORD, "hunter2 hunter2")),
        ("no id", foreign(ID, "")),
        ("no service user name", foreign("orders-app-at-111122223333", "")),
        ("no date", foreign("<CreateDate>2026-11-22T10:11:12Z</CreateDate>", "")),
        ("another user", foreign("<UserName>orders-app", "<UserName>other-app")),
        ("another service", foreign("cassandra.amazonaws.com", "codecommit.amazonaws.com")),
        ("a gateway's refusal", Reply::Answer(403, "<html>hunter2</html>".to_owned())),
        ("a gateway's redirect", Reply::Answer(302, String::new())),
    ];
    for (name, reply) in table {
        let error = failed_create(reply, DEADLINE).await;
        assert_eq!(error.kind(), Kind::Ambiguous, "{name}: {error}");
        assert_eq!(error.class(), Class::Ambiguous, "{name}");
    }
}

#[tokio::test]
async fn a_create_without_an_answer_is_given_up_at_the_deadline() {
    let started = Instant::now();
    let error = failed_create(Reply::Hang, Duration::from_millis(500)).await;
    assert_eq!(error.kind(), Kind::Ambiguous, "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_create_that_iam_refused_is_never_ambiguous() {
    let table = [
        (403, "AccessDenied", Kind::AccessDenied),
        (409, "LimitExceeded", Kind::LimitExceeded),
        (404, "NoSuchEntity", Kind::UserNotFound),
        (404, "NotSupportedService", Kind::InvalidRequest),
        (400, "Throttling", Kind::Throttled),
        (403, "InvalidClientTokenId", Kind::Credentials),
        (400, "ValidationError", Kind::InvalidRequest),
    ];
    for (status, code, kind) in table {
        let error = failed_create(refused(status, code, "not for you"), DEADLINE).await;
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(&format!("{code}: not for you")), "{error}");
    }
}

#[tokio::test]
async fn a_refusal_keeps_what_iam_said_of_principal_and_resource() {
    let said = "User: arn:aws:sts::111122223333:assumed-role/eks-pod-6d3f5a0c-9a3b-4f5e-8d5e-0123456789ab is not \
                authorized to perform: iam:CreateServiceSpecificCredential on resource: user orders-app";
    let error = failed_create(refused(403, "AccessDenied", said), DEADLINE).await;
    assert!(error.to_string().contains("111122223333:assumed-role/eks-pod-<id> is not authorized"), "{error}");
}

/// The same reply to Reset.
fn reset() -> String {
    created().replace("CreateServiceSpecificCredential", "ResetServiceSpecificCredential")
}

#[tokio::test]
async fn reset_asks_for_the_credential_and_hands_over_its_new_password() {
    let server = Server::start(vec![Reply::Answer(200, reset())]);
    let issued = iam(&server).reset(Turn::for_test(), &user(), &id()).await.expect("a credential");
    assert_eq!((issued.id, issued.password.expose()), (id(), PASSWORD));
    let [request] = server.requests().try_into().unwrap();
    assert!(request.contains("Action=ResetServiceSpecificCredential&"), "{request}");
    assert!(request.contains(&format!("&UserName=orders-app&ServiceSpecificCredentialId={ID}")), "{request}");
}

#[tokio::test]
async fn a_reset_is_sent_once_and_refused_or_ambiguous() {
    let whole = reset();
    let table = [
        ("closed", Reply::Close, Kind::Ambiguous),
        ("a failure", refused(500, "ServiceFailure", "hunter2"), Kind::Ambiguous),
        ("cut in the password", Reply::EndsWithConnection(cut_after(&whole, "hunter2")), Kind::Ambiguous),
        ("another credential", Reply::Answer(200, whole.replace(ID, "ACCA1234567890ABCDEFX")), Kind::Ambiguous),
        ("no password", Reply::Answer(200, whole.replace(PASSWORD, "")), Kind::Ambiguous),
        ("gone", refused(404, "NoSuchEntity", "cannot be found."), Kind::Unavailable),
        ("denied", refused(403, "AccessDenied", "no"), Kind::AccessDenied),
        ("throttled", refused(400, "Throttling", "Rate exceeded"), Kind::Throttled),
    ];
    for (name, reply, kind) in table {
        let server = Server::start(vec![reply]);
        let error = iam(&server).reset(Turn::for_test(), &user(), &id()).await.err().expect("an error");
        assert_eq!((error.kind(), server.requests().len()), (kind, 1), "{name}: {error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{name}: {error}");
    }
}
