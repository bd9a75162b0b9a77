//! Sessions of people: who a person is, what they may do, and for how long. The maker of a link
//! names the person. The link works once, and opens a session that lasts for hours at most. A
//! console's session has a role. A portal's session has an account instead, which that account's
//! policy limits.

mod actor;
mod feature;
mod last_seen;
mod role;
mod signed_in;
mod token;

pub(crate) use actor::{Person, WrongPerson};
pub(crate) use feature::Feature;
pub(crate) use last_seen::LastSeen;
pub(crate) use role::Role;
pub(crate) use signed_in::{Reach, Session, Tenant};
pub(crate) use token::{Cookie, FormToken, Token};
