//! A panic in one pass is that resource's trouble and nobody else's.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;

use super::context::Context;
use super::failure::Failure;
use super::memory::{Entry, Memories};
use super::retry::{self, remaining};
use crate::protocol::Next;

/// Runs a pass. If it panics, the failure is written down in the resource, which is tried again as after any other.
pub(crate) async fn isolated(
    context: &Context,
    namespace: &str,
    name: &str,
    pass: impl Future<Output = Option<Duration>>,
) -> Option<Duration> {
    match caught(&context.memories, namespace, name, pass).await {
        Ok(again) => again,
        Err(failure) => {
            // The report may panic for the same reason as the pass.
            let reported = Box::pin(retry::report_failure(context, namespace, name, &failure));
            match caught(&context.memories, namespace, name, reported).await {
                Ok(Ok(Next::Rest(until))) => until.map(|until| remaining(context, until)),
                Ok(Ok(Next::Decide | Next::StartOver) | Err(_)) | Err(_) => Some(context.deadline),
            }
        }
    }
}

/// What a future comes to, or that it panicked. What is remembered of the resource is then forgotten: it may be half of
/// something, and an attempt that nobody remembers is taken over.
async fn caught<T>(
    memories: &Memories,
    namespace: &str,
    name: &str,
    future: impl Future<Output = T>,
) -> Result<T, Failure> {
    // The payload is dropped: its words may quote a password. The hook has told where it happened.
    let Ok(value) = AssertUnwindSafe(future).catch_unwind().await else {
        *memories.entry(namespace, name).lock().await = Entry::default();
        return Err(Failure::Panicked);
    };
    Ok(value)
}

#[cfg(test)]
#[expect(clippy::panic, clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::protocol::{Attempt, Epoch, Reason, Stage};

    #[tokio::test]
    async fn a_panic_ends_its_pass_and_the_attempt_and_leaves_the_resource_usable() {
        let memories = Memories::default();
        let pass = async {
            let entry = memories.entry("shop", "orders");
            let mut entry = entry.lock().await;
            entry.uid = "1".to_owned();
            entry.memory.attempt = Some(Attempt { epoch: Epoch(7), stage: Stage::DryRun });
            tokio::task::yield_now().await;
            panic!("in the middle of a pass")
        };
        let outcome: Result<(), Failure> = caught(&memories, "shop", "orders", pass).await;
        assert_eq!(outcome.unwrap_err().reason(), Reason::InternalError);
        let entry = memories.entry("shop", "orders");
        let entry = entry.try_lock().unwrap();
        assert!(entry.memory.attempt.is_none() && entry.uid.is_empty(), "the next pass takes the attempt over");
    }

    #[tokio::test]
    async fn a_pass_that_does_not_panic_is_none_the_wiser() {
        let memories = Memories::default();
        memories.entry("shop", "orders").lock().await.uid = "1".to_owned();
        assert_eq!(caught(&memories, "shop", "orders", async { 7 }).await.unwrap(), 7);
        assert_eq!(memories.entry("shop", "orders").lock().await.uid, "1");
    }
}
