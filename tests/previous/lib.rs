//! The functional core: what to do next for one `KeyspacesCredential`.
//!
//! [`decide`] is a pure function of facts ([`Observed`]) and a given time. It knows no Kubernetes client, no AWS, no
//! runtime and no clock; this crate's manifest and its `clippy.toml` are the proof. The shell observes, asks, performs
//! the one [`Step`] that it is told, learns what came of it, and asks again.
//!
//! # The protocol
//!
//! IAM shows a password once and gives Create no token, so "exactly once" is not to be had. What can be had: a password
//! that was published is not destroyed before its replacement is published, and whatever an attempt left behind is found.
//!
//! ```text
//!   ReadGrant       may the namespace ask for the user?  not granted ─────────────► Wait: IamUserNotGranted
//!       │
//!   ReadClaims      who else asks for this IAM user?     older resource ──────────► Wait: IamUserInUse
//!       │
//!   ReadSecret      whose is the Secret?                 not ours ────────────────► Wait: SecretConflict
//!       │
//!   ListCredentials the baseline                         two that are not ours ───► Wait: NoFreeSlot
//!       │
//!   AddFinalizer    before anything exists in IAM
//!       │
//!   BeginOperation  status.operation {epoch+1, baseline}, by compare-and-swap  ◄───────────────────┐
//!       │           then ReadClaims again                                                          │
//!   Preflight       the Secret's write as a dry run      refused ─► report, try again later        │
//!       │                                                                                          │
//!   Create          sent once                            outcome unknown, crash, held too long ────┤ take over:
//!       │           the password is in hand                                                        │ epoch+1, the
//!   Publish         one write, fenced by the             somebody else wrote: read again ──────────┘ rest is an
//!       │           resourceVersion that was read                                                    orphan
//!   Complete        status.credential, by compare-and-swap; the replaced one is `retiring`
//!       │
//!   Wait ──────────► overlap is over: Deactivate, RecordInactive (with `inactiveFor`), DeleteCredential, ForgetRetiring
//! ```
//!
//! An operation that this process did not begin is never continued, it is taken over. The former owner may still hold a
//! password and may still publish it, so before its credential is deleted the Secret must carry the new epoch
//! ([`Step::FenceSecret`]): a write that was prepared before then has an old resourceVersion and loses, and one that is
//! prepared after sees the epoch. A Secret that does not exist can carry nothing; there everybody waits until every holder
//! has given up. Whoever was taken over from does not take over in turn before the hold time is over: of several that wake
//! together, one comes through.
//!
//! A late call may land after its operation is over. `status.unresolved` keeps the window open for twice the settle time,
//! and only ids that appeared inside it are removed.
//!
//! Status is a memory and not a right: whoever can write it must not gain by it. Nothing is adopted on its word; nothing that
//! IAM created before the resource existed is taken for ours; nothing is deleted that a resource with the better right to
//! the user calls its own; and IAM itself refuses an id of another user.
//!
//! # Where to read
//!
//! [`grant`] says who may ask and [`claim`] who of them gets the user; [`decide`] holds the order of the questions;
//! `operation` brings an open operation to an end, `in_place` one that resets a password; `idle` says whether a new one is
//! needed; `moving` follows a Secret's new name; `removal` cleans up; `ownership` says whose an id is. The facts are in
//! `facts`, what status keeps of them in `recorded`, and what this process alone remembers in `memory`.

mod backoff;
mod claim;
mod decide;
mod facts;
mod grant;
mod idle;
mod in_place;
mod memory;
mod moving;
mod names;
mod operation;
mod ownership;
mod recorded;
mod removal;
mod rotation;
mod step;
mod verdict;

pub use backoff::{Class, after as failed};
pub use claim::{Contender, claim};
pub use decide::{decide, whole_second};
pub use facts::*;
pub use grant::{GRANT_ANNOTATION, grant};
pub use memory::*;
pub use names::{CredentialId, Epoch, IamUserName, InvalidName, SecretName, ServiceUserName};
pub use ownership::CLOCK_SKEW;
pub use recorded::*;
pub use rotation::{due, shortest_interval};
pub use step::{Completion, Disposal, Settlement, Step};
pub use verdict::{Reason, State, Verdict};
