//! How histories are drawn.

use std::sync::LazyLock;

use jiff::SignedDuration;
use keyspaces_credential_protocol::Class;
use proptest::collection::vec;
use proptest::prelude::{Just, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::Strategy as Draw;

use super::events::{Change, Event, Fate};
use super::history::{History, Moment};
use super::twists::{Twist, twist};
use crate::world::{CONSISTENCY_WINDOW, HOLD, OVERLAP, RECHECK, RESYNC, World};

/// Spans around everything that is measured, a little less or more.
fn span() -> impl Draw<Value = SignedDuration> {
    let (hold, window) = (HOLD, CONSISTENCY_WINDOW);
    let thresholds = vec![
        SignedDuration::ZERO,
        hold / 4,
        hold / 2,
        hold,
        hold * 2,
        hold * 3,
        window,
        window * 2,
        hold + window,
        hold + window * 2,
        hold * 2 + window * 2,
        RECHECK,
        OVERLAP,
        OVERLAP * 2,
        RESYNC,
        RESYNC * 4,
    ];
    (select(thresholds), select(vec![-1_000i64, 0, 0, 1, 300, 1_000]))
        .prop_map(|(span, more)| (span + SignedDuration::from_millis(more)).max(SignedDuration::ZERO))
}

fn who() -> impl Draw<Value = usize> {
    prop_oneof![5 => Just(0usize), 2 => Just(1usize)]
}

fn fate() -> impl Draw<Value = Fate> {
    select(vec![
        Fate::Done,
        Fate::Done,
        Fate::Lost,
        Fate::Late,
        Fate::CrashBefore,
        Fate::CrashAfter,
        Fate::Refused(Class::Transient),
        Fate::Refused(Class::Terminal),
        Fate::Refused(Class::Conflict),
        Fate::Refused(Class::Ambiguous),
    ])
}

fn change() -> impl Draw<Value = Change> {
    let time = prop_oneof![
        4 => span().prop_map(Change::Pass),
        5 => (who(), 0i64..3).prop_map(|(who, more)| Change::PassUntil(who, more)),
        1 => (who(), select(vec![-86_400i64, -400, -90, 0, 90, 400, 7_200, 86_400])).prop_map(|(who, by)| Change::ClockAhead(who, by)),
    ];
    let owner = prop_oneof![
        5 => (0u8..3).prop_map(Change::Rotate),
        2 => any::<bool>().prop_map(Change::Retire),
        3 => Just(Change::Rename),
        1 => Just(Change::Restyle),
        2 => Just(Change::Delete),
        1 => any::<bool>().prop_map(Change::Retain),
        2 => any::<bool>().prop_map(Change::Foreign),
        2 => any::<bool>().prop_map(Change::InPlace),
        1 => proptest::option::of(1i64..4_000).prop_map(Change::Interval),
        1 => (0i64..200).prop_map(Change::Overlap),
        2 => (0i64..200).prop_map(Change::InactiveFor),
        1 => any::<bool>().prop_map(Change::Suspend),
        1 => Just(Change::Asks),
    ];
    let secret = prop_oneof![
        3 => Just(Change::SecretGone),
        1 => Just(Change::SecretDamaged),
        4 => (0usize..4).prop_map(Change::SecretPutBack),
        1 => Just(Change::SecretImmutable),
        1 => Just(Change::SecretNotOurs),
        1 => (1u64..4).prop_map(Change::FenceRaised),
    ];
    let iam = prop_oneof![
        3 => Just(Change::IamAdds),
        1 => (0usize..2).prop_map(Change::IamDeletes),
        2 => (0usize..2, any::<bool>()).prop_map(|(which, on)| Change::IamSets(which, on)),
        1 => (0usize..2).prop_map(Change::IamUnknown),
        2 => (0usize..2).prop_map(Change::ListHides),
        2 => Just(Change::ListShowsAll),
        1 => (0usize..2).prop_map(Change::ListShowsGone),
    ];
    let rights = prop_oneof![
        2 => any::<bool>().prop_map(Change::Grant),
        3 => (0u8..8).prop_map(Change::Claim),
        1 => Just(Change::StatusCleared),
    ];
    prop_oneof![10 => time.boxed(), 7 => owner.boxed(), 4 => secret.boxed(), 4 => iam.boxed(), 2 => rights.boxed()]
}

fn event() -> impl Draw<Value = Event> {
    let kinds = vec![
        "Begin",
        "DryRun",
        "Create",
        "Create",
        "Reset",
        "Publish",
        "Accept",
        "Delete",
        "Deactivate",
        "CopySecret",
        "Confirm",
    ];
    prop_oneof![
        2 => (who(), 1usize..6).prop_map(|(who, count)| Event::Steps { who, count }),
        3 => who().prop_map(|who| Event::Run { who }),
        3 => (who(), 1usize..4).prop_map(|(who, times)| Event::Waits { who, times }),
        3 => (who(), fate()).prop_map(|(who, fate)| Event::Act { who, fate }),
        4 => (who(), select(kinds), fate()).prop_map(|(who, kind, fate)| Event::Until { who, kind, fate }),
        1 => Just(Event::Land),
        9 => change().boxed().prop_map(Event::Change),
    ]
}

/// Where a history begins, and what its owner wants.
#[derive(Debug, Clone)]
struct Start {
    /// A resource that was just applied, one that is Ready, or one in an overlap.
    world: usize,
    wants: Vec<Change>,
}

impl Start {
    fn history(&self) -> History {
        static WORLDS: LazyLock<[History; 3]> =
            LazyLock::new(|| [World::new().into(), World::ready().into(), World::rotated().into()]);
        let mut history = WORLDS[self.world].clone();
        self.wants.iter().for_each(|change| change.happen(&mut history));
        history
    }
}

fn start() -> impl Draw<Value = Start> {
    let wants = select(vec![
        Change::InPlace(true),
        Change::InPlace(true),
        Change::InactiveFor(30),
        Change::Foreign(true),
        Change::Retain(true),
        Change::Interval(Some(90)),
        Change::Overlap(3),
        Change::IamAdds,
        Change::Rename,
        Change::Rotate(3),
    ]);
    (0usize..3, vec(wants, 0..4)).prop_map(|(world, wants)| Start { world, wants })
}

/// What goes wrong first, so that the events after it meet a recovery.
fn trouble() -> impl Draw<Value = Vec<Event>> {
    let change = |change| Event::Change(change);
    let until = |who, kind, fate| Event::Until { who, kind, fate };
    let gone = || change(Change::SecretGone);
    let asked = || change(Change::Rotate(2));
    let listed = |span| {
        let slow = [until(0, "List", Fate::Done), change(Change::Pass(span))];
        [vec![Event::Run { who: 0 }, change(Change::PassUntil(0, 0))], slow.into()].concat()
    };
    select(vec![
        vec![until(0, "Create", Fate::Lost)],
        vec![gone(), until(0, "Create", Fate::Lost)],
        vec![gone(), until(0, "Create", Fate::CrashAfter), until(1, "Create", Fate::Lost)],
        vec![gone(), until(0, "Create", Fate::Lost), until(1, "Begin", Fate::Done)],
        [vec![gone(), until(0, "Create", Fate::Lost)], listed(HOLD)].concat(),
        [vec![gone(), until(0, "Create", Fate::Lost)], listed(HOLD * 2)].concat(),
        vec![asked(), until(0, "Create", Fate::Late)],
        vec![
            change(Change::Foreign(true)),
            change(Change::IamAdds),
            change(Change::IamAdds),
            asked(),
            Event::Run { who: 0 },
        ],
        vec![asked(), until(0, "Create", Fate::Done), until(1, "Begin", Fate::Done)],
        vec![asked(), until(0, "Publish", Fate::Late), change(Change::Pass(HOLD))],
        vec![
            gone(),
            until(0, "Publish", Fate::Late),
            change(Change::Pass(HOLD)),
            until(1, "CloseEarlier", Fate::Done),
            Event::Land,
        ],
        vec![asked(), until(0, "Reset", Fate::Lost)],
        vec![asked(), until(0, "Reset", Fate::Lost), Event::Run { who: 0 }, change(Change::Delete)],
        vec![asked(), until(0, "Publish", Fate::CrashBefore), change(Change::Delete)],
    ])
}

/// A history that can be shrunk: where it begins, what happens, and by what its moments are then changed.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    start: Start,
    events: Vec<Event>,
    twists: Vec<Twist>,
}

impl Story {
    /// The decisions of it. Of those at the beginning of a pass, which all read the same facts, only some.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        let mut history = self.start.history();
        history.live(&self.events);
        history.live(&[Event::Run { who: 0 }]);
        let mut moments = history.moments;
        let mut early = 0u32;
        moments.retain(|Moment { observed, .. }| {
            early += u32::from(observed.secrets.is_empty());
            !observed.secrets.is_empty() || early.is_multiple_of(5)
        });
        for moment in &mut moments {
            for twist in &self.twists {
                twist.apply(moment);
            }
        }
        moments
    }
}

pub(crate) fn story() -> impl Draw<Value = Story> {
    let twists = prop_oneof![1 => Just(Vec::new()), 1 => vec(twist().boxed(), 1..3)];
    let trouble = prop_oneof![1 => Just(Vec::new()), 1 => trouble()];
    (start().boxed(), trouble.boxed(), vec(event().boxed(), 1..16), twists.boxed()).prop_map(
        |(start, trouble, events, twists)| {
            let events = [trouble, events].concat();
            Story { start, events, twists }
        },
    )
}
