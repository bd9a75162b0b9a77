//! The two places that have pages: the console for operators, and the portal for the people of one account. Neither accepts a session, link or cookie of the other.

use crate::app::App;
use crate::store::SessionKind;

/// How long a portal's session lasts, used or not, in seconds.
const PORTAL_LASTS: u64 = 3_600;
const PORTAL_IDLE: u64 = 30 * 60;

/// A place that has pages.
pub(crate) struct Place {
    pub(crate) kind: SessionKind,
    /// The name of its cookie. By its prefix browsers take it from this host only, over https, for all paths.
    pub(crate) cookie: &'static str,
    /// `SameSite` of the cookie. A link to a key in a portal comes from mails and terminals; each change is a POST that is checked in two other ways.
    pub(crate) same_site: &'static str,
    pub(crate) root: &'static str,
    pub(crate) home: &'static str,
    pub(crate) enter: &'static str,
    pub(crate) peek: &'static str,
    pub(crate) leave: &'static str,
}

pub(crate) static CONSOLE: Place = Place {
    kind: SessionKind::Console,
    cookie: "__Host-keyward_console",
    same_site: "Strict",
    root: "/console",
    home: "/console/keys",
    enter: "/console/enter",
    peek: "/console/peek",
    leave: "/console/leave",
};

pub(crate) static PORTAL: Place = Place {
    kind: SessionKind::Portal,
    cookie: "__Host-keyward_portal",
    same_site: "Lax",
    root: "/portal",
    home: "/portal/keys",
    enter: "/portal/enter",
    peek: "/portal/peek",
    leave: "/portal/leave",
};

impl Place {
    /// The place of a path.
    pub(crate) fn of(path: &str) -> &'static Self {
        let is_portal = path == PORTAL.root || path.starts_with("/portal/");
        if is_portal { &PORTAL } else { &CONSOLE }
    }

    /// How long a session lasts without a request.
    pub(crate) fn idle(&self, app: &App) -> u64 {
        match self.kind {
            SessionKind::Console => app.console.idle(),
            SessionKind::Portal => PORTAL_IDLE,
        }
    }

    /// How long a session lasts.
    pub(crate) fn lifetime(&self, app: &App) -> u64 {
        match self.kind {
            SessionKind::Console => app.console.lifetime(),
            SessionKind::Portal => PORTAL_LASTS,
        }
    }
}
