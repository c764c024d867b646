//! What happens without a request: a rotation by schedule, a lost Secret, a credential of somebody else.

use crate::screen::Screen;
use crate::stage::{Pair, Stage, USER, ensure};
use crate::story::{log_in, overlap_over, patch_rotation, refused};

const MESSAGE: &str = "jsonpath='{.status.conditions[?(@.type==\"Stalled\")].message}'";

/// The operator rotates by schedule, and not before the time in status.
pub(crate) async fn schedule(screen: &Screen, stage: &Stage, old: &Pair) -> Result<Pair, String> {
    screen.heading("A rotation by schedule");
    screen.remark("20 seconds stand for a month");
    patch_rotation(screen, stage, "\"interval\":\"20s\"").await?;
    let told = async || stage.status().await.is_ok_and(|status| status.next_rotation_at.is_some());
    stage.until("the time of the next rotation is in status", told).await?;
    stage.run(screen, "kubectl get -n shop kscred orders -o jsonpath='{.status.nextRotationAt}'").await?;
    let before = stage.status().await?;

    let new = screen.progress("until then", stage.pair_after(old)).await?;
    let recorded = async || stage.status().await.is_ok_and(|now| now.last_rotated_at > before.last_rotated_at);
    stage.until("status speaks of the rotation", recorded).await?;
    let after = stage.status().await?;
    ensure(after.last_rotated_at >= before.next_rotation_at, || "the rotation came before its time".to_owned())?;
    ensure(after.last_handled_rotate == before.last_handled_rotate, || "somebody asked for it".to_owned())?;
    screen.check("nobody asked, and it did not come before the time that status told");
    log_in(screen, stage, &new, "from the Secret").await?;
    log_in(screen, stage, old, "replaced, in its overlap").await?;
    patch_rotation(screen, stage, "\"interval\":null").await?;
    overlap_over(screen, stage, &new).await?;
    Ok(new)
}

/// The operator replaces a lost Secret, with another password.
pub(crate) async fn recover(screen: &Screen, stage: &Stage, lost: &Pair) -> Result<Pair, String> {
    screen.heading("A Secret that is deleted by mistake");
    stage.run(screen, "kubectl delete -n shop secret orders-keyspaces").await?;
    let new = stage.pair_after(lost).await?;
    stage.run(screen, "kubectl wait -n shop kscred/orders --for=condition=Ready --timeout=60s").await?;
    log_in(screen, stage, &new, "from the new Secret").await?;
    let events = stage.run(screen, "kubectl get events -n shop | grep Recovering").await?;
    ensure(events.contains("the Secret is gone"), || "the events do not tell why".to_owned())?;
    overlap_over(screen, stage, &new).await?;
    refused(screen, stage, lost, "lost with its Secret").await?;
    Ok(new)
}

/// A credential of somebody else takes the second slot. The operator does not touch it, and the rotation waits for a human.
pub(crate) async fn respect(screen: &Screen, stage: &Stage, old: &Pair) -> Result<Pair, String> {
    screen.heading("Somebody else's credential");
    let theirs = stage.iam.create_credential(USER).map_err(|error| format!("IAM makes no credential: {error}"))?;
    let id = theirs.info.id;
    screen.remark(&format!("somebody has made credential {id} for {USER} by hand; IAM allows two"));
    stage.run(screen, "kubectl annotate -n shop kscred orders --overwrite keyspaces.dev/rotate=\"second\"").await?;
    stage.run(screen, "kubectl wait -n shop kscred/orders --for=condition=Stalled --timeout=60s").await?;
    let message = stage.run(screen, &format!("kubectl get -n shop kscred orders -o {MESSAGE}")).await?;
    for part in [id.as_str(), "aws iam delete-service-specific-credential"] {
        ensure(message.contains(part), || format!("the message does not tell {part}"))?;
    }
    ensure(stage.iam.credential(&id).is_some(), || "somebody else's credential was deleted".to_owned())?;
    screen.check(&format!("{id} is still there, and nothing was changed in IAM"));
    log_in(screen, stage, old, "from the Secret, as before").await?;

    stage.iam.delete_credential(&id).map_err(|error| format!("IAM deletes no credential: {error}"))?;
    screen.remark(&format!("somebody has run that command with {id}"));
    let new = screen.progress("until it is noticed, without a word from us", stage.pair_after(old)).await?;
    let handled =
        "kubectl wait -n shop kscred/orders --for=jsonpath='{.status.lastHandledRotate}'=second --timeout=60s";
    stage.run(screen, handled).await?;
    log_in(screen, stage, &new, "from the Secret").await?;
    log_in(screen, stage, old, "replaced, in its overlap").await?;
    overlap_over(screen, stage, &new).await?;
    Ok(new)
}
