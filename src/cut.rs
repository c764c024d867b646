//! Cuts texts of other systems to the length that there is room for.

/// Cuts a text to `limit` bytes, at a character boundary, and marks it as cut.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    const MARK: &str = "…";
    if text.len() <= limit {
        return text.to_owned();
    }
    let Some(room) = limit.checked_sub(MARK.len()) else {
        return String::new();
    };
    let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{MARK}", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_fits_and_ends_at_a_character() {
        assert_eq!(cut("short", 5), "short");
        for limit in 0..40 {
            let short = cut(&"äöü€𝄞".repeat(3), limit);
            assert!(short.len() <= limit, "{limit}: {short}");
        }
        assert_eq!(cut("abcdefgh", 6), "abc…");
        assert_eq!(cut("ééé", 5), "é…");
    }
}
