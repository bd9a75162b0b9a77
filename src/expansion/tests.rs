use std::borrow::Cow;

use super::graph::{Edge, Way};
use super::*;
use crate::permission::Permission;

fn read(query: &str) -> Vec<Parameter<'_>> {
    parameters(query.as_bytes()).collect()
}

#[track_caller]
fn assert_paths(query: &str, paths: &[&str]) {
    let expected: Vec<_> = paths
        .iter()
        .map(|path| Parameter::Path(Cow::Borrowed(*path)))
        .collect();
    assert_eq!(read(query), expected, "{query}");
}

#[test]
fn what_every_server_reads_alike_is_a_path() {
    assert_paths("expand[]=customer", &["customer"]);
    assert_paths("expand=customer", &["customer"]);
    assert_paths("expand[0]=a&expand[17]=b.c_2", &["a", "b.c_2"]);
    assert_paths("limit=3&expand%5B%5D=data.customer&x", &["data.customer"]);
    assert_paths("%65xpan%64%5b0%5d=%64ata%2Ecustomer", &["data.customer"]);
    assert_paths(
        "expand[]=a&expand[]=a&&expand=b&expand[]=c",
        &["a", "a", "b", "c"],
    );
}

#[test]
fn other_parameters_are_left_alone() {
    for query in [
        "",
        "&&",
        "limit=3&starting_after=cus_1",
        "created%5Bgte%5D=1&created[lt]=2",
        "expanded=x",
        "expand_all=x",
        "auto_expand=x",
        "expand-depth=2",
        "a[expand][]=customer",
        "x=expand[]",
        "x=expand",
        "q=expand%5B%5D%3Dcustomer",
        "query=name%3A%22grow%20%26%20expand%22%20AND%20metadata%5B%22k%22%5D%3A%22v%22",
        "query=grow+%26+expand+more",
        "query=R%26D+100%25",
        "query=100%2525%26+expand",
        "n=%C3%A9%26%C3%A9",
        "n=%ff",
        "n%C3%A4me=x",
        "xpand[]=customer",
        "expan=d",
    ] {
        assert_eq!(read(query), [], "{query}");
    }
}

#[test]
fn what_some_server_may_read_as_one_is_unclear() {
    for query in [
        // Values that are not a path.
        "expand[]",
        "expand[]=",
        "expand=",
        "expand[]=.",
        "expand[]=data.",
        "expand[]=.data",
        "expand[]=a..b",
        "expand[]=Customer",
        "expand[]=a,b",
        "expand[]=a+b",
        "expand[]=%20a",
        "expand[]=a%00",
        "expand[]=a%2562",
        "expand[]=a-b",
        "expand[]=a=b",
        "expand[]=a;b",
        "expand[]=%ff",
        "expand[]=%c3%a4",
        "expand[]=[\"customer\"]",
        // Names that some servers fold, cut or decode into `expand`.
        "EXPAND[]=customer",
        "Expand=customer",
        "[expand][]=customer",
        "[expand]=customer",
        "]expand[]=customer",
        "+expand[]=customer",
        "%20expand[]=customer",
        "%09expand[]=customer",
        "%00expand[]=customer",
        "expand%00[]=customer",
        "expand+[]=customer",
        "expand.0=customer",
        "expand][]=customer",
        "expand[=customer",
        "expand[][]=customer",
        "expand[][0]=customer",
        "expand[a]=customer",
        "expand[+]=customer",
        "expand[-1]=customer",
        "expand[0=customer",
        "expand[]x=customer",
        "?expand[]=customer",
        "#expand[]=customer",
        "$expand=customer",
        "%EF%BB%BFexpand[]=customer",
        "expand%C2%A0[]=customer",
        "expand%255B%255D=customer",
        "expand%5B%5D%3Dcustomer",
        "%2565xpand[]=customer",
        "%u0065xpand[]=customer",
        "%c1%a5xpand[]=customer",
        "%e0%81%a5xpand[]=customer",
        // Several parameters in what other servers read as one.
        "x=1;expand[]=customer",
        ";expand[]=customer",
        "x;EXPAND=customer",
        "x=1;%65xpand[]=customer",
        "x=1;%c1%a5xpand[]=customer",
        "x=1%26expand[]=customer",
        "x=1%26expand%5B%5D=customer",
        "x=1%26expand%255B%255D=customer",
        "x=1%3Bexpand=customer",
        "x=1%26expand.0=customer",
        "x=1%2526expand[]=customer",
        "x=1%26%2565xpand[]=customer",
        "x=1%26%c1%a5xpand[]=customer",
        "x=1%26expand+=customer",
        "x=1%26expand%20%20[]=customer",
        "x=1?expand[]=customer",
        "x=1%0Aexpand[]=customer",
        "amp;expand[]=customer",
    ] {
        assert_eq!(
            read(query),
            [Parameter::Unclear(query.as_bytes())],
            "{query}"
        );
        let beside = format!("limit=3&{query}&expand[]=a");
        assert_eq!(
            parameters(beside.as_bytes()).collect::<Vec<_>>(),
            [
                Parameter::Unclear(query.as_bytes()),
                Parameter::Path(Cow::Borrowed("a"))
            ],
            "{query}"
        );
    }
    let raw = b"\xc1\xa5xpand[]=customer";
    assert_eq!(
        parameters(raw).collect::<Vec<_>>(),
        [Parameter::Unclear(raw)]
    );
}

const A: Permission = Permission::builtin(0);
const B: Permission = Permission::builtin(1);
const C: Permission = Permission::builtin(2);

const fn one(object: u16) -> Target {
    Target {
        object,
        is_list: false,
    }
}

const fn many(object: u16) -> Target {
    Target {
        object,
        is_list: true,
    }
}

const fn edge(field: u16, way: u16) -> Edge {
    Edge { field, way }
}

/// Charges (0) and customers (1) expand each other. A charge contains details (2), which expand a
/// mandate (3, without fields). Customers expand a list of charges, and `owner` is a customer or a
/// mandate.
const GRAPH: Graph = Graph {
    fields: &["charges", "customer", "details", "mandate", "owner"],
    starts: &[0, 3, 4, 5, 5],
    edges: &[edge(1, 0), edge(2, 1), edge(4, 4), edge(0, 2), edge(3, 3)],
    ways: &[
        Way {
            targets: &[one(1)],
            asks: &[&[A]],
        },
        Way {
            targets: &[one(2)],
            asks: &[],
        },
        Way {
            targets: &[many(0)],
            asks: &[&[B]],
        },
        Way {
            targets: &[one(3)],
            asks: &[&[B, C]],
        },
        Way {
            targets: &[one(1), one(3)],
            asks: &[&[A], &[C]],
        },
    ],
};

/// Returns the sets of permissions that following the path asks for, in order, or where it ends.
fn asked<'p>(returned: Target, path: &'p str) -> Result<Vec<&'static [Permission]>, Unknown<'p>> {
    let mut asked = Vec::new();
    let followed = GRAPH.follow(&[returned], path, |ask| {
        asked.push(ask);
        Ok::<(), ()>(())
    });
    followed.unwrap().map(|()| asked)
}

#[test]
fn every_expanding_field_on_the_way_asks() {
    assert_eq!(asked(one(0), "customer"), Ok(vec![&[A][..]]));
    assert_eq!(asked(many(0), "data.customer"), Ok(vec![&[A][..]]));
    assert_eq!(asked(one(0), "details"), Ok(vec![]));
    assert_eq!(asked(one(0), "details.mandate"), Ok(vec![&[B, C][..]]));
    let round = "customer.charges.data.customer.charges.data.details.mandate";
    assert_eq!(
        asked(one(0), round),
        Ok(vec![&[A][..], &[B], &[A], &[B], &[B, C]])
    );
}

#[test]
fn a_field_with_several_targets_asks_for_all_and_is_followed_from_each() {
    assert_eq!(asked(one(0), "owner"), Ok(vec![&[A][..], &[C]]));
    assert_eq!(
        asked(one(0), "owner.charges"),
        Ok(vec![&[A][..], &[C], &[B]])
    );
}

#[test]
fn a_list_has_data_and_a_count() {
    assert_eq!(asked(many(0), "data"), Ok(vec![]));
    assert_eq!(asked(many(0), "total_count"), Ok(vec![]));
    assert_eq!(asked(one(1), "charges.total_count"), Ok(vec![&[B][..]]));
    for (returned, path, before, name, is_at_list) in [
        (many(0), "customer", "", "customer", true),
        (many(0), "total_count.x", "", "total_count", true),
        (many(0), "data.total_count", "data.", "total_count", false),
        (many(0), "data.data", "data.", "data", false),
        (one(1), "charges.customer", "charges.", "customer", true),
        (one(0), "data.customer", "", "data", false),
        (one(0), "total_count", "", "total_count", false),
    ] {
        let unknown = Unknown {
            before,
            name,
            is_at_list,
        };
        assert_eq!(asked(returned, path), Err(unknown), "{path}");
    }
}

#[test]
fn what_the_graph_does_not_know_ends_the_walk() {
    for (path, before, name) in [
        ("id", "", "id"),
        ("charges", "", "charges"),
        ("customer.id", "customer.", "id"),
        ("details.mandate.x.y", "details.mandate.", "x"),
        ("owner.customer", "owner.", "customer"),
        ("", "", ""),
        ("customer.", "customer.", ""),
    ] {
        let unknown = Unknown {
            before,
            name,
            is_at_list: false,
        };
        assert_eq!(asked(one(0), path), Err(unknown), "{path}");
    }
    let nothing = GRAPH.follow(&[], "customer", |_| Ok::<(), ()>(()));
    assert!(matches!(nothing, Ok(Err(_))));
}

#[test]
fn the_first_error_ends_the_walk() {
    let mut count = 0;
    let followed = GRAPH.follow(&[one(0)], "customer.charges.data.nothing", |_| {
        count += 1;
        Err("missing")
    });
    assert_eq!((followed, count), (Err("missing"), 1));
}

/// The compiled graph is consistent: every number in it refers to something, and lists are sorted
/// as the search expects.
#[test]
fn stripes_graph_is_whole() {
    let graph = &STRIPE;
    assert!(graph.fields.is_sorted_by(|a, b| a < b));
    assert!(graph.starts.is_sorted());
    assert_eq!(
        graph.starts.last().map(|last| usize::from(*last)),
        Some(graph.edges.len())
    );
    for ends in graph.starts.windows(2) {
        let edges = &graph.edges[usize::from(ends[0])..usize::from(ends[1])];
        assert!(edges.is_sorted_by(|a, b| a.field < b.field));
    }
    for edge in graph.edges {
        assert!(usize::from(edge.field) < graph.fields.len());
        assert!(usize::from(edge.way) < graph.ways.len());
    }
    let objects = graph.starts.len() - 1;
    for way in graph.ways {
        assert!(!way.targets.is_empty());
        let exists = |target: &Target| usize::from(target.object) < objects;
        assert!(way.targets.iter().all(exists));
        assert!(way.asks.iter().all(|any_of| !any_of.is_empty()));
    }
    assert_eq!(
        returned(u16::MAX),
        [],
        "nothing is known of what is no built-in endpoint"
    );
}
