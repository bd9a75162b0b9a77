//! Buttons, and links that look like them. All have the same height.

use maud::{Markup, html};

/// How prominent a button is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// The main action of a page.
    Main,
    Usual,
    /// An action that cannot be undone.
    Danger,
    /// As quiet as a link.
    Quiet,
}

impl Weight {
    fn class(self) -> &'static str {
        match self {
            Self::Main => "button main",
            Self::Usual => "button",
            Self::Danger => "button danger",
            Self::Quiet => "button plain-link",
        }
    }
}

/// A button that sends its form.
pub(crate) fn submit(weight: Weight, label: &str) -> Markup {
    html! { button type="submit" class=(weight.class()) { (label) } }
}

/// The same with a value, where a form can be sent in several ways.
pub(crate) fn submit_as(weight: Weight, name: &str, value: &str, label: &str) -> Markup {
    html! { button type="submit" class=(weight.class()) name=(name) value=(value) { (label) } }
}

/// A link that looks like a button.
pub(crate) fn link(weight: Weight, href: &str, label: &str) -> Markup {
    html! { a class=(weight.class()) href=(href) { (label) } }
}

/// A form that is sent by POST. `hidden` holds the session's token.
pub(crate) fn form(action: &str, hidden: &Markup, body: &Markup) -> Markup {
    html! { form.stack method="post" action=(action) { (hidden) (body) } }
}

/// A form that is one button.
pub(crate) fn button_form(action: &str, hidden: &Markup, weight: Weight, label: &str) -> Markup {
    html! { form method="post" action=(action) { (hidden) (submit(weight, label)) } }
}

/// An action on a row: its name, and its address.
pub(crate) fn menu(of: &str, entries: &[(&str, String)]) -> Markup {
    html! {
        details.menu {
            summary aria-label={"More for " (super::Text(of))} { "⋯" }
            ul { @for (label, href) in entries { li { a href=(href) { (label) } } } }
        }
    }
}

/// A filter that is on or off; `href` toggles it.
pub(crate) fn chip(label: &str, href: &str, is_on: bool) -> Markup {
    html! {
        @if is_on {
            a.chip.on href=(href) { (super::Text(label)) span aria-hidden="true" { "×" } span.unseen { " (remove this filter)" } }
        } @else {
            a.chip href=(href) { span aria-hidden="true" { "+" } (super::Text(label)) }
        }
    }
}
