//! Compares the pages in `docs/` that state facts about the code with the code.

use std::collections::BTreeMap;

use crate::support::find::root;
use keyward::configuration::Configuration;
use keyward::decision::Denial;
use keyward::profile::Profile;
use keyward::reason::DenyReason;
use keyward::reply::{Reply, RequestId};
use serde_json::Value;

fn read(page: &str) -> String {
    let path = root().join("docs").join(page);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the cells of the rows in the page's tables whose first cell is a reason's name.
fn rows(page: &str, columns: usize) -> Vec<Vec<String>> {
    page.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| {
            line.split(" | ")
                .map(|cell| cell.trim_matches('`').to_owned())
                .collect()
        })
        .filter(|cells: &Vec<String>| {
            cells.len() == columns && DenyReason::from_name(&cells[0]).is_some()
        })
        .collect()
}

fn code(reason: DenyReason) -> String {
    let denial = Denial::unread(reason);
    let reply = Reply::new(&Configuration::closed(), &denial, RequestId::new(0));
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    body["error"]["code"].as_str().unwrap_or("–").to_owned()
}

#[test]
fn the_page_on_errors_states_what_the_code_says() {
    let stripe = Profile::stripe();
    let message = |reason| {
        let template = stripe.message(reason).unwrap();
        template.render(|field| format!("{{{}}}", field.name()))
    };
    let expected: Vec<_> = DenyReason::all()
        .map(|reason| {
            let (rule, status) = (reason.rule().to_string(), reason.status().to_string());
            let name = reason.name().to_owned();
            vec![name, rule, status, code(reason), message(reason)]
        })
        .collect();
    assert_eq!(rows(&read("errors.md"), 5), expected);
}

#[test]
fn the_page_on_errors_has_advice_and_classes_for_every_reason() {
    let page = read("errors.md");
    let advised: Vec<_> = rows(&page, 3)
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let names: Vec<_> = DenyReason::all().map(DenyReason::name).collect();
    assert_eq!(advised, names);
    // The page has one row per status, and exactly the statuses that exist.
    let classes: BTreeMap<u16, usize> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next()?.parse().ok())
        .fold(BTreeMap::new(), |mut counts, status| {
            *counts.entry(status).or_default() += 1;
            counts
        });
    let statuses: BTreeMap<u16, usize> = DenyReason::all()
        .map(|reason| (reason.status(), 1))
        .collect();
    assert_eq!(classes, statuses);
}

/// The index, docs/README.md, is a list of these pages and has no such section.
#[test]
fn every_page_says_what_it_is_for_and_where_to_go_next() {
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".md") || name == "README.md" {
            continue;
        }
        let page = read(&name);
        let mut lines = page.lines();
        assert!(lines.next().unwrap().starts_with("# "), "{name}: a title");
        assert_eq!(lines.next(), Some(""), "{name}");
        let about = lines.next().unwrap();
        assert!(
            about.starts_with(|first: char| first.is_alphanumeric() || first == '`'),
            "{name} does not begin with a sentence: {about}"
        );
        let (_, end) = page
            .split_once("\n## Where to go next\n")
            .unwrap_or_else(|| panic!("{name} has no `Where to go next`"));
        assert!(!end.contains("\n## "), "{name}: its last section");
        assert!(end.contains("](") && end.contains(".md"), "{name}: a link");
    }
}

/// Returns where the links in a page lead, as paths from the repository's root, with an anchor
/// each.
fn links(page: &str) -> Vec<(String, String)> {
    let mut code = false;
    let prose: String = page
        .lines()
        .filter(|line| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !code && !fence
        })
        .map(|line| format!("{line}\n"))
        .collect();
    prose
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link)
        .filter(|link| !link.contains("://") && !link.contains(' '))
        .map(|link| {
            let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
            (path.to_owned(), anchor.to_owned())
        })
        .collect()
}

/// Returns GitHub's anchor for a heading.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut pages: Vec<_> = [
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
    ]
    .map(|name| root().join(name))
    .into();
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "md") {
            pages.push(path);
        }
    }
    let mut wrong = Vec::new();
    let mut checked = 0;
    for path in pages {
        let page = std::fs::read_to_string(&path).unwrap();
        for (link, wanted) in links(&page) {
            checked += 1;
            let target = if link.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap().join(&link)
            };
            let is_heading = || {
                let text = std::fs::read_to_string(&target).unwrap_or_default();
                text.lines()
                    .any(|line| line.starts_with('#') && anchor(line) == wanted)
            };
            if !target.exists() || !(wanted.is_empty() || is_heading()) {
                wrong.push(format!("{}: {link}#{wanted}", path.display()));
            }
        }
    }
    assert!(checked > 200, "only {checked} links were found");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Stated before the first heading: anyone who continues to the commands has read it.
#[test]
fn the_readme_says_early_that_test_keys_reach_the_same_upstream() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (start, _) = readme.split_once("\n## ").unwrap();
    let start = start.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(start.contains(
        "With `serve_mode: any`, the default, test keys reach the same upstream as live keys"
    ));
}
