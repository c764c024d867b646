//! The steps of the demo. A ✓ is printed after the check, never before.

use keyspaces_emulator::Operation;
use kit::operator::Operator;

use crate::screen::Screen;
use crate::stage::{NAMESPACE, OTHER_USER, Pair, SECRET, Stage, USER, ensure};

/// The width of the longest service user name in the demo.
const WIDTH: usize = 29;

/// The definition of the resource, the operator's manifests, the operator.
pub(crate) async fn install(screen: &Screen, stage: &Stage) -> Result<Operator, String> {
    screen.heading("Install");
    stage.run(screen, "kubectl apply -f crds/").await?;
    stage.run(screen, "kubectl apply -k deploy/").await?;
    stage.until("the resource is known to the API server", async || stage.knows_the_resource().await).await?;
    screen.remark("no node here, so no pod runs: the binary runs as a process, with the token of its ServiceAccount");
    stage.start_operator(screen).await
}

/// A resource becomes a Secret that logs in.
pub(crate) async fn ask(screen: &Screen, stage: &Stage) -> Result<Pair, String> {
    screen.heading("A resource becomes a Secret that logs in");
    stage.run(screen, "kubectl create namespace shop").await?;
    stage.run(screen, "cat deploy/examples/orders.yaml").await?;
    stage.run(screen, "kubectl apply -f deploy/examples/orders.yaml").await?;
    grant(screen, stage).await?;
    stage.run(screen, "kubectl wait -n shop kscred/orders --for=condition=Ready --timeout=60s").await?;
    let listed = stage.run(screen, "kubectl get -n shop kscred").await?;
    ensure(listed.contains(" True ") && listed.contains(SECRET), || "the resource does not show Ready".to_owned())?;
    stage.run(screen, "kubectl describe -n shop secret orders-keyspaces | sed -n '/^Type/,$p'").await?;

    let pair = stage.pair().await?;
    log_in(screen, stage, &pair, "from the Secret").await?;
    one_credential(stage, &pair)?;
    Ok(pair)
}

/// The namespace is not granted the IAM user; the condition says how to grant it.
async fn grant(screen: &Screen, stage: &Stage) -> Result<(), String> {
    screen.remark(
        "whoever can create resources must not get every IAM user's password: a namespace is granted its users",
    );
    stage.run(screen, "kubectl wait -n shop kscred/orders --for=condition=Stalled --timeout=60s").await?;
    let message = "jsonpath='{.status.conditions[?(@.type==\"Stalled\")].message}'";
    let told = stage.run(screen, &format!("kubectl get -n shop kscred orders -o {message}")).await?;
    ensure(stage.iam.calls().is_empty(), || "IAM was asked about a user that was not granted".to_owned())?;
    screen.check("nothing was asked of IAM");
    let (_, command) = told.split_once("grant it with: ").ok_or("the message holds no command")?;
    stage.run(screen, command.trim()).await?;
    Ok(())
}

/// Two credentials work for a while, then one.
pub(crate) async fn rotate(screen: &Screen, stage: &Stage, old: &Pair) -> Result<Pair, String> {
    screen.heading("A rotation, with both passwords working in the overlap");
    stage.run(screen, "kubectl annotate -n shop kscred orders keyspaces.dev/rotate=\"first\"").await?;
    let done = "kubectl wait -n shop kscred/orders --for=jsonpath='{.status.lastHandledRotate}'=first --timeout=60s";
    stage.run(screen, done).await?;
    let message = "jsonpath='{.status.conditions[?(@.type==\"Ready\")].message}'";
    stage.run(screen, &format!("kubectl get -n shop kscred orders -o {message}")).await?;

    let new = stage.pair().await?;
    ensure(new != *old, || "the Secret still holds the old pair".to_owned())?;
    log_in(screen, stage, &new, "from the Secret").await?;
    log_in(screen, stage, old, "replaced, in its overlap").await?;

    screen.remark("an hour is long for a demo");
    patch_rotation(screen, stage, "\"overlap\":\"5s\"").await?;
    overlap_over(screen, stage, &new).await?;
    refused(screen, stage, old, "replaced, its overlap is over").await?;
    log_in(screen, stage, &new, "from the Secret").await?;
    let events = stage.run(screen, "kubectl describe -n shop kscred orders | sed -n '/^Events/,$p'").await?;
    for reason in ["Creating", "CredentialCreated", "Published", "Rotating", "RetiredDeleted"] {
        ensure(events.contains(reason), || format!("the events do not tell of {reason}"))?;
    }
    for name in [&old.user_name, &new.user_name] {
        ensure(events.contains(&format!("({name})")), || format!("the events do not tell of the creation of {name}"))?;
    }
    Ok(new)
}

/// Nothing is left.
pub(crate) async fn delete(screen: &Screen, stage: &Stage, last: &Pair, made: usize) -> Result<(), String> {
    screen.heading("A deletion leaves nothing behind");
    stage.run(screen, "kubectl delete -n shop kscred orders --timeout=60s").await?;
    let waiting = stage.run(screen, "kubectl wait -n shop secret/orders-keyspaces --for=delete --timeout=90s");
    waiting.await?;
    let left = stage.run(screen, "kubectl get -n shop kscred,secrets").await?;
    ensure(left.contains("No resources found"), || "something is left in the namespace".to_owned())?;
    refused(screen, stage, last, "its resource is deleted").await?;

    let credentials = stage.credentials();
    ensure(credentials.is_empty(), || format!("IAM still has {} credentials of {USER}", credentials.len()))?;
    let calls = [Operation::Create, Operation::Delete].map(|operation| stage.calls(operation));
    ensure(calls == [made, made], || format!("IAM was asked to create and delete {calls:?} times, not {made} each"))?;
    screen.check(&format!("IAM user {USER} has no credential: the operator created {made} in all and deleted {made}"));
    Ok(())
}

/// Prints what the user can try while everything runs.
pub(crate) fn what_to_try(screen: &Screen, stage: &Stage) {
    let control_plane = &stage.control_plane;
    let iam = stage.iam.control_url();
    screen.heading("Everything runs until Ctrl-C. In another terminal, in this folder");
    Screen::output(&format!(
        "export KUBECONFIG={kubeconfig}\n\
         export PATH={folder}:$PATH\n\
         \n\
         # watch\n\
         kubectl get -n {NAMESPACE} kscred -w\n\
         tail -f {log}\n\
         # rotate\n\
         kubectl annotate -n {NAMESPACE} kscred orders --overwrite keyspaces.dev/rotate=\"$(date)\"\n\
         # lose the Secret: it is made anew\n\
         kubectl delete -n {NAMESPACE} secret {SECRET}\n\
         # another resource, for the IAM user {OTHER_USER}\n\
         kubectl annotate namespace {NAMESPACE} --overwrite keyspaces.dev/iam-users='{USER},{OTHER_USER}'\n\
         sed 's/orders/billing/' deploy/examples/orders.yaml | kubectl apply -f -\n\
         # somebody makes a credential by hand: the next rotation says NoFreeSlot\n\
         curl -X POST {iam}/credentials -d '{{\"user\":\"{USER}\"}}'\n\
         # what IAM has, and what it was asked\n\
         curl {iam}/state\n\
         curl {iam}/calls\n\
         # remove\n\
         kubectl delete -n {NAMESPACE} kscred orders\n",
        kubeconfig = control_plane.kubeconfig().display(),
        folder = control_plane.directory().display(),
        log = stage.log_file().display(),
    ));
}

/// Changes a part of `spec.rotation`, given as the inside of a JSON object.
pub(crate) async fn patch_rotation(screen: &Screen, stage: &Stage, fields: &str) -> Result<(), String> {
    let patch = format!("{{\"spec\":{{\"rotation\":{{{fields}}}}}}}");
    stage.run(screen, &format!("kubectl patch -n shop kscred orders --type=merge -p '{patch}'")).await?;
    Ok(())
}

/// Waits until IAM has the credential of this pair alone.
pub(crate) async fn overlap_over(screen: &Screen, stage: &Stage, current: &Pair) -> Result<(), String> {
    let retired = stage.until("the replaced credential is deleted from IAM", async || stage.credentials().len() == 1);
    screen.progress("until the overlap is over", retired).await?;
    one_credential(stage, current)
}

pub(crate) async fn log_in(screen: &Screen, stage: &Stage, pair: &Pair, which: &str) -> Result<(), String> {
    let name = &pair.user_name;
    stage.login(pair).await.map_err(|error| format!("{name} cannot log in: {error}"))?;
    screen.check(&format!("CQL login as {name:<WIDTH$} accepted   ({which})"));
    Ok(())
}

pub(crate) async fn refused(screen: &Screen, stage: &Stage, pair: &Pair, which: &str) -> Result<(), String> {
    let name = &pair.user_name;
    match stage.login(pair).await {
        Ok(()) => Err(format!("{name} can still log in")),
        // Any other error of a login proves nothing.
        Err(error) if error.contains("Authentication") => {
            screen.check(&format!("CQL login as {name:<WIDTH$} refused    ({which})"));
            Ok(())
        }
        Err(error) => Err(format!("{name} is not refused, the login went wrong: {error}")),
    }
}

/// IAM has one credential, and it is this pair's.
fn one_credential(stage: &Stage, pair: &Pair) -> Result<(), String> {
    let names: Vec<String> = stage.credentials().into_iter().map(|credential| credential.service_user_name).collect();
    ensure(names == [pair.user_name.as_str()], || format!("IAM has {names:?}, not {} alone", pair.user_name))
}
