//! Each kind of fault: what the SDK sees, and what really happened.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::error::SdkError;
use aws_sdk_iam::operation::create_service_specific_credential::{
    CreateServiceSpecificCredentialError as CreateError, CreateServiceSpecificCredentialOutput,
};
use keyspaces_emulator::{Emulator, Fault, FaultKind, Operation};
use support::{CASSANDRA, PATIENCE, USER, client, client_with, create, list_ids, refusal, start};

type Created = Result<CreateServiceSpecificCredentialOutput, SdkError<CreateError>>;

async fn try_create(client: &Client) -> Created {
    let request = client.create_service_specific_credential();
    request.user_name(USER).service_name(CASSANDRA).send().await
}

/// What the record says of the only call.
fn only_call(emulator: &Emulator) -> (Option<u16>, Option<String>, bool, bool) {
    let calls = emulator.calls();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let call = calls.into_iter().next().unwrap();
    (call.status, call.fault, call.applied, call.done)
}

#[tokio::test]
async fn a_connection_that_ends_without_a_reply_is_no_answer_before_and_after_the_effect() {
    for kind in [FaultKind::Close, FaultKind::Reset] {
        for after in [false, true] {
            let emulator = start();
            let fault = Fault::on(Operation::Create, kind.clone());
            emulator.set_fault(if after { fault.after_effect() } else { fault });
            let error = try_create(&client(&emulator)).await.unwrap_err();
            assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
            let text = format!("{error:?}");
            assert_eq!(text.contains("ConnectionReset"), kind == FaultKind::Reset, "{text}");
            assert_eq!(emulator.credentials().len(), usize::from(after));
            let name = if kind == FaultKind::Close { "close" } else { "reset" };
            assert_eq!(only_call(&emulator), (None, Some(name.into()), after, true));
        }
    }
}

#[tokio::test]
async fn retries_repeat_a_create_whose_connection_was_closed() {
    let emulator = start();
    emulator.set_fault(Fault::on(Operation::Create, FaultKind::Close).for_ever());
    let retries = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let client = client_with(emulator.iam_url(), retries, "AKIATEST", None);
    assert!(try_create(&client).await.is_err());
    assert_eq!(emulator.calls().len(), 3);
    assert_eq!(emulator.credentials(), []);

    // If the calls take effect first, the third one meets the quota.
    emulator.clear_faults();
    emulator.clear_calls();
    emulator.set_fault(Fault::on(Operation::Create, FaultKind::Close).after_effect().times(2));
    assert_eq!(refusal(try_create(&client).await), (409, "LimitExceeded".into()));
    let calls = emulator.calls();
    assert_eq!(calls.iter().map(|call| call.applied).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(calls[2].error.as_deref(), Some("LimitExceeded"));
}

#[tokio::test]
async fn a_refusal_has_the_given_status_code_and_message() {
    let emulator = start();
    let client = client(&emulator);
    let refuse = |status, code: &str| FaultKind::Refuse {
        status,
        code: code.into(),
        message: "User: x is not authorized".into(),
    };
    emulator.set_fault(Fault::on(Operation::Create, refuse(403, "AccessDenied")));
    assert_eq!(refusal(try_create(&client).await), (403, "AccessDenied".into()));
    assert_eq!(only_call(&emulator), (Some(403), Some("refuse".into()), false, true));
    assert_eq!(emulator.calls()[0].error.as_deref(), Some("AccessDenied"));
    create(&client, USER).await;

    emulator.set_fault(Fault::on_any(refuse(400, "Throttling")).of_user("other"));
    list_ids(&client, USER).await;
    let request = client.list_service_specific_credentials().user_name("other");
    assert_eq!(refusal(request.send().await), (400, "Throttling".into()));
}

#[tokio::test]
async fn a_status_is_a_service_failure_before_or_after_the_effect() {
    for (status, after) in [(500, false), (503, false), (500, true), (503, true)] {
        let emulator = start();
        let fault = Fault::on(Operation::Create, FaultKind::Status { status });
        emulator.set_fault(if after { fault.after_effect() } else { fault });
        let result = try_create(&client(&emulator)).await;
        assert_eq!(refusal(result), (status, "ServiceFailure".into()));
        assert_eq!(only_call(&emulator), (Some(status), Some("status".into()), after, true));
        assert_eq!(emulator.credentials().len(), usize::from(after));
    }
}

#[tokio::test]
async fn a_hanging_call_has_its_effect_or_not_and_is_never_answered() {
    for after in [false, true] {
        let emulator = start();
        let fault = Fault::on(Operation::Create, FaultKind::Hang);
        emulator.set_fault(if after { fault.after_effect() } else { fault });
        let client = client(&emulator);
        let call = tokio::spawn(async move { try_create(&client).await });
        let given_up = |it: &keyspaces_emulator::Handle| it.calls().iter().any(|call| call.done);
        assert!(emulator.wait_until(PATIENCE, given_up).await);
        assert_eq!(only_call(&emulator), (None, Some("hang".into()), after, true));
        assert_eq!(emulator.credentials().len(), usize::from(after));
        assert!(!call.is_finished());
        call.abort();
    }
}

#[tokio::test]
async fn a_delayed_call_takes_effect_though_its_client_has_gone() {
    let emulator = start();
    emulator.set_fault(Fault::on(Operation::Create, FaultKind::Delay { ms: 200 }));
    let client = client(&emulator);
    let call = tokio::spawn(async move { try_create(&client).await });
    assert!(emulator.wait_until(PATIENCE, |it| it.calls().len() == 1).await);
    assert_eq!(emulator.credentials(), []);
    call.abort();
    assert!(emulator.wait_until(PATIENCE, |it| it.credentials().len() == 1).await);
}

#[tokio::test]
async fn a_delayed_call_is_answered_in_the_end() {
    for after in [false, true] {
        let emulator = start();
        let fault = Fault::on(Operation::Create, FaultKind::Delay { ms: 50 });
        emulator.set_fault(if after { fault.after_effect() } else { fault });
        let start = std::time::Instant::now();
        create(&client(&emulator), USER).await;
        assert!(start.elapsed() >= Duration::from_millis(50));
        assert_eq!(only_call(&emulator), (Some(200), Some("delay".into()), true, true));
    }
}

#[tokio::test]
async fn a_cut_body_is_a_reply_that_cannot_be_read() {
    for at in [None, Some(0), Some(100)] {
        let emulator = start();
        emulator.set_fault(Fault::on(Operation::Create, FaultKind::CutBody { at }));
        let error = try_create(&client(&emulator)).await.unwrap_err();
        // The head of the reply came, so this is not a failure to dispatch.
        assert!(matches!(error, SdkError::ResponseError(_)), "{at:?}: {error}");
        assert_eq!(only_call(&emulator), (Some(200), Some("cut_body".into()), true, true));
        assert_eq!(emulator.credentials().len(), 1);
    }
}

#[tokio::test]
async fn cut_xml_and_a_dropped_field_are_incomplete_credentials() {
    let emulator = start();
    let client = client(&emulator);
    // The XML ends before the id. The SDK returns what is there as a credential.
    emulator.set_fault(Fault::on(Operation::Create, FaultKind::CutXml { at: None }));
    let made = try_create(&client).await.unwrap().service_specific_credential.unwrap();
    assert_eq!(made.service_specific_credential_id, "");
    let element = "ServicePassword".to_owned();
    emulator.set_fault(Fault::on(Operation::Create, FaultKind::DropField { element }));
    let made = try_create(&client).await.unwrap().service_specific_credential.unwrap();
    assert_eq!(made.service_password, "");
    assert_eq!(made.service_user_name, "orders-app+1-at-111122223333");
    assert_eq!(emulator.credentials().len(), 2);
}

#[tokio::test]
async fn a_late_call_takes_effect_when_its_time_has_come() {
    let emulator = start();
    let client = client(&emulator);
    emulator.stop_clock();
    let late = FaultKind::Late { ms: 30_000, hang: false };
    emulator.set_fault(Fault::on(Operation::Create, late.clone()));
    assert!(try_create(&client).await.is_err());
    assert_eq!(only_call(&emulator), (None, Some("late".into()), false, true));
    assert_eq!((emulator.credentials().len(), emulator.late_calls()), (0, 1));
    emulator.advance_clock(Duration::from_secs(30));
    let id = emulator.calls()[0].credential_id.clone().unwrap();
    assert_eq!(list_ids(&client, USER).await, std::slice::from_ref(&id));
    assert_eq!(emulator.late_calls(), 0);

    // A late Delete, which the test makes take effect.
    emulator.set_fault(Fault::on(Operation::Delete, late));
    let request = client.delete_service_specific_credential().user_name(USER);
    assert!(request.service_specific_credential_id(id).send().await.is_err());
    assert_eq!(emulator.credentials().len(), 1);
    emulator.land_late_calls();
    assert_eq!(emulator.credentials(), []);
}

#[tokio::test]
async fn a_late_call_that_lands_by_real_time_needs_no_help() {
    let emulator = start();
    emulator.set_fault(Fault::on(Operation::Create, FaultKind::Late { ms: 100, hang: false }));
    assert!(try_create(&client(&emulator)).await.is_err());
    assert!(emulator.wait_until(PATIENCE, |it| it.credentials().len() == 1).await);
}

#[tokio::test]
async fn a_dropped_emulator_accepts_no_more_connections() {
    let emulator = start();
    let client = client(&emulator);
    create(&client, USER).await;
    let address = emulator.cql_address();
    drop(emulator);
    assert!(try_create(&client).await.is_err());
    // The listener is closed by its task, which ends soon.
    let closed = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, closed).await.unwrap();
}
