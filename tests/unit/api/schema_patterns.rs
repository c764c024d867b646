//! The parsers and the patterns of the schema say the same: what the API server lets in can be read, and the other way round.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use proptest::prelude::*;
use regex::Regex;
use serde_json::Value;

use super::Span;
use crate::protocol::IamUserName;

/// What the schema says about a field of the spec.
fn schema_of(path: &str) -> Value {
    let definition = serde_json::to_value(<super::KeyspacesCredential as kube::CustomResourceExt>::crd()).unwrap();
    definition.pointer(&format!("/spec/versions/0/schema/openAPIV3Schema/properties/spec{path}")).unwrap().clone()
}

/// Whether the schema admits a text. Lengths are in characters, as in OpenAPI.
fn admits(schema: &Value, pattern: &Regex, text: &str) -> bool {
    let length = text.chars().count() as u64;
    (schema["minLength"].as_u64().unwrap()..=schema["maxLength"].as_u64().unwrap()).contains(&length)
        && pattern.is_match(text)
}

fn pattern(schema: &Value) -> Regex {
    Regex::new(schema["pattern"].as_str().unwrap()).unwrap()
}

/// A text of the grammar, one that is nearly one, or any text.
fn span_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?",
        4 => "([0-9]{0,6}[hms]){0,3}",
        1 => "[0-9hms .+-]{0,20}",
        1 => any::<String>(),
    ]
}

fn user_name_text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[A-Za-z0-9_+=,.@-]{0,66}",
        2 => "[A-Za-z0-9_+=,.@-]{0,8}[^A-Za-z0-9]?[A-Za-z0-9]{0,8}",
        1 => any::<String>(),
    ]
}

#[test]
fn a_span_of_time_is_what_the_schema_admits() {
    let schema = schema_of("/properties/rotation/properties/overlap");
    let pattern = pattern(&schema);
    proptest!(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() }, |(text in span_text())| {
        prop_assert_eq!(Span::from_text(text.as_str()).duration().is_ok(), admits(&schema, &pattern, &text), "{:?}", text);
    });
}

#[test]
fn an_iam_user_name_is_what_the_schema_admits() {
    let schema = schema_of("/properties/iamUserName");
    let pattern = pattern(&schema);
    proptest!(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() }, |(text in user_name_text())| {
        prop_assert_eq!(IamUserName::parse(text.as_str()).is_ok(), admits(&schema, &pattern, &text), "{:?}", text);
    });
}
