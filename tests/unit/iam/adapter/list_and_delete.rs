//! List, which must be complete, and Delete, which may find nothing.

use super::{ID, Kind, Reply, Server, Turn, cut_after, iam, id, refused, user};
use crate::iam::{CredentialStatus, Deleted};

pub(super) fn entry(id: &str, status: &str) -> String {
    format!(
        "<member><UserName>orders-app</UserName><Status>{status}</Status>\
         <ServiceUserName>orders-app-at-111122223333</ServiceUserName><CreateDate>2026-11-22T10:11:12Z</CreateDate>\
         <ServiceSpecificCredentialId>{id}</ServiceSpecificCredentialId>\
         <ServiceName>cassandra.amazonaws.com</ServiceName></member>"
    )
}

pub(super) fn page(entries: &str, marker: Option<&str>) -> String {
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
    let found = iam(&server).list(Turn::for_test(), &user()).await.unwrap();
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
        let error = iam(&server).list(Turn::for_test(), &user()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unavailable, "{name}: {error}");
        assert_eq!(server.requests().len(), requests, "{name}");
    }
    // Always another marker: the bound on pages ends it.
    let script: Vec<_> =
        (0..99).map(|number| Reply::Answer(200, page("", Some(&format!("marker-{number}"))))).collect();
    let server = Server::start(script);
    assert_eq!(iam(&server).list(Turn::for_test(), &user()).await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(server.requests().len(), 16);
}

#[tokio::test]
async fn list_tells_a_missing_user_from_a_user_without_credentials() {
    let server = Server::start(vec![
        Reply::Answer(200, page("", None)),
        refused(404, "NoSuchEntity", "The user with name orders-app cannot be found."),
    ]);
    let iam = iam(&server);
    assert_eq!(iam.list(Turn::for_test(), &user()).await.unwrap(), []);
    assert_eq!(iam.list(Turn::for_test(), &user()).await.unwrap_err().kind(), Kind::UserNotFound);
}

#[tokio::test]
async fn delete_succeeds_when_there_is_nothing_to_delete_and_only_then() {
    let done = "<DeleteServiceSpecificCredentialResponse><ResponseMetadata><RequestId>x</RequestId></ResponseMetadata>\
                </DeleteServiceSpecificCredentialResponse>";
    let server = Server::start(vec![
        Reply::Answer(200, done.to_owned()),
        refused(404, "NoSuchEntity", "Service specific credential cannot be found."),
        refused(400, "ValidationError", "The credential does not belong to the user orders-app"),
        Reply::Answer(404, "<html>no such page</html>".to_owned()),
        Reply::Answer(200, "<html>please sign in</html>".to_owned()),
        refused(500, "NoSuchEntity", "of some kind"),
        refused(500, "ValidationError", "of some kind"),
        refused(403, "AccessDenied", "no"),
        Reply::Close,
    ]);
    let iam = iam(&server);
    assert_eq!(iam.delete(Turn::for_test(), &user(), &id()).await, Ok(Deleted::Now));
    assert_eq!(iam.delete(Turn::for_test(), &user(), &id()).await, Ok(Deleted::Before));
    assert_eq!(iam.delete(Turn::for_test(), &user(), &id()).await, Ok(Deleted::NotTheirs));
    let request = &server.requests()[0];
    assert!(request.contains(&format!("&UserName=orders-app&ServiceSpecificCredentialId={ID}")), "{request}");
    for kind in [
        Kind::Unavailable,
        Kind::Unavailable,
        Kind::Unavailable,
        Kind::Unavailable,
        Kind::AccessDenied,
        Kind::Unavailable,
    ] {
        let error = iam.delete(Turn::for_test(), &user(), &id()).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert_eq!(server.requests().len(), 9);
}
