//! What happens, as a function of the seed alone: the plan does not look at the world.

use std::time::Duration;

use keyspaces_emulator::{Fault as IamFault, FaultKind, Lag, Operation};

use super::dice::Dice;
use crate::proxy::{Action as ApiAction, Fault as ApiFault, Verb, When, Which};

/// What people do to a resource, and so what the test can demand of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// People rotate it and do nothing else. Its Secret works at every moment.
    Calm,
    /// People do everything to it.
    Rough,
    /// People do nothing to it, but somebody makes credentials of his own for its user. Its Secret works at every moment.
    Guest,
    /// The same, but its spec allows the operator to delete those credentials, and people rotate it as well.
    Greedy,
}

/// The resources, each with an IAM user of its own.
pub(super) const CAST: [(&str, Role); 8] = [
    ("calm-one", Role::Calm),
    ("calm-two", Role::Calm),
    ("calm-three", Role::Calm),
    ("rough-one", Role::Rough),
    ("rough-two", Role::Rough),
    ("rough-three", Role::Rough),
    ("guest", Role::Guest),
    ("greedy", Role::Greedy),
];

/// The operators: the first one behind the proxy, the second one not.
pub(super) const OPERATORS: usize = 2;

/// Nothing is on its way for longer than this: a call to IAM, what List shows, a write, an operator that is stopped. Two of
/// them in a row take less than the consistency window and the hold time. The operators rely on that.
pub(super) const LONGEST: u64 = 1_500;
/// The deadlines are so long that a busy machine can still keep them.
pub(super) const FLAGS: &str =
    "--consistency-window 6s --hold 12s --resync 3s --recheck 1s --iam-deadline 5s --api-deadline 5s";

/// One thing that happens.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Rotate(&'static str),
    /// Ends the time of the replaced credential.
    Retire(&'static str),
    DeleteSecret(&'static str),
    /// Overwrites the password.
    EditSecret(&'static str),
    /// Removes the annotation that vouches for the data.
    StripSecret(&'static str),
    /// In IAM, the current one.
    DeleteCredential(&'static str),
    DeleteResource(&'static str),
    /// Applies the resource, if it is gone.
    Apply(&'static str),
    AddForeign(&'static str),
    RemoveForeign(&'static str),
    /// `kill -9`; the next one starts after this time.
    Kill(usize, Duration),
    /// SIGTERM, likewise.
    Terminate(usize, Duration),
    /// SIGSTOP, and SIGCONT after this time.
    Pause(usize, Duration),
    FailIam(IamFault),
    Lag(Lag),
    PageSize(usize),
    FailApi(ApiFault),
    /// All watches, for this time.
    Stall(Duration),
}

/// The endless sequence of what happens and how long after what was before.
pub(super) struct Plan(Dice);

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        Self(Dice::new(seed))
    }

    pub(super) fn next(&mut self) -> (Duration, Action) {
        (self.0.milliseconds(20, 400), self.draw())
    }

    fn draw(&mut self) -> Action {
        let dice = &mut self.0;
        let of = |dice: &mut Dice, roles: &[Role]| {
            let among: Vec<&'static str> =
                CAST.iter().filter(|(_, role)| roles.contains(role)).map(|(name, _)| *name).collect();
            *dice.pick(&among)
        };
        match dice.between(1, 100) {
            1..=16 => Action::Rotate(of(dice, &[Role::Calm, Role::Rough, Role::Greedy])),
            17..=20 => Action::Retire(of(dice, &[Role::Calm, Role::Rough])),
            21..=25 => Action::DeleteSecret(of(dice, &[Role::Rough])),
            26..=28 => Action::EditSecret(of(dice, &[Role::Rough])),
            29..=30 => Action::StripSecret(of(dice, &[Role::Rough])),
            31..=33 => Action::DeleteCredential(of(dice, &[Role::Rough])),
            34..=36 => Action::DeleteResource(of(dice, &[Role::Rough])),
            37..=43 => Action::Apply(of(dice, &[Role::Rough])),
            44..=46 => Action::AddForeign(of(dice, &[Role::Guest, Role::Greedy])),
            47..=48 => Action::RemoveForeign(of(dice, &[Role::Guest, Role::Greedy])),
            49..=53 => Action::Kill(operator(dice), dice.milliseconds(0, LONGEST)),
            54..=55 => Action::Terminate(operator(dice), dice.milliseconds(0, LONGEST)),
            56..=59 => Action::Pause(operator(dice), dice.milliseconds(50, LONGEST)),
            60..=78 => Action::FailIam(iam_fault(dice)),
            79..=81 => Action::Lag(lag(dice)),
            82 => Action::PageSize(*dice.pick(&[1, 100])),
            83..=98 => Action::FailApi(api_fault(dice)),
            _ => Action::Stall(dice.milliseconds(500, 5_000)),
        }
    }
}

fn operator(dice: &mut Dice) -> usize {
    *dice.pick(&[0, OPERATORS - 1])
}

fn iam_fault(dice: &mut Dice) -> IamFault {
    const ELEMENTS: [&str; 4] = ["ServicePassword", "ServiceSpecificCredentialId", "ServiceUserName", "UserName"];
    let refuse = |status, code: &str| FaultKind::Refuse { status, code: code.to_owned(), message: "chaos".to_owned() };
    let kinds = [
        refuse(400, "Throttling"),
        FaultKind::Delay { ms: dice.between(10, LONGEST) },
        FaultKind::Hang,
        FaultKind::Close,
        FaultKind::Reset,
        FaultKind::Status { status: 500 },
        FaultKind::Status { status: 503 },
        FaultKind::CutBody { at: None },
        FaultKind::CutXml { at: None },
        FaultKind::DropField { element: (*dice.pick(&ELEMENTS)).to_owned() },
        FaultKind::Late { ms: dice.between(10, LONGEST), hang: false },
        FaultKind::Late { ms: dice.between(10, LONGEST), hang: true },
    ];
    // The operator waits long after a failure that needs a human, so this failure is rare.
    let kind = if dice.once_in(20) { refuse(403, "AccessDenied") } else { dice.pick(&kinds).clone() };
    let operations = [Operation::Create, Operation::Create, Operation::List, Operation::Delete, Operation::Update];
    let fault = if dice.once_in(6) { IamFault::on_any(kind) } else { IamFault::on(*dice.pick(&operations), kind) };
    let fault = fault.from_nth(dice.between(1, 2)).times(dice.between(1, 3));
    let after = dice.once_in(2);
    // IAM does not refuse what it has done.
    let refused = matches!(fault.kind, FaultKind::Refuse { .. });
    if after && !refused { fault.after_effect() } else { fault }
}

fn lag(dice: &mut Dice) -> Lag {
    Lag {
        list_new: dice.milliseconds(0, LONGEST),
        list_deleted: dice.milliseconds(0, LONGEST),
        login: dice.milliseconds(0, LONGEST),
    }
}

fn api_fault(dice: &mut Dice) -> ApiFault {
    let which = [
        Which::writes().of("keyspacescredentials/status"),
        Which::writes().of("keyspacescredentials/status"),
        Which::writes().of("keyspacescredentials"),
        Which::writes().of("secrets"),
        Which::writes().of("secrets"),
        Which::dry_runs().of("secrets"),
        Which::gets().of("secrets"),
        Which::gets().of("keyspacescredentials"),
        Which::verbs(&[Verb::List]).of("keyspacescredentials"),
        Which::verbs(&[Verb::Watch]),
        Which::any(),
    ];
    // Not 404 and 410: a read that says so is evidence.
    let actions = [
        ApiAction::Refuse(*dice.pick(&[409, 429, 500, 503, 504])),
        ApiAction::Delay(dice.milliseconds(10, LONGEST)),
        ApiAction::Hang,
        ApiAction::Close,
        ApiAction::Reset,
    ];
    let action = if dice.once_in(20) { ApiAction::Refuse(403) } else { dice.pick(&actions).clone() };
    let fault = ApiFault::on(dice.pick(&which).clone(), action);
    let fault = fault.from_nth(dice.between(1, 3)).times(dice.between(1, 4));
    fault.when(*dice.pick(&[When::Before, When::After]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_a_function_of_the_seed() {
        let actions = |seed| {
            let mut plan = Plan::new(seed);
            (0..200).map(|_| format!("{:?}", plan.next())).collect::<Vec<String>>()
        };
        assert_eq!(actions(1), actions(1));
        assert_ne!(actions(1), actions(2));
    }
}
