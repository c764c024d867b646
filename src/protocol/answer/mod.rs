//! What a decision can say: the step, the words for the user, and when to try again.

mod backoff;
mod event;
mod outcome;
mod reason;
mod report;
mod step;

pub use backoff::{Class, failed};
pub use event::Event;
pub use outcome::{Deleted, Next, Outcome};
pub use reason::Reason;
pub use report::{Report, State};
pub use step::{Change, Disposal, Step, Update};
