//! The operator reads what it has written to a Secret, and does not believe what somebody else has written.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test may fail")]

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use serde_json::{Value, json};

use crate::api::KeyspacesCredential;
use crate::protocol::{CredentialId, Epoch, OurSecret, Rendering, SecretFact, ServiceUserName};
use crate::secret::{FENCE, Login, Owner, changed, fact, published, quoted, release, render};

const PASSWORD: &str = "a/60+character=password";

fn resource(uid: &str, secret: &Value) -> KeyspacesCredential {
    serde_json::from_value(json!({
        "apiVersion": "keyspaces.dev/v1alpha1",
        "kind": "KeyspacesCredential",
        "metadata": { "name": "orders", "namespace": "shop", "uid": uid },
        "spec": { "iamUserName": "orders-app", "secret": secret },
    }))
    .unwrap()
}

fn rendered(owner: &KeyspacesCredential, epoch: u64, existing: Option<&Secret>) -> Secret {
    let login = Login {
        id: &CredentialId::parse("ACCA12345678901234567").unwrap(),
        user_name: &ServiceUserName::parse("orders-app-at-111122223333").unwrap(),
        password: PASSWORD,
        issued_at: "2026-11-22T10:00:00Z".parse().unwrap(),
        epoch: Epoch(epoch),
    };
    render(&Owner::new(owner, "orders"), &owner.spec.secret, &login, existing)
}

fn ours(fact: SecretFact) -> OurSecret {
    match fact {
        SecretFact::Ours(ours) => ours,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_is_read_as_published_and_current() {
    let owner = resource("1", &json!({}));
    let seen = ours(fact(Some(&rendered(&owner, 3, None)), &owner));
    let published = seen.published.unwrap();
    assert_eq!(published.credential.id.as_str(), "ACCA12345678901234567");
    assert_eq!(published.credential.service_user_name.as_str(), "orders-app-at-111122223333");
    assert_eq!((published.epoch, seen.fence, seen.rendering), (Epoch(3), Epoch(3), Rendering::Current));
}

#[test]
fn a_resource_of_the_same_name_made_anew_is_not_the_owner() {
    let secret = rendered(&resource("1", &json!({})), 1, None);
    assert_eq!(fact(Some(&secret), &resource("2", &json!({}))), SecretFact::NotOurs);
}

#[test]
fn an_edited_password_or_user_name_or_id_is_not_vouched_for() {
    let owner = resource("1", &json!({}));
    let good = rendered(&owner, 1, None);
    let edits: [fn(&mut Secret); 4] = [
        |secret| drop(secret.data.as_mut().unwrap().insert("password".to_owned(), ByteString(b"other".to_vec()))),
        |secret| drop(secret.data.as_mut().unwrap().insert("username".to_owned(), ByteString(b"other".to_vec()))),
        |secret| drop(secret.data.as_mut().unwrap().remove("password")),
        |secret| {
            let annotations = secret.metadata.annotations.as_mut().unwrap();
            drop(annotations.insert("keyspaces.dev/credential-id".to_owned(), "ACCA99999999999999999".to_owned()));
        },
    ];
    for edit in edits {
        let mut edited = good.clone();
        edit(&mut edited);
        assert_eq!(ours(fact(Some(&edited), &owner)).published, None);
    }
}

#[test]
fn renamed_keys_and_foreign_keys_ask_for_another_rendering_of_the_same_credential() {
    let before = resource("1", &json!({}));
    let secret = rendered(&before, 1, None);
    let after = resource("1", &json!({ "keys": { "username": "user", "password": "pass" } }));
    let seen = ours(fact(Some(&secret.clone()), &after));
    assert_eq!(seen.rendering, Rendering::Stale);
    assert!(seen.published.is_some());
    assert_eq!(published(&secret).unwrap().1, PASSWORD);

    let mut extended = secret;
    extended.data.as_mut().unwrap().insert("extra".to_owned(), ByteString(b"x".to_vec()));
    assert_eq!(ours(fact(Some(&extended), &before)).rendering, Rendering::Stale);
}

#[test]
fn others_keep_their_labels_and_annotations_and_ours_leave_with_the_spec() {
    let before = resource("1", &json!({ "labels": { "team": "shop" }, "annotations": { "note": "x" } }));
    let mut secret = rendered(&before, 1, None);
    secret.metadata.labels.as_mut().unwrap().insert("their".to_owned(), "label".to_owned());
    secret.metadata.annotations.as_mut().unwrap().insert("their".to_owned(), "annotation".to_owned());
    let after = rendered(&resource("1", &json!({})), 1, Some(&secret));
    assert!(after.labels().contains_key("their") && after.annotations().contains_key("their"));
    assert!(!after.labels().contains_key("team") && !after.annotations().contains_key("note"));
}

#[test]
fn a_fence_is_not_lowered_by_another_rendering() {
    let owner = resource("1", &json!({}));
    let mut secret = rendered(&owner, 1, None);
    secret.metadata.annotations.as_mut().unwrap().insert(FENCE.to_owned(), "7".to_owned());
    let again = rendered(&owner, 1, Some(&secret));
    assert_eq!(ours(fact(Some(&again), &owner)).fence, Epoch(7));
}

#[test]
fn a_released_secret_has_no_owner_and_is_not_watched() {
    let owner = resource("1", &json!({}));
    let released = release(rendered(&owner, 1, None), &owner);
    assert_eq!(released.owner_references(), []);
    assert!(released.labels().is_empty());
    assert_eq!(fact(Some(&released), &owner), SecretFact::NotOurs);
}

#[test]
fn no_password_is_in_the_metadata() {
    let metadata = serde_json::to_string(&rendered(&resource("1", &json!({})), 1, None).metadata).unwrap();
    assert!(!metadata.contains(PASSWORD), "{metadata}");
}

#[test]
fn a_stamp_that_changes_with_each_write_is_none_of_our_business() {
    let owner = resource("1", &json!({ "labels": { "team": "shop" }, "annotations": { "match": "yes" } }));
    let stamped = |mut secret: Secret, time: &str| {
        secret.labels_mut().insert("by".to_owned(), time.to_owned());
        secret.annotations_mut().insert("at".to_owned(), time.to_owned());
        secret
    };
    let existing = stamped(rendered(&owner, 1, None), "1");
    let wanted = rendered(&owner, 2, Some(&existing));
    assert_eq!(changed(&wanted, &stamped(wanted.clone(), "2")), None);
    let spoilt = |spoil: fn(&mut Secret)| {
        let mut secret = wanted.clone();
        spoil(&mut secret);
        changed(&wanted, &secret)
    };
    assert_eq!(spoilt(|secret| drop(secret.labels_mut().remove("team"))), Some("labels"));
    assert_eq!(spoilt(|secret| drop(secret.labels_mut().remove("app.kubernetes.io/managed-by"))), Some("labels"));
    assert_eq!(
        spoilt(|secret| drop(secret.annotations_mut().insert("match".to_owned(), String::new()))),
        Some("annotations")
    );
    assert_eq!(spoilt(|secret| drop(secret.annotations_mut().remove(FENCE))), Some("annotations"));
    assert_eq!(spoilt(|secret| drop(secret.data.take())), Some("data"));
}

#[test]
fn words_that_repeat_a_value_are_known_plain_and_encoded_and_cut() {
    let secret = rendered(&resource("1", &json!({})), 1, None);
    for told in
        [format!("no: {PASSWORD}"), format!("no: {}", &PASSWORD[..14]), "YS82MCtjaGFyYWN0ZXI9cGFzc3dvcmQ=".to_owned()]
    {
        assert!(quoted(&secret, &told), "{told}");
    }
    assert!(!quoted(&secret, "quota exceeded: secrets orders"));
}
