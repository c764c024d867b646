//! The requests to the API server, and what came of them. It never holds a body.

use serde_json::Value;

/// What a request does, in the words of Kubernetes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Read one object.
    Get,
    /// Read many.
    List,
    /// Follow many.
    Watch,
    /// Make one.
    Create,
    /// Replace one.
    Update,
    /// Change one.
    Patch,
    /// Delete one or many.
    Delete,
    /// Anything else.
    Other,
}

/// A request to the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its place among all requests, from 1.
    pub seq: u64,
    /// What it does.
    pub verb: Verb,
    /// Its path, without the query.
    pub path: String,
    /// The plural of the kind, with the subresource: `secrets`, `keyspacescredentials/status`. Empty if it is about none.
    pub resource: String,
    /// The name of the object, if it is about one.
    pub name: Option<String>,
    /// Whether it is a dry run.
    pub dry_run: bool,
    /// The HTTP status of the reply that was sent; nothing while it is on its way, or if none was.
    pub status: Option<u16>,
    /// The HTTP status that the API server answered, whatever the operator received; nothing if it did not answer.
    pub effect: Option<u16>,
    /// The fault that acted on it.
    pub fault: Option<&'static str>,
}

impl Request {
    /// A request that has come. The body is looked at for the name of what is created, and not kept.
    pub(super) fn new(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let (resource, named) = target(path);
        let mut parameters = query.split('&').filter_map(|parameter| parameter.split_once('='));
        let watched = parameters.clone().any(|(key, value)| key == "watch" && matches!(value, "true" | "1"));
        let verb = match (method, &named) {
            ("GET", Some(_)) => Verb::Get,
            ("GET", None) if watched => Verb::Watch,
            ("GET", None) => Verb::List,
            ("POST", _) => Verb::Create,
            ("PUT", _) => Verb::Update,
            ("PATCH", _) => Verb::Patch,
            ("DELETE", _) => Verb::Delete,
            _ => Verb::Other,
        };
        let name = named.or_else(|| {
            let object: Value = serde_json::from_slice(body).ok().filter(|_| verb == Verb::Create)?;
            Some(object.pointer("/metadata/name")?.as_str()?.to_owned())
        });
        let dry_run = parameters.any(|(key, _)| key == "dryRun");
        let path = path.to_owned();
        Self { seq: 0, verb, path, resource, name, dry_run, status: None, effect: None, fault: None }
    }
}

/// The resource with its subresource, and the name, of a path such as `/apis/GROUP/VERSION/namespaces/NAMESPACE/PLURAL/NAME/SUB`.
fn target(path: &str) -> (String, Option<String>) {
    let mut segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let prefix = match segments.first() {
        Some(&"api") => 2,
        Some(&"apis") => 3,
        _ => return (String::new(), None),
    };
    segments.drain(..prefix.min(segments.len()));
    if segments.first() == Some(&"namespaces") && segments.len() > 2 {
        segments.drain(..2);
    }
    let plural = segments.first().copied().unwrap_or_default();
    let resource = segments.get(2).map_or_else(|| plural.to_owned(), |sub| format!("{plural}/{sub}"));
    (resource, segments.get(1).map(|name| (*name).to_owned()))
}

/// Which requests a fault or a count is about.
#[derive(Clone, Debug, Default)]
pub struct Which {
    verbs: Option<&'static [Verb]>,
    resource: Option<String>,
    name: Option<String>,
    dry_run: Option<bool>,
    effects: bool,
}

const WRITES: &[Verb] = &[Verb::Create, Verb::Update, Verb::Patch, Verb::Delete];

impl Which {
    /// Any.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Those of these verbs, dry runs included.
    #[must_use]
    pub fn verbs(verbs: &'static [Verb]) -> Self {
        Self { verbs: Some(verbs), ..Self::default() }
    }

    /// Reads of one object.
    #[must_use]
    pub fn gets() -> Self {
        Self::verbs(&[Verb::Get])
    }

    /// Real writes, not dry runs.
    #[must_use]
    pub fn writes() -> Self {
        Self { dry_run: Some(false), ..Self::verbs(WRITES) }
    }

    /// Dry runs of writes.
    #[must_use]
    pub fn dry_runs() -> Self {
        Self { dry_run: Some(true), ..Self::verbs(WRITES) }
    }

    /// Writes, dry runs included, of anything but events: what the operator's protocol consists of.
    #[must_use]
    pub fn effects() -> Self {
        Self { effects: true, ..Self::verbs(WRITES) }
    }

    /// Only about this resource: `secrets`, `keyspacescredentials/status`.
    #[must_use]
    pub fn of(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// Only about the object of this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Whether a request is one of these.
    pub fn matches(&self, request: &Request) -> bool {
        self.verbs.is_none_or(|verbs| verbs.contains(&request.verb))
            && self.resource.as_ref().is_none_or(|resource| *resource == request.resource)
            && self.name.as_ref().is_none_or(|name| Some(name) == request.name.as_ref())
            && self.dry_run.is_none_or(|dry_run| dry_run == request.dry_run)
            && !(self.effects && request.resource == "events")
    }
}

/// All requests.
#[derive(Default)]
pub(super) struct Record(Vec<Request>);

impl Record {
    pub(super) fn requests(&self) -> &[Request] {
        &self.0
    }

    /// Writes down a request that has come and gives its number.
    pub(super) fn add(&mut self, mut request: Request) -> u64 {
        request.seq = self.0.last().map_or(1, |last| last.seq + 1);
        let seq = request.seq;
        self.0.push(request);
        seq
    }

    pub(super) fn amend(&mut self, seq: u64, change: impl FnOnce(&mut Request)) {
        // The search starts at the end: the request was added lately, and a soak has tens of thousands.
        if let Some(request) = self.0.iter_mut().rev().find(|request| request.seq == seq) {
            change(request);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_told_from_its_method_its_path_and_the_name_in_its_body() {
        let secrets = "/api/v1/namespaces/shop/secrets";
        let status = "/apis/keyspaces.dev/v1alpha1/namespaces/shop/keyspacescredentials/orders/status";
        let cases = [
            ("GET", "/api/v1/namespaces/shop", "", Verb::Get, "namespaces", Some("shop"), false),
            ("GET", secrets, "labelSelector=a", Verb::List, "secrets", None, false),
            ("GET", secrets, "watch=true&timeoutSeconds=9", Verb::Watch, "secrets", None, false),
            ("POST", secrets, "dryRun=All", Verb::Create, "secrets", Some("orders"), true),
            ("PUT", status, "fieldManager=me", Verb::Update, "keyspacescredentials/status", Some("orders"), false),
            (
                "GET",
                "/apis/keyspaces.dev/v1alpha1/keyspacescredentials",
                "",
                Verb::List,
                "keyspacescredentials",
                None,
                false,
            ),
            ("GET", "/version", "", Verb::List, "", None, false),
        ];
        for (method, path, query, verb, resource, name, dry_run) in cases {
            let request = Request::new(method, path, query, br#"{"metadata":{"name":"orders"}}"#);
            let told = (request.verb, request.resource.as_str(), request.name.as_deref(), request.dry_run);
            assert_eq!(told, (verb, resource, name, dry_run), "{method} {path}?{query}");
        }
    }
}
