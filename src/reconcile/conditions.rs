//! Conditions, as kstatus reads them: `Ready` always, `Reconciling` and `Stalled` only while true.
//!
//! Source: *Kubernetes API Conventions*, "Typical status properties".

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

use crate::protocol::{Report, State};

/// What a report says about each type of condition: `Some(status)` or absent.
struct Picture {
    ready: Option<&'static str>,
    reconciling: bool,
    stalled: bool,
}

/// Puts a report into `conditions`. `serving` says whether the Secret holds a credential that nothing speaks against:
/// then work in progress, as a rotation is, leaves a `Ready` that is True as it was. Any other `Ready` tells what is
/// the matter now, not what was before.
pub(crate) fn apply(
    conditions: &mut Vec<Condition>,
    report: &Report,
    serving: bool,
    generation: Option<i64>,
    now: &Time,
) {
    let stays = serving && conditions.iter().any(|it| it.type_ == "Ready" && it.status == "True");
    let picture = match report.state {
        State::Ready => Picture { ready: Some("True"), reconciling: false, stalled: false },
        State::Reconciling if stays => Picture { ready: None, reconciling: true, stalled: false },
        State::Reconciling => Picture { ready: Some("False"), reconciling: true, stalled: false },
        State::Stalled => Picture { ready: Some("False"), reconciling: false, stalled: true },
        State::Suspended => Picture { ready: Some("Unknown"), reconciling: false, stalled: false },
    };
    if let Some(status) = picture.ready {
        set(conditions, "Ready", status, report, generation, now);
    }
    for (type_, present) in [("Reconciling", picture.reconciling), ("Stalled", picture.stalled)] {
        if present {
            set(conditions, type_, "True", report, generation, now);
        } else {
            conditions.retain(|condition| condition.type_ != type_);
        }
    }
}

fn set(
    conditions: &mut Vec<Condition>,
    type_: &str,
    status: &str,
    report: &Report,
    generation: Option<i64>,
    now: &Time,
) {
    let wanted = |last_transition_time: Time| Condition {
        type_: type_.to_owned(),
        status: status.to_owned(),
        reason: report.reason.as_str().to_owned(),
        message: report.message.clone(),
        observed_generation: generation,
        last_transition_time,
    };
    match conditions.iter_mut().find(|condition| condition.type_ == type_) {
        // The time is that of a change of status, not of a change of words.
        Some(condition) if condition.status == status => {
            *condition = wanted(condition.last_transition_time.clone());
        }
        Some(condition) => *condition = wanted(now.clone()),
        None => conditions.push(wanted(now.clone())),
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::protocol::Reason;

    fn at(second: i64) -> Time {
        Time(jiff::Timestamp::from_second(second).unwrap())
    }

    fn shown(conditions: &[Condition]) -> Vec<String> {
        conditions
            .iter()
            .map(|condition| format!("{}={} {}", condition.type_, condition.status, condition.reason))
            .collect()
    }

    fn report(state: State, reason: Reason) -> Report {
        Report::new(state, reason, "words")
    }

    #[test]
    fn reconciling_and_stalled_are_there_only_while_true() {
        let mut conditions = Vec::new();
        apply(&mut conditions, &report(State::Reconciling, Reason::Creating), false, Some(1), &at(1));
        assert_eq!(shown(&conditions), ["Ready=False Creating", "Reconciling=True Creating"]);
        apply(&mut conditions, &report(State::Stalled, Reason::NoFreeSlot), false, Some(1), &at(2));
        assert_eq!(shown(&conditions), ["Ready=False NoFreeSlot", "Stalled=True NoFreeSlot"]);
        apply(&mut conditions, &report(State::Ready, Reason::Published), true, Some(1), &at(3));
        assert_eq!(shown(&conditions), ["Ready=True Published"]);
    }

    #[test]
    fn a_rotation_leaves_ready_true_for_the_published_password_works() {
        let mut conditions = Vec::new();
        apply(&mut conditions, &report(State::Ready, Reason::Published), true, Some(1), &at(1));
        apply(&mut conditions, &report(State::Reconciling, Reason::Rotating), true, Some(1), &at(2));
        assert_eq!(shown(&conditions), ["Ready=True Published", "Reconciling=True Rotating"]);
    }

    #[test]
    fn a_rotation_does_not_leave_the_words_of_what_is_over() {
        let mut conditions = Vec::new();
        apply(&mut conditions, &report(State::Stalled, Reason::IamAccessDenied), true, Some(1), &at(1));
        apply(&mut conditions, &report(State::Reconciling, Reason::Rotating), true, Some(1), &at(2));
        assert_eq!(shown(&conditions), ["Ready=False Rotating", "Reconciling=True Rotating"]);
    }

    #[test]
    fn a_transition_time_moves_with_the_status_and_not_with_the_words() {
        let mut conditions = Vec::new();
        apply(&mut conditions, &report(State::Stalled, Reason::NoFreeSlot), false, Some(1), &at(1));
        apply(&mut conditions, &report(State::Stalled, Reason::SecretConflict), false, Some(2), &at(9));
        assert_eq!(conditions[0].last_transition_time, at(1));
        assert_eq!(conditions[0].observed_generation, Some(2));
        apply(&mut conditions, &report(State::Ready, Reason::Published), true, Some(2), &at(12));
        assert_eq!(conditions[0].last_transition_time, at(12));
    }
}
