//! One match: a step on the left, its one effect on the right.

use super::effects::Interruption;
use super::failure::Failure;
use super::pass::Pass;
use crate::protocol::{Outcome, Step};

impl Pass<'_> {
    /// Performs one step and says what came of it.
    ///
    /// # Errors
    /// The step failed, nobody knows whether it did, or it was not tried.
    pub(super) async fn perform(&mut self, step: &Step) -> Result<Outcome, Interruption> {
        let (objects, iam, resource) = (&mut self.objects, &mut self.iam, &self.observed.resource);
        let (secret, wanted, user) = (resource.secret_name(), &resource.wanted_secret, &resource.iam_user);
        let known_at = objects.known_at();
        Ok(match step {
            Step::ReadGrant => objects.read_grant(self.context, user).await?,
            Step::ReadClaims => objects.read_claims(self.context, user).await?,
            Step::ReadSecret(name) => objects.read_secret(name).await?,
            Step::ListCredentials => iam.list(resource).await?,
            Step::Resync => iam.resync(resource).await?,
            Step::ConfirmListing => objects.confirm(secret).await?,
            Step::StartOver => Outcome::Done,
            Step::AddFinalizer => objects.write_finalizer(true).await?,
            Step::Record(update) => self.record(update).await?,
            Step::FenceSecret(epoch) => objects.fence_secret(secret, *epoch).await?,
            Step::DryRun(epoch) => objects.dry_run(secret, user, *epoch).await?,
            Step::Create(epoch) => iam.create(resource, *epoch, known_at).await?,
            Step::Reset(epoch, id) => iam.reset(resource, *epoch, id, known_at).await?,
            Step::Publish(epoch) => match iam.held.as_ref().filter(|held| held.epoch == *epoch) {
                Some(held) => objects.publish(secret, held).await?,
                // Not met: the protocol counts on a password only while it is held.
                None => return Err(Failure::Conflict("publishing a password that is not held").into()),
            },
            Step::Render => objects.render(secret).await?,
            Step::CopySecret => objects.copy_secret(secret, wanted).await?,
            Step::DeleteFormerSecret(name) => objects.delete_former_secret(name).await?,
            Step::DeleteCredential(id, _) => iam.delete(resource, id, known_at).await?,
            Step::Deactivate(id) => iam.deactivate(resource, id, known_at).await?,
            Step::ReleaseSecret => objects.release_secret(secret).await?,
            Step::RemoveFinalizer => objects.write_finalizer(false).await?,
            Step::Wait { report, .. } => self.report(report.as_ref()).await?,
        })
    }
}
