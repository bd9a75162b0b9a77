//! keyward's header that names the caller, as keyward-server reads it: it accepts only a dictionary
//! as keyward writes it, with each member once.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use keyward_server::fuzzing::told;
use regex::bytes::{Captures, Regex};

use super::pattern;

/// Matches one member: by RFC 9651, with the types and words of the contract. A string contains no
/// comma.
static MEMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"\A(?:(?P<key>key)="(?P<id>[A-Za-z0-9_.-]{1,64})""#,
        r"|(?P<kind>kind)=(?:secret|restricted|publishable|organization)",
        r"|(?P<livemode>livemode)(?:=\?[01])?",
        r#"|(?P<text>account|path|org)="(?:[ !#-+\--\[\]-~]|\\["\\])*""#,
        r#"|(?P<permission>permission)="(?P<name>(?:[ !#-+\--\[\]-~]|\\["\\])*)""#,
        r"|(?P<access>access)=(?P<level>read|write)",
        r"|(?P<revision>revision)=-?[0-9]{1,15})\z"
    ))
});

const NAMES: [&str; 7] = [
    "key",
    "kind",
    "livemode",
    "text",
    "permission",
    "access",
    "revision",
];

/// The input is the header's value.
pub fn run(input: &[u8]) {
    let found = told(input);
    assert_eq!(found, expected(input), "{}", input.escape_ascii());
    if found.is_some() {
        // A second principal in the same header invalidates it.
        for more in [r#", key="mk_2""#, ", more=1", ";a=1", ","] {
            assert_eq!(told(&[input, more.as_bytes()].concat()), None);
        }
    }
}

type Told = (String, Option<(String, &'static str)>);

fn expected(input: &[u8]) -> Option<Told> {
    let leading = input.iter().take_while(|byte| **byte == b' ').count();
    let mut seen = BTreeSet::new();
    let (mut id, mut permission, mut level) = (None, None, None);
    let parts: Vec<&[u8]> = input[leading..].split(|byte| *byte == b',').collect();
    for (index, part) in parts.iter().enumerate() {
        // White space is around the commas and at the end.
        let start = match index {
            0 => 0,
            _ => part.iter().take_while(|byte| is_blank(**byte)).count(),
        };
        let blanks = part.iter().rev().take_while(|byte| is_blank(**byte));
        let end = part.len() - blanks.count();
        let member = MEMBER.captures(part.get(start..end)?)?;
        let name = NAMES.iter().find(|name| member.name(name).is_some())?;
        if !seen.insert(group(&member, name)?) {
            return None;
        }
        id = id.or(group(&member, "id"));
        permission = permission.or(group(&member, "name"));
        level = level.or(group(&member, "level"));
    }
    let is_whole = ["key", "kind", "livemode", "revision"]
        .iter()
        .all(|name| seen.contains(*name));
    let decides = match (permission, level.as_deref()) {
        (Some(name), Some("read")) => Some((unescaped(&name), "read")),
        (Some(name), Some(_)) => Some((unescaped(&name), "write")),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    is_whole.then_some(())?;
    Some((id?, decides))
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn group(member: &Captures<'_>, name: &str) -> Option<String> {
    let found = member.name(name)?;
    Some(String::from_utf8(found.as_bytes().to_vec()).unwrap())
}

fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    let mut out = String::new();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => characters.next().unwrap(),
            other => other,
        });
    }
    out
}
