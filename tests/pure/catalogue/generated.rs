//! Compares the generated files of the catalogue with those that are kept by hand: every operation
//! has a row, and every expansion has the permission that it requires. `make catalogue` compares
//! with npm. These tests need no network.

use std::collections::{BTreeMap, BTreeSet};

use super::{names, table};

/// Returns the method and path of each row.
fn endpoints(name: &str) -> BTreeSet<(String, String)> {
    let rows = table(name).into_iter();
    rows.map(|row| (row[0].clone(), row[1].clone())).collect()
}

/// A row of `expansions.tsv`, or of `expansions-own.tsv` with its own permission.
#[derive(Clone)]
pub(crate) struct Field {
    pub(crate) object: String,
    pub(crate) field: String,
    pub(crate) expands: bool,
    /// The targets, without the prefix `list `.
    pub(crate) targets: Vec<String>,
    pub(crate) permission: Option<String>,
}

fn field(row: &[String]) -> Field {
    let [object, field, kind, targets, rest @ ..] = row else {
        panic!("{row:?}: expected 4 columns or more");
    };
    let permission = rest.first().filter(|permission| *permission != "-");
    let bare = |target: &str| target.trim_start_matches("list ").to_owned();
    assert!(matches!(kind.as_str(), "expands" | "contains"), "{row:?}");
    Field {
        object: object.clone(),
        field: field.clone(),
        expands: kind == "expands",
        targets: targets.split('|').map(bare).collect(),
        permission: permission.cloned(),
    }
}

/// Returns both files as one: a row of the second replaces the same row of the first.
pub(crate) fn fields() -> Vec<Field> {
    let files = ["expansions.tsv", "expansions-own.tsv"];
    let rows = files.into_iter().flat_map(table);
    let rows = rows.map(|row| ((row[0].clone(), row[1].clone()), field(&row)));
    rows.collect::<BTreeMap<_, _>>().into_values().collect()
}

/// Returns the permissions that reading an object requires. Any one is enough. `-` means none.
pub(crate) fn objects() -> BTreeMap<String, Vec<String>> {
    let rows = table("objects.tsv").into_iter();
    rows.map(|row| (row[0].clone(), names(&row[1], '|')))
        .collect()
}

#[test]
fn every_operation_has_a_row_and_every_row_is_an_operation_or_accounted_for() {
    let listed = endpoints("stripe.tsv");
    let called = endpoints("operations.tsv");
    let own = endpoints("operations-own.tsv");
    assert!(called.len() >= 650, "{} operations", called.len());
    let both: Vec<_> = called.intersection(&own).collect();
    assert!(both.is_empty(), "in both files: {both:?}");
    let known: BTreeSet<_> = called.union(&own).cloned().collect();
    let without_row: Vec<_> = known.difference(&listed).collect();
    let unaccounted: Vec<_> = listed.difference(&known).collect();
    assert!(without_row.is_empty(), "no row: {without_row:?}");
    assert!(unaccounted.is_empty(), "no operation: {unaccounted:?}");
}

#[test]
fn rows_beyond_the_sdk_are_client_side_where_publishable_and_nowhere_else() {
    let publishable: BTreeSet<_> = table("stripe.tsv")
        .into_iter()
        .filter(|row| row[4] == "yes")
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    for row in table("operations-own.tsv") {
        let expected: &[&str] = match publishable.contains(&(row[0].clone(), row[1].clone())) {
            true => &["client-side: "],
            false => &["older: ", "beside: "],
        };
        let as_expected = |note: &&str| row[4].starts_with(note);
        assert!(expected.iter().any(as_expected), "{row:?}");
    }
}

#[test]
fn a_row_names_the_host_that_the_operation_is_called_on() {
    let called: BTreeMap<_, _> = ["operations.tsv", "operations-own.tsv"]
        .into_iter()
        .flat_map(table)
        .map(|row| ((row[0].clone(), row[1].clone()), row[2].clone()))
        .collect();
    for row in table("stripe.tsv") {
        let host = match row[8].as_str() {
            "-" => "api.stripe.com",
            host => host,
        };
        assert_eq!(called[&(row[0].clone(), row[1].clone())], host, "{row:?}");
    }
}

#[test]
fn the_files_are_in_order_with_each_row_once() {
    let in_order = |name: &str, key: fn(&[String]) -> (&str, &str)| {
        let rows = table(name);
        assert!(!rows.is_empty(), "{name}");
        for pair in rows.windows(2) {
            assert!(key(&pair[0]) < key(&pair[1]), "{name}: {:?}", pair[1]);
        }
    };
    for name in ["operations.tsv", "operations-own.tsv"] {
        in_order(name, |row| (&row[1], &row[0]));
    }
    in_order("objects.tsv", |row| (&row[0], ""));
    for name in ["expansions.tsv", "expansions-own.tsv"] {
        in_order(name, |row| (&row[0], &row[1]));
    }
}

#[test]
fn every_object_that_an_expansion_brings_in_has_an_answer_and_no_other() {
    let objects = objects();
    let brought: BTreeSet<String> = fields()
        .into_iter()
        .filter(|field| field.expands)
        .flat_map(|field| field.targets)
        // Nested in the object that the request already reads.
        .filter(|target| !target.contains(':'))
        .collect();
    let answered: BTreeSet<String> = objects.keys().cloned().collect();
    assert_eq!(answered, brought);
}

#[test]
fn what_an_expansion_asks_for_can_be_granted_at_level_read() {
    let readable: BTreeSet<String> = table("permissions.tsv")
        .into_iter()
        .filter(|row| row[3] == "yes")
        .map(|row| row[0].clone())
        .collect();
    let overriding = fields()
        .into_iter()
        .filter_map(|field| field.permission)
        .map(|permission| names(&permission, '|'));
    for alternatives in objects().into_values().chain(overriding) {
        for name in alternatives {
            assert!(readable.contains(&name), "`{name}`");
        }
    }
}

#[test]
fn an_object_that_follows_an_endpoint_asks_for_what_its_row_asks_for() {
    let rows = table("stripe.tsv");
    let mut followed = 0;
    for object in table("objects.tsv") {
        let Some(note) = object[3].strip_prefix("as GET ") else {
            continue;
        };
        let path = note.split(';').next().unwrap();
        let mut row = rows.iter().filter(|row| row[0] == "GET" && row[1] == path);
        let row = row.next().unwrap_or_else(|| panic!("no row GET {path}"));
        assert_eq!(
            object[1..3],
            [row[2].clone(), row[7].clone()],
            "{}",
            object[0]
        );
        followed += 1;
    }
    assert!(followed > 60, "{followed}");
}

/// A reply that is a list, or one of several objects, has the fields of each of them.
#[test]
fn every_field_belongs_to_an_object_that_a_reply_can_hold() {
    let fields = fields();
    let returned = ["operations.tsv", "operations-own.tsv"];
    let returned = returned.into_iter().flat_map(table);
    let mut reached: BTreeSet<String> = returned
        .flat_map(|row| {
            let names = row[3]
                .split('|')
                .map(|name| name.trim_start_matches("list "));
            names.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    loop {
        let below = fields
            .iter()
            .filter(|field| reached.contains(&field.object))
            .flat_map(|field| field.targets.iter().cloned());
        let grown: BTreeSet<String> = reached.iter().cloned().chain(below).collect();
        if grown.len() == reached.len() {
            break;
        }
        reached = grown;
    }
    for field in &fields {
        let place = format!("{}.{}", field.object, field.field);
        assert!(reached.contains(&field.object), "{place} is out of reach");
    }
}

/// Facts that a reader of Stripe's documentation knows, so that the test notices if the generator
/// misses everything.
#[test]
fn well_known_expansions_are_there() {
    let fields = fields();
    for (object, name, expands, targets) in [
        ("charge", "customer", true, "customer"),
        ("charge", "balance_transaction", true, "balance_transaction"),
        ("charge", "refunds", true, "refund"),
        ("payment_intent", "latest_charge", true, "charge"),
        ("payment_intent", "charges", false, "charge"),
        ("subscription", "latest_invoice", true, "invoice"),
        ("subscription", "items", false, "subscription_item"),
        ("subscription_item", "price", false, "price"),
        ("price", "product", true, "product"),
        ("product", "default_price", true, "price"),
        ("checkout.session", "line_items", true, "item"),
        ("customer", "subscriptions", true, "subscription"),
        (
            "customer",
            "invoice_settings",
            false,
            "customer:invoice_settings",
        ),
        (
            "customer:invoice_settings",
            "default_payment_method",
            true,
            "payment_method",
        ),
        ("invoice", "discounts", true, "discount"),
        ("transfer", "destination_payment", true, "charge"),
    ] {
        let found = fields
            .iter()
            .find(|field| field.object == object && field.field == name);
        let found = found.unwrap_or_else(|| panic!("no {object}.{name}"));
        assert_eq!(found.expands, expands, "{object}.{name}");
        assert_eq!(found.targets.join("|"), targets, "{object}.{name}");
    }
}
