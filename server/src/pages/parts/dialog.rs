//! A question in front of the page. It is opened by a script; without one, the link that opens it goes to a page that asks.

use maud::{Markup, html};

/// A dialog, closed. `body` is a form with what to answer.
pub(crate) fn dialog(id: &str, title: &str, body: &Markup) -> Markup {
    let heading = format!("{id}-title");
    html! {
        dialog id=(id) aria-labelledby=(heading) {
            div.stack {
                h2 id=(heading) { (super::Text(title)) }
                (body)
            }
        }
    }
}

/// The button that leaves a dialog as it was.
pub(crate) fn close(label: &str) -> Markup {
    html! { button.button type="button" data-close { (label) } }
}
