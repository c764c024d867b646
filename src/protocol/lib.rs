//! The functional core: what to do next for one `KeyspacesCredential`.
//!
//! [`decide`] is a pure function of facts ([`Observed`]) and a given time. It knows no Kubernetes client, no AWS, no
//! runtime and no clock; this crate's manifest and its `clippy.toml` are the proof. The shell reads the resource, asks,
//! performs the one [`Step`] that it is told, takes its outcome in ([`Observed::after`]), and asks again.
//!
//! # The protocol
//!
//! IAM shows a password once, and Create takes no token that would make a repetition harmless. So "exactly once" cannot
//! be had. What can be had: a password that was published is not destroyed before its replacement is published, and
//! whatever an attempt left behind in IAM is found and deleted.
//!
//! ```text
//!   ReadGrant        may the namespace ask for the user?   not granted ───────────► Wait: IamUserNotGranted
//!       │
//!   ReadClaims       who else asks for this IAM user?      older resource ────────► Wait: IamUserInUse
//!       │
//!   ReadSecret       whose is the Secret?                  not ours ──────────────► Wait: SecretConflict
//!       │
//!   ListCredentials  the baseline                          no slot is free ──────► Wait: NoFreeSlot
//!       │
//!   AddFinalizer     before anything exists in IAM
//!       │
//!   Record(Begin)    the intent {epoch, baseline}, by compare-and-swap  ◄──────────────────────────┐
//!       │            then ReadClaims again                                                         │
//!   DryRun           the Secret's write as a dry run       refused ─► report, try again later      │
//!       │                                                                                          │
//!   Create           sent once                             outcome unknown, crash, held too long ──┤ Record(TakeOver):
//!       │            the password is in hand                                                       │ epoch + 1, the
//!   Publish          one write, fenced by the              somebody else fenced it ────────────────┘ rest is a
//!       │            resourceVersion that was read                                                   leftover
//!   Record(Accept)   the Secret's credential is current; the replaced one is retiring
//!       │
//!   Wait ──────────► the overlap is over: Deactivate, Record(MarkInactive) (with `inactiveFor`), DeleteCredential,
//!                    Record(ForgetRetiring)
//! ```
//!
//! # The rules
//!
//! Rules, tests and the model cite them by these numbers.
//!
//! 1. **Read before a decision.** A pass begins with a quorum read of the resource and its Secret, never from a watch
//!    cache. An error is not an absence.
//! 2. **One resource per IAM user.** The namespace must be granted the user ([`grant()`]), and of the resources that
//!    are granted it the oldest has it ([`claim()`]). The claims are read again after the intent is recorded: of two
//!    that race, one sees the other.
//! 3. **Intent first.** Before any Create or Reset the operation is recorded, with its epoch and the ids that List
//!    showed.
//! 4. **Never continue an attempt of unknown outcome.** A process takes such an attempt over under a higher epoch, and
//!    so it does with its own when it gives a password up. The process that was taken over from does not take over in
//!    turn before the hold time is over.
//! 5. **Dry run.** The write of the Secret is tried as a dry run before Create or Reset, and before a retiring or
//!    foreign credential is deleted for its slot.
//! 6. **Create at most once per attempt.** No client repeats it. What is not a definite refusal is an unknown outcome.
//! 7. **Publish with a fence.** The Secret is written once and whole, with the resourceVersion that was read and the
//!    attempt's epoch. A writer of a lower epoch has lost. A Secret that is not ours is never written.
//! 8. **Accept what is published.** The Secret's credential becomes current if an attempt of the open operation
//!    published it. With no operation open, the retiring credential becomes current again if somebody put its Secret
//!    back and it works. The record says so before a slot is freed.
//! 9. **Leftovers are deleted, never adopted.** An id is a leftover only inside a window: not in its baseline, and
//!    created between its beginning and its end. Every other unknown id is foreign.
//! 10. **Fence before a deletion.** No credential is deleted while a process could still publish it. Either the Secret
//!     carries a higher fence, or there is no Secret and twice the hold time has passed since the takeover. A process
//!     gives a password up after half of the hold time.
//! 11. **Order of destruction.** Leftovers are deleted first, then the retiring credential, then a foreign one if the
//!     owner allows it. The current one is deleted only with its resource.
//! 12. **Belief takes time.** List may be late, and so may a call. That a credential is gone, stays or is still
//!     Inactive is believed only after the consistency window.
//! 13. **Deletion.** A resource keeps its finalizer until IAM is as its policy says. Any crash repeats the same steps.
//! 14. **Reset** keeps id and user name and weakens the promise: the old password is dead before the new one is
//!     published. A reset whose reply was lost may take effect later, so one more reset follows after the consistency
//!     window.
//! 15. **Clocks lie.** A recorded time that lies further ahead than the operator ever sets it is not waited for
//!     ([`is_believable`]).
//! 16. **No storm.** After a failure the next try waits, longer each time, and the wait is recorded ([`failed`]).
//! 17. **The right account.** Not implemented: the account is not recorded.
//! 18. **Leader election saves work.** Safety does not rest on it, so no rule here knows of it.
//!
//! Status is a memory and not a right: whoever can write it must not gain by it. Nothing is adopted on its word, and
//! nothing that IAM created before the resource existed is taken for ours. But the retiring id, and on deletion the
//! current one, are deleted on its word; IAM refuses an id of another user.
//!
//! # What decides …
//!
//! * … when the reply of a Create is lost: `after` forgets the attempt. The next pass meets `take_over_or_wait`, then
//!   `delete_those_in_the_way` if both slots are taken, else `close_the_window` once the operation is over. Only an
//!   operation that was taken over leaves leftovers.
//! * … when the Secret is deleted in an overlap: `recover_or_rotate`, then `free_a_slot`.
//! * … that an id may be deleted in IAM: every [`Step::DeleteCredential`] in `rules`, each with its [`Disposal`];
//!   `record/ownership.rs` says whose an id is. And `discard` in the shell's `pass.rs`, for a password in hand whose
//!   resource is gone.
//! * … what becomes of a password in hand: `publish_or_give_up`, `delete_what_cannot_be_published`, and on deletion
//!   `take_over_what_may_create` and `delete_what_is_ours`.
//!
//! # Where to read
//!
//! `decide` is the page: the rules in order. `rules` holds each rule with its hazard, `record` what the record becomes,
//! `rights` which resource may have the user, `answer` the steps and all words for the user, `facts` what is known.
//! `after` says how an outcome changes the facts. Imports run in that direction only: decide → rules → record → answer
//! → facts.
//!
//! # Words
//!
//! * **credential**: id, service user name, password. The **current** one is in the Secret; the **retiring** one was
//!   replaced and works for its overlap; a **leftover** was created by an attempt of ours and never accepted; a
//!   **foreign** one is neither known nor a leftover.
//! * **operation**: the recorded intent to replace the credential. An **attempt** is one try, numbered by its
//!   **epoch**.
//! * **rotation** replaces what works, **recovery** what was lost.
//! * **window**: the ids and times within which a credential of unknown origin is a leftover.
//! * **publish**: write the Secret. **accept**: record that the published credential is current.
//! * **fence**: the highest epoch on a Secret.
//! * **hold time**: how long a password that cannot be published is held. **consistency window**: how long IAM may take
//!   to show what was done.

mod after;
mod answer;
mod decide;
mod facts;
mod record;
mod rights;
mod rules;

pub use answer::*;
pub use decide::decide;
pub use facts::*;
pub use record::{due, shortest_interval};
pub use rights::{Contender, GRANT_ANNOTATION, claim, grant};
