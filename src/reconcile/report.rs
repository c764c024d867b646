//! Telling the user: conditions, failures, events.

use jiff::Timestamp;
use kube::{Resource as _, ResourceExt};

use super::conditions::{self, Report};
use super::failure::Failure;
use super::observe;
use super::pass::{After, Pass};
use super::status::{failures_status, timestamp};
use crate::api::{KeyspacesCredentialStatus, ROTATE_ANNOTATION};
use crate::protocol::{SecretFact, State, Verdict, due, failed};

impl Pass<'_> {
    /// Tells how the resource stands while there is nothing to do. Writes only if that changed.
    pub(crate) async fn report(&mut self, verdict: &Verdict, until: Option<Timestamp>) -> Result<After, Failure> {
        if verdict.state == State::Unchanged {
            return Ok(After::Wait(until));
        }
        let before = self.object.status.clone().unwrap_or_default();
        let mut after = before.clone();
        self.tell_in(&mut after, &verdict.into());
        after.failures = None;
        if after != before {
            self.announce(&before, &verdict.into());
            self.write_status(|status| *status = after).await?;
        }
        Ok(After::Wait(until))
    }

    /// Writes status with a verdict in the same write.
    pub(crate) async fn write_status_with(
        &mut self,
        verdict: &Verdict,
        change: impl FnOnce(&mut KeyspacesCredentialStatus),
    ) -> Result<(), Failure> {
        let mut status = self.object.status.clone().unwrap_or_default();
        change(&mut status);
        self.tell_in(&mut status, &verdict.into());
        self.write_status(|current| *current = status).await
    }

    /// Tells of a failure and writes down when the next try is, so that a restart is no burst.
    pub(crate) async fn report_failure(&mut self, failure: &Failure) -> Result<After, Failure> {
        let namespace = self.namespace();
        tracing::warn!(namespace, name = self.object.name_any(), reason = failure.reason(), "{failure}");
        let earlier = self.observed.resource.recorded.failures.as_ref();
        let failures = failed(earlier, failure.class(), observe::seed(&self.object), Timestamp::now());
        let failures = self.observed.memory.not_too_late(failures, self.observed.settings.hold);
        let message = failure.to_string();
        let report = Report { state: failure.state(), reason: failure.reason(), message: &message };
        let before = self.object.status.clone().unwrap_or_default();
        let mut after = before.clone();
        self.tell_in(&mut after, &report);
        after.failures = Some(failures_status(&failures, self.object.annotations().get(ROTATE_ANNOTATION)));
        self.announce(&before, &report);
        match self.write_status(|status| *status = after).await {
            // The failure is not written down this time; the wait holds all the same.
            Ok(()) | Err(Failure::Conflict(_)) => Ok(After::Wait(Some(failures.next))),
            Err(failure) => Err(failure),
        }
    }

    fn tell_in(&self, status: &mut KeyspacesCredentialStatus, report: &Report<'_>) {
        let generation = self.object.meta().generation;
        if status.observed_generation != generation {
            // They speak of another spec. Left there, they would hold up what this write begins.
            status.failures = None;
        }
        status.observed_generation = generation;
        let rotated_at = status.last_rotated_at.as_ref().map(|time| time.0);
        status.next_rotation_at = rotated_at.and_then(|at| due(&self.observed.resource.rotation, at)).map(timestamp);
        // A reset kills the password that is published, so nothing is served until the next one is.
        let resetting = status.operation.as_ref().is_some_and(|operation| operation.resets.is_some());
        let serving = self.serving() && !resetting;
        conditions::apply(&mut status.conditions, report, serving, generation, &timestamp(Timestamp::now()));
    }

    /// The Secret was read in this pass and holds the credential that status speaks of with its last password, nothing that is
    /// known of IAM speaks against that credential, and it is not about to go.
    fn serving(&self) -> bool {
        let (resource, secret) = (&self.observed.resource, self.observed.secret.as_ref());
        let Some(current) = &resource.recorded.credential else {
            return false;
        };
        secret.and_then(SecretFact::published).is_some_and(|published| resource.recorded.is_current(published))
            && !self.observed.memory.doubts(current)
            && !resource.deleting
    }

    /// An event for a report that needs attention and was not told before.
    fn announce(&self, before: &KeyspacesCredentialStatus, report: &Report<'_>) {
        let known = before
            .conditions
            .iter()
            .any(|condition| condition.reason == report.reason && condition.message == report.message);
        let attention =
            report.state == State::Stalled || before.failures.is_none() && report.state == State::Reconciling;
        if !known && attention {
            self.context.events.warning(self.reference(), report.reason, report.message);
        }
    }

    /// An event for something that went as it should.
    pub(crate) fn tell(&self, reason: &str, note: &str) {
        let namespace = self.namespace();
        tracing::info!(namespace, name = self.object.name_any(), reason, "{note}");
        self.context.events.normal(self.reference(), reason, note);
    }
}
