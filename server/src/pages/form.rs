//! What a form sends: names and values, decoded once.

use super::lines;
use crate::http::failure::{Code, Failure};
use crate::http::query::decoded;

/// The fields of a form, in their order; a name may come several times.
#[derive(Clone, Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

/// A matrix of all permissions for two sorts of accounts has some 300.
const MOST: usize = 2_000;

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Failure> {
        let broken = || {
            Failure::new(
                Code::ParameterInvalid,
                "The form cannot be read: it is not UTF-8, or has more than 2,000 fields.",
            )
        };
        let text = std::str::from_utf8(body).map_err(|_| broken())?;
        let mut fields = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
                return Err(broken());
            };
            fields.push((name, value));
        }
        if fields.len() > MOST {
            return Err(broken());
        }
        Ok(Self(fields))
    }

    /// A field's value without surrounding blanks; nothing if the field is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields()
            .find(|(field, _)| *field == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// A field of many lines as it was sent, so that its lines have the numbers that the person sees.
    pub(crate) fn lines(&self, name: &str) -> &str {
        let mut named = self.fields().filter(|(field, _)| *field == name);
        named.next().map_or("", |(_, value)| value)
    }

    /// The same, unless it is empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// Whether a box is ticked.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields().any(|(field, _)| field == name)
    }

    /// All of it.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The lines, or the words between commas, of a field: addresses.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        lines::addresses(self.text(name))
            .map(str::to_owned)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_decoded_once() {
        let form = Form::read(b"name=+a%26b+&ips=203.0.113.7%0D%0A198.51.100.0%2F24,&on").unwrap();
        assert_eq!(form.text("name"), "a&b");
        assert_eq!(form.list("ips"), ["203.0.113.7", "198.51.100.0/24"]);
        assert!(form.has("on") && !form.has("off"));
        assert_eq!(form.given("on"), None);
        for broken in [&b"a=%f"[..], b"a=\xff", b"a=%ff"] {
            assert!(Form::read(broken).is_err());
        }
        assert!(Form::read("a=1&".repeat(2_001).as_bytes()).is_err());
    }
}
