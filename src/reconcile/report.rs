//! What the user is told: status with its conditions, and events.

use jiff::Timestamp;

use super::conditions;
use super::failure::Failure;
use super::observe;
use super::pass::Pass;
use super::status::{failures_status, recorded_in, timestamp};
use crate::api::{KeyspacesCredentialStatus, ROTATE_ANNOTATION};
use crate::protocol::{Event, Next, Observed, Outcome, Record, Report, SecretFact, State, Update, due, failed};
use kube::ResourceExt;

impl Pass<'_> {
    /// Writes the record into status, and in the same write what the user is told with it.
    pub(super) async fn record(&mut self, update: &Update) -> Result<Outcome, Failure> {
        let mut status = self.status();
        recorded_in(&mut status, &update.record);
        if let Some(report) = &update.report {
            self.put_in(&mut status, report);
        }
        self.objects.write_status(status).await?;
        self.ensure_recorded(update)?;
        Ok(Outcome::Done)
    }

    /// What is decided next rests on the record as it is stored. A CRD without a field, a webhook or an epoch beyond
    /// the last one would let Create be sent without a recorded intent, and nobody would find what it created (rule 3).
    fn ensure_recorded(&self, update: &Update) -> Result<(), Failure> {
        let stored = observe::resource(self.objects.resource(), &self.observed.settings)?.record;
        let without_failures = |record: &Record| Record { failures: None, ..record.clone() };
        if without_failures(&stored) == without_failures(&update.record) {
            return Ok(());
        }
        Err(Failure::Invalid(
            "the API server does not store status as the operator writes it, so nothing was changed in IAM; apply crds/ again, and \
             exempt KeyspacesCredentials from admission webhooks that change their status"
                .to_owned(),
        ))
    }

    /// Reports how the resource stands while there is nothing to do. Writes only if that changed.
    pub(super) async fn report(&mut self, report: Option<&Report>) -> Result<Outcome, Failure> {
        let Some(report) = report else {
            return Ok(Outcome::Done);
        };
        let before = self.status();
        let mut after = before.clone();
        self.put_in(&mut after, report);
        after.failures = None;
        if after == before {
            return Ok(Outcome::Done);
        }
        self.warn(&before, report);
        self.objects.write_status(after).await
    }

    /// Reports a failure and records when the next try is, so that a restart is no burst of requests.
    pub(crate) async fn report_failure(&mut self, failure: &Failure) -> Result<Next, Failure> {
        let (namespace, name) = self.objects.names();
        tracing::warn!(namespace, name, reason = failure.reason().as_str(), "{failure}");
        let resource = &self.observed.resource;
        let before = self.status();
        // Those of another spec do not count.
        let same_spec = before.observed_generation == self.objects.resource().metadata.generation;
        let earlier = resource.record.failures.as_ref().filter(|_| same_spec && before.failures.is_some());
        let failures = failed(earlier, failure.class(), resource.rotation.seed, Timestamp::now());
        let failures = self.observed.memory.once_more_before_giving_up(failures, self.observed.settings.hold);
        let report = failure.report();
        let mut after = before.clone();
        self.put_in(&mut after, &report);
        let rotate = self.objects.resource().annotations().get(ROTATE_ANNOTATION);
        after.failures = Some(failures_status(&failures, rotate));
        self.warn(&before, &report);
        match self.objects.write_status(after).await {
            // The failure is not recorded this time. The wait holds all the same.
            Ok(_) | Err(Failure::Conflict(_)) => Ok(Next::Rest(Some(failures.next))),
            Err(failure) => Err(failure),
        }
    }

    fn status(&self) -> KeyspacesCredentialStatus {
        self.objects.resource().status.clone().unwrap_or_default()
    }

    fn put_in(&self, status: &mut KeyspacesCredentialStatus, report: &Report) {
        let generation = self.objects.resource().metadata.generation;
        if status.observed_generation != generation {
            // They were failures of another spec. Left there, they would delay what this write begins.
            status.failures = None;
        }
        status.observed_generation = generation;
        let rotated_at = status.last_rotated_at.as_ref().map(|time| time.0);
        status.next_rotation_at = rotated_at.and_then(|at| due(&self.observed.resource.rotation, at)).map(timestamp);
        // A reset kills the password that is published, so nothing is served until the next one is.
        let resetting = status.operation.as_ref().is_some_and(|operation| operation.resets.is_some());
        let serving = is_serving(&self.observed) && !resetting;
        conditions::apply(&mut status.conditions, report, serving, generation, &timestamp(Timestamp::now()));
    }

    /// A warning for a report that needs attention and was not made before.
    fn warn(&self, before: &KeyspacesCredentialStatus, report: &Report) {
        let known = before
            .conditions
            .iter()
            .any(|condition| condition.reason == report.reason.as_str() && condition.message == report.message);
        let attention =
            report.state == State::Stalled || before.failures.is_none() && report.state == State::Reconciling;
        if !known && attention {
            self.context.events.warning(self.objects.reference(), report.reason, &report.message);
        }
    }

    /// An event for something that went as it should.
    pub(super) fn emit(&self, event: &Event) {
        let (namespace, name) = self.objects.names();
        tracing::info!(namespace, name, reason = event.reason.as_str(), "{}", event.message);
        self.context.events.normal(self.objects.reference(), event.reason, &event.message);
    }
}

/// The Secret was read in this pass and holds the current credential with its last password, nothing that is known of
/// IAM speaks against that credential, and it is not about to be deleted.
fn is_serving(observed: &Observed) -> bool {
    let record = &observed.resource.record;
    let Some(current) = &record.current else {
        return false;
    };
    let published = observed.secret().and_then(SecretFact::published);
    published.is_some_and(|published| record.is_current(published))
        && !observed.memory.doubts(current)
        && !observed.resource.deleting
}
