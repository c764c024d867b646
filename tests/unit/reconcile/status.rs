//! A record is the same after it was written to status and read again.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::*;
use crate::api::{IssuedStatus, KeyspacesCredentialStatus};
use crate::protocol::{
    CredentialId, Epoch, Failures, FormerSecret, Issued, Means, Operation, Purpose, Record, ResetInDoubt, Retiring,
    RetiringStage, SecretName, ServiceUserName, Window,
};

fn id(last: char) -> CredentialId {
    CredentialId::parse(format!("ACCA1234567890123456{last}")).unwrap()
}

fn name() -> ServiceUserName {
    ServiceUserName::parse("orders-app-at-111122223333").unwrap()
}

fn secret(name: &str) -> SecretName {
    SecretName::parse(name).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// A record in which every field is set, each to another value.
fn full() -> Record {
    Record {
        current: Some(Issued { id: id('A'), service_user_name: name(), issued_at: at(1) }),
        published_by: Some(Epoch(4)),
        retiring: Some(Retiring {
            id: id('B'),
            service_user_name: name(),
            since: at(2),
            stage: RetiringStage::Inactive,
            published_by: Some(Epoch(3)),
        }),
        operation: Some(Operation {
            epoch: Epoch(9),
            first_epoch: Epoch(7),
            purpose: Purpose::SecretDamaged,
            means: Means::Reset(id('A')),
            secret_name: secret("orders"),
            rotate: Some("now".to_owned()),
            from: at(3),
            attempted_at: at(4),
            baseline: BTreeSet::from([id('A'), id('B')]),
        }),
        closed: Epoch(6),
        window: Some(Window { epoch: Epoch(5), baseline: BTreeSet::from([id('C')]), from: at(5), end: at(6) }),
        reset_in_doubt: Some(ResetInDoubt { id: id('A'), until: at(10) }),
        secret_name: Some(secret("invoices")),
        former_secrets: vec![FormerSecret { name: secret("bills"), since: at(11) }],
        handled_rotate: Some("before".to_owned()),
        rotated_at: Some(at(9)),
        failures: Some(Failures { count: 3, last: at(7), next: at(8) }),
    }
}

fn stored(record: &Record) -> KeyspacesCredentialStatus {
    let mut status = KeyspacesCredentialStatus::default();
    recorded_in(&mut status, record);
    status.failures = record.failures.as_ref().map(|failures| failures_status(failures, None));
    serde_json::from_value(serde_json::to_value(&status).unwrap()).unwrap()
}

#[test]
fn what_is_recorded_is_read_again() {
    assert_eq!(record(&stored(&full()), &secret("wanted")).unwrap(), full());
    let empty = Record::default();
    assert_eq!(record(&stored(&empty), &secret("wanted")).unwrap(), empty);
    assert_eq!(stored(&empty), KeyspacesCredentialStatus::default(), "an empty record leaves no trace");
}

#[test]
fn an_operation_without_the_name_of_its_secret_is_one_of_the_bound_secret() {
    let mut status = stored(&full());
    status.operation.as_mut().unwrap().secret_name = None;
    let operation = |status: &KeyspacesCredentialStatus| record(status, &secret("wanted")).unwrap().operation.unwrap();
    assert_eq!(operation(&status).secret_name, secret("invoices"));
    status.binding = None;
    assert_eq!(operation(&status).secret_name, secret("wanted"));
}

#[test]
fn only_a_record_without_failures_clears_them() {
    let mut status = stored(&full());
    recorded_in(&mut status, &full());
    assert!(status.failures.is_some());
    recorded_in(&mut status, &Record { failures: None, ..full() });
    assert_eq!(status.failures, None);
}

#[test]
fn the_end_of_a_wait_is_rounded_up() {
    let time = Timestamp::from_millisecond(1_500).unwrap();
    let status = failures_status(&Failures { count: 1, last: time, next: time }, None);
    assert_eq!((status.last.0, status.next.0), (at(1), at(2)));
}

#[test]
fn an_id_that_is_none_is_not_believed() {
    let status = KeyspacesCredentialStatus {
        credential: Some(IssuedStatus {
            id: "*".to_owned(),
            service_user_name: "a".to_owned(),
            issued_at: Time(at(1)),
        }),
        ..KeyspacesCredentialStatus::default()
    };
    assert!(record(&status, &secret("orders")).is_err());
}
