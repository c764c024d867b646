//! What follows a pass: another one at once, or a time to look again.

use std::ops::ControlFlow;
use std::time::Duration;

use jiff::Timestamp;

use super::context::Context;
use super::failure::Failure;
use super::memory::Entry;
use super::pass::{self, Pass, decoded};
use super::undecodable;
use crate::protocol::Next;

/// How often a pass begins anew before it gives way to others.
const MOST_STARTS: usize = 8;
/// How many times in a row a resource gives way before that is reported. Others who write at the same time are done by
/// then.
const MOST_COLLISIONS: u32 = 3;

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
        let next = Box::pin(pass::run(context, namespace, name, &mut entry, &mut room)).await;
        if let ControlFlow::Break(again) = next_look(context, namespace, name, next) {
            entry.collisions = 0;
            return again;
        }
    }
    // Longer and longer, for each start may have cost a request to IAM, and the report may meet a conflict as well.
    let pause = Duration::from_secs(1 << entry.collisions.min(8));
    entry.collisions = entry.collisions.saturating_add(1);
    if entry.collisions < MOST_COLLISIONS {
        return Some(pause);
    }
    let reported = Box::pin(report_failure(context, namespace, name, &Failure::Collisions(MOST_STARTS))).await;
    match next_look(context, namespace, name, reported) {
        ControlFlow::Break(again) => again.map(|again| again.max(pause)),
        ControlFlow::Continue(()) => Some(pause),
    }
}

/// Whether the pass begins anew at once, or when to look again.
fn next_look(
    context: &Context,
    namespace: &str,
    name: &str,
    next: Result<Next, Failure>,
) -> ControlFlow<Option<Duration>> {
    match next {
        Ok(Next::Decide | Next::StartOver) | Err(Failure::Conflict(_)) => ControlFlow::Continue(()),
        Ok(Next::Rest(until)) => ControlFlow::Break(until.map(|until| remaining(context, until))),
        Err(failure) => {
            tracing::warn!(namespace, name, reason = failure.reason().as_str(), "{failure}");
            ControlFlow::Break(Some(context.deadline))
        }
    }
}

/// How long to wait until a time, and never longer than a resync takes: if the clock was set back since the time was
/// decided on, the wait would be the hours by which it was wrong. To look too early does no harm.
pub(crate) fn remaining(context: &Context, until: Timestamp) -> Duration {
    let wait = until.duration_since(Timestamp::now()).min(context.settings.resync);
    Duration::try_from(wait).unwrap_or(Duration::ZERO)
}

/// Reports a failure that no pass could report itself.
pub(crate) async fn report_failure(
    context: &Context,
    namespace: &str,
    name: &str,
    failure: &Failure,
) -> Result<Next, Failure> {
    let server = context.server(namespace);
    let found = server.call("reading the resource", server.untyped_resources().get_opt(name)).await?;
    let Some(object) = found else {
        return Ok(Next::Rest(None));
    };
    match decoded(context, &object) {
        Ok((object, resource)) => Pass::to_report(context, server, object, resource).report_failure(failure).await,
        Err(unreadable) => undecodable::report(context, &server, object, &unreadable, &mut Entry::default()).await,
    }
}
