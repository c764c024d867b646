//! Which resource is looked at, and when again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::core::PartialObjectMeta;
use kube::runtime::controller::{Action, Config, Controller, Error};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::{Predicate as _, PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::watch;

use super::context::{Context, Grants};
use super::{panics, retry};
use crate::api::KeyspacesCredential;
use crate::secret::{MANAGED_BY_LABEL, RESOURCE};

/// How long a watch lasts before it is begun anew, in seconds. For that long the operator may be deaf to what is new
/// without noticing, when the other end is gone without a word.
const WATCH_SECONDS: u32 = 60;
/// No connection to the API server is silent for longer and alive.
pub const LONGEST_SILENCE: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 10);

/// No limit: how many passes work at the same time is up to [`Context`], so that one that waits for IAM takes nobody's
/// room.
const CONCURRENCY: u16 = 0;

/// Reconciles whenever this process leads, until it is to end. `listed` says whether it has seen all resources.
pub async fn run(context: Arc<Context>, listed: watch::Sender<bool>) {
    while context.role.leads().await {
        context.memories.refresh().await;
        listed.send_replace(false);
        term(Arc::clone(&context), listed.clone()).await;
    }
}

/// Reconciles for as long as this process leads. No pass begins after that; those that have begun come to an end.
///
/// Resources, Secrets and Namespaces are watched as metadata only: a pass reads them afresh, an object that cannot be
/// decoded does not stop the watch of the others, and no password is cached.
async fn term(context: Arc<Context>, listed: watch::Sender<bool>) {
    let resources: Api<PartialObjectMeta<KeyspacesCredential>> = match &context.namespace {
        Some(namespace) => Api::namespaced(context.client.clone(), namespace),
        None => Api::all(context.client.clone()),
    };
    let secrets: Api<PartialObjectMeta<Secret>> = match &context.namespace {
        Some(namespace) => Api::namespaced(context.client.clone(), namespace),
        None => Api::all(context.client.clone()),
    };
    let (reader, writer) = reflector::store();
    let known = reader.clone();
    // Our own status writes must not call the next pass: what matters is what others change.
    let of_interest = predicates::generation.combine(predicates::annotations).combine(predicates::finalizers);
    let changes = watcher(resources, every())
        .default_backoff()
        .inspect(move |event| {
            if matches!(event, Ok(watcher::Event::InitDone)) {
                tracing::info!("all resources are listed");
                listed.send_replace(true);
            }
        })
        .reflect(writer)
        .applied_objects()
        .predicate_filter(of_interest, PredicateConfig::default());
    let ours = every().labels(&format!("{}={}", MANAGED_BY_LABEL.0, MANAGED_BY_LABEL.1));
    let controller = Controller::for_stream(changes, reader).watches(secrets, ours, |secret| resource_of(&secret));
    let controller = match context.grants {
        Grants::Open => controller,
        Grants::Namespace => {
            controller.watches_stream(grants(&context), move |namespace| resources_in(&known, &namespace))
        }
    };
    controller
        .with_config(Config::default().concurrency(CONCURRENCY))
        .graceful_shutdown_on(context.role.clone().steps_down())
        .run(reconcile, |_, error: &Infallible, _| match *error {}, context)
        .for_each(|outcome| {
            if let Err(error) = outcome {
                trouble(&error);
            }
            futures::future::ready(())
        })
        .await;
}

/// A watch of all objects.
fn every() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS)
}

/// The namespaces whose grants are new or have changed.
fn grants(context: &Context) -> impl Stream<Item = Result<PartialObjectMeta<Namespace>, watcher::Error>> + use<> {
    let namespaces: Api<PartialObjectMeta<Namespace>> = Api::all(context.client.clone());
    let of_interest = match &context.namespace {
        Some(namespace) => every().fields(&format!("metadata.name={namespace}")),
        None => every(),
    };
    watcher(namespaces, of_interest)
        .default_backoff()
        .applied_objects()
        .predicate_filter(predicates::annotations, PredicateConfig::default())
}

/// The resources of a namespace, for whom something may have changed with it.
fn resources_in(
    known: &Store<PartialObjectMeta<KeyspacesCredential>>,
    namespace: &PartialObjectMeta<Namespace>,
) -> Vec<ObjectRef<PartialObjectMeta<KeyspacesCredential>>> {
    let inside = |resource: &PartialObjectMeta<KeyspacesCredential>| resource.namespace() == namespace.metadata.name;
    known.state_filter(inside).iter().map(|resource| ObjectRef::from_obj(resource.as_ref())).collect()
}

/// The resource of a Secret. Not by its owner reference: that may be just what somebody took away.
fn resource_of(secret: &PartialObjectMeta<Secret>) -> Option<ObjectRef<PartialObjectMeta<KeyspacesCredential>>> {
    let name = secret.annotations().get(RESOURCE)?;
    Some(ObjectRef::new(name).within(&secret.namespace()?))
}

async fn reconcile(
    object: Arc<PartialObjectMeta<KeyspacesCredential>>,
    context: Arc<Context>,
) -> Result<Action, Infallible> {
    let namespace = object.namespace().unwrap_or_default();
    let name = object.name_any();
    let pass = Box::pin(retry::reconcile(&context, &namespace, &name));
    let again = panics::isolated(&context, &namespace, &name, pass).await;
    // A time that has passed already must not become a loop without a pause.
    Ok(again.map_or_else(Action::await_change, |wait| Action::requeue(wait.max(Duration::from_millis(100)))))
}

/// Says what keeps the watches from working. They are tried again by themselves.
fn trouble(error: &Error<Infallible, watcher::Error>) {
    let Error::QueueError(error) = error else {
        // The object went away between the call and the pass.
        return;
    };
    let cause = match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => Some(error),
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => None,
    };
    match cause {
        Some(kube::Error::Api(status)) if status.code == 404 => {
            tracing::warn!("the CRD is not installed, waiting for it: kubectl apply --server-side -f crds/");
        }
        Some(kube::Error::Api(status)) => {
            tracing::warn!(code = status.code, "a watch is refused, trying again: {}", status.message);
        }
        Some(_) => tracing::warn!("the API server cannot be reached, trying again"),
        None => tracing::debug!("a watch ended, beginning it anew"),
    }
}
