//! Compiles the graph of expansions to Rust: `catalogue/expansions.tsv` with the rows of
//! `expansions-own.tsv` replacing its own, `objects.tsv` for the permissions that reading an object
//! needs, and what each endpoint returns according to `operations.tsv` and `operations-own.tsv`.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;

use crate::table::{Line, list, number_of};

/// The lines of the five files.
#[derive(Default)]
pub(crate) struct Files {
    pub(crate) expansions: Vec<Line>,
    pub(crate) own_expansions: Vec<Line>,
    pub(crate) objects: Vec<Line>,
    pub(crate) operations: Vec<Line>,
    pub(crate) own_operations: Vec<Line>,
}

type Fault = Box<dyn Error>;

/// Permissions by number. One of them is needed.
type Ask = Vec<u16>;

/// An object by name, and whether it is a list of them.
type Target<'a> = (&'a str, bool);

/// Where a field leads, and which permissions that needs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Way<'a> {
    targets: Vec<Target<'a>>,
    asks: Vec<Ask>,
}

/// The fields, by object and then by field.
type Edges<'a> = BTreeMap<&'a str, BTreeMap<&'a str, Way<'a>>>;

/// Writes the tables. `rows` are the methods and paths of the endpoints, in order; `permissions`
/// are the names, sorted.
pub(crate) fn tables(
    files: &Files,
    rows: &[(&str, &str)],
    permissions: &[&str],
) -> Result<String, Fault> {
    let asks = asks(&files.objects, permissions)?;
    let mut edges = Edges::new();
    for (file, lines) in [
        ("catalogue/expansions.tsv", &files.expansions),
        ("catalogue/expansions-own.tsv", &files.own_expansions),
    ] {
        for (number, columns) in lines {
            let fault = |what: &str| format!("{file}:{number}: {what}");
            let (object, field, way) =
                edge(columns, &asks, permissions).map_err(|what| fault(&what))?;
            edges.entry(object).or_default().insert(field, way);
        }
    }
    let returns = returns(files)?;
    let returned: Vec<Vec<Target<'_>>> = rows
        .iter()
        .map(|row| returns.get(row).cloned().unwrap_or_default())
        .collect();
    write(&reachable(edges, &returned), &returned)
}

/// Returns what reading each object needs, or nothing if no permission is known.
fn asks<'a>(
    lines: &'a [Line],
    permissions: &[&str],
) -> Result<BTreeMap<&'a str, Option<Ask>>, Fault> {
    let mut asks = BTreeMap::new();
    for (number, columns) in lines {
        let [object, permission, ..] = columns.as_slice() else {
            return Err(format!("catalogue/objects.tsv:{number}: expected 4 columns").into());
        };
        let ask = any_of(permission, permissions)
            .map_err(|what| format!("catalogue/objects.tsv:{number}: {what}"))?;
        asks.insert(object.as_str(), Some(ask).filter(|ask| !ask.is_empty()));
    }
    Ok(asks)
}

fn any_of(names: &str, permissions: &[&str]) -> Result<Ask, String> {
    list(names, '|')
        .map(|name| {
            number_of(permissions, name).ok_or_else(|| format!("`{name}` is no permission"))
        })
        .collect()
}

/// Reads `object field kind targets`, and in a custom row also `permission note`.
fn edge<'a>(
    columns: &'a [String],
    asks: &BTreeMap<&str, Option<Ask>>,
    permissions: &[&str],
) -> Result<(&'a str, &'a str, Way<'a>), String> {
    let [object, field, kind, targets, own @ ..] = columns else {
        return Err("expected 4 or 6 columns".to_owned());
    };
    let instead = match own {
        [] => Vec::new(),
        [permission, _] => any_of(permission, permissions)?,
        _ => return Err("expected 4 or 6 columns".to_owned()),
    };
    let targets = targets_of(targets);
    let asks = match kind.as_str() {
        "contains" => Vec::new(),
        "expands" if !instead.is_empty() => vec![instead],
        "expands" => reading(&targets, asks)?,
        _ => return Err("expected expands or contains".to_owned()),
    };
    Ok((object, field, Way { targets, asks }))
}

/// Returns what reading any of these objects needs: each of the sets once, in the order of the
/// objects.
fn reading(targets: &[Target<'_>], asks: &BTreeMap<&str, Option<Ask>>) -> Result<Vec<Ask>, String> {
    let mut all = Vec::new();
    for (object, _) in targets {
        // A nested object needs no separate permission.
        if object.contains(':') {
            continue;
        }
        let ask = asks
            .get(object)
            .ok_or_else(|| format!("`{object}` is not in catalogue/objects.tsv"))?;
        all.extend(ask.clone().filter(|ask| !all.contains(ask)));
    }
    Ok(all)
}

/// Reads `charge|list refund`.
fn targets_of(text: &str) -> Vec<Target<'_>> {
    let target = |name| match str::strip_prefix(name, "list ") {
        Some(object) => (object, true),
        None => (name, false),
    };
    list(text, '|').map(target).collect()
}

/// Returns what each method and path returns.
fn returns(files: &Files) -> Result<BTreeMap<(&str, &str), Vec<Target<'_>>>, Fault> {
    let mut returns = BTreeMap::new();
    for (number, columns) in files.operations.iter().chain(&files.own_operations) {
        let [method, path, _, returned, ..] = columns.as_slice() else {
            return Err(format!("catalogue/operations.tsv:{number}: expected 5 columns").into());
        };
        returns.insert((method.as_str(), path.as_str()), targets_of(returned));
    }
    Ok(returns)
}

/// Returns the edges of the objects that an endpoint returns, or to which a path from there leads.
fn reachable<'a>(mut edges: Edges<'a>, returned: &[Vec<Target<'a>>]) -> Edges<'a> {
    let mut found = Edges::new();
    let mut open: Vec<&str> = returned.iter().flatten().map(|target| target.0).collect();
    while let Some(object) = open.pop() {
        if let Some(fields) = edges.remove(object) {
            let ways = fields.values();
            open.extend(ways.flat_map(|way| way.targets.iter().map(|target| target.0)));
            found.insert(object, fields);
        }
    }
    found
}

/// Gives equal values the same number.
struct Numbers<T>(Vec<T>);

impl<T: PartialEq> Numbers<T> {
    fn of(&mut self, value: T) -> usize {
        let known = self.0.iter().position(|known| *known == value);
        known.unwrap_or_else(|| {
            self.0.push(value);
            self.0.len() - 1
        })
    }
}

fn write(edges: &Edges<'_>, returned: &[Vec<Target<'_>>]) -> Result<String, Fault> {
    // All objects without fields share the number after the last.
    let objects: Vec<&str> = edges.keys().copied().collect();
    let targets = |targets: &[Target<'_>]| {
        let numbered: BTreeSet<(usize, bool)> = targets
            .iter()
            .map(|(object, is_list)| {
                let number = objects.binary_search(object);
                (number.unwrap_or(objects.len()), *is_list)
            })
            .collect();
        let listed: Vec<String> = numbered
            .iter()
            .map(|(object, is_list)| format!("Target {{ object: {object}, is_list: {is_list} }}"))
            .collect();
        format!("&[{}]", listed.join(", "))
    };
    let fields: BTreeSet<&str> = edges.values().flat_map(BTreeMap::keys).copied().collect();
    let fields: Vec<&str> = fields.into_iter().collect();
    let mut ways = Numbers(Vec::new());
    let mut starts = vec![0];
    let mut listed = Vec::new();
    for of_object in edges.values() {
        for (field, way) in of_object {
            let asks: Vec<String> = way
                .asks
                .iter()
                .map(|ask| crate::permissions::list_of(ask))
                .collect();
            let way = ways.of(format!(
                "Way {{ targets: {}, asks: &[{}] }}",
                targets(&way.targets),
                asks.join(", ")
            ));
            let field = fields.binary_search(field).unwrap_or_default();
            listed.push(format!("Edge {{ field: {field}, way: {way} }}"));
        }
        starts.push(listed.len());
    }
    // The entry that objects without fields share.
    starts.push(listed.len());
    let mut sets = Numbers(vec!["&[]".to_owned()]);
    let returns: Vec<usize> = returned.iter().map(|set| sets.of(targets(set))).collect();
    let mut code = String::new();
    writeln!(
        code,
        "/// What Stripe's API returns and expands.\npub static STRIPE: Graph = Graph {{ fields: &{fields:?}, starts: &{starts:?}, edges: &[{}], ways: &[{}] }};",
        listed.join(", "),
        ways.0.join(", ")
    )?;
    writeln!(
        code,
        "/// What endpoints return.\nstatic RETURNED: &[&[Target]] = &[{}];",
        sets.0.join(", ")
    )?;
    writeln!(
        code,
        "/// Which of these each built-in endpoint returns.\nstatic RETURNS: &[u16] = &{returns:?};"
    )?;
    Ok(code)
}
