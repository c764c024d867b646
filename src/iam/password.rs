//! The password of a credential.

use zeroize::Zeroizing;

/// The longest text that is accepted as a password. IAM's passwords have 60 characters; AWS documents no bound.
const LONGEST: usize = 256;

/// The password of a service-specific credential: wiped from memory when dropped, and in no way printable.
///
/// It has no `Debug`, `Display`, `Serialize` or `Clone`, so a log line or a status field that would hold it does not
/// compile. [`Password::expose`] is the one way in, and the renderer of the Secret the one caller.
///
/// ```
/// use keyspaces_credential_operator::iam::Password;
///
/// let password = Password::parse(String::from("correct+horse/battery=")).ok();
/// assert!(password.is_some_and(|password| password.expose().len() == 22));
/// ```
///
/// None of these compiles, so the password cannot be shown by accident:
///
/// ```compile_fail
/// use keyspaces_credential_operator::iam::Password;
///
/// if let Ok(password) = Password::parse(String::from("correct+horse/battery=")) {
///     let _ = format!("{:?}", password);
/// }
/// ```
///
/// ```compile_fail
/// use keyspaces_credential_operator::iam::Password;
///
/// if let Ok(password) = Password::parse(String::from("correct+horse/battery=")) {
///     let _ = format!("{}", password);
/// }
/// ```
///
/// ```compile_fail
/// use keyspaces_credential_operator::iam::Password;
///
/// if let Ok(password) = Password::parse(String::from("correct+horse/battery=")) {
///     let _ = password.clone();
/// }
/// ```
pub struct Password(Zeroizing<String>);

/// The text is no password. The error does not quote the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a password: 1 to 256 visible ASCII characters without spaces")]
pub struct InvalidPassword;

impl Password {
    /// Makes a password of a text.
    ///
    /// The text is wiped from memory whether it is accepted or not, so pass the only copy.
    ///
    /// # Errors
    /// The text is empty, is longer than 256 characters, or has a character that is not visible ASCII. Such a text is not what
    /// IAM has sent, or not all of it, and a `cqlshrc` could not hold it.
    pub fn parse(text: String) -> Result<Self, InvalidPassword> {
        let text = Zeroizing::new(text);
        if (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(InvalidPassword)
        }
    }

    /// The password itself, for the Secret and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_iam_issues_is_a_password() {
        let typical = "ab+/CD0123456789=".repeat(4);
        let longest = "x".repeat(LONGEST);
        for text in ["x", "!~", typical.as_str(), longest.as_str()] {
            assert_eq!(Password::parse(text.to_owned()).ok().unwrap().expose(), text);
        }
    }

    #[test]
    fn what_is_empty_too_long_or_not_visible_ascii_is_none() {
        let too_long = "x".repeat(LONGEST + 1);
        for text in ["", "a b", "a\n", "\u{7f}", "é", too_long.as_str()] {
            assert_eq!(Password::parse(text.to_owned()).err(), Some(InvalidPassword), "{text}");
        }
    }

    #[test]
    fn the_refusal_does_not_repeat_the_text() {
        let refusal = Password::parse("hunter2 hunter2".to_owned()).err().unwrap();
        assert!(!format!("{refusal} {refusal:?}").contains("hunter2"));
    }
}
