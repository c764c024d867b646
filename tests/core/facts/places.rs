//! Where a time, an id or an epoch stands among the facts.

use jiff::Timestamp;
use keyspaces_credential_protocol::*;

/// Every time that is known.
pub(super) fn times(observed: &mut Observed) -> Vec<Option<&mut Timestamp>> {
    let Observed { resource, listing, memory, .. } = observed;
    let Resource { created_at, record, .. } = resource;
    let (from, attempted_at) = record.operation.as_mut().map(|one| (&mut one.from, &mut one.attempted_at)).unzip();
    let (opened, end) = record.window.as_mut().map(|one| (&mut one.from, &mut one.end)).unzip();
    let since = memory.attempt.as_mut().and_then(|attempt| match &mut attempt.stage {
        Stage::InHand { since, .. } => Some(since),
        Stage::Begun | Stage::DryRun => None,
    });
    let missing = match &mut memory.sighting {
        Sighting::Missing { since, .. } => Some(since),
        Sighting::NotSeen | Sighting::Usable | Sighting::Unusable(_) => None,
    };
    let (taken_at, listed) = listing
        .as_mut()
        .map(|one| (&mut one.taken_at, one.credentials.iter_mut().map(|one| &mut one.created_at)))
        .unzip();
    let listed = listed.into_iter().flatten().map(Some);
    let former = record.former_secrets.iter_mut().map(|former| Some(&mut former.since));
    [
        Some(created_at),
        from,
        attempted_at,
        opened,
        end,
        since,
        missing,
        taken_at,
        memory.listed_at.as_mut(),
        record.current.as_mut().map(|current| &mut current.issued_at),
        record.retiring.as_mut().map(|retiring| &mut retiring.since),
        record.reset_in_doubt.as_mut().map(|doubt| &mut doubt.until),
        record.rotated_at.as_mut(),
        record.failures.as_mut().map(|failures| &mut failures.next),
    ]
    .into_iter()
    .chain(listed)
    .chain(former)
    .collect()
}

/// Every id that is known.
pub(super) fn ids(observed: &mut Observed) -> Vec<Option<&mut CredentialId>> {
    let published =
        observed.secrets.get_mut(&observed.resource.secret_name().clone()).and_then(|secret| match secret {
            SecretFact::Ours(OurSecret { published, .. }) => {
                published.as_mut().map(|published| &mut published.credential.id)
            }
            SecretFact::Absent | SecretFact::NotOurs => None,
        });
    let record = &mut observed.resource.record;
    let reset = record.operation.as_mut().and_then(|operation| match &mut operation.means {
        Means::Reset(id) => Some(id),
        Means::Create => None,
    });
    let in_hand = observed.memory.attempt.as_mut().and_then(|attempt| match &mut attempt.stage {
        Stage::InHand { id, .. } => Some(id),
        Stage::Begun | Stage::DryRun => None,
    });
    let listed = observed.listing.iter_mut().flat_map(|one| &mut one.credentials).map(|one| Some(&mut one.id)).next();
    [
        record.current.as_mut().map(|current| &mut current.id),
        record.retiring.as_mut().map(|retiring| &mut retiring.id),
        record.reset_in_doubt.as_mut().map(|doubt| &mut doubt.id),
        published,
        reset,
        in_hand,
        listed.flatten(),
    ]
    .into_iter()
    .collect()
}

/// Every epoch that is known.
pub(super) fn epochs(observed: &mut Observed) -> Vec<Option<&mut Epoch>> {
    let secret = observed.secrets.get_mut(&observed.resource.secret_name().clone());
    let (fence, published) = match secret {
        Some(SecretFact::Ours(OurSecret { fence, published, .. })) => {
            (Some(fence), published.as_mut().map(|published| &mut published.epoch))
        }
        _ => (None, None),
    };
    let record = &mut observed.resource.record;
    let (present, first) = record.operation.as_mut().map(|one| (&mut one.epoch, &mut one.first_epoch)).unzip();
    vec![
        present,
        first,
        fence,
        published,
        Some(&mut record.closed),
        record.published_by.as_mut(),
        record.retiring.as_mut().and_then(|retiring| retiring.published_by.as_mut()),
        record.window.as_mut().map(|window| &mut window.epoch),
        observed.memory.attempt.as_mut().map(|attempt| &mut attempt.epoch),
    ]
}
