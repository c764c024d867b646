//! The one type that holds a password.

use crate::random;

/// What IAM's passwords are made of.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";

/// A password. It has no `Debug`, no `Display` and no `Serialize`, so that it cannot get into a
/// log by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// A new random password: 60 characters of `A–Z a–z 0–9 + / =`.
    pub(crate) fn generate() -> Self {
        Self(random::text(ALPHABET, 60))
    }

    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `bytes` hold this password: plain, percent-encoded, or in base64 at any alignment.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        let percent: String = form_urlencoded::byte_serialize(self.0.as_bytes()).collect();
        let mut needles = vec![self.0.clone(), percent];
        for shift in 0..3 {
            let encoded = base64_middle(self.0.as_bytes(), shift);
            needles.push(encoded.replace('+', "-").replace('/', "_"));
            needles.push(encoded);
        }
        needles.iter().any(|needle| contains(bytes, needle.as_bytes()))
    }
}

/// Those characters of the base64 of `secret` that do not depend on what stands around it, when
/// `shift` bytes stand before it in its group of three.
fn base64_middle(secret: &[u8], shift: usize) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let whole_groups = secret.get((3 - shift) % 3..).unwrap_or_default();
    whole_groups
        .chunks_exact(3)
        .flat_map(|group| {
            let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
            [18, 12, 6, 0].map(|place| char::from(DIGITS[bits >> place & 63]))
        })
        .collect()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_plain_and_in_base64_at_each_alignment() {
        let password = Password("+/=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRST+".into());
        assert_eq!(base64_middle(b"abcdef", 0), "YWJjZGVm");
        assert!(password.is_in(format!("log: {}!", password.expose()).as_bytes()));
        for before in ["", "x", "xy", "xyz"] {
            let text = format!("{before}{}after", password.expose());
            let encoded = base64_middle(text.as_bytes(), 0);
            assert!(password.is_in(encoded.as_bytes()), "{before:?}");
        }
        assert!(!password.is_in(b"nothing here"));
    }

    #[test]
    fn passwords_have_sixty_characters_of_the_alphabet_and_differ() {
        let (one, other) = (Password::generate(), Password::generate());
        assert!(one.expose().len() == 60 && one.expose().bytes().all(|b| ALPHABET.contains(&b)));
        assert!(one != other);
    }
}
