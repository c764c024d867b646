//! The decision: the rules in order. This page is the protocol.
//!
//! The first rule that has a step decides. The comments say why a rule stands where it does.

use std::ops::ControlFlow::{Break, Continue};

use jiff::Timestamp;

use crate::answer::Step;
use crate::facts::Observed;
use crate::rules::case::{Answer, Attempting, Case, Phase, first};
use crate::rules::{
    always, at_rest, attempt, begin, deletion, leftovers, rename, reset, retirement, rights, slots, takeover,
};

/// What to do next for one resource. Total, deterministic and free of effects.
#[must_use]
pub fn decide(observed: &Observed, now: Timestamp) -> Step {
    let case = Case { observed, now };
    first(ALWAYS, &case).unwrap_or_else(|| match case.phase() {
        Phase::Deleting => first(DELETING, &case).unwrap_or_else(|| deletion::let_go(&case)),
        Phase::Attempting(case) => first(ATTEMPTING, &case).unwrap_or_else(|| attempt::create(&case)),
        Phase::AtRest => first(AT_REST, &case).unwrap_or_else(|| at_rest::report(&case)),
    })
}

/// Whatever the resource is doing.
const ALWAYS: &[fn(&Case<'_>) -> Answer] = &[
    always::gone,
    // Before everything that reads or writes: the owner wants the resource left alone.
    always::suspended,
    always::wait_after_failure,     // rules 15, 16
    always::read_rights_and_secret, // rules 1, 2
];

/// An operation is open. When no rule has anything to say, `create` is next.
const ATTEMPTING: &[fn(&Attempting<'_>) -> Answer] = &[
    // First: every rule below would replace a password that is published and works.
    attempt::accept_published,     // rule 8
    takeover::take_over_or_wait,   // rule 4
    attempt::rise_above_the_fence, // rule 7
    // Before the rights: a reset is published without a grant, since the password before it is dead.
    attempt::publish_or_give_up,              // rules 7, 10
    attempt::abandon_without_right,           // rule 2
    attempt::wait_while_contested_by_another, // rule 2
    attempt::list_credentials,
    reset::reset_the_password, // rule 14
    // Before the dry run: nobody uses a leftover, so it is deleted even if the Secret is refused afterwards.
    leftovers::delete_those_in_the_way, // rules 9, 10
    attempt::dry_run,                   // rule 5
    // After the dry run: whoever loses a credential here must not lose it for nothing.
    slots::free_a_slot, // rules 8, 11, 12
];

/// No operation is open. When no rule has anything to say, `report` is next.
const AT_REST: &[fn(&Case<'_>) -> Answer] = &[
    // These two before the rights: leftovers are deleted without a grant too.
    leftovers::delete_what_cannot_be_published, // rules 7, 10
    leftovers::close_the_window,                // rules 9, 10
    rights::stall_without_right,                // rule 2
    // Before the next: the owner renames the Secret because the present one cannot be written.
    rename::follow_a_rename,
    at_rest::stall_on_the_secret, // rule 7
    at_rest::render_again,
    // Before recovery, which would delete the credential that is published.
    at_rest::accept_a_rollback, // rule 8
    at_rest::recover_or_rotate, // rules 3, 12
    begin::add_the_finalizer,   // rule 13
    retirement::retire,         // rule 11
    rename::delete_former_secrets,
    at_rest::look_at_iam_when_due,
];

/// The resource is being deleted (rule 13). When no rule has anything to say, `let_go` is next.
const DELETING: &[fn(&Case<'_>) -> Answer] = &[
    // First: then the record knows every id that has to be deleted, or kept.
    deletion::accept_what_was_published, // rule 8
    finish_a_reset,                      // rule 14
    deletion::take_over_what_may_create, // rule 4
    deletion::end_the_doubt,             // rule 14
    deletion::delete_what_is_ours,
    deletion::wait_for_leftovers, // rules 9, 10
];

/// With `Retain` an open reset is brought to its end: the Secret that is kept must hold the password that works. A
/// Secret that is deleted needs none. This rule stands here because it runs the list of another phase.
fn finish_a_reset(case: &Case<'_>) -> Answer {
    let resetting = case.attempting().filter(|attempting| case.retains() && attempting.is_reset());
    match resetting.and_then(|attempting| first(ATTEMPTING, &attempting)) {
        Some(step) => Break(step),
        None => Continue(()),
    }
}
