//! The pages in `docs/` that state facts about the code, held to it.

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

/// The rows of the page's tables whose first cell is a reason's name, cell by cell.
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
    // One row per status, and which statuses there are.
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

/// Said before the first heading: whoever reads on to the commands has read it.
#[test]
fn the_readme_says_early_that_test_keys_reach_the_same_upstream() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (start, _) = readme.split_once("\n## ").unwrap();
    let start = start.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(start.contains(
        "With `serve_mode: any`, the default, test keys reach the same upstream as live keys"
    ));
}
