use std::borrow::Cow;

use super::*;
use crate::permission::PermissionRegistry;

fn public(label: &'static str) -> Endpoint {
    Endpoint {
        rule: Rule::Public,
        label: Cow::Borrowed(label),
    }
}

/// A catalogue whose labels are the templates themselves.
fn catalogue(rows: &[(Method, &'static str)]) -> EndpointCatalogue {
    let mut catalogue = EndpointCatalogue::default();
    for (method, path) in rows {
        catalogue
            .add(*method, Cow::Borrowed(path), public(path), Origin::Builtin)
            .unwrap();
    }
    catalogue
}

fn find<'a>(catalogue: &'a EndpointCatalogue, method: Method, path: &str) -> Option<&'a str> {
    let path = PlainPath::parse(path.as_bytes()).unwrap();
    catalogue
        .find(method, path)
        .map(|endpoint| &*endpoint.label)
}

#[track_caller]
fn assert_found(rows: &[&'static str], path: &str, expected: Option<&str>) {
    let rows: Vec<_> = rows.iter().map(|row| (Method::Get, *row)).collect();
    assert_eq!(find(&catalogue(&rows), Method::Get, path), expected);
}

#[test]
fn a_literal_wins_over_a_parameter() {
    let rows = ["/v1/charges/{id}", "/v1/charges/search"];
    assert_found(&rows, "/v1/charges/search", Some("/v1/charges/search"));
    assert_found(&rows, "/v1/charges/ch_1", Some("/v1/charges/{id}"));
    assert_found(&rows, "/v1/charges", None);
    assert_found(&rows, "/v1/charges/", None);
    assert_found(&rows, "/v1/charges/a/b", None);
}

#[test]
fn a_literal_that_leads_nowhere_gives_way() {
    let rows = ["/a/b/c", "/a/{x}/d", "/a/{*rest}"];
    assert_found(&rows, "/a/b/d", Some("/a/{x}/d"));
    assert_found(&rows, "/a/b/e", Some("/a/{*rest}"));
    assert_found(&rows, "/a/b", Some("/a/{*rest}"));
}

#[test]
fn another_case_of_a_sibling_literal_matches_nothing() {
    let rows = ["/v1/charges/{id}", "/v1/charges/search", "/v1/{*rest}"];
    assert_found(&rows, "/v1/charges/SEARCH", None);
    assert_found(&rows, "/V1/charges/ch_1", None);
    assert_found(&rows, "/v1/Charges/x", None);
    let deep = ["/a/{x}/{y}", "/a/b/c"];
    assert_found(&deep, "/a/b/C", None);
    assert_found(&deep, "/a/x/C", Some("/a/{x}/{y}"));
    let crossed = ["/a/{y}", "/{x}/b"];
    assert_found(&crossed, "/a/B", None);
}

#[test]
fn an_encoded_sibling_literal_matches_nothing() {
    let rows = ["/v1/{id}", "/v1/a:b"];
    assert_found(&rows, "/v1/a:b", Some("/v1/a:b"));
    assert_found(&rows, "/v1/a%3Ab", None);
    assert_found(&rows, "/v1/a%3Ac", Some("/v1/{id}"));
}

#[test]
fn a_sibling_literal_with_a_suffix_matches_nothing() {
    let rows = ["/v1/{id}", "/v1/search", "/v1/openapi.json", "/v1/openapi"];
    assert_found(&rows, "/v1/search.json", None);
    assert_found(&rows, "/v1/Search.", None);
    assert_found(&rows, "/v1/search%20", None);
    assert_found(&rows, "/v1/searched.json", Some("/v1/{id}"));
    assert_found(&rows, "/v1/openapi.json", Some("/v1/openapi.json"));
    assert_found(&rows, "/v1/openapi.yaml", None);
}

#[test]
fn literals_that_differ_in_case_alone_name_nothing() {
    let rows = ["/a/Token", "/a/token", "/a/{id}"];
    assert_found(&rows, "/a/token", None);
    assert_found(&rows, "/a/Token", None);
    assert_found(&rows, "/a/TOKEN", None);
    assert_found(&rows, "/a/tokens", Some("/a/{id}"));
}

#[test]
fn a_wildcard_takes_at_least_one_character() {
    assert_found(&["/files/{*rest}"], "/files/", None);
    assert_found(&["/files/{*rest}"], "/files", None);
    assert_found(&["/files/{*rest}"], "/files/a/b/", Some("/files/{*rest}"));
    assert_found(&["/{*rest}"], "/", None);
    assert_found(&["/"], "/", Some("/"));
}

#[test]
fn methods_are_apart() {
    let catalogue = catalogue(&[(Method::Get, "/a/{x}"), (Method::Post, "/a/b")]);
    assert_eq!(find(&catalogue, Method::Get, "/a/b"), Some("/a/{x}"));
    assert_eq!(find(&catalogue, Method::Post, "/a/b"), Some("/a/b"));
    assert_eq!(find(&catalogue, Method::Post, "/a/c"), None);
    assert_eq!(find(&catalogue, Method::Get, "/a/B"), None);
}

#[test]
fn a_snapshots_row_replaces_a_built_in_one_once() {
    let mut catalogue = catalogue(&[(Method::Get, "/a/{x}")]);
    let mut add = |path: &'static str| {
        catalogue.add(Method::Get, path.into(), public("own"), Origin::Snapshot)
    };
    assert_eq!(add("/a/{y}"), Ok(()));
    assert_eq!(add("/a/{z}"), Err(RowFault::Duplicate));
    assert_eq!(add("a"), Err(RowFault::Template));
    assert_eq!(find(&catalogue, Method::Get, "/a/b"), Some("own"));
}

#[test]
fn every_built_in_row_is_found_by_its_own_template() {
    let mut catalogue = EndpointCatalogue::default();
    let mut registry = PermissionRegistry::new(PERMISSIONS);
    add_builtin_rows(&mut catalogue, &mut registry).unwrap();
    assert!(ROWS.len() > 150, "{}", ROWS.len());
    for row in ROWS {
        for name in row.permissions {
            assert!(
                PERMISSIONS.iter().any(|known| known.name == *name),
                "{name}"
            );
        }
        let path = row
            .path
            .replace("{*", "{")
            .split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    "x_1"
                } else {
                    segment
                }
            })
            .collect::<Vec<_>>()
            .join("/");
        assert_eq!(
            find(&catalogue, row.method, &path),
            Some(row.label),
            "{}",
            row.path
        );
    }
}
