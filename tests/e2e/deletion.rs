//! A deletion at the worst moment: what is ours goes, or with `Retain` what works stays, and nothing of anybody else.

mod moment;
mod outside;
