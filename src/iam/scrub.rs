//! Texts from servers, made fit for a status field.

/// Replaces what differs from one request to the next, and keeps the first line.
///
/// A request id or a time in a condition would make every pass write a new status, and every write start a pass. IAM puts
/// all that a user can act on in the first line; the further lines of `SignatureDoesNotMatch` quote the request.
pub(super) fn scrub(text: &str) -> String {
    let mut rest = text.trim_start().lines().next().unwrap_or_default();
    let mut clean = String::with_capacity(rest.len());
    while let Some(first) = rest.chars().next() {
        let (written, length) = if is_shaped(rest, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
            ("<id>", 36)
        } else if is_shaped(rest, "00000000T000000Z") {
            ("<time>", 16)
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

/// Cuts a text to `limit` bytes, at a character, and shows that it was cut.
pub(super) fn cut(text: &str, limit: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit.saturating_sub(MARK.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let mut short = text.get(..end).unwrap_or_default().to_owned();
    if limit >= MARK.len() {
        short.push_str(MARK);
    }
    short
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

    #[test]
    fn a_cut_text_fits_and_ends_at_a_character() {
        assert_eq!(cut("short", 5), "short");
        for limit in 0..40 {
            let text = "äöü€𝄞".repeat(3);
            let short = cut(&text, limit);
            assert!(short.len() <= limit, "{limit}: {short}");
        }
        assert_eq!(cut("abcdefgh", 6), "abc…");
    }
}
