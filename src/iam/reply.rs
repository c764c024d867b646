//! Parses IAM's replies into the types of this module.
//!
//! The SDK fills a field that a reply lacks with a default: an empty text, or the year 1970. So each field is checked. If one
//! entry is wrong, the whole reply is refused: without that entry, its credential would look deleted.

use aws_sdk_iam::primitives::DateTime;
use aws_sdk_iam::types::{ServiceSpecificCredential, ServiceSpecificCredentialMetadata, StatusType};
use jiff::Timestamp;
use keyspaces_credential_protocol::{CredentialId, IamUserName, ServiceUserName};

use super::credential::{CredentialStatus, IssuedCredential, ListedCredential, SERVICE_NAME};
use super::password::Password;

/// The longest part of an unknown status that is kept.
const LONGEST_STATUS: usize = 32;

/// What is wrong with a reply. It quotes nothing of the reply.
pub(super) type Flaw = &'static str;

/// Reads the reply to a Create for `user`.
pub(super) fn issued(user: &IamUserName, reply: ServiceSpecificCredential) -> Result<IssuedCredential, Flaw> {
    // The password is parsed first, so that it is wiped from memory even if another field is wrong.
    let password = Password::parse(reply.service_password).map_err(|_| "the reply has no password, or a broken one")?;
    check_owner(user, &reply.user_name, &reply.service_name)?;
    Ok(IssuedCredential {
        id: credential_id(reply.service_specific_credential_id)?,
        service_user_name: service_user_name(reply.service_user_name)?,
        password,
        issued_at: timestamp(reply.create_date)?,
    })
}

/// Reads one entry of the reply to a List for `user`.
pub(super) fn listed(user: &IamUserName, entry: ServiceSpecificCredentialMetadata) -> Result<ListedCredential, Flaw> {
    check_owner(user, &entry.user_name, &entry.service_name)?;
    Ok(ListedCredential {
        id: credential_id(entry.service_specific_credential_id)?,
        service_user_name: service_user_name(entry.service_user_name)?,
        created_at: timestamp(entry.create_date)?,
        status: status(&entry.status),
    })
}

/// Checks whom a reply is about. IAM treats user names as equal that differ only in case, and returns the service in lower case
/// whatever was sent.
fn check_owner(user: &IamUserName, their_user: &str, their_service: &str) -> Result<(), Flaw> {
    if !their_user.eq_ignore_ascii_case(user.as_str()) {
        Err("the reply is about another IAM user")
    } else if !their_service.eq_ignore_ascii_case(SERVICE_NAME) {
        Err("the reply is about another service")
    } else {
        Ok(())
    }
}

fn credential_id(text: String) -> Result<CredentialId, Flaw> {
    CredentialId::parse(text).map_err(|_| "the reply has no credential id, or a broken one")
}

fn service_user_name(text: String) -> Result<ServiceUserName, Flaw> {
    ServiceUserName::parse(text).map_err(|_| "the reply has no service user name, or a broken one")
}

/// A wrong date must not pass: the operator decides by it whose a credential is and when it is due.
fn timestamp(date: DateTime) -> Result<Timestamp, Flaw> {
    const FLAW: Flaw = "the reply has no date of creation, or a broken one";
    if date.secs() <= 0 {
        return Err(FLAW);
    }
    let nanoseconds = i32::try_from(date.subsec_nanos()).map_err(|_| FLAW)?;
    Timestamp::new(date.secs(), nanoseconds).map_err(|_| FLAW)
}

fn status(status: &StatusType) -> CredentialStatus {
    match status {
        StatusType::Active => CredentialStatus::Active,
        StatusType::Inactive => CredentialStatus::Inactive,
        other => CredentialStatus::Unknown(
            other.as_str().chars().filter(|character| !character.is_control()).take(LONGEST_STATUS).collect(),
        ),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_date_keeps_its_fraction_and_a_missing_one_is_refused() {
        let date = DateTime::from_secs_and_nanos(1_763_817_600, 250_000_000);
        assert_eq!(timestamp(date).unwrap().to_string(), "2025-11-22T13:20:00.25Z");
        assert!(timestamp(DateTime::from_secs(0)).is_err());
        assert!(timestamp(DateTime::from_secs(i64::MAX)).is_err());
    }

    #[test]
    fn a_status_that_is_not_known_is_reported_in_few_visible_characters() {
        assert_eq!(status(&StatusType::Active), CredentialStatus::Active);
        assert_eq!(status(&StatusType::Inactive), CredentialStatus::Inactive);
        assert_eq!(status(&StatusType::Expired), CredentialStatus::Unknown("Expired".to_owned()));
        let odd = StatusType::from(format!("\n{}", "x".repeat(99)).as_str());
        assert_eq!(status(&odd), CredentialStatus::Unknown("x".repeat(LONGEST_STATUS)));
    }

    #[test]
    fn names_that_differ_in_case_are_one_user_and_one_service() {
        let user = IamUserName::parse("Orders-App").unwrap();
        assert!(check_owner(&user, "orders-app", "Cassandra.AmazonAWS.com").is_ok());
        assert!(check_owner(&user, "orders", SERVICE_NAME).is_err());
        assert!(check_owner(&user, "orders-app", "codecommit.amazonaws.com").is_err());
        assert!(check_owner(&user, "", "").is_err());
    }
}
