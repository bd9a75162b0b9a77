//! Queries that expand: along the graph, near it, and in every spelling.

use std::sync::OnceLock;

use super::dice::Dice;
use crate::catalogue::graph::{self, Edge};

struct Graph {
    edges: Vec<Edge>,
    returns: Vec<(String, String, Vec<String>)>,
}

fn graph() -> &'static Graph {
    static GRAPH: OnceLock<Graph> = OnceLock::new();
    GRAPH.get_or_init(|| Graph {
        edges: graph::edges(),
        returns: graph::returns(),
    })
}

/// Returns one or two parameters for an endpoint, without the `?`.
pub fn roll(dice: &mut Dice, method: &str, template: &str) -> Vec<u8> {
    let mut query = parameter(dice, method, template);
    if dice.one_in(4) {
        query = format!("{query}&{}", parameter(dice, method, template));
    }
    if dice.one_in(6) {
        query = format!("limit=3&created%5Bgte%5D=1&{query}&x");
    }
    let mut query = query.into_bytes();
    for _ in 0..dice.of(&[0, 0, 0, 0, 1, 3]) {
        let at = dice.below(query.len());
        match dice.below(4) {
            0 => query[at] = dice.byte(),
            1 => query.insert(at, dice.of(b"&;=%[].+?#\n\0 _-eE0")),
            2 => drop(query.remove(at)),
            _ => {
                let escaped = format!("%{:02x}", query[at]);
                query.splice(at..=at, escaped.into_bytes());
            }
        }
        if query.is_empty() {
            break;
        }
    }
    query
}

fn parameter(dice: &mut Dice, method: &str, template: &str) -> String {
    let path = path(dice, method, template);
    let names = [
        "expand[]",
        "expand%5B%5D",
        "expand[]",
        "expand",
        "expand[0]",
        "expand[12]",
        "%65xpand[%30]",
    ];
    let odd = [
        "Expand[]",
        "[expand][]",
        "+expand[]",
        "expand[][]",
        "expand[a]",
        "expand%255B%255D",
        "expand.0",
        "x=1;expand[]",
        "x=1%26expand[]",
        "x[expand][]",
        "expanded",
        "xexpand[]",
        "%c1%a5xpand[]",
        "expand%00[]",
        "q=a;b;%25",
        "q=grow+%26+expand",
        "expand[",
        "?expand",
        ";",
        "=expand[]",
        "e%CC%81xpand",
    ];
    let name = if dice.one_in(6) {
        dice.pick(&odd)
    } else {
        dice.pick(&names)
    };
    format!("{name}={path}")
}

/// Returns a path down from what the endpoint returns, or nearly.
fn path(dice: &mut Dice, method: &str, template: &str) -> String {
    let method = if method == "HEAD" { "GET" } else { method };
    let known = graph()
        .returns
        .iter()
        .find(|(of, path, _)| of == method && path == template);
    let mut here: Vec<&str> = known
        .map(|(_, _, returned)| returned.iter().map(String::as_str).collect())
        .unwrap_or_default();
    let mut names: Vec<&str> = Vec::new();
    for _ in 0..1 + dice.below(4) {
        if here.is_empty() {
            break;
        }
        let object = dice.pick(&here);
        if let Some(element) = object.strip_prefix("list ") {
            names.push("data");
            here = vec![element];
            continue;
        }
        let fields: Vec<&Edge> = graph()
            .edges
            .iter()
            .filter(|edge| edge.object == object)
            .collect();
        if fields.is_empty() {
            break;
        }
        let edge = dice.pick(&fields);
        // A map accepts any name.
        names.push(if edge.field == "*" {
            "usd"
        } else {
            &edge.field
        });
        here = edge.targets.iter().map(String::as_str).collect();
    }
    let mut path = if names.is_empty() {
        dice.pick(&["customer", "data", "total_count", "data.customer"])
            .to_owned()
    } else {
        names.join(".")
    };
    if dice.one_in(7) {
        path = match dice.below(12) {
            0 => format!("data.{path}"),
            1 => format!("{path}.id"),
            2 => format!("{path}.total_count"),
            3 => path.replace("data.", ""),
            4 => path.to_uppercase(),
            5 => format!("{path}."),
            6 => format!("{path}%2Cid"),
            7 => path.replace('.', "%2E"),
            8 => path.replace('.', "%252E"),
            9 => String::new(),
            10 => format!("{path};expand[]=customer"),
            _ => path.replace('a', "%61"),
        };
    }
    path
}
