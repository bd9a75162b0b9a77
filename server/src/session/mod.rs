//! Sessions of people. The maker of a link says who a person is; the link is used once, and opens a session that lasts for hours at most.
//! A console's session has a role; a portal's is to have an account and a policy instead, and is otherwise the same.

mod actor;
mod found;
mod open;
mod role;
mod settings;
mod token;

pub(crate) use actor::Person;
pub(crate) use found::{Found, LastSeen, Session, find};
pub(crate) use open::{LINK_BOUNDS, LINK_LASTS, Link, Made, NotOpened, end, new_link, open, peek};
pub(crate) use role::{Role, may};
pub use settings::Console;
pub(crate) use token::{Cookie, Token};
