//! A wrong clock for an operator, which can be set while it runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::control_plane::repository;

/// A wrong clock. It is right until it is moved.
///
/// The operator is the shipped program, linked with the C library of the machine, so that a library of our own can stand
/// in for the one function that tells the time of day. It takes a C compiler, as building the operator does.
#[derive(Debug)]
pub struct WrongClock {
    library: PathBuf,
    shift: PathBuf,
}

impl WrongClock {
    /// Makes one whose files are in `folder`.
    pub fn new(folder: &Path) -> Self {
        let (library, shift) = (folder.join("clock.so"), folder.join("clock-shift"));
        let source = repository().join("tests/kit/clock.c");
        let mut compiler = Command::new("cc");
        let built =
            compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source).status();
        assert!(built.expect("cc is there").success(), "the clock compiles");
        let this = Self { library, shift };
        this.show(0);
        this
    }

    /// What to start an operator with that goes by this clock.
    pub fn environment(&self) -> [(&'static str, &str); 2] {
        [
            ("LD_PRELOAD", self.library.to_str().expect("a plain path")),
            ("CLOCK_SHIFT", self.shift.to_str().expect("a plain path")),
        ]
    }

    /// Sets it: this many seconds off the right time, from now on.
    pub fn show(&self, seconds: i64) {
        // Whoever reads it meanwhile sees the one or the other.
        let next = self.shift.with_extension("next");
        fs::write(&next, seconds.to_string()).expect("the file can be written");
        fs::rename(&next, &self.shift).expect("the file can be moved");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_goes_by_it_sees_another_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = WrongClock::new(folder.path());
        let year = || {
            let output = Command::new("date").arg("+%Y").envs(clock.environment()).output().expect("date runs");
            String::from_utf8_lossy(&output.stdout).trim().parse::<i64>().expect("a year")
        };
        let now = year();
        clock.show(10 * 365 * 86_400);
        assert!((now + 9..=now + 11).contains(&year()));
        clock.show(0);
        assert!((now..=now + 1).contains(&year()));
    }
}
