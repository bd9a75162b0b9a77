//! Fields of forms: a label, the control, what is expected, and what is wrong with what was sent.

use maud::{Markup, html};

use super::{Lines, Text};

/// A field. `name` is also its id.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) label: &'a str,
    pub(crate) value: &'a str,
    /// What is expected, if the label does not say it.
    pub(crate) hint: Option<&'a str>,
    /// What is wrong with the value.
    pub(crate) error: Option<&'a str>,
    pub(crate) is_required: bool,
}

impl Field<'_> {
    fn hint_id(&self) -> String {
        format!("{}-hint", self.name)
    }

    fn error_id(&self) -> String {
        format!("{}-error", self.name)
    }

    /// The text that screen readers read with the control.
    fn described_by(&self) -> Option<String> {
        match (self.hint, self.error) {
            (None, None) => None,
            (Some(_), None) => Some(self.hint_id()),
            (None, Some(_)) => Some(self.error_id()),
            (Some(_), Some(_)) => Some(format!("{} {}", self.error_id(), self.hint_id())),
        }
    }

    fn around(&self, control: &Markup) -> Markup {
        html! {
            div.field {
                label for=(self.name) { (self.label) }
                (control)
                (self.below())
            }
        }
    }

    fn below(&self) -> Markup {
        html! {
            @if let Some(error) = self.error { p.error id=(self.error_id()) { (Lines(error)) } }
            @if let Some(hint) = self.hint { p.hint id=(self.hint_id()) { (hint) } }
        }
    }

    fn is_wrong(&self) -> Option<&'static str> {
        self.error.map(|_| "true")
    }
}

/// One line of text.
pub(crate) fn text(field: &Field<'_>) -> Markup {
    line(field, "text", false)
}

/// One line of a kind that browsers know: `date`, `number`, `password`.
pub(crate) fn of_type(field: &Field<'_>, kind: &str) -> Markup {
    line(field, kind, false)
}

/// One line of code: an id, a digest, an address.
pub(crate) fn code(field: &Field<'_>) -> Markup {
    line(field, "text", true)
}

fn line(field: &Field<'_>, kind: &str, is_code: bool) -> Markup {
    field.around(&html! {
        input id=(field.name) name=(field.name) type=(kind) value=(field.value) class=[is_code.then_some("mono")]
            required[field.is_required] autocomplete="off" spellcheck=[is_code.then_some("false")]
            aria-invalid=[field.is_wrong()] aria-describedby=[field.described_by()];
    })
}

/// Several lines of text.
pub(crate) fn area(field: &Field<'_>, rows: u8, is_code: bool) -> Markup {
    field.around(&html! {
        textarea id=(field.name) name=(field.name) rows=(rows) class=[is_code.then_some("mono")] required[field.is_required]
            autocomplete="off" spellcheck=[is_code.then_some("false")]
            aria-invalid=[field.is_wrong()] aria-describedby=[field.described_by()] {
            // The first line end after the tag is not part of the value.
            "\n" (field.value)
        }
    })
}

/// One of several, folded.
pub(crate) fn select(field: &Field<'_>, options: &[(&str, &str)]) -> Markup {
    field.around(&html! {
        select id=(field.name) name=(field.name) required[field.is_required]
            aria-invalid=[field.is_wrong()] aria-describedby=[field.described_by()] {
            @for (value, label) in options {
                option value=(value) selected[*value == field.value] { (Text(label)) }
            }
        }
    })
}

/// One of several, all in sight: a value, its label, and what it means.
pub(crate) fn radios(field: &Field<'_>, options: &[(&str, &str)], is_column: bool) -> Markup {
    html! {
        fieldset.field aria-describedby=[field.described_by()] {
            legend { (field.label) }
            div class={"choices" (if is_column { " down" } else { "" })} {
                @for (value, label) in options {
                    label.choice {
                        input type="radio" name=(field.name) value=(value) checked[*value == field.value] required[field.is_required];
                        span { (Text(label)) }
                    }
                }
            }
            (field.below())
        }
    }
}

/// Yes or no.
pub(crate) fn check(name: &str, label: &str, is_on: bool) -> Markup {
    html! {
        label.choice { input type="checkbox" name=(name) value="yes" checked[is_on]; span { (label) } }
    }
}

/// The search of a list: a separate form, sent by GET. `kept` stays as it is.
pub(crate) fn search(
    action: &str,
    name: &str,
    label: &str,
    value: &str,
    kept: &[(&str, &str)],
) -> Markup {
    html! {
        form.search role="search" method="get" action=(action) {
            input type="search" name=(name) value=(value) placeholder=(label) aria-label=(label) data-slash autocomplete="off" spellcheck="false";
            @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
            button.button type="submit" { "Search" }
        }
    }
}
