//! What is promised of the parts.

use std::fs;
use std::path::Path;

use keyward::permission::AccessLevel;

use super::example::{self, chosen, permissions};
use super::matrix::{self, Matrix, names, of_names, read, summary};
use crate::pages::assets::{CSS, JS};

/// Writes a page to look at: `target/example/page.html`.
#[test]
fn an_example_holds_every_part_and_nothing_inline() {
    let page = example::page().into_string();
    for inline in [" style=", "<style", " onclick=", "javascript:"] {
        assert!(!page.contains(inline), "{inline}");
    }
    assert!(!page.contains("<script>"), "markup of a name");
    assert_eq!(page.matches("rk_test_FAKE-example-0001").count(), 1);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/example");
    fs::create_dir_all(&folder).unwrap();
    let local = page
        .replace(&CSS.address("/console"), "app.css")
        .replace(&JS.address("/console"), "app.js");
    fs::write(folder.join("page.html"), local).unwrap();
    fs::write(folder.join("app.css"), CSS.bytes).unwrap();
    fs::write(folder.join("app.js"), JS.bytes).unwrap();
}

#[test]
fn a_matrix_has_a_choice_for_every_level_and_no_other() {
    let permissions = permissions();
    let chosen = chosen();
    let drawn = Matrix {
        permissions: &permissions,
        chosen: &chosen,
        was: None,
        prefix: "p",
    }
    .render()
    .into_string();
    for one in &permissions {
        for level in [AccessLevel::Read, AccessLevel::Write] {
            let choice = format!("name=\"p.{}\" value=\"{}\"", one.name, level.name());
            let is_there = one.levels.iter().any(|name| name == level.name());
            assert_eq!(
                drawn.matches(&choice).count(),
                usize::from(is_there),
                "{choice}"
            );
        }
    }
    // One choice of each row is made, and one of each category.
    let categories: std::collections::BTreeSet<_> =
        permissions.iter().map(|one| one.category.clone()).collect();
    assert_eq!(
        drawn.matches(" checked").count(),
        permissions.len() + categories.len()
    );
}

#[test]
fn what_a_form_sends_is_what_was_drawn() {
    let permissions = permissions();
    let fields = [
        ("name", "x"),
        ("p.charge", "write"),
        ("p.customer", "read"),
        ("p.balance", "none"),
        ("c.charge", "read"),
        ("pg.Core", "keep"),
    ];
    let of = |prefix| names(&read(prefix, &permissions, fields));
    assert_eq!(of("p"), ["charge_write", "customer_read"]);
    assert_eq!(of("c"), ["charge_read"]);
    assert_eq!(
        of_names(["charge_write", "customer_read"]),
        read("p", &permissions, fields)
    );
}

#[test]
fn a_category_is_set_over_its_rows_at_the_levels_they_have() {
    let permissions = permissions();
    let set = |value| {
        let fields = [
            ("p.charge", "write"),
            ("pg.Core", value),
            ("p.invoice", "read"),
        ];
        read("p", &permissions, fields)
    };
    let core: Vec<_> = permissions
        .iter()
        .filter(|one| one.category.as_deref() == Some("Core"))
        .collect();
    let all = set("read");
    for one in &core {
        let has_read = one.levels.iter().any(|name| name == "read");
        assert_eq!(all.contains_key(&one.name), has_read, "{}", one.name);
    }
    assert_eq!(all.get("charge"), Some(&AccessLevel::Read));
    assert_eq!(all.get("invoice"), Some(&AccessLevel::Read));
    assert_eq!(names(&set("none")), ["invoice_read"]);
}

#[test]
fn a_change_says_what_it_was() {
    let permissions = permissions();
    let (chosen, was) = (
        of_names(["charge_read"]),
        of_names(["charge_write", "customer_read"]),
    );
    let drawn = Matrix {
        permissions: &permissions,
        chosen: &chosen,
        was: Some(&was),
        prefix: "p",
    }
    .render()
    .into_string();
    assert!(drawn.contains("− read (was write)"), "{drawn}");
    assert!(drawn.contains("− none (was read)"));
    assert_eq!(drawn.matches("(was ").count(), 2);
}

#[test]
fn a_summary_names_what_may_be_done() {
    let permissions = permissions();
    let shown = summary("p", &permissions, &chosen()).into_string();
    assert!(shown.contains("<dt>write</dt><dd>Charges"), "{shown}");
    let none = summary("p", &permissions, &matrix::Chosen::new()).into_string();
    assert!(none.contains("Gateways would deny every request"), "{none}");
}
