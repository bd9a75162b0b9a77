//! The value of a key, shown once. The document contains it once.

use maud::{Markup, html};

/// A field with a value, and a button that copies it. `value` goes into the document unchanged: this is the answer's one use of it.
pub(crate) fn field(label: &str, value: &str) -> Markup {
    html! {
        div.field {
            label for="value" { (label) }
            div.value {
                input id="value" type="text" readonly spellcheck="false" autocomplete="off" data-value data-guard value=(value);
                button.button.main.js-only type="button" data-copy { span { "Copy" } }
            }
            p.hint.plain { "Select the field and copy it." }
        }
    }
}

/// A command to paste into a terminal, and a button that copies it.
pub(crate) fn command(text: &str) -> Markup {
    html! {
        div.value {
            pre { code data-text { (text) } }
            button.button.js-only type="button" data-copy { span { "Copy" } span.unseen { " the command" } }
        }
    }
}
