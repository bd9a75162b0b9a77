//! A JSON or YAML file of somebody's own, of which single values are replaced. Of YAML with several documents one is meant.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::yaml;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Yaml,
}

/// A file's text, read.
#[derive(Clone)]
pub(super) struct TextFile {
    text: String,
    form: Form,
    index: usize,
    value: Value,
}

impl TextFile {
    /// Reads a text that is one document.
    pub(super) fn read(bytes: Vec<u8>, form: Form) -> Result<Self> {
        let any = |_: &Value| true;
        Self::read_one(bytes, form, any, |_| false, ("document", "document"))
    }

    /// Reads a text, of whose documents one is of the wanted kind; or of several of that kind one is meant. `what` names the two in refusals.
    pub(super) fn read_one(
        bytes: Vec<u8>,
        form: Form,
        is_of_kind: impl Fn(&Value) -> bool,
        is_meant: impl Fn(&Value) -> bool,
        what: (&str, &str),
    ) -> Result<Self> {
        let text = String::from_utf8(bytes).ok().context("expected UTF-8")?;
        let documents = match form {
            Form::Json => vec![serde_json::from_str(&text).ok().context("expected JSON")?],
            Form::Yaml => yaml::read(&text)?,
        };
        let mut of_kind: Vec<(usize, Value)> = documents
            .into_iter()
            .enumerate()
            .filter(|(_, value)| is_of_kind(value))
            .collect();
        let mut name = what.0;
        if of_kind.len() > 1 {
            of_kind.retain(|(_, value)| is_meant(value));
            name = what.1;
        }
        let mut of_kind = of_kind.into_iter();
        match (of_kind.next(), of_kind.next()) {
            (Some((index, value)), None) => Ok(Self {
                text,
                form,
                index,
                value,
            }),
            _ => bail!("expected one {name}"),
        }
    }

    pub(super) fn value(&self) -> &Value {
        &self.value
    }

    /// The same document with a value put somewhere, with the objects around it.
    pub(super) fn put(&mut self, pointer: &str, value: Value) -> Result<()> {
        if self.form == Form::Yaml {
            self.text = yaml::put(&self.text, self.index, pointer, value.clone())?;
        }
        yaml::put_value(&mut self.value, pointer, value)
    }

    /// The whole text with these values replaced.
    pub(super) fn replace(&self, edits: &[(&str, Value)]) -> Result<Vec<u8>> {
        match self.form {
            Form::Yaml => Ok(yaml::replace(&self.text, self.index, edits)?.into_bytes()),
            Form::Json => {
                let mut value = self.value.clone();
                for (pointer, new) in edits {
                    let place = value.pointer_mut(pointer);
                    *place.with_context(|| format!("expected `{pointer}`"))? = new.clone();
                }
                Ok(serde_json::to_vec_pretty(&value)?)
            }
        }
    }
}
