//! Ends an operator whose test process was killed.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Kills a process when its stdin closes. However the test process ends, the kernel closes the other end of that pipe.
///
/// It is a process next to the operator, not its parent. So the test knows the operator's own pid, and every signal of the test
/// reaches the operator itself.
#[derive(Debug)]
pub(crate) struct Leash(Child);

impl Leash {
    /// Ties the process `id` to whoever holds the other end of `stdin`.
    ///
    /// # Errors
    /// There is no shell.
    pub(crate) fn new(id: u32, stdin: Stdio) -> io::Result<Self> {
        Command::new("sh")
            .args(["-c", "read -r _; kill -s KILL \"$1\"", "leash", &id.to_string()])
            .env_clear()
            .stdin(stdin)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt that is typed at the terminal must not end this process before the operator.
            .process_group(0)
            .spawn()
            .map(Self)
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // This process is killed before its stdin closes, so it does not kill the operator.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleep() -> Child {
        Command::new("sleep").arg("600").stdout(Stdio::piped()).spawn().expect("sleep runs")
    }

    #[test]
    fn a_process_ends_with_a_test_that_is_killed() {
        // The leash knows of the test process only that it holds the other end of its stdin.
        let (mut test, mut operator) = (sleep(), sleep());
        let pipe = test.stdout.take().expect("stdout is a pipe");
        let leash = Leash::new(operator.id(), pipe.into()).expect("sh is there");
        assert!(operator.try_wait().expect("it can be asked").is_none(), "nothing happens while the test runs");
        test.kill().expect("it can be killed");
        test.wait().expect("it was killed");
        assert!(!operator.wait().expect("it ends").success());
        drop(leash);
    }

    #[test]
    fn a_leash_that_is_let_go_harms_nobody() {
        let mut operator = sleep();
        drop(Leash::new(operator.id(), Stdio::piped()).expect("sh is there"));
        assert!(operator.try_wait().expect("it can be asked").is_none());
        operator.kill().expect("it can be killed");
        operator.wait().expect("it was killed");
    }
}
