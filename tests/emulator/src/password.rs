//! The one type that holds a password.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

use crate::random;

/// What IAM's passwords are made of.
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=";
/// A part of this length is as bad as the whole password, and is still found where a text was cut.
const TRACE: usize = 20;

/// A password. It has no `Debug`, no `Display` and no `Serialize`, so that no log can contain it by accident.
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

    /// The texts that would reveal it: its beginning, plain, percent-encoded, and in base64 at any alignment.
    fn traces(&self) -> impl Iterator<Item = String> {
        let percent: String = form_urlencoded::byte_serialize(self.0.as_bytes()).collect();
        let encoded = (0..3).flat_map(|shift| {
            let encoded = base64_middle(self.0.as_bytes(), shift);
            [encoded.replace('+', "-").replace('/', "_"), encoded]
        });
        [self.0.clone(), percent].into_iter().chain(encoded).map(|mut trace| {
            trace.truncate(TRACE);
            trace
        })
    }
}

/// The owners of those passwords that are in `bytes`.
pub(crate) fn owners_of_leaked(passwords: &[(String, Password)], bytes: &[u8]) -> BTreeSet<String> {
    let owners_and_traces = passwords.iter().flat_map(|(owner, it)| it.traces().map(move |trace| (owner, trace)));
    let (owners, traces): (Vec<&String>, Vec<String>) = owners_and_traces.unzip();
    match AhoCorasick::new(traces) {
        Ok(traces) => traces.find_overlapping_iter(bytes).map(|hit| owners[hit.pattern().as_usize()].clone()).collect(),
        // If the search cannot be built, the result must not look as if it had found nothing.
        Err(_) => owners.into_iter().cloned().collect(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_plain_and_in_base64_at_each_alignment() {
        let password = Password("+/=abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRST+".into());
        let passwords = [("one".to_owned(), password.clone()), ("other".to_owned(), Password::generate())];
        let is_in = |bytes: &[u8]| owners_of_leaked(&passwords, bytes) == BTreeSet::from(["one".to_owned()]);
        assert_eq!(base64_middle(b"abcdef", 0), "YWJjZGVm");
        assert!(is_in(format!("log: {}!", password.expose()).as_bytes()));
        assert!(is_in(format!("log: {}…", &password.expose()[..30]).as_bytes()), "the half of it");
        for before in ["", "x", "xy", "xyz"] {
            let text = format!("{before}{}after", password.expose());
            let encoded = base64_middle(text.as_bytes(), 0);
            assert!(is_in(encoded.as_bytes()), "{before:?}");
        }
        assert_eq!(owners_of_leaked(&passwords, b"nothing here"), BTreeSet::new());
    }

    #[test]
    fn passwords_have_sixty_characters_of_the_alphabet_and_differ() {
        let (one, other) = (Password::generate(), Password::generate());
        assert!(one.expose().len() == 60 && one.expose().bytes().all(|b| ALPHABET.contains(&b)));
        assert!(one != other);
    }
}
