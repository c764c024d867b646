//! One pass over one resource: 1. read it, 2. decide, 3. perform the step, 4. repeat until the step is to wait.

use jiff::Timestamp;
use kube::Resource as _;
use kube::api::DynamicObject;
use tokio::sync::SemaphorePermit;

use super::client::Server;
use super::context::Context;
use super::effects::{IamAccess, Interruption, Objects};
use super::failure::Failure;
use super::memory::Entry;
use super::{observe, undecodable};
use crate::api::KeyspacesCredential;
use crate::iam::Urgency;
use crate::protocol::{Event, Memory, Next, Observed, Outcome, Resource, decide};
use crate::secret;

/// More steps than any pass needs; the longest legitimate one has about twenty.
const MOST_STEPS: usize = 64;

/// What is known in one pass over one resource.
pub(crate) struct Pass<'a> {
    pub(super) context: &'a Context,
    /// What is in the API server.
    pub(super) objects: Objects,
    /// What is in IAM, and the password that this process holds.
    pub(super) iam: IamAccess<'a>,
    /// What is decided on.
    pub(super) observed: Observed,
}

/// Brings a resource as far as it can be brought now.
///
/// # Errors
/// Somebody else wrote at the same time, or the failure of a step could not be recorded.
pub(crate) async fn run<'a>(
    context: &'a Context,
    namespace: &str,
    name: &str,
    entry: &mut Entry,
    room: &mut Option<SemaphorePermit<'a>>,
) -> Result<Next, Failure> {
    // 1. Read.
    let server = context.server(namespace);
    let known_at = Timestamp::now();
    let object = server.call("reading the resource", server.untyped_resources().get_opt(name)).await?;
    let uid = object.as_ref().and_then(|object| object.meta().uid.clone()).unwrap_or_default();
    if uid != entry.uid {
        discard(context, &server, entry).await?;
        *entry = Entry { uid, collisions: entry.collisions, ..Entry::default() };
    }
    let Some(object) = object else {
        context.memories.forget(namespace, name);
        return Ok(Next::Rest(None));
    };
    let (object, resource) = match decoded(context, &object) {
        Ok(decoded) => decoded,
        Err(failure) => return undecodable::report(context, &server, object, &failure, entry).await,
    };
    entry.reported = None;
    let mut pass = Pass {
        context,
        objects: Objects::new(server, object, known_at),
        iam: IamAccess::new(context, entry.held.take(), room.take()),
        observed: Observed::new(resource, std::mem::take(&mut entry.memory), context.settings),
    };
    let next = pass.go_on().await;
    if let Ok(Next::Rest(_)) = next {
        pass.observed.memory.forget_dry_run();
    }
    entry.memory = pass.observed.memory;
    (entry.held, *room) = pass.iam.into_parts();
    next
}

impl<'a> Pass<'a> {
    async fn go_on(&mut self) -> Result<Next, Failure> {
        for _ in 0..MOST_STEPS {
            if !self.context.may_go_on(self.iam.held.as_ref()) {
                return Ok(Next::Rest(Some(Timestamp::now())));
            }
            // 2. Decide.
            let step = decide(&self.observed, Timestamp::now());
            // 3. Perform, and take in what came of it.
            let outcome = match self.perform(&step).await {
                Ok(outcome) => outcome,
                Err(Interruption::NotTried(next)) => return Ok(next),
                Err(Interruption::Failed(failure)) => {
                    self.observed.after(&step, Outcome::Failed(failure.class()));
                    return self.after_failure(failure).await;
                }
            };
            if let Some(event) = Event::of(&self.observed, &step, &outcome) {
                self.emit(&event);
            }
            let next = self.observed.after(&step, outcome);
            self.drop_what_is_not_in_hand();
            // 4. Repeat.
            if next != Next::Decide {
                return Ok(next);
            }
        }
        self.after_failure(Failure::Endless(MOST_STEPS)).await
    }

    /// A password is held only for as long as the protocol counts on it.
    fn drop_what_is_not_in_hand(&mut self) {
        let in_hand = self.observed.memory.in_hand();
        self.iam.held.take_if(|held| in_hand != Some(&held.issued.id));
    }

    /// A conflict is no failure: the pass begins anew with what the other one wrote. Anything else is recorded with the
    /// time of the next try.
    async fn after_failure(&mut self, failure: Failure) -> Result<Next, Failure> {
        self.drop_what_is_not_in_hand();
        match failure {
            Failure::Conflict(_) => Err(failure),
            failure => self.report_failure(&failure).await,
        }
    }

    /// A pass that only reports: what is remembered of the resource is not known.
    pub(crate) fn to_report(
        context: &'a Context,
        server: Server,
        object: KeyspacesCredential,
        resource: Resource,
    ) -> Self {
        Self {
            context,
            objects: Objects::new(server, object, Timestamp::now()),
            iam: IamAccess::new(context, None, None),
            observed: Observed::new(resource, Memory::default(), context.settings),
        }
    }
}

/// The resource and the facts about it, if it is what the types say.
///
/// # Errors
/// It is not. The message names the field.
pub(crate) fn decoded(context: &Context, object: &DynamicObject) -> Result<(KeyspacesCredential, Resource), Failure> {
    let typed = undecodable::typed(object)?;
    let resource = observe::resource(&typed, &context.settings)?;
    Ok((typed, resource))
}

/// The resource is gone or was made anew, and this process holds its credential. It is deleted, unless the Secret holds
/// it: the reply to the publication may have been lost, and the Secret may outlive the resource.
async fn discard(context: &Context, server: &Server, entry: &mut Entry) -> Result<(), Failure> {
    let Some(held) = &entry.held else {
        return Ok(());
    };
    let turn = context.iam.turn(Urgency::Change).await;
    let kept = server.call("reading the Secret", server.secrets().get_opt(held.secret_name.as_str())).await?;
    if kept.and_then(|secret| secret::credential_id(&secret)).as_ref() != Some(&held.issued.id) {
        context.iam.delete(turn, &held.user, &held.issued.id).await?;
        tracing::info!(user = %held.user, id = %held.issued.id, "deleted a credential of a resource that is gone");
    }
    Ok(())
}
