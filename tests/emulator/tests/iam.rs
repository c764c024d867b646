//! The five operations as the SDK sees them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::ProvideErrorMetadata;
use aws_sdk_iam::types::StatusType;
use keyspaces_emulator::{Emulator, Lag, Operation, Options};
use support::{CASSANDRA, USER, client, client_with, create, list_ids, refusal, start};

/// A well-formed id that no credential has.
const NO_ID: &str = "ACCAAAAAAAAAAAAAAAAAA";

#[tokio::test]
async fn create_tells_all_of_the_credential() {
    let emulator = start();
    let client = client(&emulator);
    let request = client.create_service_specific_credential().user_name(USER);
    let output = request.service_name("Cassandra.AmazonAWS.com").send().await.unwrap();
    let made = output.service_specific_credential.unwrap();

    let id = &made.service_specific_credential_id;
    assert!(id.len() == 21 && id.starts_with("ACCA"), "{id}");
    assert!(id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{id}");
    let password = made.service_password.as_str();
    assert_eq!(password.len(), 60);
    assert!(password.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)));
    assert_eq!(made.service_name, CASSANDRA);
    assert_eq!(made.service_user_name, "orders-app-at-111122223333");
    assert_eq!(made.user_name, USER);
    assert_eq!(made.status, StatusType::Active);
    let age = std::time::SystemTime::now().duration_since(made.create_date.try_into().unwrap()).unwrap();
    assert!(age < Duration::from_mins(1), "{age:?}");

    let calls = emulator.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    assert_eq!(calls[0].operation, Operation::Create);
    assert_eq!(calls[0].user.as_deref(), Some(USER));
    assert_eq!(calls[0].credential_id.as_deref(), Some(id.as_str()));
    assert_eq!(calls[0].access_key_id.as_deref(), Some("AKIATEST"));
    assert_eq!((calls[0].status, calls[0].applied, calls[0].done), (Some(200), true, true));
    let text = serde_json::to_string(&calls).unwrap() + &format!("{calls:?}");
    assert_eq!(emulator.leaks(text.as_bytes()), Vec::<String>::new());
    assert_eq!(emulator.leaks(password.as_bytes()), std::slice::from_ref(id));
}

#[tokio::test]
async fn two_slots_with_inactive_counted_and_freed_names_used_again() {
    let emulator = start();
    let client = client(&emulator);
    let first = create(&client, USER).await;
    let second = create(&client, USER).await;
    assert_eq!(second.service_user_name, "orders-app+1-at-111122223333");

    emulator.set_status(&first.service_specific_credential_id, "Inactive").unwrap();
    let request = || client.create_service_specific_credential().user_name(USER).service_name(CASSANDRA).send();
    let error = request().await.unwrap_err();
    assert_eq!(error.message(), Some("Cannot exceed quota for ContextSpecificCredentialsPerUserPerContext: 2"));
    assert_eq!(refusal(request().await), (409, "LimitExceeded".into()));
    // Every user and every service has slots of its own.
    create(&client, "other").await;
    let request = client.create_service_specific_credential().user_name(USER);
    request.service_name("codecommit.amazonaws.com").send().await.unwrap();

    emulator.delete_credential(&first.service_specific_credential_id).unwrap();
    let third = create(&client, USER).await;
    assert_eq!(third.service_user_name, "orders-app-at-111122223333");
    assert_ne!(third.service_specific_credential_id, first.service_specific_credential_id);
}

#[tokio::test]
async fn reset_keeps_all_but_the_password() {
    let emulator = start();
    let client = client(&emulator);
    let made = create(&client, USER).await;
    let id = &made.service_specific_credential_id;
    emulator.set_status(id, "Inactive").unwrap();
    let request = client.reset_service_specific_credential().user_name(USER);
    let output = request.service_specific_credential_id(id).send().await.unwrap();
    let reset = output.service_specific_credential.unwrap();
    assert_ne!(reset.service_password, made.service_password);
    assert_eq!(reset.service_password.len(), 60);
    assert_eq!(reset.status, StatusType::Inactive);
    assert_eq!(&reset.service_specific_credential_id, id);
    assert_eq!(reset.service_user_name, made.service_user_name);
    assert_eq!(reset.create_date, made.create_date);
    // The search still finds the replaced password.
    assert_eq!(emulator.leaks(made.service_password.as_bytes()), std::slice::from_ref(id));
}

#[tokio::test]
async fn update_and_delete_do_what_they_say() {
    let emulator = start();
    let client = client(&emulator);
    let id = create(&client, USER).await.service_specific_credential_id;
    let update = |status| {
        let request = client.update_service_specific_credential().user_name(USER);
        request.service_specific_credential_id(&id).status(status).send()
    };
    update(StatusType::Inactive).await.unwrap();
    assert_eq!(emulator.credential(&id).unwrap().status, "Inactive");
    assert_eq!(refusal(update(StatusType::Expired).await), (400, "InvalidInput".into()));
    assert_eq!(refusal(update("Odd".into()).await), (400, "ValidationError".into()));
    update(StatusType::Active).await.unwrap();
    assert_eq!(emulator.credential(&id).unwrap().status, "Active");

    let delete = || {
        let request = client.delete_service_specific_credential().user_name(USER);
        request.service_specific_credential_id(&id).send()
    };
    delete().await.unwrap();
    assert_eq!(emulator.credentials(), []);
    assert_eq!(refusal(delete().await), (404, "NoSuchEntity".into()));
}

#[tokio::test]
async fn unknown_things_are_missing_and_the_user_is_checked_first() {
    let emulator = start();
    let client = client(&emulator);
    let missing = (404, "NoSuchEntity".to_owned());
    let create = |user: &str, service: &str| {
        client.create_service_specific_credential().user_name(user).service_name(service).send()
    };
    let error = create("nobody", "odd").await.unwrap_err();
    assert!(error.message().unwrap().contains("nobody"), "{error:?}");
    assert_eq!(refusal(create("nobody", CASSANDRA).await), missing);
    assert_eq!(refusal(create(USER, "odd.amazonaws.com").await), missing);
    assert_eq!(refusal(create(USER, "cassandra.amazonaws.com.cn").await), missing);

    let reset = |user: &str, id: &str| {
        let request = client.reset_service_specific_credential().user_name(user);
        request.service_specific_credential_id(id).send()
    };
    assert_eq!(refusal(reset("nobody", "x").await), missing);
    assert_eq!(refusal(reset(USER, NO_ID).await), missing);
    let list = client.list_service_specific_credentials();
    assert_eq!(refusal(list.clone().user_name("nobody").send().await), missing);
    assert_eq!(refusal(list.user_name(USER).service_name("odd").send().await), missing);
    assert!(emulator.calls().iter().all(|call| !call.applied));
}

#[tokio::test]
async fn malformed_values_and_ids_of_another_user_are_invalid() {
    let emulator = start();
    let client = client(&emulator);
    let invalid = (400, "ValidationError".to_owned());
    let delete = |user: &str, id: &str| {
        let request = client.delete_service_specific_credential().user_name(user);
        request.service_specific_credential_id(id).send()
    };
    let id = create(&client, "other").await.service_specific_credential_id;
    assert_eq!(refusal(delete(USER, "short").await), invalid);
    assert_eq!(refusal(delete(USER, "ACCA-with-signs-in-it!").await), invalid);
    assert_eq!(refusal(delete(USER, &id).await), invalid);
    assert_eq!(refusal(delete(&"x".repeat(65), &id).await), invalid);
    let list = client.list_service_specific_credentials();
    assert_eq!(refusal(list.clone().user_name("a/b").send().await), invalid);
    assert_eq!(refusal(list.clone().user_name(USER).max_items(1001).send().await), invalid);
    assert_eq!(refusal(list.user_name(USER).marker("odd").send().await), invalid);
    assert!(emulator.credential(&id).is_some());
}

#[tokio::test]
async fn a_user_made_again_under_its_name_cannot_manage_the_old_credentials() {
    let emulator = start();
    let client = client(&emulator);
    let made = create(&client, USER).await;
    let conflict = client.delete_user().user_name(USER).send().await;
    assert_eq!(refusal(conflict), (409, "DeleteConflict".into()));
    emulator.force_delete_user(USER).unwrap();
    emulator.create_user(USER).unwrap();

    assert_eq!(list_ids(&client, USER).await, Vec::<String>::new());
    let id = &made.service_specific_credential_id;
    let request = client.delete_service_specific_credential().user_name(USER);
    let result = request.service_specific_credential_id(id).send().await;
    assert_eq!(refusal(result), (400, "ValidationError".into()));
    assert_eq!(emulator.credentials_of(USER), []);
    // A user without credentials can be deleted.
    client.delete_user().user_name(USER).send().await.unwrap();
}

#[tokio::test]
async fn the_caller_stands_in_for_a_user_that_is_not_named() {
    let mut options = Options::with_users([USER]);
    options.access_keys.insert("AKIAORDERS".into(), USER.into());
    let emulator = Emulator::start(options).unwrap();
    let of_user = emulator.create_credential(USER).unwrap().info.id;
    let of_operator = emulator.create_credential("operator").unwrap().info.id;
    for (key, expected) in [("AKIAORDERS", of_user), ("AKIAOTHER", of_operator)] {
        let client = client_with(emulator.iam_url(), RetryConfig::disabled(), key, None);
        let output = client.list_service_specific_credentials().send().await.unwrap();
        let listed = output.service_specific_credentials.unwrap();
        assert_eq!(listed[0].service_specific_credential_id, expected);
        let request = client.delete_service_specific_credential();
        request.user_name("").service_specific_credential_id(expected).send().await.unwrap();
    }
    assert_eq!(emulator.credentials(), []);
    assert!(emulator.calls().iter().all(|call| !call.user_named));
}

#[tokio::test]
async fn all_users_lists_all_and_excludes_a_user_name() {
    let emulator = start();
    let client = client(&emulator);
    for user in [USER, "other"] {
        create(&client, user).await;
    }
    let list = client.list_service_specific_credentials().all_users(true);
    let output = list.clone().send().await.unwrap();
    assert_eq!(output.service_specific_credentials.unwrap().len(), 2);
    assert_eq!(refusal(list.user_name(USER).send().await), (400, "InvalidInput".into()));
}

#[tokio::test]
async fn pages_hold_each_credential_once_in_changing_order() {
    let users: Vec<_> = (0..6).map(|number| format!("user-{number}")).collect();
    let emulator = Emulator::start(Options::with_users(users.clone())).unwrap();
    let client = client(&emulator);
    let ids: BTreeSet<_> = users.iter().map(|user| emulator.create_credential(user).unwrap().info.id).collect();
    emulator.set_page_size(1);
    let mut orders = HashSet::new();
    for _ in 0..5 {
        let (mut order, mut marker) = (Vec::new(), None);
        loop {
            let request = client.list_service_specific_credentials().all_users(true);
            let page = request.max_items(4).set_marker(marker).send().await.unwrap();
            let items = page.service_specific_credentials.unwrap();
            assert_eq!(items.len(), 1);
            order.extend(items.into_iter().map(|it| it.service_specific_credential_id));
            marker = page.marker;
            assert_eq!(page.is_truncated, marker.is_some());
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(order.iter().cloned().collect::<BTreeSet<_>>(), ids);
        assert_eq!(order.len(), ids.len());
        orders.insert(order);
    }
    // Five equal orders of six would be a chance of one in 720 to the fourth.
    assert!(orders.len() > 1);
    emulator.set_page_size(100);
    let request = client.list_service_specific_credentials().all_users(true).max_items(4);
    let page = request.send().await.unwrap();
    assert_eq!(page.service_specific_credentials.unwrap().len(), 4);
}

#[tokio::test]
async fn a_list_is_behind_by_the_lag_and_only_a_list() {
    let emulator = start();
    let client = client(&emulator);
    emulator.stop_clock();
    let minute = Duration::from_mins(1);
    emulator.set_lag(Lag { list_new: minute, list_deleted: minute, login: Duration::ZERO });
    let id = create(&client, USER).await.service_specific_credential_id;
    assert_eq!(list_ids(&client, USER).await, Vec::<String>::new());
    emulator.advance_clock(minute);
    assert_eq!(list_ids(&client, USER).await, std::slice::from_ref(&id));

    let request = client.delete_service_specific_credential().user_name(USER);
    request.service_specific_credential_id(&id).send().await.unwrap();
    assert_eq!(emulator.credentials(), []);
    assert_eq!(list_ids(&client, USER).await, [id]);
    emulator.advance_clock(minute);
    assert_eq!(list_ids(&client, USER).await, Vec::<String>::new());

    // An endless lag ends when it is made shorter.
    emulator.set_lag(Lag { list_new: Duration::MAX, ..Lag::default() });
    let id = create(&client, USER).await.service_specific_credential_id;
    emulator.advance_clock(Duration::from_hours(24));
    assert_eq!(list_ids(&client, USER).await, Vec::<String>::new());
    emulator.set_lag(Lag::default());
    assert_eq!(list_ids(&client, USER).await, [id]);
}

#[tokio::test]
async fn a_renamed_user_keeps_its_service_user_name() {
    let emulator = start();
    let made = emulator.create_credential(USER).unwrap().info;
    emulator.rename_user(USER, "renamed").unwrap();
    let renamed = emulator.credential(&made.id).unwrap();
    assert_eq!(renamed.user.as_deref(), Some("renamed"));
    assert_eq!(renamed.service_user_name, made.service_user_name);
    assert!(renamed.outside);
}

#[tokio::test]
async fn iam_also_answers_over_tls_and_only_to_those_who_trust_its_ca() {
    let mut options = Options::with_users([USER]);
    options.iam_tls_port = Some(0);
    options.dns_names = vec!["iam.example.test".into()];
    let emulator = Emulator::start(options).unwrap();
    let stranger = Emulator::start(Options::default()).unwrap();
    let with_ca = |pem: &str| {
        let url = emulator.iam_tls_url().unwrap();
        client_with(url, RetryConfig::disabled(), "AKIATEST", Some(pem))
    };
    create(&with_ca(emulator.ca_pem()), USER).await;
    let client = with_ca(stranger.ca_pem());
    let request = client.create_service_specific_credential().user_name(USER);
    assert!(request.service_name(CASSANDRA).send().await.is_err());
    assert_eq!(emulator.calls().len(), 1);
}
