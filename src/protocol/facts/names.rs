//! Names that IAM and the API server gave out or accept, parsed once at the edge.
//!
//! Source, where none is named: *IAM API Reference*, `CreateServiceSpecificCredential` and the data type
//! `ServiceSpecificCredential`.

use std::fmt;

/// Why a text is not the name that it was taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidName {
    /// What the text should have been, for instance `IAM user name`.
    pub kind: &'static str,
    /// The rule that it breaks, in words for a user.
    pub rule: &'static str,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "not a valid {}: {}", self.kind, self.rule)
    }
}

impl std::error::Error for InvalidName {}

/// Whether a user name may contain it.
pub(crate) fn is_user_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

fn is_user_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_user_name_byte)
}

/// The name of an IAM user. Never empty: to IAM an absent user name means the caller.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IamUserName(String);

impl IamUserName {
    /// Parses a user name.
    ///
    /// # Errors
    /// The text is empty, longer than 64 characters, or has a character outside `[A-Za-z0-9_+=,.@-]`.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        if is_user_name(&text) {
            Ok(Self(text))
        } else {
            Err(InvalidName { kind: "IAM user name", rule: "1 to 64 characters of A-Z a-z 0-9 _ + = , . @ -" })
        }
    }

    /// The name as IAM takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IamUserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The id of a service-specific credential (`ACCA…`): the only thing that identifies one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CredentialId(String);

impl CredentialId {
    /// Parses an id.
    ///
    /// # Errors
    /// The text is not 20 to 128 characters of `[A-Za-z0-9_]`.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let spelt = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if spelt && (20..=128).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(InvalidName { kind: "credential id", rule: "20 to 128 characters of A-Z a-z 0-9 _" })
        }
    }

    /// The id as IAM takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CredentialId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The user name that Amazon Keyspaces accepts (`orders-app-at-111122223333`).
///
/// It does not identify a credential: IAM gives a freed name out again. It is taken from IAM's reply and never derived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceUserName(String);

impl ServiceUserName {
    /// Parses a service user name.
    ///
    /// # Errors
    /// The text is empty, longer than 200 characters, or has a character outside `[A-Za-z0-9_+=,.@-]`.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let spelt = text.bytes().all(is_user_name_byte);
        if spelt && (1..=200).contains(&text.len()) {
            Ok(Self(text))
        } else {
            Err(InvalidName { kind: "service user name", rule: "1 to 200 characters of A-Z a-z 0-9 _ + = , . @ -" })
        }
    }

    /// The name as a CQL client sends it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServiceUserName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The name of a Secret. A status can be edited, and a name goes into the path of a request.
///
/// Source: *Kubernetes documentation*, "Object Names and IDs", DNS subdomain names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// Parses a name of a Secret.
    ///
    /// # Errors
    /// The text is empty, longer than 253 characters, or not made of labels of lower-case letters, digits and hyphens.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidName> {
        let text = text.into();
        let label = |label: &str| {
            let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(inside)
        };
        if text.len() <= 253 && text.split('.').all(label) {
            Ok(Self(text))
        } else {
            Err(InvalidName { kind: "name of a Secret", rule: "lower-case letters, digits, hyphens and dots" })
        }
    }

    /// The name as the API server takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The number of an attempt to replace the credential. Each attempt of each process has its own, and it only grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

impl Epoch {
    /// No attempt ever comes this far. A number beyond it was written by somebody else, and there would be none after
    /// it.
    pub const LAST: Self = Self(1 << 53);

    /// Parses a number.
    ///
    /// # Errors
    /// It is negative or beyond [`Epoch::LAST`].
    pub fn parse(number: impl TryInto<u64>) -> Result<Self, InvalidName> {
        let epoch = number.try_into().ok().map(Self).filter(|epoch| *epoch <= Self::LAST);
        epoch.ok_or(InvalidName { kind: "epoch", rule: "a whole number from 0 to 9007199254740992" })
    }

    /// The epoch of the attempt after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_secret_is_no_way_to_anything_else() {
        let longest = "s".repeat(253);
        for good in ["orders", "o", "0.a-b.c", longest.as_str()] {
            assert_eq!(SecretName::parse(good).as_ref().map(SecretName::as_str), Ok(good));
        }
        let too_long = "s".repeat(254);
        for bad in ["", "..", "../x", "a/b", "a?b", "A", "-a", "a-", "a..b", ".a", "a%2f", "ü", too_long.as_str()] {
            assert!(SecretName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_name_is_what_iam_accepts_and_nothing_else() {
        let longest = "u".repeat(64);
        for good in ["a", "orders-app", "A_b+c=d,e.f@g-h", longest.as_str()] {
            assert!(IamUserName::parse(good).is_ok(), "{good}");
        }
        let too_long = "u".repeat(65);
        for bad in ["", "a b", "*", "ü", "a/b", "../x", "a\n", too_long.as_str()] {
            assert!(IamUserName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_id_with_less_than_twenty_characters_is_none() {
        assert!(CredentialId::parse("ACCA12345678901234567").is_ok());
        assert!(CredentialId::parse("ACCA1234567890").is_err());
        assert!(CredentialId::parse("ACCA-2345678901234567").is_err());
        assert!(CredentialId::parse("").is_err());
    }

    #[test]
    fn a_service_user_name_may_be_longer_than_an_iam_user_name_and_has_the_same_characters() {
        let longest = "u".repeat(200);
        for good in ["orders-app-at-111122223333", "orders-app+1-at-111122223333", longest.as_str()] {
            assert_eq!(ServiceUserName::parse(good).as_ref().map(ServiceUserName::as_str), Ok(good));
        }
        let too_long = "u".repeat(201);
        for bad in ["", "a b", "*", "a/b", too_long.as_str()] {
            assert!(ServiceUserName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_epoch_is_a_whole_number_up_to_the_last_one() {
        assert_eq!(Epoch::LAST, Epoch(9_007_199_254_740_992));
        for good in [0_i64, 1, 9_007_199_254_740_992] {
            assert_eq!(Epoch::parse(good).map(|epoch| epoch.0), Ok(good.unsigned_abs()));
        }
        for bad in [-1, i64::MIN, 9_007_199_254_740_993] {
            assert!(Epoch::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_is_shown_as_it_is_and_a_wrong_one_says_what_it_should_be() {
        assert_eq!(ServiceUserName::parse("a@b").unwrap().to_string(), "a@b");
        assert_eq!(Epoch(7).to_string(), "7");
        let error = IamUserName::parse("").unwrap_err().to_string();
        assert_eq!(error, "not a valid IAM user name: 1 to 64 characters of A-Z a-z 0-9 _ + = , . @ -");
    }
}
