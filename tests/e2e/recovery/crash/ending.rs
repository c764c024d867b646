//! The state when nothing is left to be done, in a form that can be compared between two worlds.
//!
//! A value that differs from world to world gets a name that is the same in all worlds. The first id that is met is `id-1`
//! wherever it occurs, so values that were equal stay equal. [`treatment`] lists all such values. Everything else is compared
//! as it is.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use kit::world::{USER, World};
use kube::api::ListParams;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// What becomes of a value.
enum Treatment {
    /// It is compared as it is.
    Keep,
    /// It differs from world to world, and gets a name of this kind.
    Name(&'static str),
    /// The same. The name also replaces the value in texts that mention it.
    NameInTexts(&'static str),
    /// Only its presence is compared.
    Hide,
    /// It is not compared at all.
    Drop,
}

/// What becomes of the value of a key in the object that is the value of another key.
fn treatment(parent: &str, key: &str) -> Treatment {
    match (parent, key) {
        (_, "namespace") => Treatment::Name("namespace"),
        (_, "uid" | "user_id") => Treatment::Name("uid"),
        (_, "id" | "keyspaces.dev/credential-id") => Treatment::NameInTexts("id"),
        (_, "serviceUserName" | "service_user_name") | ("data", "username") => Treatment::NameInTexts("user"),
        ("data", "password") => Treatment::Name("password"),
        // Any other key might hold a password.
        ("data", _) => Treatment::Hide,
        (_, "keyspaces.dev/digest") => Treatment::Name("digest"),
        (_, "issuedAt" | "keyspaces.dev/issued-at") => Treatment::Name("issue"),
        // A takeover begins a new epoch, so a crash changes its number. Status and Secret must still agree on it.
        (_, "completedEpoch" | "publishedEpoch" | "keyspaces.dev/epoch") => Treatment::Name("epoch"),
        // Times, and how often an object was written. Two of them may be equal by chance.
        (_, "resourceVersion" | "creationTimestamp" | "lastTransitionTime" | "lastRotatedAt" | "create_date") => {
            Treatment::Hide
        }
        // Times again, and who last wrote what: the test, the operator, or the garbage collector.
        (_, "managedFields") => Treatment::Drop,
        _ => Treatment::Keep,
    }
}

/// Each value that is left, by its path.
#[derive(Debug)]
pub(super) struct Ending(BTreeMap<String, Value>);

/// A value that is another one in another ending, or is in one of them only.
#[derive(Debug)]
pub(super) struct Difference<'a> {
    pub(super) path: &'a str,
    pub(super) here: Option<&'a Value>,
    there: Option<&'a Value>,
}

impl Ending {
    /// All resources and Secrets of a world, and all credentials of its user.
    pub(super) async fn of(world: &World) -> Self {
        let all = ListParams::default();
        let resources = world.resources().list(&all).await.expect("resources can be listed");
        let secrets = world.secrets().list(&all).await.expect("Secrets can be listed");
        let mut credentials = world.iam.credentials_of(USER);
        // Ids are random. At most one is ours, and one belongs to somebody else.
        credentials.sort_by_key(|credential| credential.outside);
        let mut left = json!({
            "resources": resources.items,
            "secrets": secrets.items.into_iter().map(readable).collect::<Vec<_>>(),
            "credentials": credentials,
        });
        let mut names = Names::default();
        names.give("", &mut left);
        names.give_in_texts(&mut left);
        let mut ending = BTreeMap::new();
        flatten("", &left, &mut ending);
        Self(ending)
    }

    /// Where this ending differs from that of the run without a fault.
    pub(super) fn differences<'a>(&'a self, faultless: &'a Self) -> Vec<Difference<'a>> {
        let paths: BTreeSet<&String> = self.0.keys().chain(faultless.0.keys()).collect();
        paths
            .into_iter()
            .map(|path| Difference { path, here: self.0.get(path), there: faultless.0.get(path) })
            .filter(|difference| difference.here != difference.there)
            .collect()
    }
}

/// A Secret with its data as text, and with its fence counted from its epoch.
fn readable(secret: Secret) -> Value {
    let mut object = serde_json::to_value(&secret).expect("it is JSON");
    let data: BTreeMap<String, Vec<u8>> =
        secret.data.into_iter().flatten().map(|(key, value)| (key, value.0)).collect();
    let held = |key: &str| data.get(key).cloned().unwrap_or_default();
    object["data"] = data.keys().map(|key| (key.clone(), json!(String::from_utf8_lossy(&held(key))))).collect();

    let annotations = secret.metadata.annotations.unwrap_or_default();
    let annotation = |key: &str| annotations.get(key).map_or("", String::as_str);
    let number = |key: &str| annotation(key).parse::<u64>().unwrap_or_default();
    let vouched = [annotation("keyspaces.dev/credential-id").into(), held("username"), held("password")].join(&0);
    let digest = Sha256::digest(vouched).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(annotation("keyspaces.dev/digest"), digest, "the Secret holds what its digest vouches for");
    let above = number("keyspaces.dev/fence").checked_sub(number("keyspaces.dev/epoch"));
    object["metadata"]["annotations"]["keyspaces.dev/fence"] = json!({ "above the epoch": above });
    object
}

/// The values that got names, with their kinds, in the order in which they were met.
#[derive(Default)]
struct Names(Vec<Named>);

struct Named {
    kind: &'static str,
    value: String,
    name: String,
    in_texts: bool,
}

impl Names {
    fn of(&mut self, kind: &'static str, value: &Value, in_texts: bool) -> Value {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let alike: Vec<&Named> = self.0.iter().filter(|name| name.kind == kind).collect();
        if let Some(known) = alike.iter().find(|name| name.value == value) {
            return json!(known.name);
        }
        let name = format!("{kind}-{}", alike.len() + 1);
        self.0.push(Named { kind, value, name: name.clone(), in_texts });
        json!(name)
    }

    /// Replaces the values of keys with names.
    fn give(&mut self, parent: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => self.give_in_fields(parent, fields),
            Value::Array(items) => items.iter_mut().for_each(|item| self.give(parent, item)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn give_in_fields(&mut self, parent: &str, fields: &mut Map<String, Value>) {
        fields.retain(|key, value| {
            match treatment(parent, key) {
                Treatment::Keep => self.give(key, value),
                Treatment::Name(kind) => *value = self.of(kind, value, false),
                Treatment::NameInTexts(kind) => *value = self.of(kind, value, true),
                Treatment::Hide => *value = json!("hidden"),
                Treatment::Drop => return false,
            }
            true
        });
    }

    /// Puts names into the texts that mention what has one.
    fn give_in_texts(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                for name in self.0.iter().filter(|name| name.in_texts) {
                    *text = text.replace(&name.value, &name.name);
                }
            }
            Value::Object(fields) => fields.values_mut().for_each(|value| self.give_in_texts(value)),
            Value::Array(items) => items.iter_mut().for_each(|item| self.give_in_texts(item)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn flatten(path: &str, value: &Value, all: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields.iter().for_each(|(key, value)| flatten(&format!("{path}/{key}"), value, all));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(place, item)| flatten(&format!("{path}/{place}"), item, all));
        }
        leaf => {
            all.insert(path.to_owned(), leaf.clone());
        }
    }
}
