//! Prepares texts from servers for a status field.

/// Replaces what differs from one request to the next, and keeps the first line.
///
/// With a request id or a time in a condition, every pass would write a new status, and every write would start a pass. IAM
/// puts all that a user can act on in the first line; the further lines of `SignatureDoesNotMatch` quote the request.
pub(super) fn scrub(text: &str) -> String {
    let mut rest = text.trim_start().lines().next().unwrap_or_default();
    let mut clean = String::with_capacity(rest.len());
    while let Some(first) = rest.chars().next() {
        let (written, length) = if is_shaped(rest, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
            ("<id>", 36)
        } else if is_shaped(rest, "00000000T000000Z") {
            ("<time>", 16)
        } else if names_a_role(&clean) && !first.is_whitespace() {
            ("<session>", rest.find(char::is_whitespace).unwrap_or(rest.len()))
        } else {
            (rest.get(..first.len_utf8()).unwrap_or_default(), first.len_utf8())
        };
        if !first.is_control() {
            clean.push_str(written);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    clean.truncate(clean.trim_end().len());
    clean
}

/// Whether the text ends in the ARN of an assumed role, just before the name of the session. That name differs from pod to pod,
/// and with some identity providers it changes every hour.
fn names_a_role(text: &str) -> bool {
    let role = text.strip_suffix('/').and_then(|text| text.rsplit_once(":assumed-role/"));
    role.is_some_and(|(_, role)| {
        !role.is_empty() && !role.contains(|character: char| character == '/' || character.is_whitespace())
    })
}

/// Whether the text begins in the given shape: `x` is a hexadecimal digit, `0` a digit, anything else itself.
fn is_shaped(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text.bytes().zip(shape.bytes()).all(|(byte, wanted)| match wanted {
            b'x' => byte.is_ascii_hexdigit(),
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_times_of_a_request_are_replaced_wherever_they_stand() {
        let table = [
            ("", ""),
            ("Rate exceeded", "Rate exceeded"),
            ("request 6d3f5a0c-9a3b-4f5e-8d5e-0123456789AB failed", "request <id> failed"),
            (
                "role/eks-pod-6d3f5a0c-9a3b-4f5e-8d5e-0123456789ab is not authorized",
                "role/eks-pod-<id> is not authorized",
            ),
            ("6d3f5a0c-9a3b-4f5e-8d5e-0123456789ab6d3f5a0c-9a3b-4f5e-8d5e-0123456789ab", "<id><id>"),
            (
                "Signature expired: 20261122T101112Z is now earlier than 20261122T102612Z",
                "Signature expired: <time> is now earlier than <time>",
            ),
            (
                "User: arn:aws:sts::111122223333:assumed-role/operator/web-identity-token-1763817600123 is not authorized",
                "User: arn:aws:sts::111122223333:assumed-role/operator/<session> is not authorized",
            ),
            ("arn:aws-cn:sts::1:assumed-role/a/b", "arn:aws-cn:sts::1:assumed-role/a/<session>"),
            ("arn:aws:sts::1:assumed-role/a/ and more/b", "arn:aws:sts::1:assumed-role/a/ and more/b"),
            // Nearly an id, and an account number: both stay.
            ("6d3f5a0c-9a3b-4f5e-8d5e-0123456789a", "6d3f5a0c-9a3b-4f5e-8d5e-0123456789a"),
            ("arn:aws:iam::111122223333:user/é", "arn:aws:iam::111122223333:user/é"),
        ];
        for (text, clean) in table {
            assert_eq!(scrub(text), clean, "{text}");
        }
    }

    #[test]
    fn only_the_first_line_is_kept_and_no_control_character() {
        assert_eq!(scrub("\n It does not match.  \nThe Canonical String was 'POST"), "It does not match.");
        assert_eq!(scrub("a\u{1b}[31mb\tc"), "a[31mbc");
    }
}
