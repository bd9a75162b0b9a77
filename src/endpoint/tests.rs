use super::*;
use crate::permission::PERMISSIONS;

fn public(label: &str) -> OwnEndpoint {
    OwnEndpoint {
        rule: OwnRule::Public,
        label: label.into(),
        expansions: Box::default(),
    }
}

/// Adds rows that have their templates as labels.
fn with(mut catalogue: EndpointCatalogue, rows: &[(Method, &str)]) -> EndpointCatalogue {
    for (method, path) in rows {
        catalogue.add(*method, path, public(path)).unwrap();
    }
    catalogue
}

fn catalogue(rows: &[(Method, &str)]) -> EndpointCatalogue {
    with(EndpointCatalogue::empty(), rows)
}

fn find<'a>(catalogue: &'a EndpointCatalogue, method: Method, path: &str) -> Option<&'a str> {
    let path = PlainPath::parse(path.as_bytes()).unwrap();
    catalogue.find(method, path).map(|endpoint| endpoint.label)
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
fn a_row_is_added_once() {
    let mut catalogue = catalogue(&[(Method::Get, "/a/{x}")]);
    let mut add = |path: &str| catalogue.add(Method::Get, path, public("again"));
    assert_eq!(add("/a/{y}"), Err(RowFault::Duplicate));
    assert_eq!(add("/a/{*y}"), Ok(()));
    assert_eq!(add("a"), Err(RowFault::Template));
    assert_eq!(find(&catalogue, Method::Get, "/a/b"), Some("/a/{x}"));
}

#[test]
fn an_own_row_stands_in_the_place_of_a_built_in_one() {
    let own = "/v1/customers/{own}";
    let catalogue = with(EndpointCatalogue::stripe(), &[(Method::Get, own)]);
    let path = "/v1/customers/cus_1";
    assert_eq!(find(&catalogue, Method::Get, path), Some(own));
    assert_eq!(find(&catalogue, Method::Post, path), Some("Customers"));
    assert!(catalogue.has_public());
    assert!(!EndpointCatalogue::stripe().has_public());
}

#[test]
fn the_two_trees_are_walked_as_one() {
    let rows = [
        (Method::Get, "/v1/customers/own"),
        (Method::Get, "/v1/{any}/{x}"),
        (Method::Get, "/v1/customers/{x}/own/{y}"),
        (Method::Get, "/v1/{*rest}"),
    ];
    let catalogue = with(EndpointCatalogue::stripe(), &rows);
    let find = |path: &str| find(&catalogue, Method::Get, path).map(str::to_owned);
    let found = |path: &str, label: &str| assert_eq!(find(path).as_deref(), Some(label), "{path}");
    // A literal in one tree takes precedence over a parameter in the other.
    found("/v1/customers/own", "/v1/customers/own");
    found("/v1/customers/cus_1", "Customers");
    found("/v1/widgets/w_1", "/v1/{any}/{x}");
    // Both trees continue below a node for which only one of them has literals.
    found("/v1/customers/cus_1/own/y", "/v1/customers/{x}/own/{y}");
    found("/v1/customers/cus_1/nowhere/y", "/v1/{*rest}");
    for path in [
        // Another spelling of a literal in either tree.
        "/v1/customers/Own",
        "/v1/customers/OWN.json",
        "/v1/Customers/cus_1",
        "/v1/customers/cus_1/SOURCES/x",
        "/v1/customers.json/x",
    ] {
        assert_eq!(find(path), None, "{path}");
    }
}

#[test]
fn an_own_literal_in_another_case_names_nothing_and_neither_does_the_built_in_one() {
    let catalogue = with(
        EndpointCatalogue::stripe(),
        &[(Method::Get, "/v1/Customers")],
    );
    for path in ["/v1/customers", "/v1/Customers", "/v1/CUSTOMERS"] {
        assert_eq!(find(&catalogue, Method::Get, path), None, "{path}");
    }
}

#[test]
fn without_the_built_in_catalogue_there_is_nothing_of_it() {
    let path = "/v1/customers";
    assert_eq!(find(&EndpointCatalogue::empty(), Method::Get, path), None);
    let own = catalogue(&[(Method::Get, "/V1/customers")]);
    assert_eq!(find(&own, Method::Get, path), None);
    assert_eq!(
        find(&own, Method::Get, "/V1/customers"),
        Some("/V1/customers")
    );
}

#[test]
fn every_built_in_row_is_found_by_its_own_template() {
    let catalogue = EndpointCatalogue::stripe();
    for (number, row) in ROWS.iter().enumerate() {
        let segments = row.path.replace("{*", "{");
        let segments: Vec<&str> = segments
            .split('/')
            .map(|segment| {
                if segment.starts_with('{') {
                    "x_1"
                } else {
                    segment
                }
            })
            .collect();
        let path = segments.join("/");
        let found = catalogue
            .find(row.method, PlainPath::parse(path.as_bytes()).unwrap())
            .unwrap_or_else(|| panic!("{}", row.path));
        let number = u16::try_from(number).unwrap();
        assert_eq!(found.row, Row::Builtin(number), "{}", row.path);
        let Rule::Key {
            permissions,
            access,
            publishable,
        } = found.rule
        else {
            panic!("{} is public", row.path);
        };
        let names: Vec<&str> = permissions
            .iter()
            .map(|permission| PERMISSIONS[permission.place()].name)
            .collect();
        assert_eq!(names, row.permissions, "{}", row.path);
        assert_eq!((access, publishable), (row.access, row.publishable));
        assert_eq!(found.label, PERMISSIONS[permissions[0].place()].label);
    }
}

#[test]
fn an_own_row_knows_in_whose_place_it_stands() {
    let own = [
        (Method::Get, "/v1/customers/{own}"),
        (Method::Get, "/v1/customers/own"),
        (Method::Put, "/v1/customers/{own}/x"),
        (Method::Get, "/v1/consumers/{*own}"),
    ];
    let built_in = |catalogue: &EndpointCatalogue, path: &str| {
        let path = PlainPath::parse(path.as_bytes()).unwrap();
        let found = catalogue.find(Method::Get, path).unwrap();
        found.built_in.map(|row| ROWS[usize::from(row)].path)
    };
    let catalogue = with(EndpointCatalogue::stripe(), &own);
    let of = |path: &str| built_in(&catalogue, path);
    assert_eq!(of("/v1/customers/cus_1"), Some("/v1/customers/{id}"));
    assert_eq!(of("/v1/customers/own"), None);
    assert_eq!(of("/v1/consumers/a/b"), Some("/v1/consumers/{*rest}"));
    assert_eq!(of("/v1/charges"), Some("/v1/charges"));
    let alone = with(EndpointCatalogue::empty(), &own);
    assert_eq!(built_in(&alone, "/v1/customers/cus_1"), None);
}
