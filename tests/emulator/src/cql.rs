//! The CQL endpoint: what Amazon Keyspaces answers until a driver considers itself connected.

mod frame;
mod query;
mod session;
mod tables;

pub(crate) use session::session;
pub(crate) use tables::Node;
