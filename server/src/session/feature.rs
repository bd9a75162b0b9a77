//! What a portal offers in addition to viewing and ending keys.

use crate::verb::Verb;

/// A part of a portal. The link's maker chooses among them, and the policy of the account may
/// exclude some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    /// New keys, and duplicates.
    Create,
    /// Permissions, addresses, expiry, names.
    Edit,
    /// Rotations.
    Rotate,
    /// Deleting, which cannot be undone.
    Delete,
    /// The requests made with a key.
    Requests,
    /// The history of a key: what was done, and by whom.
    Activity,
}

impl Feature {
    pub(crate) const ALL: [Self; 6] = [
        Self::Create,
        Self::Edit,
        Self::Rotate,
        Self::Delete,
        Self::Requests,
        Self::Activity,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Rotate => "rotate",
            Self::Delete => "delete",
            Self::Requests => "requests",
            Self::Activity => "activity",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Returns the feature that an endpoint belongs to, or `None` if every portal has it.
    pub(crate) fn of_endpoint(method: Verb, template: &str) -> Option<Self> {
        Some(match (method, template) {
            (Verb::Post, "/v2/iam/api_keys" | "/v2/keyward/api_keys/{id}/duplicate") => {
                Self::Create
            }
            (Verb::Post, "/v2/iam/api_keys/{id}") => Self::Edit,
            (Verb::Post, "/v2/iam/api_keys/{id}/rotate") => Self::Rotate,
            (Verb::Delete, "/v2/keyward/api_keys/{id}") => Self::Delete,
            (Verb::Get, "/v2/keyward/api_keys/{id}/requests")
            | (Verb::Post, "/v2/keyward/api_keys/{id}/preview") => Self::Requests,
            (Verb::Get, "/v2/iam/activity_logs") => Self::Activity,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for feature in Feature::ALL {
            assert_eq!(Feature::of_name(feature.name()), Some(feature));
        }
        assert_eq!(Feature::of_name("expire"), None);
    }

    #[test]
    fn every_feature_is_an_endpoint() {
        for feature in Feature::ALL {
            let is_of = |route: &&crate::routes::Route| {
                Feature::of_endpoint(route.method, route.template) == Some(feature)
            };
            assert!(ROUTES.iter().any(|route| is_of(&route)), "{feature:?}");
        }
    }
}
