//! A span of time as users write it: `1h`, `90m`, `1h30m`, `45s`.

use std::borrow::Cow;
use std::fmt;

use jiff::SignedDuration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A span of time: hours, minutes and seconds, each a whole number of at most five digits, in this order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(String);

/// A text that is not a [`Span`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSpan(String);

impl fmt::Display for InvalidSpan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} is not a span of time; write hours, minutes and seconds like 1h, 90m or 1h30m", self.0)
    }
}

impl std::error::Error for InvalidSpan {}

impl Span {
    /// The syntax, as a pattern of the schema.
    pub const PATTERN: &str = "^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?$";

    /// A span of whole hours.
    #[must_use]
    pub fn hours(hours: u16) -> Self {
        Self(format!("{hours}h"))
    }

    /// A span from its text, unchecked: the API server checks it against the schema, [`Span::duration`] once more.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The span as a duration.
    ///
    /// # Errors
    /// The text breaks [`Span::PATTERN`] or is empty.
    pub fn duration(&self) -> Result<SignedDuration, InvalidSpan> {
        let invalid = || InvalidSpan(self.0.clone());
        let mut seconds: i64 = 0;
        let mut rest = self.0.as_str();
        let mut any = false;
        for (unit, factor) in [('h', 3600), ('m', 60), ('s', 1)] {
            let Some((digits, after)) = rest.split_once(unit) else { continue };
            if digits.is_empty() || digits.len() > 5 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(invalid());
            }
            let number: i64 = digits.parse().map_err(|_| invalid())?;
            seconds += number * factor;
            rest = after;
            any = true;
        }
        if any && rest.is_empty() { Ok(SignedDuration::from_secs(seconds)) } else { Err(invalid()) }
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 2, "maxLength": 18, "pattern": Self::PATTERN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_minutes_and_seconds_add_up() {
        for (text, seconds) in
            [("1h", 3600), ("90m", 5400), ("1h30m", 5400), ("0s", 0), ("1h0m5s", 3605), ("99999h", 359_996_400)]
        {
            assert_eq!(Span::from_text(text).duration(), Ok(SignedDuration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "1", "h", "1.5h", "-1s", "9999999h", "30m1h", "1h 5m", "1d", "1h1h", "٣h"] {
            assert!(Span::from_text(text).duration().is_err(), "{text}");
        }
    }
}
