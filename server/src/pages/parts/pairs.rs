//! Names and their meanings.

use maud::{Markup, html};

/// A list of definitions, one above the other.
pub(crate) fn pairs(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.pairs { (inside(rows)) } }
}

/// The same, with the names on the left if there is room.
pub(crate) fn wide(rows: &[(&str, Markup)]) -> Markup {
    html! { dl.pairs.wide { (inside(rows)) } }
}

fn inside(rows: &[(&str, Markup)]) -> Markup {
    html! { @for (name, value) in rows { dt { (name) } dd { (value) } } }
}
