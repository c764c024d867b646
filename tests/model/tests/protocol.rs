//! The whole protocol within the bounds of `runs::small`.

use std::time::Instant;

use protocol_model::{check, runs};

#[test]
fn the_protocol_keeps_its_promises() {
    let begun = Instant::now();
    let (mut states, mut failed) = (0, 0);
    for run in runs::small() {
        let report = check(&run);
        println!("{report}");
        states += report.states;
        failed += report.counterexamples.len();
    }
    println!("{states} states in {:.0} s", begun.elapsed().as_secs_f64());
    assert_eq!(failed, 0, "counterexamples above");
}
