//! Messages: what happened, what is wrong, and what to do where a list is empty.

use maud::{Markup, html};

use super::{Text, Tone};
use crate::http::failure::Failure;

/// A note in the flow of a page.
pub(crate) fn note(tone: Tone, body: Markup) -> Markup {
    html! { div class={"note " (tone.class())} role=[role(tone)] { (body) } }
}

/// A note with a title.
pub(crate) fn titled(tone: Tone, title: &str, body: Markup) -> Markup {
    note(tone, html! { h2 { (Text(title)) } (body) })
}

/// Why the server did not do something.
pub(crate) fn failure(failure: &Failure) -> Markup {
    note(Tone::Bad, html! { p { (Text(failure.message())) } })
}

/// For an empty list: why, and the first step.
pub(crate) fn empty(title: &str, body: Markup, actions: Markup) -> Markup {
    html! {
        div.empty {
            h2 { (title) }
            p { (body) }
            div.row { (actions) }
        }
    }
}

/// Screen readers announce errors at once.
fn role(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Bad => Some("alert"),
        Tone::Info | Tone::Good | Tone::Warn => None,
    }
}
