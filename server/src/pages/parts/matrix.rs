//! The choice of permissions: None, Read or Write for each, in their categories.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use keyward::permission::AccessLevel;
use keyward::word::Word as _;
use maud::{Markup, html};
use serde::Deserialize;

use super::Text;

/// A permission, as `GET /v2/keyward/permissions` gives it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Permission {
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) example: Option<String>,
    pub(crate) levels: Vec<String>,
    pub(crate) implies: Vec<String>,
    pub(crate) manages_keys: bool,
}

impl Permission {
    /// Its name for people.
    pub(crate) fn title(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.name)
    }

    pub(crate) fn has(&self, level: AccessLevel) -> bool {
        self.levels.iter().any(|name| name == level.name())
    }

    fn group(&self) -> &str {
        self.category.as_deref().unwrap_or(OWN)
    }
}

/// What was chosen, by permission; what is not there is None.
pub(crate) type Chosen = BTreeMap<String, AccessLevel>;

/// The category of permissions without one: those of custom endpoints.
const OWN: &str = "Your own endpoints";

/// A matrix. `prefix` keeps two of them in one form apart.
pub(crate) struct Matrix<'a> {
    pub(crate) permissions: &'a [Permission],
    pub(crate) chosen: &'a Chosen,
    /// What holds now, where the form changes it.
    pub(crate) was: Option<&'a Chosen>,
    pub(crate) prefix: &'a str,
}

impl Matrix<'_> {
    pub(crate) fn render(&self) -> Markup {
        let titles: BTreeMap<&str, &str> = self
            .permissions
            .iter()
            .map(|one| (one.name.as_str(), one.title()))
            .collect();
        html! {
            div data-matrix=(self.prefix) {
                @if self.permissions.len() > SHORT { div.row.pad.js-only {
                    input type="search" data-filters=(self.prefix) data-slash aria-label="Find a permission" placeholder="Find a permission ( / )" autocomplete="off" spellcheck="false";
                    span.small.soft data-found=(self.prefix) role="status" {}
                } }
                @for (name, rows) in groups(self.permissions) { (self.group(name, &rows, &titles)) }
            }
        }
    }

    fn group(&self, name: &str, rows: &[&Permission], titles: &BTreeMap<&str, &str>) -> Markup {
        let granted = rows
            .iter()
            .filter(|one| self.chosen.contains_key(&one.name))
            .count();
        let field = format!("{}g.{name}", self.prefix);
        html! {
            details.group open[granted > 0 || name == "Core" || self.permissions.len() <= SHORT] {
                summary { (Text(heading(name))) span.num data-count { (granted) " of " (rows.len()) } }
                fieldset.permission.every {
                    legend { "All of " (Text(heading(name))) }
                    @for (value, label) in [("keep", "As below"), ("none", "None"), ("read", "Read"), ("write", "Write")] {
                        label.level.plain { input type="radio" name=(field) value=(value) checked[value == "keep"]; (label) }
                    }
                    @for (value, label) in [("none", "None"), ("read", "Read"), ("write", "Write")] {
                        button.button.js-only type="button" data-all=(value) aria-label={(label) " for all of " (heading(name))} { (label) }
                    }
                }
                @for one in rows { (self.row(one, titles)) }
            }
        }
    }

    fn row(&self, one: &Permission, titles: &BTreeMap<&str, &str>) -> Markup {
        let chosen = self.chosen.get(&one.name).copied();
        let was = self.was.map(|was| was.get(&one.name).copied());
        let field = format!("{}.{}", self.prefix, one.name);
        html! {
            fieldset.permission data-row=(one.title()) data-was=[was.map(word)] {
                legend {
                    (Text(one.title())) " "
                    @if one.label.is_some() { code.soft { (Text(&one.name)) } " " }
                    @if let Some(was) = was {
                        @let (class, text) = change(was, chosen);
                        span class={"change " (class)} { (text) }
                    }
                    @if !one.implies.is_empty() {
                        span.hint { "Also reads " (listed(&one.implies, titles)) }
                    }
                }
                label.level { input type="radio" name=(field) value="none" checked[chosen.is_none()]; "None" }
                (level(&field, one, AccessLevel::Read, chosen))
                (level(&field, one, AccessLevel::Write, chosen))
            }
        }
    }
}

/// A matrix of at most so many permissions, as a policy may leave, is shown as a whole.
const SHORT: usize = 12;

/// Shows what was chosen until the script counts it again: by level, the names.
pub(crate) fn summary(prefix: &str, permissions: &[Permission], chosen: &Chosen) -> Markup {
    let titles = |wanted: AccessLevel| {
        let names: Vec<&str> = permissions
            .iter()
            .filter(|one| chosen.get(&one.name) == Some(&wanted))
            .map(Permission::title)
            .collect();
        names.join(", ")
    };
    let (writes, reads) = (titles(AccessLevel::Write), titles(AccessLevel::Read));
    html! {
        dl.pairs data-says=(prefix) {
            @if !writes.is_empty() { dt { "write" } dd { (Text(&writes)) } }
            @if !reads.is_empty() { dt { "read" } dd { (Text(&reads)) } }
            @if writes.is_empty() && reads.is_empty() {
                dt { "nothing yet" } dd { "Gateways would deny every request. Choose Read or Write." }
            }
        }
    }
}

/// What a form's matrix comes to: rows, and over them the categories that are set as a whole. The rules refuse names that the catalogue does not have.
pub(crate) fn read<'f>(
    prefix: &str,
    permissions: &[Permission],
    fields: impl IntoIterator<Item = (&'f str, &'f str)>,
) -> Chosen {
    let (mut chosen, mut wholes) = (Chosen::new(), Vec::new());
    let (one, whole) = (format!("{prefix}."), format!("{prefix}g."));
    for (name, value) in fields {
        let level = AccessLevel::from_word(value);
        if let (Some(name), Some(level)) = (name.strip_prefix(&one), level) {
            chosen.insert(name.to_owned(), level);
        } else if let Some(group) = name.strip_prefix(&whole)
            && value != "keep"
        {
            wholes.push((group.to_owned(), level));
        }
    }
    for (group, level) in wholes {
        for one in permissions.iter().filter(|one| one.group() == group) {
            match level.filter(|level| one.has(*level)) {
                Some(level) => chosen.insert(one.name.clone(), level),
                None => chosen.remove(&one.name),
            };
        }
    }
    chosen
}

/// `charge_write`, as the API takes and gives it.
pub(crate) fn names(chosen: &Chosen) -> Vec<String> {
    chosen
        .iter()
        .map(|(name, level)| format!("{name}_{}", level.name()))
        .collect()
}

/// The same the other way round.
pub(crate) fn of_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Chosen {
    names
        .into_iter()
        .filter_map(|name| {
            let (name, level) = name.rsplit_once('_')?;
            Some((name.to_owned(), AccessLevel::from_word(level)?))
        })
        .collect()
}

fn level(field: &str, one: &Permission, level: AccessLevel, chosen: Option<AccessLevel>) -> Markup {
    html! {
        @if one.has(level) {
            label.level { input.to type="radio" name=(field) value=(level.name()) checked[chosen == Some(level)]; (level.title()) }
        } @else { span {} }
    }
}

/// Categories in the catalogue's order, the custom ones first and keyward's last.
fn groups(permissions: &[Permission]) -> Vec<(&str, Vec<&Permission>)> {
    let mut groups: BTreeMap<(u8, &str), Vec<&Permission>> = BTreeMap::new();
    for one in permissions {
        let name = one.group();
        let rank = match name {
            OWN => 0,
            "Core" => 1,
            "keyward" => 3,
            _ => 2,
        };
        groups.entry((rank, name)).or_default().push(one);
    }
    groups
        .into_iter()
        .map(|((_, name), mut rows)| {
            rows.sort_by_key(|one| one.title().to_lowercase());
            (name, rows)
        })
        .collect()
}

fn heading(category: &str) -> &str {
    match category {
        "keyward" => "Keys and gateways",
        other => other,
    }
}

fn listed(names: &[String], titles: &BTreeMap<&str, &str>) -> String {
    let titles: Vec<&str> = names
        .iter()
        .map(|name| titles.get(name.as_str()).copied().unwrap_or(name))
        .collect();
    titles.join(", ")
}

fn word(level: Option<AccessLevel>) -> &'static str {
    level.map_or("none", AccessLevel::name)
}

/// What changes: more with a plus, less with a minus, and what it was.
fn change(was: Option<AccessLevel>, now: Option<AccessLevel>) -> (&'static str, String) {
    let say = |sign: &str| format!("{sign} {} (was {})", word(now), word(was));
    match now.cmp(&was) {
        Ordering::Equal => ("", String::new()),
        Ordering::Greater => ("is", say("+")),
        Ordering::Less => ("was", say("−")),
    }
}
