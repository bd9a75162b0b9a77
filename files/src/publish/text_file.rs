//! A user's JSON or YAML file. keyward replaces single values in it, and writes it as JSON even if
//! it was YAML: every field stays, but comments do not. In YAML with several documents, keyward
//! changes only one of them; the others stay unchanged byte by byte.

use std::ops::Range;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::yaml;
use keyward::invariant::Held;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Yaml,
}

/// The parsed text of a file.
#[derive(Clone)]
pub(super) struct TextFile {
    text: String,
    form: Form,
    /// The place of the chosen document.
    place: Range<usize>,
    is_only: bool,
    value: Value,
}

impl TextFile {
    /// Reads a text with exactly one document.
    pub(super) fn read(bytes: Vec<u8>, form: Form) -> Result<Self> {
        let any = |_: &Value| true;
        Self::read_one(bytes, form, any, |_| false, ("document", "document"))
    }

    /// Reads a text, and returns the only document of the wanted kind, or chooses one of several.
    /// `what` names both in error messages.
    pub(super) fn read_one(
        bytes: Vec<u8>,
        form: Form,
        is_of_kind: impl Fn(&Value) -> bool,
        is_meant: impl Fn(&Value) -> bool,
        what: (&str, &str),
    ) -> Result<Self> {
        let text = String::from_utf8(bytes).ok().context("expected UTF-8")?;
        let mut of_kind = match form {
            Form::Json => vec![yaml::Document {
                place: 0..text.len(),
                value: serde_json::from_str(&text).ok().context("expected JSON")?,
            }],
            Form::Yaml => yaml::read(&text)?,
        };
        let is_only = of_kind.len() == 1;
        of_kind.retain(|document| is_of_kind(&document.value));
        let mut name = what.0;
        if of_kind.len() > 1 {
            of_kind.retain(|document| is_meant(&document.value));
            name = what.1;
        }
        let mut of_kind = of_kind.into_iter();
        match (of_kind.next(), of_kind.next()) {
            (Some(yaml::Document { place, value }), None) => Ok(Self {
                text,
                form,
                place,
                is_only,
                value,
            }),
            _ => bail!("expected one {name}"),
        }
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// Returns the text if it is YAML with only this document.
    pub(super) fn only_yaml(&self) -> Option<&str> {
        (self.form == Form::Yaml && self.is_only).then_some(&self.text)
    }

    fn part(&self) -> &str {
        self.text
            .get(self.place.clone())
            .held("a range was taken of this text")
    }

    /// Whether writing loses comments and the original spelling.
    pub(super) fn is_by_hand(&self) -> bool {
        self.form == Form::Yaml && !yaml::is_json(self.part())
    }

    /// Puts a value at the end of a JSON pointer (RFC 6901), and creates the objects on the way.
    pub(super) fn put(&mut self, pointer: &str, value: Value) -> Result<()> {
        if let Some(place) = self.value.pointer_mut(pointer) {
            *place = value;
            return Ok(());
        }
        let mut place = &mut self.value;
        for step in pointer.split('/').skip(1) {
            if place.is_null() {
                *place = json!({});
            }
            let shown = || {
                pointer
                    .trim_start_matches('/')
                    .replace('/', ".")
                    .replace("~1", "/")
            };
            let members = place.as_object_mut();
            let members = members.with_context(|| format!("expected `{}`", shown()))?;
            let name = step.replace("~1", "/").replace("~0", "~");
            place = members.entry(name).or_insert(Value::Null);
        }
        *place = value;
        Ok(())
    }

    /// Returns the whole text with the present value. The check for ambiguous words ignores the old
    /// text at `replaced`.
    pub(super) fn written(&self, replaced: &str) -> Result<Vec<u8>> {
        if self.form == Form::Json {
            return Ok(format!("{:#}\n", self.value).into_bytes());
        }
        if self.is_by_hand() {
            let mut rest = self.value.clone();
            if let Some(place) = rest.pointer_mut(replaced) {
                *place = Value::Null;
            }
            if let Some(text) = yaml::ambiguous(&rest, self.part()) {
                bail!(
                    "it contains `{text}` without quotes, and readers disagree on its meaning; quote it, or write `true`, `false` or a plain number"
                );
            }
        }
        let spelled = yaml::spelled(&self.value);
        // Without `---` at the start, kubectl would treat several documents as a stream of JSON.
        let marker = if self.is_only { "" } else { "---\n" };
        let mut text = self.text.clone();
        text.replace_range(self.place.clone(), &format!("{marker}{spelled}\n"));
        Ok(text.into_bytes())
    }
}
