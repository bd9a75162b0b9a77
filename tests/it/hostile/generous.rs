//! An upstream that reads paths as leniently as real frameworks do, each in its own way. The test
//! tries every way and counts what any of them would serve.

use std::collections::BTreeSet;

use super::ENDPOINTS;
use crate::support::upstream::Seen;

/// An endpoint, as its method and path template.
pub(super) type Served = (&'static str, &'static str);

/// How an upstream processes a path before it looks for an endpoint.
#[derive(Clone, Copy)]
struct Habits {
    decodes: u8,
    backslash: bool,
    parameters: bool,
    slashes: bool,
    dots: bool,
    case: bool,
    trailing: bool,
}

impl Habits {
    fn all() -> impl Iterator<Item = Self> {
        (0..3_u8 << 6).map(|bits| Self {
            decodes: bits >> 6,
            backslash: bits & 1 != 0,
            parameters: bits & 2 != 0,
            slashes: bits & 4 != 0,
            dots: bits & 8 != 0,
            case: bits & 16 != 0,
            trailing: bits & 32 != 0,
        })
    }
}

/// Returns the endpoints that some upstream would serve for this request.
pub(super) fn served(seen: &Seen) -> BTreeSet<Served> {
    let said = |names: &[&str]| -> Vec<Vec<u8>> {
        let held = names.iter().flat_map(|name| super::values(seen, name));
        held.map(<[u8]>::to_vec).collect()
    };
    let mut methods = said(&[
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "http-method-override",
        "x-request-method",
        "x-http-verb",
    ]);
    methods.push(seen.method.clone());
    let mut targets = said(&[
        "x-original-url",
        "x-original-uri",
        "x-rewrite-url",
        "x-request-uri",
        "x-matched-path",
        "x-invoke-path",
    ]);
    targets.push(seen.path.clone());
    // Prefixes that some frameworks strip from the path.
    let prefixes = said(&["script-name", "x-script-name", "x-traversal-path"]);
    let cut = prefixes
        .iter()
        .filter_map(|prefix| seen.path.strip_prefix(prefix.as_slice()));
    targets.extend(cut.map(<[u8]>::to_vec));
    let mut served = BTreeSet::new();
    for path in targets.iter().flat_map(|target| readings(target)) {
        for method in &methods {
            let method = String::from_utf8_lossy(method).to_ascii_uppercase();
            served.extend(route(&method, &path));
        }
    }
    served
}

fn readings(target: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut readings = BTreeSet::new();
    for habits in Habits::all() {
        // Some strip the query and the fragment before they decode, others after.
        for late in [false, true] {
            let mut path = strip_origin(target).to_vec();
            if !late {
                path = cut(&path);
            }
            for _ in 0..habits.decodes {
                path = decoded(&path);
            }
            if late {
                path = cut(&path);
            }
            readings.insert(read(path, habits));
        }
    }
    readings
}

fn read(mut path: Vec<u8>, habits: Habits) -> Vec<u8> {
    // Some stop at a NUL, as C does.
    path = path.split(|byte| *byte == 0).next().unwrap().to_vec();
    if habits.backslash {
        path.iter_mut()
            .filter(|byte| **byte == b'\\')
            .for_each(|byte| *byte = b'/');
    }
    if habits.case {
        path.make_ascii_lowercase();
    }
    let mut segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').skip(1).collect();
    if habits.parameters {
        for segment in &mut segments {
            *segment = segment.split(|byte| *byte == b';').next().unwrap();
        }
    }
    if habits.dots {
        let mut kept: Vec<&[u8]> = Vec::new();
        for segment in segments {
            match segment {
                b"." => {}
                b".." => drop(kept.pop()),
                other => kept.push(other),
            }
        }
        segments = kept;
    }
    if habits.slashes {
        segments.retain(|segment| !segment.is_empty());
    }
    if habits.trailing && segments.last().is_some_and(|last| last.is_empty()) {
        segments.pop();
    }
    segments
        .iter()
        .flat_map(|segment| [b"/", *segment].concat())
        .collect()
}

/// Strips the origin: `http://host/path` becomes `/path`.
fn strip_origin(target: &[u8]) -> &[u8] {
    let text = target.to_ascii_lowercase();
    let skip = ["http://", "https://"]
        .into_iter()
        .find(|scheme| text.starts_with(scheme.as_bytes()));
    match skip {
        None => target,
        Some(scheme) => {
            let rest = &target[scheme.len()..];
            let slash = rest
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(rest.len());
            &rest[slash..]
        }
    }
}

fn cut(path: &[u8]) -> Vec<u8> {
    path.split(|byte| matches!(byte, b'?' | b'#'))
        .next()
        .unwrap()
        .to_vec()
}

/// Percent-decodes a path. Decodes overlong UTF-8 as a careless decoder does, and keeps anything
/// that is not an escape.
pub(super) fn decoded(path: &[u8]) -> Vec<u8> {
    let mut once = Vec::new();
    let mut rest = path;
    while let [first, tail @ ..] = rest {
        let escape = match rest {
            [b'%', high, low, ..] => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                digit(*high)
                    .zip(digit(*low))
                    .map(|(high, low)| u8::try_from(high * 16 + low).unwrap())
            }
            _ => None,
        };
        once.push(escape.unwrap_or(*first));
        rest = if escape.is_some() { &rest[3..] } else { tail };
    }
    let mut plain = Vec::new();
    let mut rest = &once[..];
    while let [first, tail @ ..] = rest {
        (plain, rest) = match rest {
            [0xc0..=0xc1, low @ 0x80..=0xbf, after @ ..] => {
                plain.push(((first & 0x1f) << 6) | (low & 0x3f));
                (plain, after)
            }
            [0xe0, high @ 0x80..=0x81, low @ 0x80..=0xbf, after @ ..] => {
                plain.push(((high & 0x3f) << 6) | (low & 0x3f));
                (plain, after)
            }
            _ => {
                plain.push(*first);
                (plain, tail)
            }
        };
    }
    plain
}

/// Returns the first endpoint that matches, with the more literal ones first. HEAD is served as
/// GET.
pub(super) fn route(method: &str, path: &[u8]) -> Option<Served> {
    let method = if method == "HEAD" { "GET" } else { method };
    let segments: Vec<&[u8]> = path.split(|byte| *byte == b'/').skip(1).collect();
    let matching = ENDPOINTS
        .iter()
        .filter(|(of, template, _)| *of == method && fits(template, &segments));
    matching
        .min_by_key(|(_, template, _)| {
            let kinds: Vec<u8> = template
                .split('/')
                .map(|segment| {
                    u8::from(segment.starts_with('{')) + u8::from(segment.starts_with("{*"))
                })
                .collect();
            kinds
        })
        .map(|(of, template, _)| (*of, *template))
}

fn fits(template: &str, segments: &[&[u8]]) -> bool {
    let wanted: Vec<&str> = template.split('/').skip(1).collect();
    let rest = wanted.last().is_some_and(|last| last.starts_with("{*"));
    let enough = if rest {
        segments.len() >= wanted.len()
    } else {
        segments.len() == wanted.len()
    };
    enough
        && wanted.iter().zip(segments).all(|(wanted, segment)| {
            if wanted.starts_with('{') {
                !segment.is_empty()
            } else {
                wanted.as_bytes() == *segment
            }
        })
}

fn seen(method: &str, target: &str) -> Seen {
    Seen {
        method: method.into(),
        path: target.into(),
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// A model that finds no trick would prove nothing.
#[test]
fn the_generous_upstream_falls_for_the_tricks() {
    for target in [
        "/v1/charges",
        "/v1/customers/../charges",
        "/v1/customers/%2e%2E/charges",
        "/v1/customers/%252e%252e%252fcharges",
        "/v1/customers/..;a=b/charges",
        "/v1/customers/..\\charges",
        "/v1/customers/..%5ccharges",
        "/v1/CHARGES",
        "//v1//charges",
        "/v1/%63harges",
        "/v1/charges/",
        "/v1/charges;jsessionid=1",
        "/v1/charges%3fx",
        "/v1/charges%00.css",
        "/v1/customers/%c0%ae%c0%ae/charges",
        "/v1/customers/..%c0%afcharges",
        "/v1/%e0%81%a3harges",
        "http://gate/v1/charges",
        "/v1/charges#x",
    ] {
        assert!(
            served(&seen("GET", target)).contains(&("GET", "/v1/charges")),
            "`{target}`"
        );
    }
    let mut overridden = seen("GET", "/v1/customers");
    overridden
        .headers
        .push((b"X_Original_Url".to_vec(), b"/v1/charges".to_vec()));
    overridden
        .headers
        .push((b"X-HTTP-Method-Override".to_vec(), b"post".to_vec()));
    assert!(served(&overridden).contains(&("POST", "/v1/charges")));
    let mut prefixed = seen("GET", "/assets/v1/charges");
    prefixed
        .headers
        .push((b"Script.Name".to_vec(), b"/assets".to_vec()));
    assert!(served(&prefixed).contains(&("GET", "/v1/charges")));
    assert_eq!(
        served(&seen("GET", "/v1/customers/search?../charges")).len(),
        1
    );
}
