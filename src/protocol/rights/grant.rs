//! Which IAM users a namespace may ask for.
//!
//! Whoever can create a resource would otherwise get the password of any IAM user that the operator may manage. So a
//! namespace is granted its users by an annotation, which takes the right to change the namespace and not only what is
//! in it. What is not granted is denied; what cannot be read grants nothing.

use crate::facts::{Grant, IamUserName, is_user_name_byte};

/// The annotation of a Namespace that grants it IAM users: names or globs, separated by commas.
pub const GRANT_ANNOTATION: &str = "keyspaces.dev/iam-users";

/// The IAM users that a namespace is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct GrantedUsers(Vec<Glob>);

impl GrantedUsers {
    /// Reads the annotation. A part that is neither a name nor a glob grants nothing and hurts no other part.
    fn parse(annotation: &str) -> Self {
        Self(annotation.split(',').filter_map(Glob::parse).collect())
    }

    /// Whether the user is among them. By case, although IAM tells no names apart by it: in doubt it is denied.
    fn allows(&self, user: &IamUserName) -> bool {
        self.0.iter().any(|glob| glob.matches(user))
    }
}

/// A user name in which `*` stands for any characters, also none, and `?` for any one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Glob(Vec<u8>);

impl Glob {
    fn parse(part: &str) -> Option<Self> {
        let part = part.trim();
        let spelt = part.bytes().all(|byte| is_user_name_byte(byte) || matches!(byte, b'*' | b'?'));
        (spelt && !part.is_empty()).then(|| Self(part.bytes().collect()))
    }

    /// Takes at most as many steps as glob and name have characters, multiplied: a mismatch goes back to the last `*`
    /// only, for what an earlier one could take the last one can take as well.
    fn matches(&self, user: &IamUserName) -> bool {
        let (glob, name) = (self.0.as_slice(), user.as_str().as_bytes());
        let (mut in_glob, mut in_name) = (0, 0);
        // What follows the last `*`, and where in the name it was last tried.
        let mut after_star: Option<(usize, usize)> = None;
        while in_name < name.len() {
            match glob.get(in_glob) {
                Some(b'*') => {
                    in_glob += 1;
                    after_star = Some((in_glob, in_name));
                }
                Some(byte) if *byte == b'?' || *byte == name[in_name] => {
                    in_glob += 1;
                    in_name += 1;
                }
                Some(_) | None => {
                    let Some((rest, tried)) = after_star else {
                        return false;
                    };
                    (in_glob, in_name) = (rest, tried + 1);
                    after_star = Some((rest, tried + 1));
                }
            }
        }
        glob[in_glob..].iter().all(|byte| *byte == b'*')
    }
}

/// Whether `namespace`, with this value of [`GRANT_ANNOTATION`], may ask for `user`.
#[must_use]
pub fn grant(user: &IamUserName, namespace: &str, annotation: Option<&str>) -> Grant {
    if annotation.is_some_and(|annotation| GrantedUsers::parse(annotation).allows(user)) {
        Grant::Granted
    } else {
        Grant::Refused { namespace: namespace.to_owned(), annotation: annotation.map(str::to_owned) }
    }
}

/// The longest annotation that is repeated in a command.
const LONGEST: usize = 500;

/// What a human does to grant `user` to `namespace`: a command that can be pasted into a shell and keeps what was
/// granted before. An annotation that could mean something to a shell is not repeated.
pub(crate) fn remedy(user: &IamUserName, namespace: &str, annotation: Option<&str>) -> String {
    // A comma is part of the user's name and separates users in the annotation: left as it is, it would grant others.
    let part = user.as_str().replace(',', "?");
    let before = annotation.unwrap_or_default().trim();
    let harmless = |byte: u8| is_user_name_byte(byte) || matches!(byte, b',' | b'*' | b'?' | b' ');
    if before.len() > LONGEST || !before.bytes().all(harmless) {
        return format!(
            "add {part} to the comma-separated list in its annotation {GRANT_ANNOTATION}: kubectl edit namespace {namespace}"
        );
    }
    let separator = if before.is_empty() { "" } else { "," };
    format!(
        "grant it with: kubectl annotate namespace {namespace} --overwrite {GRANT_ANNOTATION}='{before}{separator}{part}'"
    )
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn user(name: &str) -> IamUserName {
        IamUserName::parse(name).unwrap()
    }

    fn allows(annotation: &str, name: &str) -> bool {
        GrantedUsers::parse(annotation).allows(&user(name))
    }

    #[test]
    fn a_name_grants_itself_and_a_glob_what_it_describes() {
        for (annotation, name) in [
            ("orders-app", "orders-app"),
            ("  orders-app\n, billing ", "billing"),
            (",, ,orders-app,", "orders-app"),
            ("orders-*", "orders-app"),
            ("orders-*", "orders-"),
            ("*-app", "orders-app"),
            ("o*s-*p", "orders-app"),
            ("order?-app", "orders-app"),
            ("*", "orders-app"),
            ("**?**", "a"),
            ("a*b*c", "axbxbxc"),
            ("a?b", "a,b"),
            ("a.b+c=d@e_f", "a.b+c=d@e_f"),
        ] {
            assert!(allows(annotation, name), "{annotation} {name}");
        }
    }

    #[test]
    fn what_is_not_granted_is_denied() {
        for (annotation, name) in [
            ("", "orders-app"),
            (" , ,", "orders-app"),
            ("orders", "orders-app"),
            ("orders-app", "orders"),
            ("orders-*", "orders"),
            ("order?-app", "order-app"),
            ("?", "ab"),
            ("*a", "b"),
            ("Orders-App", "orders-app"),
            ("orders-app", "ORDERS-APP"),
            ("order.-app", "orders-app"),
        ] {
            assert!(!allows(annotation, name), "{annotation} {name}");
        }
    }

    #[test]
    fn a_part_that_is_no_name_grants_nothing_and_hurts_no_other() {
        for malformed in ["orders app", "[a-z]*", "{orders-app", "!x", "\"*\"", "'*'", "*;", "örders*", "a/*", "\\*"] {
            let annotation = format!("{malformed},billing");
            assert!(!allows(&annotation, "orders-app"), "{annotation}");
            assert!(allows(&annotation, "billing"), "{annotation}");
        }
    }

    #[test]
    fn the_command_keeps_what_was_granted_before() {
        let command = |annotation, name| remedy(&user(name), "shop", annotation);
        let head = "grant it with: kubectl annotate namespace shop --overwrite keyspaces.dev/iam-users=";
        assert_eq!(command(None, "orders-app"), format!("{head}'orders-app'"));
        assert_eq!(command(Some("  "), "orders-app"), format!("{head}'orders-app'"));
        assert_eq!(command(Some("a, b-*"), "orders-app"), format!("{head}'a, b-*,orders-app'"));
        // The rest of such a name would be a grant of its own.
        assert_eq!(command(None, "orders,admin"), format!("{head}'orders?admin'"));
    }

    #[test]
    fn what_a_shell_could_take_for_more_than_a_value_is_not_repeated() {
        let long = "a".repeat(501);
        for annotation in ["a'; reboot; '", "a\nb", "$(reboot)", "`reboot`", "a\"b", "ä", long.as_str()] {
            let text = remedy(&user("orders-app"), "shop", Some(annotation));
            assert!(!text.contains(annotation) && text.contains("kubectl edit namespace shop"), "{text}");
        }
    }

    /// By the definition: try every way to split.
    fn naive(glob: &[u8], name: &[u8]) -> bool {
        match (glob.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), shorter) => naive(rest, name) || shorter.is_some_and(|(_, name)| naive(glob, name)),
            (Some((one, glob)), Some((other, name))) => (one == other || *one == b'?') && naive(glob, name),
            (None, Some(_)) | (Some(_), None) => false,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_glob_means_what_its_definition_says(glob in "[ab?*]{1,8}", name in "[ab]{1,8}") {
            prop_assert_eq!(allows(&glob, &name), naive(glob.as_bytes(), name.as_bytes()), "{} {}", glob, name);
        }

        #[test]
        fn any_text_is_read_and_a_text_without_globs_grants_its_parts_only(text in "\\PC{0,40}", name in "[ab-]{1,4}") {
            let granted = GrantedUsers::parse(&text).allows(&user(&name));
            if !text.contains(['*', '?']) {
                prop_assert_eq!(granted, text.split(',').any(|part| part.trim() == name));
            }
        }

        #[test]
        fn whoever_runs_the_command_grants_the_user_and_no_other(name in "[a-c,.+=@_-]{1,12}", other in "[a-c,]{1,6}") {
            let text = remedy(&user(&name), "shop", Some("x"));
            let value = text.split('\'').nth(1).unwrap();
            prop_assert!(allows(value, &name));
            prop_assert!(allows(value, "x"));
            prop_assert_eq!(allows(value, &other), other == "x" || naive(name.replace(',', "?").as_bytes(), other.as_bytes()));
        }
    }

    #[test]
    fn many_stars_cost_no_more_than_their_number() {
        // Trying every way would take longer than this test could ever run.
        let glob = "*a".repeat(60_000) + "b";
        assert!(!allows(&glob, &"a".repeat(64)));
        assert!(!allows(&("*a".repeat(30) + "b"), &"a".repeat(64)));
    }
}
