//! One value of a YAML text is replaced where it stands: comments, order and spelling of everything else stay. The result is read again and
//! compared, so that what cannot be replaced that way is an error and never a wrong file.

pub(super) mod block;

use std::ops::Range;

use anyhow::{Context, Result, bail};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde::Deserialize;
use serde_json::{Value, json};

/// A node, and where it stands in the text.
struct Node {
    span: Range<usize>,
    column: usize,
    kind: Kind,
}

enum Kind {
    /// Scalars and aliases.
    Inline,
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// The documents of a YAML text.
pub(super) fn read(text: &str) -> Result<Vec<Value>> {
    serde_norway::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).ok().context("expected YAML"))
        .collect()
}

/// The text with the values at `edits` (pointers as in RFC 6901) of its document number `document` replaced.
pub(super) fn replace(text: &str, document: usize, edits: &[(&str, Value)]) -> Result<String> {
    let mut expected = read(text)?;
    let mut replaced = text.to_owned();
    for (pointer, value) in edits {
        let place = expected
            .get_mut(document)
            .and_then(|document| document.pointer_mut(pointer));
        *place.with_context(|| format!("expected `{}`", shown(pointer)))? = value.clone();
        let root = nodes(&replaced)?;
        let node = root
            .get(document)
            .and_then(|node| find(node, pointer))
            .with_context(|| {
                format!("`{}` stands behind an alias; write it out", shown(pointer))
            })?;
        let old = replaced.get(node.span.clone()).unwrap_or("");
        let new = spelled(value, node, old)?;
        replaced.replace_range(node.span.clone(), &new);
    }
    if read(&replaced).ok() != Some(expected) {
        bail!(
            "this YAML is spelled in a way that cannot be edited in place; write the value in one line, in quotes, or use JSON"
        );
    }
    Ok(replaced)
}

/// The text with `value` at this pointer of its document number `document`: in the place of what is there, or added with the objects around it.
pub(super) fn put(text: &str, document: usize, pointer: &str, value: Value) -> Result<String> {
    let mut expected = read(text)?;
    let place = expected.get_mut(document).context("expected YAML")?;
    if place.pointer(pointer).is_some() {
        return replace(text, document, &[(pointer, value)]);
    }
    put_value(place, pointer, value.clone())?;
    let root = nodes(text)?;
    let mut node = root.get(document).context("expected YAML")?;
    let mut steps: Vec<&str> = pointer.split('/').skip(1).collect();
    while let Some(inner) = steps.first().and_then(|step| step_into(node, step)) {
        node = inner;
        steps.remove(0);
    }
    let added = steps
        .iter()
        .rev()
        .fold(value, |inner, step| json!({unescaped(step): inner}));
    let old = text.get(node.span.clone()).unwrap_or("");
    let (at, new) = match &node.kind {
        Kind::Object(members) if old.starts_with('{') => {
            let json = added.to_string();
            let inner = json
                .strip_prefix('{')
                .and_then(|json| json.strip_suffix('}'));
            let comma = if members.is_empty() { "" } else { ", " };
            let start = node.span.start.saturating_add(1);
            (start..start, format!("{}{comma}", inner.unwrap_or("")))
        }
        Kind::Object(_) => {
            let indent = format!("\n{}", " ".repeat(node.column));
            let start = node.span.start;
            let block = block::written(&added).replace('\n', &indent);
            (start..start, format!("{block}{indent}"))
        }
        Kind::Inline | Kind::List(_) => (node.span.clone(), spelled(&added, node, old)?),
    };
    let mut written = text.to_owned();
    written.replace_range(at, &new);
    match read(&written).ok() == Some(expected) {
        true => Ok(written),
        false => bail!("`{}` cannot be added here; write it out", shown(pointer)),
    }
}

/// Puts a value where a pointer leads, with the objects around it.
pub(super) fn put_value(root: &mut Value, pointer: &str, value: Value) -> Result<()> {
    let mut place = root;
    for step in pointer.split('/').skip(1) {
        if place.is_null() {
            *place = json!({});
        }
        let members = place.as_object_mut();
        let members = members.with_context(|| format!("expected `{}`", shown(pointer)))?;
        place = members.entry(unescaped(step)).or_insert(Value::Null);
    }
    *place = value;
    Ok(())
}

/// A step of a pointer as the name it means.
fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// `resources.0.name` for `/resources/0/name`.
fn shown(pointer: &str) -> String {
    let path = pointer.trim_start_matches('/').replace('/', ".");
    unescaped(&path)
}

fn spelled(value: &Value, node: &Node, old: &str) -> Result<String> {
    let mut new = match (value, &node.kind) {
        (Value::Object(_), Kind::Object(_) | Kind::List(_)) if !old.starts_with(['{', '[']) => {
            let indent = format!("\n{}", " ".repeat(node.column));
            block::written(value).replace('\n', &indent)
        }
        (Value::String(text), _) => block::quoted(text),
        _ => value.to_string(),
    };
    if old.is_empty() {
        new.insert(0, ' ');
    }
    // A block scalar ends with its line.
    if old.ends_with('\n') {
        new.push('\n');
    }
    Ok(new)
}

/// How long the quoted scalar is that `text` begins with.
fn quoted_length(text: &str) -> usize {
    let quote = text.chars().next();
    let mut rest = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = rest.next() {
        let is_doubled = quote == Some('\'') && rest.peek().is_some_and(|(_, next)| *next == '\'');
        if c == '\\' && quote == Some('"') || Some(c) == quote && is_doubled {
            rest.next();
        } else if Some(c) == quote {
            return at.saturating_add(1);
        }
    }
    text.len()
}

fn find<'a>(node: &'a Node, pointer: &str) -> Option<&'a Node> {
    let mut found = node;
    for step in pointer.split('/').skip(1) {
        found = step_into(found, step)?;
    }
    Some(found)
}

fn step_into<'a>(node: &'a Node, step: &str) -> Option<&'a Node> {
    match &node.kind {
        Kind::Object(members) => {
            let name = unescaped(step);
            Some(&members.iter().find(|(of, _)| *of == name)?.1)
        }
        Kind::List(items) => items.get(step.parse::<usize>().ok()?),
        Kind::Inline => None,
    }
}

/// The root of each document.
fn nodes(text: &str) -> Result<Vec<Node>> {
    let mut reader = Reader {
        text,
        bytes: if text.is_ascii() {
            None
        } else {
            let ends = text.char_indices().map(|(at, _)| at);
            Some(ends.chain([text.len()]).collect())
        },
        parser: Parser::new_from_str(text),
    };
    let mut roots = Vec::new();
    while let Some((event, span)) = reader.next()? {
        match event {
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            Event::StreamEnd => break,
            event @ (Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd) => roots.push(reader.node(event, span)?),
        }
    }
    Ok(roots)
}

struct Reader<'a> {
    text: &'a str,
    /// Where each character begins, unless each is one byte.
    bytes: Option<Vec<usize>>,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>> {
        match self.parser.next() {
            None => Ok(None),
            // The parser's own message may quote the text.
            Some(event) => Ok(Some(event.ok().context("expected YAML")?)),
        }
    }

    fn offset(&self, index: usize) -> usize {
        match &self.bytes {
            Some(bytes) => bytes.get(index).copied().unwrap_or(self.text.len()),
            None => index,
        }
    }

    /// Where a scalar begins. The parser calls that of a block scalar the first character of its content, and that of one that is left out the end of
    /// what stands before it.
    fn scalar_start(&self, start: usize, text: &str, style: ScalarStyle) -> usize {
        let (before, behind) = self.text.split_at_checked(start).unwrap_or((self.text, ""));
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => before.rfind(['|', '>']).unwrap_or(start),
            ScalarStyle::Plain if text.is_empty() => behind
                .find(':')
                .map_or(start, |colon| start.saturating_add(colon).saturating_add(1)),
            ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => start,
        }
    }

    /// The node that begins with `event`. The text was read before, so it is not nested deeper than that allows.
    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node> {
        let mut start = self.offset(span.start.index());
        if let Event::Scalar(text, style, ..) = &event {
            start = self.scalar_start(start, text, *style);
        }
        let mut end = self.offset(span.end.index()).max(start);
        if let Event::Scalar(_, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted, ..) = &event
        {
            // What the parser calls its end is behind the comment that follows.
            end = start.saturating_add(quoted_length(self.text.get(start..end).unwrap_or("")));
        }
        let column = span.start.col();
        let is_block = !self
            .text
            .get(start..)
            .is_some_and(|rest| rest.starts_with(['{', '[']));
        let kind = match event {
            Event::MappingStart(..) => {
                let mut members = Vec::new();
                loop {
                    let (event, span) = self.next()?.context("expected YAML")?;
                    if matches!(event, Event::MappingEnd) {
                        if !is_block {
                            // The bracket itself: what the parser calls its end is behind the comment that follows.
                            end = self.offset(span.start.index().saturating_add(1));
                        }
                        break;
                    }
                    let name = if let Event::Scalar(name, ..) = &event {
                        name.to_string()
                    } else {
                        String::new()
                    };
                    let key = self.node(event, span)?;
                    let (event, span) = self.next()?.context("expected YAML")?;
                    let value = self.node(event, span)?;
                    end = end.max(key.span.end).max(value.span.end);
                    members.push((name, value));
                }
                Kind::Object(members)
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?.context("expected YAML")?;
                    if matches!(event, Event::SequenceEnd) {
                        if !is_block {
                            // The bracket itself: what the parser calls its end is behind the comment that follows.
                            end = self.offset(span.start.index().saturating_add(1));
                        }
                        break;
                    }
                    let item = self.node(event, span)?;
                    end = end.max(item.span.end);
                    items.push(item);
                }
                Kind::List(items)
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceEnd
            | Event::MappingEnd => Kind::Inline,
        };
        Ok(Node {
            span: start..end,
            column,
            kind,
        })
    }
}

#[cfg(test)]
mod tests;
