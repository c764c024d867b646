//! The Secret: what is written can be read, and what was not written by us is not believed.

mod malformed;
mod render_and_read;
