//! The Secret: the operator reads what it has written, and does not believe what somebody else has written.

mod malformed;
mod render_and_read;
