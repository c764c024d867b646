//! The operator may read any Secret: annotations and data may have been edited, cut or swapped, or another tool wrote them.
//! Only what the digest vouches for counts.

#![allow(clippy::panic, reason = "a test may fail")]

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::json;

use crate::api::KeyspacesCredential;
use crate::protocol::{CredentialId, Epoch, SecretFact, ServiceUserName};
use crate::secret::annotations::{CREDENTIAL_ID, DIGEST, EPOCH, ISSUED_AT, digest};
use crate::secret::{FENCE, Login, Owner, fact, published, render};

const PASSWORD: &str = "a/60+character=password";
const USER_NAME: &str = "orders-app-at-111122223333";

fn owner() -> KeyspacesCredential {
    KeyspacesCredential {
        metadata: kube::api::ObjectMeta {
            name: Some("orders".to_owned()),
            uid: Some("1".to_owned()),
            ..Default::default()
        },
        spec: serde_json::from_value(json!({ "iamUserName": "orders-app" })).unwrap_or_else(|error| panic!("{error}")),
        status: None,
    }
}

fn ours() -> Secret {
    let (Ok(id), Ok(user_name)) = (CredentialId::parse("ACCA12345678901234567"), ServiceUserName::parse(USER_NAME))
    else {
        panic!("they are names")
    };
    let issued_at = jiff::Timestamp::UNIX_EPOCH;
    let login = Login { id: &id, user_name: &user_name, password: PASSWORD, issued_at, epoch: Epoch(3) };
    let owner = owner();
    render(&Owner::new(&owner, "orders"), &owner.spec.secret, &login, None)
}

fn key() -> impl Strategy<Value = String> {
    let known = [CREDENTIAL_ID, DIGEST, EPOCH, FENCE, ISSUED_AT, "keyspaces.dev/spec-labels"].map(str::to_owned);
    prop_oneof![9 => proptest::sample::select(known.to_vec()), 1 => "[a-z./]{1,20}"]
}

/// A text near one that would be right, or any text.
fn text() -> impl Strategy<Value = String> {
    let near = [
        "ACCA12345678901234567",
        "ACCA99999999999999999",
        "0",
        "3",
        "-1",
        "18446744073709551615",
        "18446744073709551616",
        "1970-01-01T00:00:00Z",
        "-009999-01-02T01:59:59Z",
        "9999-12-30T22:00:00.999999999Z",
        "1970-01-01",
        "",
    ];
    let of_digest = digest("ACCA12345678901234567", USER_NAME, PASSWORD);
    prop_oneof![
        6 => proptest::sample::select(near.map(str::to_owned).to_vec()),
        1 => Just(of_digest.clone()),
        1 => (0..of_digest.len()).prop_map(move |end| of_digest[..end].to_owned()),
        2 => any::<String>(),
    ]
}

fn value() -> impl Strategy<Value = ByteString> {
    prop_oneof![
        3 => Just(ByteString(PASSWORD.into())),
        3 => Just(ByteString(USER_NAME.into())),
        1 => (0..PASSWORD.len()).prop_map(|end| ByteString(PASSWORD[..end].into())),
        2 => vec(any::<u8>(), 0..300).prop_map(ByteString),
    ]
}

fn secret() -> impl Strategy<Value = Secret> {
    let annotations = btree_map(key(), text(), 0..4);
    let taken = vec(key(), 0..2);
    let data =
        btree_map(prop_oneof![Just("username".to_owned()), Just("password".to_owned()), "[a-z]{1,9}"], value(), 0..4);
    (annotations, taken, data, any::<bool>(), any::<bool>()).prop_map(|(annotations, taken, data, replaced, owned)| {
        let mut secret = ours();
        let present = secret.metadata.annotations.get_or_insert_default();
        for key in taken {
            present.remove(&key);
        }
        present.extend(annotations);
        if replaced {
            secret.data = Some(data);
        } else {
            secret.data.get_or_insert_default().extend(data);
        }
        if !owned {
            secret.metadata.owner_references = None;
        }
        secret
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_a_pair_in_the_data_whose_digest_fits_is_vouched_for(secret in secret()) {
        let annotations = secret.metadata.annotations.clone().unwrap_or_default();
        let values: Vec<Vec<u8>> = secret.data.iter().flatten().map(|(_, value)| value.0.clone()).collect();
        if let Some((published, password)) = published(&secret) {
            let credential = &published.credential;
            let user_name = credential.service_user_name.as_str();
            prop_assert!(values.iter().any(|value| value == password.as_bytes()));
            prop_assert!(values.iter().any(|value| value == user_name.as_bytes()));
            prop_assert_eq!(Some(&credential.id.to_string()), annotations.get(CREDENTIAL_ID));
            prop_assert_eq!(Some(&digest(credential.id.as_str(), user_name, password)), annotations.get(DIGEST));
            // No other pair of texts in here has a digest that fits.
            prop_assert_eq!((user_name, password), (USER_NAME, PASSWORD));
            prop_assert!(published.epoch <= Epoch::LAST);
        }
        let owned = secret.metadata.owner_references.is_some();
        match fact(Some(&secret), &owner()) {
            SecretFact::Ours(ours) => prop_assert!(owned && ours.fence <= Epoch::LAST),
            SecretFact::NotOurs => prop_assert!(!owned),
            SecretFact::Absent => prop_assert!(false, "it is there"),
        }
    }
}

#[test]
fn what_was_not_touched_is_vouched_for() {
    assert!(published(&ours()).is_some());
}
