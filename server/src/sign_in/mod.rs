//! Signing in: a link from its creation to its use, the session of a cookie, and the end of the
//! session.

mod found;
mod holds;
mod open;

pub(crate) use found::{Found, find};
pub(crate) use holds::holds;
pub(crate) use open::{
    LINK_BOUNDS, LINK_LASTS, Link, Made, NotOpened, Purpose, end, leave, new_link, open, peek,
};
