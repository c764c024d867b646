//! Facts for properties: those of short histories, lived and then twisted, and those where each fact is drawn for itself.

use std::cell::RefCell;
use std::sync::LazyLock;

use jiff::Timestamp;
use keyspaces_credential_protocol::Observed;
use proptest::prelude::prop_oneof;
use proptest::strategy::Strategy as Draw;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestCaseError, TestRunner};

mod effects;
mod events;
mod history;
mod independent;
mod places;
mod stories;
mod twists;

pub(crate) use history::Moment;

/// Where the facts of a case come from.
#[derive(Debug, Clone)]
pub(crate) enum Facts {
    Lived(stories::Story),
    Drawn(Box<Moment>),
}

/// What a property says of one moment: whether it is about it, and whether it holds.
pub(crate) type Verdict = Result<bool, TestCaseError>;

/// Where the facts of a case come from.
fn facts() -> impl Draw<Value = Facts> {
    prop_oneof![
        4 => stories::story().prop_map(Facts::Lived).boxed(),
        1 => independent::moment().prop_map(|moment| Facts::Drawn(Box::new(moment))).boxed(),
    ]
}

impl Facts {
    pub(crate) fn moments(self) -> Vec<Moment> {
        match self {
            Self::Lived(story) => story.moments(),
            Self::Drawn(moment) => vec![*moment],
        }
    }
}

/// Asserts a property of many moments, and that at least so many of them were its subject.
///
/// The seed is the same in every run, so that a count does not fail now and then. `PROPTEST_RNG_SEED` sets another one, and
/// `PROPTEST_CASES` the number of cases.
pub(crate) fn assert_of_moments(at_least: u32, property: impl Fn(&Observed, Timestamp) -> Verdict) {
    // All properties look at the same moments.
    static MOMENTS: LazyLock<Vec<Moment>> = LazyLock::new(|| {
        let moments = RefCell::new(Vec::new());
        each_case(CASES, |facts| {
            moments.borrow_mut().extend(facts.moments());
            Ok(())
        });
        moments.into_inner()
    });
    let mut met = 0;
    for Moment { observed, now } in MOMENTS.iter() {
        match property(observed, *now) {
            Ok(subject) => met += u32::from(subject),
            Err(error) => fail_with_the_shortest(&property, &error),
        }
    }
    println!("met at {met} of {} moments", MOMENTS.len());
    assert!(met >= at_least, "the property was met at {met} moments only");
}

/// The same cases once more, for their values can be shrunk.
fn fail_with_the_shortest(property: &impl Fn(&Observed, Timestamp) -> Verdict, first: &TestCaseError) -> ! {
    each_case(CASES, |facts| {
        for Moment { observed, now } in facts.moments() {
            property(&observed, now)
                .map_err(|error| TestCaseError::fail(format!("{error}\nat {now} of {observed:#?}")))?;
        }
        Ok(())
    });
    panic!("{first}");
}

const CASES: u32 = 3_000;

/// Does something with the facts of so many cases.
pub(crate) fn each_case(cases: u32, test: impl Fn(Facts) -> Result<(), TestCaseError>) {
    let told = Config::default();
    let config = Config {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { told.cases } else { cases },
        rng_seed: if told.rng_seed == RngSeed::Random { RngSeed::Fixed(18) } else { told.rng_seed },
        // The other one takes most of the time.
        rng_algorithm: RngAlgorithm::XorShift,
        failure_persistence: None,
        ..told
    };
    if let Err(error) = TestRunner::new(config).run(&facts(), test) {
        panic!("{error}");
    }
}
