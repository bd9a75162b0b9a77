//! A row of the list: its columns, and what they say of a key.

use maud::{Markup, html};

use crate::pages::entries::entries;
use crate::pages::objects::Key;
use crate::pages::parts::actions::menu;
use crate::pages::parts::table::Column;
use crate::pages::parts::{Parts, Text, Tone, mark, state_badge, time};
use crate::pages::visit::Visit;

/// Within how many days an end counts as soon.
pub(super) const NEAR: u64 = 14 * 86_400;

/// Where a column appears.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Everywhere,
    Console,
    Portal,
    /// Where there are keys of several accounts.
    Tree,
    /// Where logs say when keys were used.
    Used,
}

/// Whose list it is, and what is known.
#[derive(Clone, Copy)]
pub(super) struct In {
    pub(super) is_portal: bool,
    pub(super) is_tree: bool,
    pub(super) has_uses: bool,
}

impl Shown {
    pub(super) fn is_shown(self, list: In) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Console => !list.is_portal,
            Self::Portal => list.is_portal,
            Self::Tree => list.is_tree,
            Self::Used => list.has_uses,
        }
    }
}

pub(super) const COLUMNS: [(Column, Shown); 9] = [
    (Column::new("Name"), Shown::Everywhere),
    (Column::narrow("Kind"), Shown::Console),
    (Column::narrow("Mode"), Shown::Portal),
    (Column::new("Account"), Shown::Tree),
    (Column::new("May"), Shown::Everywhere),
    (Column::narrow("Last used"), Shown::Used),
    (Column::narrow("Ends"), Shown::Everywhere),
    (Column::narrow("State"), Shown::Everywhere),
    (Column::actions(), Shown::Everywhere),
];

pub(super) fn row(visit: &Visit, key: &Key, of_account: &dyn Fn(&str) -> String) -> Vec<Markup> {
    let href = visit.key_home(&key.id);
    let owner = &key.keyward.owner;
    vec![
        html! {
            a href=(href) { (Text(key.title())) }
            div { code.soft { (Text(key.redacted())) } }
            @if let Some(file) = key.file() {
                div.small.soft { @if visit.is_portal() { "kept by " (Text(visit.provider())) } @else { "from " (Text(file)) " · read only" } }
            }
        },
        html! { (key.keyward.kind) div.small.soft { (key.mode()) } },
        html! { (key.mode()) },
        html! { a.wrap href=(of_account(owner)) { (Text(owner)) } },
        may(key),
        html! {
            @match key.last_used.as_deref() {
                Some(at) => (time(at, visit.now)),
                None => span.soft { "not seen" },
            }
        },
        ends(key, visit.now),
        state(key),
        html! { @if key.is_in_use() { (menu(key.title(), &entries(visit, key))) } },
    ]
}

/// The permissions of a key, in a few words.
pub(in crate::pages) fn may(key: &Key) -> Markup {
    let held = key.permissions.as_deref();
    html! {
        @match (&key.keyward.grant_set, held) {
            (Some(set), _) => { (Text(set)) span.soft { " (set)" } }
            (None, None) => "everything",
            (None, Some([])) => span.soft { "nothing" },
            (None, Some([only])) => (Parts(only)),
            (None, Some([first, second])) => { (Parts(first)) ", " (Parts(second)) }
            (None, Some([first, rest @ ..])) => { (Parts(first)) span.soft { ", " (rest.len()) " more" } }
        }
    }
}

/// When a key ends, and whether that is soon.
pub(in crate::pages) fn ends(key: &Key, now: u64) -> Markup {
    let Some(written) = key.expires_at.as_deref() else {
        return html! { span.soft { "never" } };
    };
    let is_near =
        crate::time::read(written).is_some_and(|end| end > now && end.saturating_sub(now) < NEAR);
    html! {
        (time(written, now))
        @if is_near && key.is_in_use() { " " (mark(Tone::Warn, "soon")) }
    }
}

/// A key's state, and the other facts that people need at once.
pub(in crate::pages) fn state(key: &Key) -> Markup {
    let is_replaced = key.keyward.replaced_by.is_some() && key.is_in_use();
    html! {
        (state_badge(if is_replaced { "replaced" } else { &key.keyward.state }))
        @if key.keyward.enforcement == "shadow" { " " (mark(Tone::Warn, "shadow")) }
    }
}
