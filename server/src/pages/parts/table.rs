//! Tables, which become lists of cards on a phone, and the links from page to page.

use maud::{Markup, html};

/// A column's name, and how wide it may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    name: &'static str,
    is_narrow: bool,
    is_action: bool,
}

impl Column {
    /// A column of text.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            is_narrow: false,
            is_action: false,
        }
    }

    /// One that is only as wide as its content.
    pub(crate) const fn narrow(name: &'static str) -> Self {
        Self {
            is_narrow: true,
            ..Self::new(name)
        }
    }

    /// The actions on a row; screen readers read its name, which is invisible.
    pub(crate) const fn actions() -> Self {
        Self {
            is_narrow: true,
            is_action: true,
            ..Self::new("Actions")
        }
    }

    fn class(self) -> Option<&'static str> {
        match (self.is_action, self.is_narrow) {
            (true, _) => Some("narrow-col act"),
            (false, true) => Some("narrow-col"),
            (false, false) => None,
        }
    }
}

/// A table. The first cell of a row names it. Roles are written out: a table that is laid out as cards would lose them.
pub(crate) fn table(caption: &str, columns: &[Column], rows: &[Vec<Markup>]) -> Markup {
    html! {
        table role="table" {
            caption.unseen { (super::Text(caption)) }
            thead role="rowgroup" {
                tr role="row" {
                    @for column in columns {
                        th role="columnheader" scope="col" {
                            @if column.is_action { span.unseen { (column.name) } } @else { (column.name) }
                        }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in rows {
                    tr role="row" {
                        @for (index, (cell, column)) in row.iter().zip(columns).enumerate() {
                            @if index == 0 {
                                th role="rowheader" scope="row" { (cell) }
                            } @else {
                                td role="cell" class=[column.class()] data-label=(column.name) { (cell) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Newer, what is shown, older. A list of one page has only what is shown.
pub(crate) fn pager(newer: Option<&str>, shown: &str, older: Option<&str>) -> Markup {
    html! {
        nav.pager aria-label="Pages" {
            span.num { (shown) }
            @if newer.is_some() || older.is_some() {
                span.row { (step(newer, "‹ Newer")) (step(older, "Older ›")) }
            }
        }
    }
}

fn step(href: Option<&str>, label: &str) -> Markup {
    html! {
        @match href {
            Some(href) => a.button href=(href) { (label) },
            None => span.button aria-disabled="true" { (label) },
        }
    }
}
