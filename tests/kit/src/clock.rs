//! A wrong clock for an operator. A test can set it while the operator runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::control_plane::repository;

/// A wrong clock. It is right until it is moved.
///
/// The operator is the shipped program, linked with the C library of the machine. So a library of the tests can replace the one
/// function that returns the time of day. This needs a C compiler, as building the operator does.
#[derive(Debug)]
pub struct WrongClock {
    library: PathBuf,
    shift: PathBuf,
    failure: PathBuf,
}

impl WrongClock {
    /// Makes one whose files are in `folder`.
    pub fn new(folder: &Path) -> Self {
        let (library, shift) = (folder.join("clock.so"), folder.join("clock-shift"));
        let failure = folder.join("clock-failure");
        let source = repository().join("tests/kit/clock.c");
        let mut compiler = Command::new("cc");
        let built =
            compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]).arg(&library).arg(source).status();
        assert!(built.expect("cc is there").success(), "the clock compiles");
        let this = Self { library, shift, failure };
        this.show(0);
        this
    }

    /// The environment variables for an operator that uses this clock.
    pub fn environment(&self) -> [(&'static str, &str); 3] {
        [
            ("LD_PRELOAD", self.library.to_str().expect("a plain path")),
            ("CLOCK_SHIFT", self.shift.to_str().expect("a plain path")),
            ("CLOCK_FAILURE", self.failure.to_str().expect("a plain path")),
        ]
    }

    /// Sets it: this many seconds off the right time, from now on.
    pub fn show(&self, seconds: i64) {
        replace(&self.shift, &seconds.to_string());
    }

    /// Lets it fail once, at the Nth reading from now. What reads it panics.
    pub fn fail_at(&self, nth: u64) {
        replace(&self.failure, &nth.to_string());
    }

    /// How many readings from now it will fail; nothing if it has failed.
    pub fn fails_in(&self) -> Option<u64> {
        let text = fs::read_to_string(&self.failure).ok()?;
        // The operator is just writing the file. The number is never exact, since it changes with every reading of the clock.
        Some(text.parse().unwrap_or(u64::MAX))
    }

    /// Lets it fail no more. Says whether it has.
    pub fn mend(&self) -> bool {
        fs::remove_file(&self.failure).is_err()
    }
}

/// Replaces a file at once: a reader sees either the old or the new text.
fn replace(file: &Path, text: &str) {
    let next = file.with_extension("next");
    fs::write(&next, text).expect("the file can be written");
    fs::rename(&next, file).expect("the file can be moved");
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
