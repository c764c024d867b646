//! One pass over one resource.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ObjectReference, Secret};
use kube::api::DynamicObject;
use kube::{Api, Resource as _, ResourceExt};
use tokio::sync::SemaphorePermit;

use super::context::{Context, Entry, Held};
use super::failure::{Failure, kubernetes};
use super::{observe, strange};
use crate::api::KeyspacesCredential;
use crate::iam::Urgency;
use crate::protocol::{Memory, Observed, Resource, SecretName, decide};
use crate::secret::{self, Seen};

/// More steps than any pass needs; the longest legitimate one has about twenty.
const MOST_STEPS: usize = 64;
/// How often a pass begins anew before it gives way to others.
const MOST_STARTS: usize = 8;
/// How many passes in a row may end that way before it is told. Others who write at the same time are done by then.
const MOST_COLLISIONS: u32 = 3;

/// What is known in one pass over one resource.
pub(crate) struct Pass<'a> {
    pub(crate) context: &'a Context,
    /// The resource as last read or written. Its resourceVersion fences the next write.
    pub(crate) object: KeyspacesCredential,
    /// When that was asked for.
    pub(crate) known_at: Timestamp,
    /// The Secret as last read or written, likewise.
    pub(crate) secret: Option<Seen>,
    /// Further Secrets, by name: the one to move to, and those that were moved from.
    pub(crate) others: BTreeMap<SecretName, Seen>,
    pub(crate) observed: Observed,
    /// The credential in hand, if any.
    pub(crate) held: Option<Held>,
    /// The room that the pass takes, until it waits for its turn at IAM.
    pub(crate) room: Option<SemaphorePermit<'a>>,
}

/// What comes after a step.
pub(crate) enum After {
    /// The facts have changed: decide again.
    Decide,
    /// The facts are not to be trusted any more: begin the pass anew.
    StartOver,
    /// Nothing to do before this time, or before something changes.
    Wait(Option<Timestamp>),
}

/// Brings one resource as far as it can be brought now, and says when to look again.
pub(crate) async fn reconcile(context: &Context, namespace: &str, name: &str) -> Option<Duration> {
    let entry = context.memories.entry(namespace, name);
    let mut entry = entry.lock().await;
    let mut room = tokio::select! {
        biased;
        room = context.room.acquire() => room.ok(),
        () = context.role.clone().steps_down(), if entry.held.is_none() => return Some(Duration::ZERO),
    };
    for _ in 0..MOST_STARTS {
        if !context.may_go_on(entry.held.as_ref()) {
            // If this process leads again before anybody has noticed that it did not, nothing else calls the next pass.
            return Some(Duration::ZERO);
        }
        // In a box, for a thousand passes may wait for their room.
        let outcome = Box::pin(begin(context, namespace, name, &mut entry, &mut room)).await;
        if let ControlFlow::Break(again) = next_look(context, namespace, name, outcome) {
            entry.collisions = 0;
            return again;
        }
    }
    // Longer and longer, for each of them may have cost a request to IAM, and what is told may meet a conflict as well.
    let pause = Duration::from_secs(1 << entry.collisions.min(8));
    entry.collisions = entry.collisions.saturating_add(1);
    if entry.collisions < MOST_COLLISIONS {
        return Some(pause);
    }
    let told = Box::pin(report_failure(context, namespace, name, &Failure::Collisions(MOST_STARTS))).await;
    match next_look(context, namespace, name, told) {
        ControlFlow::Break(again) => again.map(|again| again.max(pause)),
        ControlFlow::Continue(()) => Some(pause),
    }
}

/// Whether the pass begins anew at once, or when to look again.
fn next_look(
    context: &Context,
    namespace: &str,
    name: &str,
    outcome: Result<After, Failure>,
) -> ControlFlow<Option<Duration>> {
    match outcome {
        Ok(After::Decide | After::StartOver) | Err(Failure::Conflict(_)) => ControlFlow::Continue(()),
        Ok(After::Wait(until)) => ControlFlow::Break(until.map(|until| remaining(context, until))),
        Err(failure) => {
            tracing::warn!(namespace, name, reason = failure.reason(), "{failure}");
            ControlFlow::Break(Some(context.deadline))
        }
    }
}

/// How long to wait until a time, and never longer than a resync takes: if the clock was set back since the time was decided
/// on, it would be the hours by which it was wrong. To look too early does no harm.
pub(crate) fn remaining(context: &Context, until: Timestamp) -> Duration {
    let wait = until.duration_since(Timestamp::now()).min(context.settings.resync);
    Duration::try_from(wait).unwrap_or(Duration::ZERO)
}

/// Writes a failure down that no pass could write down itself.
pub(crate) async fn report_failure(
    context: &Context,
    namespace: &str,
    name: &str,
    failure: &Failure,
) -> Result<After, Failure> {
    let resources = strange::untyped(context.client.clone(), namespace);
    let known_at = Timestamp::now();
    let Some(object) = bounded(context, "reading the resource", resources.get_opt(name)).await? else {
        return Ok(After::Wait(None));
    };
    match understood(context, &object) {
        Ok((object, resource)) => {
            Pass::new(context, object, known_at, resource, &mut Entry::default()).report_failure(failure).await
        }
        Err(unreadable) => strange::report(context, object, &unreadable, &mut Entry::default()).await,
    }
}

/// The resource and the facts about it, if it is what the types say.
fn understood(context: &Context, object: &DynamicObject) -> Result<(KeyspacesCredential, Resource), Failure> {
    let typed = strange::typed(object)?;
    let resource = observe::resource(&typed, &context.settings)?;
    Ok((typed, resource))
}

async fn begin<'a>(
    context: &'a Context,
    namespace: &str,
    name: &str,
    entry: &mut Entry,
    room: &mut Option<SemaphorePermit<'a>>,
) -> Result<After, Failure> {
    let resources = strange::untyped(context.client.clone(), namespace);
    let known_at = Timestamp::now();
    let object = bounded(context, "reading the resource", resources.get_opt(name)).await?;
    let uid = object.as_ref().and_then(|object| object.meta().uid.clone()).unwrap_or_default();
    if uid != entry.uid {
        discard(context, namespace, entry).await?;
        entry.memory = Memory::default();
        entry.told = None;
        entry.uid = uid;
    }
    let Some(object) = object else {
        context.memories.forget(namespace, name);
        return Ok(After::Wait(None));
    };
    let (object, resource) = match understood(context, &object) {
        Ok(understood) => understood,
        Err(failure) => return strange::report(context, object, &failure, entry).await,
    };
    entry.told = None;
    let mut pass = Pass::new(context, object, known_at, resource, entry);
    pass.room = room.take();
    let after = pass.run().await;
    if matches!(after, Ok(After::Wait(_))) {
        pass.observed.memory.forget_dry_run();
    }
    entry.memory = pass.observed.memory;
    entry.held = pass.held;
    *room = pass.room;
    after
}

/// The resource is gone, or is another one now, and this process holds a credential that it will not publish any more.
///
/// It may have published it all the same: the reply may be what was lost. A Secret that outlives its resource holds it then,
/// and a published password is not destroyed.
async fn discard(context: &Context, namespace: &str, entry: &mut Entry) -> Result<(), Failure> {
    if let Some(held) = &entry.held {
        let turn = context.iam.turn(Urgency::Change).await;
        let secrets: Api<Secret> = Api::namespaced(context.client.clone(), namespace);
        let kept = bounded(context, "reading the Secret", secrets.get_opt(held.secret_name.as_str())).await?;
        if kept.and_then(|secret| secret::credential_id(&secret)).as_ref() != Some(&held.issued.id) {
            context.iam.delete(turn, &held.user, &held.issued.id).await?;
            tracing::info!(user = %held.user, id = %held.issued.id, "deleted a credential of a resource that is gone");
        }
    }
    entry.held = None;
    Ok(())
}

impl<'a> Pass<'a> {
    fn new(
        context: &'a Context,
        object: KeyspacesCredential,
        known_at: Timestamp,
        resource: Resource,
        entry: &mut Entry,
    ) -> Self {
        let observed = Observed {
            resource,
            grant: None,
            claim: None,
            secret: None,
            others: BTreeMap::new(),
            copied: BTreeSet::new(),
            listing: None,
            removed: BTreeSet::new(),
            deactivated: BTreeSet::new(),
            memory: std::mem::take(&mut entry.memory),
            settings: context.settings,
        };
        Self {
            context,
            object,
            known_at,
            secret: None,
            others: BTreeMap::new(),
            observed,
            held: entry.held.take(),
            room: None,
        }
    }

    async fn run(&mut self) -> Result<After, Failure> {
        for _ in 0..MOST_STEPS {
            if !self.context.may_go_on(self.held.as_ref()) {
                return Ok(After::Wait(Some(Timestamp::now())));
            }
            let step = decide(&self.observed, Timestamp::now());
            match self.perform(step).await {
                Ok(After::Decide) => {}
                Ok(after) => return Ok(after),
                Err(Failure::Conflict(doing)) => return Err(Failure::Conflict(doing)),
                Err(failure) => return self.report_failure(&failure).await,
            }
        }
        self.report_failure(&Failure::Endless(MOST_STEPS)).await
    }

    pub(crate) fn namespace(&self) -> String {
        self.object.namespace().unwrap_or_default()
    }

    pub(crate) fn resources(&self) -> Api<KeyspacesCredential> {
        Api::namespaced(self.context.client.clone(), &self.namespace())
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.context.client.clone(), &self.namespace())
    }

    pub(crate) fn reference(&self) -> ObjectReference {
        self.object.object_ref(&())
    }

    /// Takes in the resource as the API server returned it to a request of `asked_at`.
    pub(crate) fn adopt(&mut self, object: KeyspacesCredential, asked_at: Timestamp) -> Result<(), Failure> {
        self.observed.resource = observe::resource(&object, &self.context.settings)?;
        self.object = object;
        self.known_at = asked_at;
        Ok(())
    }
}

/// A call to the API server with a deadline. Without one, a server that accepts and never answers would hold the pass for ever.
pub(crate) async fn bounded<T>(
    context: &Context,
    doing: &'static str,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Failure> {
    in_time(context, call).await.map_err(|error| kubernetes(doing, &error))
}

/// The same with the error as it came.
pub(crate) async fn in_time<T>(
    context: &Context,
    call: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, kube::Error> {
    match tokio::time::timeout(context.deadline, call).await {
        Ok(result) => result,
        Err(elapsed) => Err(kube::Error::Service(elapsed.into())),
    }
}
