//! Resources that are not what the types say: stored under an older CRD, under one that somebody loosened, or edited by
//! hand.
//!
//! Nothing is decided on a guess. The resource itself says what is wrong with it, and the others go on.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::{ApiResource, DynamicObject};
use kube::{Resource as _, ResourceExt};
use serde_json::{Map, Value, json};

use super::client::{Server, post};
use super::conditions;
use super::context::Context;
use super::failure::{Failure, message};
use super::memory::Entry;
use super::status::timestamp;
use crate::api::{FINALIZER, KeyspacesCredential};
use crate::protocol::{Next, Report};

/// The resource, if it is one. Otherwise the error names the first field that is not as it should be.
pub(crate) fn typed(object: &DynamicObject) -> Result<KeyspacesCredential, Failure> {
    let json = serde_json::to_value(object).map_err(|error| Failure::Invalid(error.to_string()))?;
    serde_path_to_error::deserialize(json)
        .map_err(|error| Failure::Invalid(message(&format!("{}: {}", error.path(), error.inner()))))
}

/// Reports on the resource what is wrong with it, once. What else is in its status stays as it is.
pub(crate) async fn report(
    context: &Context,
    server: &Server,
    mut object: DynamicObject,
    failure: &Failure,
    entry: &mut Entry,
) -> Result<Next, Failure> {
    let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
    let report = Report { message: words(&object, failure), ..failure.report() };
    let now = Timestamp::now();
    let next = Next::Rest(now.checked_add(context.settings.recheck).ok());
    let before = object.data.get("status").and_then(Value::as_object).cloned().unwrap_or_default();
    let after = reported(before.clone(), &report, object.metadata.generation, now);
    if after == before {
        return Ok(next);
    }
    let first_time = entry.reported.as_ref() != Some(&report.message);
    if first_time {
        tracing::warn!(namespace, name, reason = report.reason.as_str(), "{}", report.message);
        let about = object.object_ref(&ApiResource::erase::<KeyspacesCredential>(&()));
        context.events.warning(about, report.reason, &report.message);
    }
    entry.reported = Some(report.message);
    if let Some(fields) = object.data.as_object_mut() {
        fields.insert("status".to_owned(), Value::Object(after));
    }
    object.metadata.managed_fields = None;
    let (resources, params) = (server.untyped_resources(), post(false));
    match server.call("writing the status", resources.replace_status(&name, &params, &object)).await {
        Ok(_) => Ok(next),
        // The API server does not accept the resource as it is either. Then the log and the event have to do.
        Err(refused @ Failure::Refused { .. }) => {
            if first_time {
                tracing::warn!(namespace, name, reason = refused.reason().as_str(), "{refused}");
            }
            Ok(next)
        }
        Err(failure) => Err(failure),
    }
}

/// The status with conditions that say it. What stands among the conditions and is none, is left out.
fn reported(
    mut status: Map<String, Value>,
    report: &Report,
    generation: Option<i64>,
    now: Timestamp,
) -> Map<String, Value> {
    let present = status.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut conditions: Vec<Condition> =
        present.into_iter().filter_map(|condition| serde_json::from_value(condition).ok()).collect();
    conditions::apply(&mut conditions, report, false, generation, &timestamp(now));
    status.insert("conditions".to_owned(), json!(conditions));
    status.insert("observedGeneration".to_owned(), json!(generation));
    status
}

fn words(object: &DynamicObject, failure: &Failure) -> String {
    let held = object.metadata.deletion_timestamp.is_some()
        && object.finalizers().iter().any(|finalizer| finalizer == FINALIZER);
    if held {
        format!(
            "{failure}. The deletion waits, for nothing is deleted in IAM on a guess: correct the resource, or take the \
             finalizer {FINALIZER} off and delete its credentials in IAM yourself"
        )
    } else {
        failure.to_string()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    fn object(status: &Value) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "keyspaces.dev/v1alpha1",
            "kind": "KeyspacesCredential",
            "metadata": { "name": "orders", "namespace": "shop" },
            "spec": { "iamUserName": "orders-app" },
            "status": status,
        }))
        .unwrap()
    }

    #[test]
    fn the_field_that_is_not_as_it_should_be_is_named() {
        assert!(typed(&object(&json!({}))).is_ok());
        for (status, path) in [
            (json!({ "credential": { "id": "x" } }), "status.credential: missing field `serviceUserName`"),
            (json!({ "completedEpoch": "four" }), "status.completedEpoch: invalid type"),
            (json!({ "operation": { "baseline": [1] } }), "status.operation.baseline[0]: invalid type"),
            (json!("nothing"), "status: invalid type"),
        ] {
            let message = typed(&object(&status)).unwrap_err().to_string();
            assert!(message.starts_with(path), "{message}");
        }
    }

    #[test]
    fn the_rest_of_the_status_stays_and_a_broken_condition_goes() {
        let status = json!({ "completedEpoch": "four", "conditions": [{ "type": "Ready" }] });
        let failure = Failure::Invalid("why".to_owned());
        let told = reported(status.as_object().unwrap().clone(), &failure.report(), Some(3), Timestamp::UNIX_EPOCH);
        assert_eq!(told["completedEpoch"], "four");
        let shown: Vec<_> =
            told["conditions"].as_array().unwrap().iter().map(|one| (&one["type"], &one["status"])).collect();
        assert_eq!(shown, [(&json!("Ready"), &json!("False")), (&json!("Stalled"), &json!("True"))]);
    }
}
