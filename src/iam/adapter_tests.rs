//! The adapter on the wire: what reaches IAM, how often, and what its answers come to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use aws_config::web_identity_token::{StaticConfiguration, WebIdentityTokenCredentialsProvider};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_iam::config::{Credentials, SharedCredentialsProvider};
use keyspaces_credential_protocol::{CredentialId, IamUserName};

use super::test_server::{Reply, Server};
use super::{Class, CredentialStatus, Deleted, Iam, IamError, IamErrorKind as Kind};

const PASSWORD: &str = "ab+/CD0123456789hunter2/ab+/CD0123456789hunter2/ab+/CD01234=";
const ID: &str = "ACCA1234567890ABCDEFG";
const DEADLINE: Duration = Duration::from_secs(20);

fn user() -> IamUserName {
    IamUserName::parse("orders-app").unwrap()
}

fn id() -> CredentialId {
    CredentialId::parse(ID).unwrap()
}

fn config(server: &Server) -> aws_config::Builder {
    let credentials = Credentials::builder()
        .access_key_id("AKIDEXAMPLE")
        .secret_access_key("a key of the tests")
        .provider_name("tests")
        .build();
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-central-1"))
        .endpoint_url(server.url())
        .credentials_provider(SharedCredentialsProvider::new(credentials))
}

fn iam(server: &Server) -> Iam {
    Iam::new(&config(server).build(), DEADLINE)
}

/// A reply to Create. The password comes last, so that a cut can go through it with every other field in place.
fn created() -> String {
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

fn cut_after(text: &str, part: &str) -> String {
    text.split_inclusive(part).next().unwrap().to_owned()
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    Reply::Answer(
        status,
        format!(
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>6d3f5a0c-9a3b-4f5e-8d5e-0123456789ab</RequestId></ErrorResponse>"
        ),
    )
}

fn entry(id: &str, status: &str) -> String {
    format!(
        "<member><UserName>orders-app</UserName><Status>{status}</Status>\
         <ServiceUserName>orders-app-at-111122223333</ServiceUserName><CreateDate>2026-11-22T10:11:12Z</CreateDate>\
         <ServiceSpecificCredentialId>{id}</ServiceSpecificCredentialId>\
         <ServiceName>cassandra.amazonaws.com</ServiceName></member>"
    )
}

fn page(entries: &str, marker: Option<&str>) -> String {
    let more = match marker {
        Some(marker) => format!("<IsTruncated>true</IsTruncated><Marker>{marker}</Marker>"),
        None => "<IsTruncated>false</IsTruncated>".to_owned(),
    };
    format!(
        "<ListServiceSpecificCredentialsResponse><ListServiceSpecificCredentialsResult>\
         <ServiceSpecificCredentials>{entries}</ServiceSpecificCredentials>{more}\
         </ListServiceSpecificCredentialsResult></ListServiceSpecificCredentialsResponse>"
    )
}

/// Creates against a server that always behaves like `reply`. Every failure is looked through for the password, and must
/// have reached the server exactly once.
async fn failed_create(reply: Reply, deadline: Duration) -> IamError {
    let server = Server::start(vec![reply]);
    let error = Iam::new(&config(&server).build(), deadline).create(&user()).await.err().expect("an error");
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
    let issued = iam(&server).create(&user()).await.ok().expect("a credential");
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

#[tokio::test]
async fn nothing_is_sent_without_credentials_and_the_error_says_what_to_do() {
    let server = Server::start(vec![Reply::Answer(200, created())]);
    let none = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).endpoint_url(server.url());
    let unreadable = WebIdentityTokenCredentialsProvider::builder()
        .static_configuration(StaticConfiguration {
            web_identity_token_file: "/nonexistent/token".into(),
            role_arn: "arn:aws:iam::111122223333:role/operator".to_owned(),
            session_name: "tests".to_owned(),
        })
        .build();
    let unreadable = config(&server).credentials_provider(SharedCredentialsProvider::new(unreadable));
    for config in [none.build(), unreadable.build()] {
        let iam = Iam::new(&config, DEADLINE);
        let errors =
            [iam.create(&user()).await.err(), iam.list(&user()).await.err(), iam.delete(&user(), &id()).await.err()];
        for error in errors.map(|error| error.expect("an error")) {
            println!("{error}");
            assert_eq!(error.kind(), Kind::Credentials, "{error}");
            assert!(error.to_string().contains("was not sent"), "{error}");
            assert!(error.to_string().contains("IRSA"), "{error}");
        }
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_config_without_region_and_behaviour_version_will_do() {
    let server = Server::start(vec![Reply::Answer(200, created())]);
    let bare = SdkConfig::builder()
        .endpoint_url(server.url())
        .credentials_provider(config(&server).build().credentials_provider().unwrap())
        .build();
    assert!(Iam::new(&bare, DEADLINE).create(&user()).await.is_ok());
}

#[tokio::test]
async fn list_reads_all_pages_and_each_id_once() {
    let second = "ACCA0000000000ABCDEFG";
    let server = Server::start(vec![
        Reply::Answer(200, page(&entry(ID, "Active"), Some("next+one"))),
        Reply::Answer(
            200,
            page(&(entry(ID, "Active") + &entry(second, "Inactive") + &entry(&"X".repeat(21), "Expired")), None),
        ),
    ]);
    let found = iam(&server).list(&user()).await.unwrap();
    let seen: Vec<_> = found.iter().map(|one| (one.id.as_str(), one.status.clone())).collect();
    assert_eq!(
        seen,
        [
            (ID, CredentialStatus::Active),
            (second, CredentialStatus::Inactive),
            ("XXXXXXXXXXXXXXXXXXXXX", CredentialStatus::Unknown("Expired".to_owned())),
        ]
    );
    let [first, next] = server.requests().try_into().unwrap();
    assert!(first.contains("&UserName=orders-app&ServiceName=cassandra.amazonaws.com"), "{first}");
    assert!(!first.contains("Marker") && next.contains("&Marker=next%2Bone"), "{first} {next}");
}

#[tokio::test]
async fn a_list_that_is_not_complete_is_no_list() {
    let whole = page(&(entry(ID, "Active") + &entry(ID, "Active")), None);
    let good = entry(ID, "Active");
    let table = [
        ("a circle", Reply::Answer(200, page(&good, Some("again"))), 2),
        ("no marker", Reply::Answer(200, page(&good, Some(""))), 1),
        ("cut", Reply::Answer(200, cut_after(&whole, "</member>")), 1),
        ("cut for HTTP", Reply::ShortOfItsLength(cut_after(&whole, "</member>")), 1),
        ("a bad id", Reply::Answer(200, page(&(good.clone() + &entry("short", "Active")), None)), 1),
        ("another user", Reply::Answer(200, whole.replace("<UserName>orders-app", "<UserName>other")), 1),
        ("another service", Reply::Answer(200, whole.replace("cassandra", "codecommit")), 1),
        ("no date", Reply::Answer(200, whole.replace("<CreateDate>2026-11-22T10:11:12Z</CreateDate>", "")), 1),
        ("a failure", refused(500, "ServiceFailure", "of some kind"), 1),
        ("closed", Reply::Close, 1),
    ];
    for (name, reply, requests) in table {
        let server = Server::start(vec![reply]);
        let error = iam(&server).list(&user()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{name}: {error}");
        assert_eq!(server.requests().len(), requests, "{name}");
    }
    // Always another marker: the bound on pages ends it.
    let script: Vec<_> =
        (0..99).map(|number| Reply::Answer(200, page("", Some(&format!("marker-{number}"))))).collect();
    let server = Server::start(script);
    assert_eq!(iam(&server).list(&user()).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(server.requests().len(), 16);
}

#[tokio::test]
async fn list_tells_a_missing_user_from_a_user_without_credentials() {
    let server = Server::start(vec![
        Reply::Answer(200, page("", None)),
        refused(404, "NoSuchEntity", "The user with name orders-app cannot be found."),
    ]);
    let iam = iam(&server);
    assert_eq!(iam.list(&user()).await.unwrap(), []);
    assert_eq!(iam.list(&user()).await.unwrap_err().kind(), Kind::UserNotFound);
}

#[tokio::test]
async fn delete_succeeds_when_there_is_nothing_to_delete_and_only_then() {
    let done = "<DeleteServiceSpecificCredentialResponse><ResponseMetadata><RequestId>x</RequestId></ResponseMetadata>\
                </DeleteServiceSpecificCredentialResponse>";
    let server = Server::start(vec![
        Reply::Answer(200, done.to_owned()),
        refused(404, "NoSuchEntity", "Service specific credential cannot be found."),
        Reply::Answer(404, "<html>no such page</html>".to_owned()),
        Reply::Answer(200, "<html>please sign in</html>".to_owned()),
        refused(500, "NoSuchEntity", "of some kind"),
        refused(400, "ValidationError", "not this user's"),
        refused(403, "AccessDenied", "no"),
        Reply::Close,
    ]);
    let iam = iam(&server);
    assert_eq!(iam.delete(&user(), &id()).await, Ok(Deleted::Now));
    assert_eq!(iam.delete(&user(), &id()).await, Ok(Deleted::WasGone));
    let [request, _] = server.requests().try_into().unwrap();
    assert!(request.contains(&format!("&UserName=orders-app&ServiceSpecificCredentialId={ID}")), "{request}");
    for kind in [
        Kind::Unavailable,
        Kind::Unavailable,
        Kind::Unavailable,
        Kind::InvalidRequest,
        Kind::AccessDenied,
        Kind::Unavailable,
    ] {
        let error = iam.delete(&user(), &id()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(server.requests().len(), 8);
}
