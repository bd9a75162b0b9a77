//! The parameters of queries: their names, and the form of their values.

use serde_json::{Value, json};

/// A parameter. Whatever its form, it comes as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name. One that ends in `[]` comes once, or several times as `name[0]`, `name[1]`.
    pub name: &'static str,
    /// The form of its value.
    pub form: Form,
}

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// Several texts.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A whole number between these two.
    Number(u64, u64),
    /// RFC 3339, with a zone.
    Time,
    /// One of these words.
    Word(&'static [&'static str]),
}

/// The largest number that the store holds.
const LARGEST: u64 = i64::MAX.unsigned_abs();

pub(crate) const LIMIT: Parameter = named("limit", Form::Number(1, 100));
pub(crate) const AFTER: Parameter = named("after", Form::Number(0, LARGEST));
/// In seconds; more than 30 is 30.
pub(crate) const WAIT: Parameter = named("wait", Form::Number(0, LARGEST));
pub(crate) const SCOPE: Parameter = named("scope", Form::Word(&["self", "tree"]));
pub(crate) const LOGS_FROM: Parameter =
    named("logs_from", Form::Word(&["@self", "@organization_members"]));
pub(crate) const KIND: Parameter = named(
    "kind",
    Form::Word(&["secret", "restricted", "publishable", "organization"]),
);
pub(crate) const STATE: Parameter = named(
    "state",
    Form::Word(&["active", "inactive", "expired", "deleted", "suspended"]),
);
/// As the access log has it.
pub(crate) const DECISION: Parameter = named(
    "decision",
    Form::Word(&["allow", "verify", "shadow", "deny"]),
);
pub(crate) const STATUS: Parameter = named("status", Form::Word(&["active", "suspended"]));

pub(crate) const fn text(name: &'static str) -> Parameter {
    named(name, Form::Text)
}

pub(crate) const fn texts(name: &'static str) -> Parameter {
    named(name, Form::Texts)
}

pub(crate) const fn flag(name: &'static str) -> Parameter {
    named(name, Form::Flag)
}

pub(crate) const fn time(name: &'static str) -> Parameter {
    named(name, Form::Time)
}

const fn named(name: &'static str, form: Form) -> Parameter {
    Parameter { name, form }
}

impl Parameter {
    /// As OpenAPI describes it.
    pub(crate) fn description(self) -> Value {
        let schema = match self.form {
            Form::Text => json!({"type": "string"}),
            Form::Texts => json!({"type": "array", "items": {"type": "string"}, "maxItems": 1}),
            Form::Flag => json!({"type": "boolean"}),
            Form::Number(least, most) => {
                json!({"type": "integer", "minimum": least, "maximum": most})
            }
            Form::Time => json!({"type": "string", "format": "date-time"}),
            Form::Word(words) => json!({"type": "string", "enum": words}),
        };
        json!({"name": self.name, "in": "query", "required": false, "schema": schema})
    }
}
