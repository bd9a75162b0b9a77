//! Sessions of people: who a person is, what they may do, and for how long. The maker of a link names the person; the link works once, and opens a session that lasts for hours at most.
//! A console's session has a role; a portal's is to have an account and a policy instead, and is otherwise the same.

mod actor;
mod last_seen;
mod role;
mod signed_in;
mod token;

pub(crate) use actor::{Person, WrongPerson};
pub(crate) use last_seen::LastSeen;
pub(crate) use role::Role;
pub(crate) use signed_in::Session;
pub(crate) use token::{Cookie, FormToken, Token};
