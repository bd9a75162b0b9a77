//! The person of a session, as the link's maker names them.

use keyward_files::visible::is_line;
use serde_json::{Value, json};

/// A person. The trail contains the name, so it must differ from the names of keys, of local users
/// and of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Person {
    id: String,
    email: Option<String>,
    name: Option<String>,
}

/// Why a person cannot have this name: the member, and what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WrongPerson {
    pub(crate) param: &'static str,
    pub(crate) message: &'static str,
}

const LONGEST: usize = 128;

impl Person {
    pub(crate) fn new(
        id: String,
        email: Option<String>,
        name: Option<String>,
    ) -> Result<Self, WrongPerson> {
        let refused = |param, message| Err(WrongPerson { param, message });
        let is_reserved = id.starts_with("mk_") || id.starts_with("local:") || id == "system";
        if !is_name(&id) || id.contains(char::is_whitespace) || is_reserved {
            return refused(
                "actor.id",
                "`actor.id` is whom the trail names: at most 128 visible characters without blanks, such as a mail address, and not one that a key or the server has there.",
            );
        }
        for (param, text) in [("actor.email", &email), ("actor.name", &name)] {
            if !text.as_deref().is_none_or(is_name) {
                return refused(
                    param,
                    "Expected one line of at most 128 visible characters.",
                );
            }
        }
        Ok(Self { id, email, name })
    }

    /// Returns the name in the trail.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Returns the name on pages.
    pub(crate) fn shown(&self) -> &str {
        let name = self.name.as_deref().or(self.email.as_deref());
        name.unwrap_or(&self.id)
    }

    /// Returns the form in the store and the API.
    pub(crate) fn value(&self) -> Value {
        json!({"id": self.id, "email": self.email, "name": self.name})
    }

    /// Reads the stored form.
    pub(crate) fn of_stored(actor: &Value) -> Option<Self> {
        let text = |name: &str| actor.get(name).and_then(Value::as_str).map(str::to_owned);
        Self::new(text("id")?, text("email"), text("name")).ok()
    }
}

fn is_name(text: &str) -> bool {
    is_line(text) && text.chars().count() <= LONGEST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_named_as_a_key_or_the_server() {
        let person = |id: &str| Person::new(id.to_owned(), None, None);
        for none in [
            "",
            " ",
            "mk_1",
            "local:uid=0",
            "system",
            "a b",
            "a\nb",
            &"x".repeat(129),
        ] {
            assert!(person(none).is_err(), "{none}");
        }
        let one = person("admin@example.com").unwrap();
        assert_eq!(Person::of_stored(&one.value()), Some(one));
    }
}
