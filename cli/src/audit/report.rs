//! The report as data, for the table, the JSON and the page.

use serde::Serialize;

use crate::output::Tone;

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) log: Log,
    pub(super) requests: Requests,
    pub(super) reasons: Vec<Reason>,
    pub(super) timeline: Timeline,
    pub(super) organizations: Vec<Organization>,
    pub(super) keys: Vec<Key>,
    pub(super) findings: Vec<Finding>,
    /// Clients that were denied without a known key, those with the most denials first.
    pub(super) strangers: Tops,
    /// What this report cannot know.
    pub(super) limits: Vec<String>,
}

/// Describes the log.
#[derive(Debug, Serialize)]
pub(super) struct Log {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
    /// The time that the log covers, in seconds.
    pub(super) covers: u64,
    pub(super) lines: serde_json::Value,
    /// What was not read, in words.
    pub(super) skipped: Vec<String>,
}

/// The numbers of all requests, by result.
#[derive(Debug, Default, Serialize)]
pub(super) struct Requests {
    pub(super) total: u64,
    /// Allowed requests with a key.
    pub(super) allowed: u64,
    pub(super) public: u64,
    pub(super) preflight: u64,
    /// Questions about the key itself with a good key, which keyward answered.
    pub(super) verify: u64,
    /// Requests that passed although a rule rejects them.
    pub(super) shadow: u64,
    pub(super) denied: u64,
    /// Requests without a verdict from keyward.
    pub(super) none: u64,
    /// Those among them that the interlock answered.
    pub(super) interlock: u64,
    /// Allowed calls with unknown needs: no permission is logged, and their path is not an endpoint
    /// of the catalogue.
    pub(super) unexplained: u64,
    /// Allowed requests that passed because of a permission which their path does not require.
    pub(super) elsewhere: u64,
}

/// A reason, and how often it occurred.
#[derive(Debug, Serialize)]
pub(super) struct Reason {
    pub(super) reason: &'static str,
    pub(super) denied: u64,
    pub(super) shadow: u64,
}

/// Requests over time.
#[derive(Debug, Serialize)]
pub(super) struct Timeline {
    /// The length of a step in seconds.
    pub(super) step: u64,
    pub(super) steps: Vec<Step>,
}

#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) at: u64,
    pub(super) passed: u64,
    pub(super) denied: u64,
}

/// One organization's keys and calls. Without an id, those of accounts that belong to no
/// organization.
#[derive(Debug, Serialize)]
pub(super) struct Organization {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) keys: usize,
    pub(super) calls: u64,
    pub(super) denied: u64,
    pub(super) shadow: u64,
    pub(super) last_used: String,
    pub(super) accounts: Tops,
}

/// The values with the most calls, and the number of calls of all others.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tops {
    pub(super) listed: Vec<Top>,
    /// The minimum number of distinct values.
    pub(super) distinct: usize,
    /// Calls of values that are not listed.
    pub(super) others: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Top {
    pub(super) value: String,
    pub(super) calls: u64,
    pub(super) denied: u64,
    pub(super) last: String,
}

/// One key.
#[derive(Debug, Serialize)]
pub(super) struct Key {
    pub(super) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    pub(super) kind: &'static str,
    pub(super) mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) org: Option<String>,
    /// Whether the source of keys contains it.
    pub(super) is_known: bool,
    pub(super) calls: u64,
    pub(super) denied: u64,
    pub(super) shadow: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) first_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_used: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_allowed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    pub(super) reasons: Vec<Reason>,
    pub(super) accounts: Tops,
    pub(super) clients: Tops,
    pub(super) endpoints: Vec<EndpointCalls>,
    /// Calls that passed, to a path that is not an endpoint of the catalogue, with examples. The
    /// permissions that they need are unknown.
    pub(super) uncatalogued: Tops,
    /// `logged`, or `endpoint` if the permissions are those of the endpoints that the key called.
    pub(super) told_by: &'static str,
    pub(super) permissions: Vec<Permission>,
    pub(super) proposal: Proposal,
    pub(super) commands: Vec<String>,
    #[serde(skip)]
    pub(super) timeline: Vec<Step>,
}

#[derive(Debug, Serialize)]
pub(super) struct EndpointCalls {
    pub(super) endpoint: String,
    pub(super) calls: u64,
}

/// A permission of a key: used, granted or missing.
#[derive(Debug, Serialize)]
pub(super) struct Permission {
    pub(super) permission: String,
    pub(super) state: PermissionState,
    pub(super) level: &'static str,
    pub(super) connected: bool,
    pub(super) calls: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<String>,
    /// For an unused permission, the level that was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) used_level: Option<&'static str>,
    /// For an unused permission, whether an `expand` in a query may have needed it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) may_be_expanded: bool,
    /// For an unused permission, what was used because this one implies it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) implied: Vec<String>,
}

/// The use of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum PermissionState {
    Used,
    Unused,
    Missing,
}

/// Grants that would have been sufficient.
#[derive(Debug, Default, Serialize)]
pub(super) struct Proposal {
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub(super) grants: std::collections::BTreeMap<String, &'static str>,
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub(super) connect_grants: std::collections::BTreeMap<String, &'static str>,
}

/// Something to look at.
#[derive(Debug, Serialize)]
pub(super) struct Finding {
    pub(super) finding: Kind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// The key's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// The key's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    pub(super) text: String,
}

impl Finding {
    /// Returns `Billing, acct_1`, or an empty text.
    pub(super) fn whose(&self) -> String {
        let parts: Vec<&str> = [&self.name, &self.owner]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        parts.join(", ")
    }
}

/// Returns the findings of one kind in order, grouped by text.
pub(super) fn folded(findings: &[Finding], kind: Kind) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for finding in findings.iter().filter(|finding| finding.finding == kind) {
        let place = *places.entry(&finding.text).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// The kinds of findings, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The interlock answered, because a worker had no verdict.
    Interlock,
    /// A key that ended is still being used.
    EndedInUse,
    /// The log has a key that the source of keys does not contain.
    NotListed,
    /// A key that ends soon or was replaced is still being used.
    RetiringInUse,
    /// A request was denied because its key lacks a permission.
    Missing,
    /// In shadow mode, a request passed that would be denied.
    WouldDeny,
    /// Many clients use one key.
    ManyClients,
    /// A key with every permission called only endpoints that are not in the catalogue.
    Unexplained,
    /// A key with every permission used only some.
    CanBeLimited,
    /// Grants that no call needed.
    Unused,
    /// An organization key that was used for only one account.
    OneAccount,
    /// A key that has not been used for long, or never.
    UnusedKey,
}

impl Kind {
    /// All kinds, in their order.
    pub(super) const ALL: [Self; 12] = [
        Self::Interlock,
        Self::EndedInUse,
        Self::NotListed,
        Self::RetiringInUse,
        Self::Missing,
        Self::WouldDeny,
        Self::ManyClients,
        Self::Unexplained,
        Self::CanBeLimited,
        Self::Unused,
        Self::OneAccount,
        Self::UnusedKey,
    ];

    /// Returns the heading for people.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Interlock => "Answered by the interlock",
            Self::EndedInUse => "Ended, and still presented",
            Self::RetiringInUse => "Retiring, and still used",
            Self::Missing => "Refused because a permission is missing",
            Self::WouldDeny => "Passed only in shadow",
            Self::Unexplained => "Went to no endpoint",
            Self::CanBeLimited => "Has every permission, used some",
            Self::Unused => "Granted and not used",
            Self::ManyClients => "One key, many clients",
            Self::OneAccount => "An organization key for one account",
            Self::UnusedKey => "Not used",
            Self::NotListed => "Not among the keys",
        }
    }

    /// Returns how urgent it is.
    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Interlock | Self::EndedInUse | Self::NotListed => Tone::Bad,
            Self::RetiringInUse
            | Self::Missing
            | Self::WouldDeny
            | Self::ManyClients
            | Self::Unexplained => Tone::Warning,
            Self::CanBeLimited | Self::Unused | Self::OneAccount | Self::UnusedKey => Tone::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first() {
        assert!(Kind::ALL.is_sorted());
        let severity = |kind: &Kind| match kind.tone() {
            Tone::Bad => 0,
            Tone::Warning => 1,
            Tone::Good | Tone::Plain | Tone::Dim => 2,
        };
        assert!(Kind::ALL.iter().map(severity).is_sorted());
    }

    #[test]
    fn findings_of_the_same_words_are_one_group() {
        let finding = |finding, key: &str, text: &str| Finding {
            finding,
            key: Some(key.to_owned()),
            name: None,
            owner: Some("acct_1".to_owned()),
            text: text.to_owned(),
        };
        let all = [
            finding(Kind::UnusedKey, "mk_1", "idle"),
            finding(Kind::UnusedKey, "mk_2", "never"),
            finding(Kind::Unused, "mk_3", "idle"),
            finding(Kind::UnusedKey, "mk_4", "idle"),
        ];
        let groups: Vec<Vec<&str>> = folded(&all, Kind::UnusedKey)
            .iter()
            .map(|group| group.iter().filter_map(|one| one.key.as_deref()).collect())
            .collect();
        assert_eq!(groups, [vec!["mk_1", "mk_4"], vec!["mk_2"]]);
        assert_eq!(all[0].whose(), "acct_1");
    }
}
