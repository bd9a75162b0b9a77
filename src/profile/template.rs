//! Message templates: text with named fields in braces.

use crate::reason::DenyReason;

/// A fact that a message may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The key, masked.
    Masked,
    /// The key's id, for a link to the key's page.
    Key,
    /// The value of the wrong header, echoed safely.
    Value,
    /// The name of the wrong header.
    Header,
    /// The client's address.
    Address,
    /// The account that the request is about.
    Account,
    /// The key's mode: `live` or `test`.
    Livemode,
    /// The mode that this gateway serves: `live` or `test`.
    Served,
    /// The label of the endpoint's permission.
    Label,
    /// `Read` or `Write`.
    AccessTitle,
    /// `read` or `write`.
    Access,
    /// The permission's name.
    Permission,
    /// What the request may not expand, echoed safely.
    Expansion,
    /// A sentence about what to expand instead, with a leading blank, or nothing.
    Hint,
    /// The request's method.
    Method,
    /// The request's path without its query.
    Path,
    /// The profile's link to its page on authentication.
    Authentication,
    /// The profile's link to its support.
    Support,
    /// The profile's link to its list of keys.
    ApiKeys,
    /// The profile's link to its documentation.
    Documentation,
    /// The name of the profile's version header.
    VersionHeader,
    /// The name of the profile's context header.
    ContextHeader,
    /// The name of the profile's account header.
    AccountHeader,
}

/// Field names as templates spell them.
const FIELDS: [(&str, Field); 23] = [
    ("masked", Field::Masked),
    ("key", Field::Key),
    ("value", Field::Value),
    ("header", Field::Header),
    ("address", Field::Address),
    ("account", Field::Account),
    ("livemode", Field::Livemode),
    ("served", Field::Served),
    ("label", Field::Label),
    ("Access", Field::AccessTitle),
    ("access", Field::Access),
    ("permission", Field::Permission),
    ("expansion", Field::Expansion),
    ("hint", Field::Hint),
    ("method", Field::Method),
    ("path", Field::Path),
    ("authentication", Field::Authentication),
    ("support", Field::Support),
    ("api_keys", Field::ApiKeys),
    ("documentation", Field::Documentation),
    ("version_header", Field::VersionHeader),
    ("context_header", Field::ContextHeader),
    ("account_header", Field::AccountHeader),
];

impl Field {
    /// Returns the field's name in templates, without the braces.
    #[must_use]
    pub fn name(self) -> &'static str {
        let spelled = FIELDS.iter().find(|(_, field)| *field == self);
        spelled.map_or("", |(name, _)| name)
    }

    /// Returns whether this field has a value in a reply for `reason`.
    #[must_use]
    pub fn is_known_for(self, reason: DenyReason) -> bool {
        let rule = reason.rule();
        match self {
            Self::Masked | Self::Key | Self::Livemode => {
                rule > 3 || (rule == 3 && self == Self::Masked)
            }
            Self::Value => matches!(
                reason,
                DenyReason::MalformedCredential
                    | DenyReason::MalformedHeader
                    | DenyReason::InvalidVersion
                    | DenyReason::UnsupportedHeader
                    | DenyReason::MalformedContext
            ),
            Self::Header => matches!(
                reason,
                DenyReason::UnsupportedHeader
                    | DenyReason::MalformedContext
                    | DenyReason::ConflictingContext
            ),
            Self::Address => reason == DenyReason::IpNotAllowed,
            Self::Account => {
                rule > 8
                    || matches!(
                        reason,
                        DenyReason::AccountNotAccessible | DenyReason::NotAPlatform
                    )
            }
            Self::Served => reason == DenyReason::LivemodeMismatch,
            Self::Label | Self::AccessTitle | Self::Access | Self::Permission => rule >= 10,
            Self::Expansion | Self::Hint => reason == DenyReason::UnknownExpansion,
            Self::Method | Self::Path => rule >= 2,
            Self::Authentication
            | Self::Support
            | Self::ApiKeys
            | Self::Documentation
            | Self::VersionHeader
            | Self::ContextHeader
            | Self::AccountHeader => true,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Field(Field),
}

/// A message with fields: `Invalid API Key provided: {masked}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Box<[Part]>);

impl Template {
    /// Returns `None` if a brace is not closed or a field's name is unknown.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}')?;
            let (_, field) = FIELDS.iter().find(|(known, _)| *known == name)?;
            parts.push(Part::Text(before.into()));
            parts.push(Part::Field(*field));
            rest = behind;
        }
        parts.push(Part::Text(rest.into()));
        Some(Self(parts.into()))
    }

    /// Returns the fields of the template.
    pub fn fields(&self) -> impl Iterator<Item = Field> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Field(field) => Some(*field),
        })
    }

    /// Returns the message with the values that `fill` gives for the fields.
    pub fn render(&self, fill: impl Fn(Field) -> String) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.to_string(),
                Part::Field(field) => fill(*field),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_filled_in_place() {
        let template = Template::parse("key {masked} at {path}.").unwrap();
        let text = template.render(|field| format!("<{field:?}>"));
        assert_eq!(text, "key <Masked> at <Path>.");
    }

    #[test]
    fn an_unknown_or_open_field_is_refused() {
        assert_eq!(Template::parse("{secret}"), None);
        assert_eq!(Template::parse("{masked"), None);
        assert_eq!(Template::parse("{}"), None);
    }
}
