//! The page where a portal begins: its list, a new key, or the page of a key, on which a missing permission is highlighted.

use keyward::management::is_id;
use maud::{Markup, html};

use super::form::Form;
use super::place::Place;
use crate::http::query::{Pairs, decoded};
use crate::store::SessionKind;

/// A page to begin at. Anyone can write the links that it is read from, so it is a page of the portal or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    Keys,
    Create,
    Key { id: String, ask: Option<String> },
}

impl Begin {
    /// From the query of a link.
    pub(super) fn of_query(query: Option<&str>) -> Self {
        let mut pairs = Pairs::new();
        for pair in query.unwrap_or_default().split('&') {
            if let Some((name, value)) = pair.split_once('=')
                && let Some(value) = decoded(value)
            {
                pairs.insert(name.to_owned(), value);
            }
        }
        Self::of(&|name| pairs.get(name).cloned().unwrap_or_default())
    }

    /// From the form that uses a link.
    pub(super) fn of_form(form: &Form) -> Self {
        Self::of(&|name| form.text(name).to_owned())
    }

    /// From the page that a person requested without being signed in.
    pub(super) fn of_path(path: &str, query: Option<&str>) -> Option<Self> {
        let rest = path.strip_prefix("/portal/keys/")?;
        let id = rest
            .split('/')
            .next()
            .filter(|id| is_id(id) && *id != "new")?;
        let ask = match Self::of_query(query.map(|query| format!("key={id}&{query}")).as_deref()) {
            Self::Key { ask, .. } => ask,
            Self::Keys | Self::Create => None,
        };
        Some(Self::Key {
            id: id.to_owned(),
            ask,
        })
    }

    fn of(member: &dyn Fn(&str) -> String) -> Self {
        let id = member("key");
        if is_id(&id) {
            let ask = Some(member("ask")).filter(|ask| is_id(ask));
            Self::Key { id, ask }
        } else if member("begin") == "create" {
            Self::Create
        } else {
            Self::Keys
        }
    }

    /// For the form that uses the link.
    pub(super) fn hidden(&self) -> Markup {
        html! {
            @match self {
                Self::Keys => {},
                Self::Create => input type="hidden" name="begin" value="create";,
                Self::Key { id, ask } => {
                    input type="hidden" name="key" value=(id);
                    @if let Some(ask) = ask { input type="hidden" name="ask" value=(ask); }
                },
            }
        }
    }

    /// The page. The console begins with its list.
    pub(super) fn page(&self, place: &Place) -> String {
        let home = place.home;
        match (place.kind, self) {
            (SessionKind::Console, _) | (SessionKind::Portal, Self::Keys) => home.to_owned(),
            (SessionKind::Portal, Self::Create) => format!("{home}/new"),
            (SessionKind::Portal, Self::Key { id, ask: None }) => format!("{home}/{id}"),
            (SessionKind::Portal, Self::Key { id, ask: Some(ask) }) => {
                format!("{home}/{id}?ask={ask}")
            }
        }
    }

    /// The address of the application that opens the portal, with parameters. The application repeats these when it makes a link.
    pub(super) fn told(&self, url: &str) -> String {
        let join = if url.contains('?') { '&' } else { '?' };
        match self {
            Self::Keys => url.to_owned(),
            Self::Create => format!("{url}{join}begin=create"),
            Self::Key { id, ask: None } => format!("{url}{join}key={id}"),
            Self::Key { id, ask: Some(ask) } => format!("{url}{join}key={id}&ask={ask}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::place::{CONSOLE, PORTAL};

    #[test]
    fn a_link_begins_on_a_page_of_the_portal_and_nowhere_else() {
        for (query, page) in [
            ("", "/portal/keys"),
            ("begin=create", "/portal/keys/new"),
            ("key=mk_1", "/portal/keys/mk_1"),
            (
                "key=mk_1&ask=charge_write",
                "/portal/keys/mk_1?ask=charge_write",
            ),
            ("key=mk_1&ask=%22%3E", "/portal/keys/mk_1"),
            ("key=..%2f..%2fconsole", "/portal/keys"),
            ("key=https://evil.example", "/portal/keys"),
            ("begin=https://evil.example", "/portal/keys"),
        ] {
            assert_eq!(Begin::of_query(Some(query)).page(&PORTAL), page, "{query}");
            assert_eq!(Begin::of_query(Some(query)).page(&CONSOLE), "/console/keys");
        }
    }

    #[test]
    fn a_page_of_a_key_is_begun_at_after_signing_in() {
        let of = |path, query| {
            Begin::of_path(path, query).map(|begin| begin.told("https://a.example/k?x=1"))
        };
        assert_eq!(
            of("/portal/keys/mk_1", Some("ask=charge_write")).as_deref(),
            Some("https://a.example/k?x=1&key=mk_1&ask=charge_write")
        );
        assert_eq!(
            of("/portal/keys/mk_1/rotate", None).as_deref(),
            Some("https://a.example/k?x=1&key=mk_1")
        );
        assert_eq!(of("/portal/keys", None), None);
        assert_eq!(of("/portal/keys/new", None), None);
    }
}
