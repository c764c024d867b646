//! IAM gives a user two slots. What makes room, in which order (rule 11).

use std::ops::ControlFlow::{Break, Continue};

use crate::answer::{Disposal, Report, Step};
use crate::facts::{ForeignPolicy, Listed, Published, Retiring, SecretFact, Usable, later};
use crate::record::{accept, closed_publication, foreign, leftovers, oldest_foreign, rolled_back};

use super::attempt::abandon;
use super::case::{Answer, Attempting, Case, wait};
use super::retirement::delete_retiring;

/// Leftovers were deleted before this. Next goes the retiring credential, whose end is only early, then a foreign one
/// if the owner says so. The current one never goes.
pub(crate) fn free_a_slot(case: &Attempting<'_>) -> Answer {
    let secret = case.secret()?;
    if let (Some(retiring), Some(_)) = (&case.record().retiring, &case.record().current) {
        return free_the_retiring_slot(case, retiring, secret);
    }
    if !case.observed.has_two() {
        return Continue(());
    }
    match closed_publication(case.record(), case.operation, secret) {
        Some(published) => accept_closed_publication(case, published),
        None => free_a_foreign_slot(case),
    }
}

/// The record has one place for a retiring credential, and [`accept`] keeps the one that is there. The credential that
/// is replaced now would not be recorded, and nobody would delete it.
fn free_the_retiring_slot(case: &Attempting<'_>, retiring: &Retiring, secret: &SecretFact) -> Answer {
    if rolled_back(case.observed, secret).is_some() {
        // Somebody put the Secret of the retiring credential back meanwhile, and it works. So nothing is needed any
        // more.
        return Break(abandon(case));
    }
    match put_back(case, secret, retiring) {
        None => delete_retiring(case, retiring),
        Some(PutBack::Dead) => Break(Step::DeleteCredential(retiring.id.clone(), Disposal::Retired)),
        Some(PutBack::Off) => delete_switched_off(case, retiring),
    }
}

/// Why a Secret that somebody put back does not log in.
enum PutBack {
    /// Its password was reset since.
    Dead,
    /// IAM shows the credential as switched off.
    Off,
}

/// Somebody put the Secret of the retiring credential back, and it does not log in. Nothing is lost when that
/// credential is deleted.
fn put_back(case: &Attempting<'_>, secret: &SecretFact, retiring: &Retiring) -> Option<PutBack> {
    let record = case.record();
    let published = secret.published().filter(|published| published.credential.id == retiring.id)?;
    if record.current_id() == Some(&retiring.id) || case.observed.deleted.contains(&retiring.id) {
        return None;
    }
    // One above `closed` was edited into status. It proves no reset.
    let reset = retiring.published_by.filter(|epoch| *epoch <= record.closed);
    if Some(published.epoch) < reset {
        return Some(PutBack::Dead);
    }
    case.observed.shows(&retiring.id, |usable| *usable == Usable::No).then_some(PutBack::Off)
}

/// Somebody may have switched the credential on when he put its Secret back, and List may be late to show that. So it
/// is deleted only if List still shows it as switched off after the consistency window (rule 12).
fn delete_switched_off(case: &Attempting<'_>, retiring: &Retiring) -> Answer {
    let certain = later(case.operation.attempted_at, case.settings().consistency_window);
    if case.now < certain {
        return wait(certain, Report::put_back_switched_off(case.resource(), &retiring.id, certain));
    }
    case.confirmed_listing()?;
    Break(Step::DeleteCredential(retiring.id.clone(), Disposal::Retired))
}

/// The second slot is taken by a credential that was published after its attempt was closed. A Delete of it may have
/// been sent, so it is accepted only if List still shows it after hold time and consistency window (rule 12).
fn accept_closed_publication(case: &Attempting<'_>, published: &Published) -> Answer {
    let settings = case.settings();
    let certain = later(later(case.operation.attempted_at, settings.hold), settings.consistency_window);
    if case.listing()?.taken_at < certain {
        let report = Report::closed_publication_waits(case.resource(), &published.credential.id, certain);
        return wait(certain, report);
    }
    case.confirmed_listing()?;
    Break(accept(case.observed, case.operation, published, case.now))
}

/// A Create does not begin while no slot can be freed. The operation would stay open until a human acts, and once taken
/// over it would count every credential that is created meanwhile as a leftover (rule 9). Leftovers are no obstacle,
/// nor is a foreign credential that may be deleted: the operation deletes them, the latter after its dry run.
pub(crate) fn stall_without_a_slot(case: &Case<'_>) -> Answer {
    let obstacle = case.observed.has_two()
        && case.record().retiring.is_none()
        && leftovers(case.observed).next().is_none()
        && foreign_to_delete(case).is_none();
    if obstacle { stall_on_slots(case) } else { Continue(()) }
}

/// Both slots are taken by credentials that are not ours to delete, unless the owner says so.
fn free_a_foreign_slot(case: &Case<'_>) -> Answer {
    let Some(oldest) = foreign_to_delete(case) else {
        return stall_on_slots(case);
    };
    // An id in a listing that is not confirmed may belong to an operation that began after the resource was read.
    case.confirmed_listing()?;
    Break(Step::DeleteCredential(oldest.id.clone(), Disposal::Foreign))
}

/// The foreign credential that may be deleted for its slot, if the owner allows it.
fn foreign_to_delete<'a>(case: &Case<'a>) -> Option<&'a Listed> {
    oldest_foreign(case.observed).filter(|_| case.resource().foreign == ForeignPolicy::Delete)
}

fn stall_on_slots(case: &Case<'_>) -> Answer {
    // In the order of their ids, for List has none. Otherwise the message would change with each listing.
    let mut foreign: Vec<_> = foreign(case.observed).collect();
    foreign.sort_by_key(|listed| &listed.id);
    let mut used: Vec<_> = case.observed.listed().filter(|listed| !foreign.contains(listed)).collect();
    used.sort_by_key(|listed| &listed.id);
    case.stall(Report::no_free_slot(case.resource(), &used, &foreign))
}
