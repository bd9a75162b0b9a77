//! Writes `docs/permissions.md` from the catalogue's files, for people who choose a key's grants by
//! reading their code. `KEYWARD_BLESS=1 cargo test --test pure catalogue::page` regenerates it.
//! Without this variable, the test compares the page with the files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;

use super::generated::{Field, fields, objects};
use super::{names, table};
use crate::support::find::root;

const OPENING: &str = "\
# Permissions

This page lists every permission, the requests that need it, and the SDK methods that make them. It is
generated from the files in [`catalogue/`](../catalogue): change those.

## Choosing grants by reading code

1. List the calls your code makes: `stripe.customers.retrieve(…)`, `stripe.checkout.sessions.create(…)`.
2. Search this page for each, without `stripe.`: `customers.retrieve`. The heading above the row is the permission, the row says `read` or `write`. Write includes read.
3. Look at each call's `expand`. The key must be able to read what it adds: [what expansions need](#what-expansions-need).
4. Write down the highest level of each: `\"grants\": {\"customer\": \"read\", \"checkout_session\": \"write\"}`. For connected accounts, use `connect_grants`.

The names are the methods of Stripe's Node SDK. Python's `Customer.retrieve`, `client.v1.customers.retrieve`, Ruby's `Stripe::Customer.retrieve` and PHP's `$stripe->customers->retrieve` are
`customers.retrieve` here, `list_line_items` is `listLineItems`, `delete` is `del`. If a name differs more, search for the path. Auto-pagination needs what `list` needs.

Still unsure? Give the key `\"enforcement\": \"shadow\"` and the logs show what keyward would deny.

**Rests on** is the source of a row. *documented*: a page of Stripe's documentation names the permission. *observed*: an error of Stripe's API, or a public report of one, names it.
*inferred*: we found neither; the row follows similar ones, or the name is ours in Stripe's style. [`catalogue/SOURCES.md`](../catalogue/SOURCES.md) has the sources.
**(pk)**: a publishable key may call it as well. **(Direct)**: Stripe's table marks the permission so; it has no effect on a connected account, in `connect_grants` or elsewhere. **or …**: any one of the permissions is enough.

## What keyward does not check

- **Other hosts.** SDKs send a few requests to other hosts than `api.stripe.com`. keyward sees them only if you route those hosts through it, and then they need what their rows say:
";

const LEFT_ALONE: &str = "
- **The session token of the meter event stream** (`v2.billing.meterEventStream.create`) is not an API key. keyward denies such a request.
- **Links in replies**: a file link's contents, an invoice's hosted page or PDF, a receipt. Their address is their credential, and they are on other hosts.
- **Request bodies.** The `expand` of a POST is in its body, which keyward does not read: the upstream decides what the reply may contain. The same is true of `include` under `/v2`.
";

const EXPANSIONS: &str = "\
## What expansions need

`expand[]=data.customer` on a list of charges, or `expand[]=customer` on one, is `customer` in the row of `charge`. Every step of a path needs its permission: `latest_charge.customer` on a
PaymentIntent needs what `latest_charge` and a charge's `customer` need. With *and*, all of the permissions are needed, with *or*, one of them. The table omits a list's `data`.
`*` in a field means any name: `currency_options.*.tiers` is `currency_options.usd.tiers`.
Fields that need nothing are not listed; some fields are from older API versions.
";

const ENDING: &str = "
## Where to go next

[keys.md](keys.md) grants permissions on the command line, [audit.md](audit.md) finds what a key does not use, and
[your-own-api.md](your-own-api.md) has permissions of your own.
";

/// What the page states about one request under one permission.
struct Request {
    access: String,
    what: String,
    sdk: String,
    rests_on: String,
}

/// Returns the SDK's methods for each endpoint, or what is known about an endpoint without one.
fn methods() -> BTreeMap<(String, String), String> {
    let called = table("operations.tsv").into_iter().map(|row| {
        let methods: Vec<String> = row[4].split(',').map(|name| format!("`{name}`")).collect();
        ((row[0].clone(), row[1].clone()), methods.join("<br>"))
    });
    let own = table("operations-own.tsv").into_iter().map(|row| {
        let (kind, _) = row[4].split_once(": ").unwrap();
        ((row[0].clone(), row[1].clone()), format!("– ({kind})"))
    });
    called.chain(own).collect()
}

/// Returns the requests that each permission allows.
fn requests() -> BTreeMap<String, Vec<Request>> {
    let methods = methods();
    let mut found: BTreeMap<String, Vec<Request>> = BTreeMap::new();
    for row in table("stripe.tsv") {
        let [
            method,
            path,
            permissions,
            access,
            publishable,
            _,
            _,
            rests_on,
            host,
        ] = row.as_slice()
        else {
            panic!("{row:?}");
        };
        let permissions = names(permissions, '|');
        let access = match (access.as_str(), method.as_str()) {
            ("-", "GET") => "read",
            ("-", _) => "write",
            (access, _) => access,
        };
        for permission in &permissions {
            let mut what = match host.as_str() {
                "-" => format!("`{method} {path}`"),
                host => format!("`{method} {path}` on `{host}`"),
            };
            if publishable == "yes" {
                what.push_str(" (pk)");
            }
            let others: Vec<_> = permissions
                .iter()
                .filter(|other| *other != permission)
                .map(|other| format!("`{other}`"))
                .collect();
            if !others.is_empty() {
                write!(what, ", or {}", others.join(", ")).unwrap();
            }
            found.entry(permission.clone()).or_default().push(Request {
                access: access.to_owned(),
                what,
                sdk: methods[&(method.clone(), path.clone())].clone(),
                rests_on: rests_on.clone(),
            });
        }
    }
    found
}

fn other_hosts(page: &mut String) {
    let methods = methods();
    for row in table("operations.tsv")
        .into_iter()
        .chain(table("operations-own.tsv"))
    {
        if row[2] != "api.stripe.com" {
            let sdk = &methods[&(row[0].clone(), row[1].clone())];
            writeln!(page, "  - `{}`: `{} {}`, {sdk}", row[2], row[0], row[1]).unwrap();
        }
    }
}

/// Returns what expanding a field requires: one name from each of these.
fn asked(field: &Field, objects: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    if let Some(permission) = &field.permission {
        return BTreeSet::from([names(permission, '|').join(" or ")]);
    }
    let targets = field
        .targets
        .iter()
        .filter_map(|target| objects.get(target));
    let asked = targets.filter(|names| !names.is_empty());
    asked.map(|names| names.join(" or ")).collect()
}

/// Finds the expansions in an object and the objects nested in it, with the path from the object to
/// each.
fn expansions(
    object: &str,
    fields: &BTreeMap<String, Vec<Field>>,
    path: &str,
    found: &mut BTreeMap<String, BTreeSet<String>>,
    objects: &BTreeMap<String, Vec<String>>,
) {
    for field in fields.get(object).into_iter().flatten() {
        let place = format!("{path}{}", field.field);
        if field.expands {
            found.insert(place.clone(), asked(field, objects));
        }
        for nested in field.targets.iter().filter(|target| target.contains(':')) {
            expansions(nested, fields, &format!("{place}."), found, objects);
        }
    }
}

fn expansions_by_object(page: &mut String) {
    let objects = objects();
    let mut by_object: BTreeMap<String, Vec<Field>> = BTreeMap::new();
    for field in fields() {
        by_object
            .entry(field.object.clone())
            .or_default()
            .push(field);
    }
    page.push_str("\n| object | field: permission to read |\n|---|---|\n");
    for object in by_object.keys().filter(|object| !object.contains(':')) {
        let mut found = BTreeMap::new();
        expansions(object, &by_object, "", &mut found, &objects);
        // Fields that require the same permission are grouped.
        let mut together: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (place, asked) in found.into_iter().filter(|(_, asked)| !asked.is_empty()) {
            let asked: Vec<_> = asked.iter().map(|each| format!("**{each}**")).collect();
            together
                .entry(asked.join(" and "))
                .or_default()
                .push(format!("`{place}`"));
        }
        if !together.is_empty() {
            let cells: Vec<_> = together
                .iter()
                .map(|(asked, places)| format!("{}: {asked}", places.join(", ")))
                .collect();
            writeln!(page, "| `{object}` | {} |", cells.join("<br>")).unwrap();
        }
    }
}

/// Returns the permissions of each category, as rows of `permissions.tsv`.
fn categories() -> BTreeMap<String, Vec<Vec<String>>> {
    let mut found: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for row in table("permissions.tsv") {
        found.entry(row[2].clone()).or_default().push(row);
    }
    found
}

fn permission(page: &mut String, row: &[String], requests: &[Request], implied_by: &[String]) {
    let [
        name,
        label,
        _,
        read,
        write,
        aliases,
        rests_on,
        implies,
        direct,
    ] = row
    else {
        panic!("{row:?}");
    };
    let code = |list: &[String]| {
        list.iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let levels: Vec<_> = [("read", read), ("write", write)]
        .into_iter()
        .filter(|(_, there)| *there == "yes")
        .map(|(level, _)| level)
        .collect();
    write!(
        page,
        "\n### `{name}`\n\n{label}. Levels: {}. Name: {rests_on}.",
        levels.join(", ")
    )
    .unwrap();
    let (aliases, implies) = (names(aliases, ','), names(implies, ','));
    for (what, list) in [
        ("Also spelled", &aliases[..]),
        ("May read as well:", &implies),
        ("Reading comes with", implied_by),
    ] {
        if !list.is_empty() {
            write!(page, " {what} {}.", code(list)).unwrap();
        }
    }
    if direct == "yes" {
        page.push_str(" **(Direct)**: it serves no call on a connected account.");
    }
    page.push('\n');
    if requests.is_empty() {
        page.push_str("\nNo request of the catalogue asks for it.\n");
        return;
    }
    page.push_str("\n| level | request | SDK | rests on |\n|---|---|---|---|\n");
    for access in ["read", "write"] {
        for request in requests.iter().filter(|request| request.access == access) {
            writeln!(
                page,
                "| {access} | {} | {} | {} |",
                request.what, request.sdk, request.rests_on
            )
            .unwrap();
        }
    }
}

fn page() -> String {
    let mut page = OPENING.to_owned();
    other_hosts(&mut page);
    page.push_str(LEFT_ALONE.trim_start_matches('\n'));
    let (categories, requests) = (categories(), requests());
    page.push_str("\n## Permissions by category\n\n");
    for (category, rows) in &categories {
        let links: Vec<_> = rows
            .iter()
            .map(|row| format!("[`{0}`](#{0})", row[0]))
            .collect();
        writeln!(page, "- **{category}**: {}", links.join(", ")).unwrap();
    }
    let mut implied_by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in categories.values().flatten() {
        for implied in names(&row[7], ',') {
            implied_by.entry(implied).or_default().push(row[0].clone());
        }
    }
    for (category, rows) in &categories {
        // Not only the category, because its anchor would be that of a permission.
        write!(page, "\n## {category} permissions\n").unwrap();
        for row in rows {
            let none = Vec::new();
            let implied_by = implied_by.get(&row[0]).map_or(&[][..], Vec::as_slice);
            permission(
                &mut page,
                row,
                requests.get(&row[0]).unwrap_or(&none),
                implied_by,
            );
        }
    }
    page.push('\n');
    page.push_str(EXPANSIONS);
    expansions_by_object(&mut page);
    page.push_str(ENDING);
    page
}

#[test]
fn the_page_on_permissions_is_what_the_catalogue_says() {
    let path = root().join("docs/permissions.md");
    let page = page();
    if std::env::var_os("KEYWARD_BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let held = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        held == page,
        "docs/permissions.md is out of date: bless with KEYWARD_BLESS=1"
    );
}

#[test]
fn every_method_of_the_sdk_is_on_the_page() {
    let page = page();
    for row in table("operations.tsv") {
        for method in row[4].split(',') {
            assert!(page.contains(&format!("`{method}`")), "{method}");
        }
    }
}
