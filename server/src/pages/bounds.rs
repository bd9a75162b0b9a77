//! The limits that an account's policy sets, for forms that offer only what passes. The rules refuse the rest whatever a form sends.

use std::sync::Arc;

use keyward::permission::AccessLevel;
use keyward::word::Word as _;
use serde::Deserialize;

use super::ask::Ask;
use super::objects::GrantSet;
use super::parts::matrix::{Chosen, Permission, of_names};
use super::visit::Visit;
use crate::app::App;
use crate::http::failure::Failure;
use crate::routes::Verb;
use crate::span;

/// `keyward.account_policy`: the members that forms read.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Bounds {
    keys: ByMode<u64>,
    kinds: Vec<String>,
    modes: Vec<String>,
    permissions: Option<Vec<String>>,
    connect_permissions: Option<Vec<String>>,
    delegation: String,
    pub(crate) free_choice: bool,
    pub(crate) presets: Vec<GrantSet>,
    max_lifetime: Option<String>,
    default_lifetime: Option<String>,
    max_keys: Option<u64>,
    overlaps: Vec<String>,
    require_ip_allowlist: ByMode<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct ByMode<T> {
    live: T,
    test: T,
}

impl<T: Copy> ByMode<T> {
    fn of(self, is_live: bool) -> T {
        if is_live { self.live } else { self.test }
    }
}

/// A choice in a form: its value, and its text.
pub(crate) type Choice = (String, String);

const DAY: u64 = 86_400;

impl Bounds {
    /// The bounds of an account, for a person in a portal. Operators choose freely: they get an error if a policy refuses the choice.
    pub(crate) async fn read(
        app: &Arc<App>,
        visit: &Visit,
        account: &str,
    ) -> Result<Option<Self>, Failure> {
        if !visit.is_portal() {
            return Ok(None);
        }
        Self::of(app, visit, account).await.map(Some)
    }

    async fn of(app: &Arc<App>, visit: &Visit, account: &str) -> Result<Self, Failure> {
        let ask = Ask::get("/v2/keyward/accounts/{id}/policy").target(account);
        visit.ask(app, ask).await?.read()
    }

    /// Whether no key of an account may be given any permission: the policy of a new account allows none. Operators learn that before they choose some.
    pub(crate) async fn allow_nothing(app: &Arc<App>, visit: &Visit, account: &str) -> bool {
        let is_told = !visit.is_portal()
            && visit.may(Verb::Post, "/v2/iam/api_keys")
            && visit.may(Verb::Get, "/v2/keyward/accounts/{id}/policy");
        if !is_told || account.is_empty() {
            return false;
        }
        // The form names an account that does not exist when it is sent.
        let found = Self::of(app, visit, account).await;
        found.is_ok_and(|bounds| {
            let is_empty = |names: &Option<Vec<String>>| names.as_ref().is_some_and(Vec::is_empty);
            is_empty(&bounds.permissions)
                && is_empty(&bounds.connect_permissions)
                && bounds.presets.is_empty()
        })
    }

    /// The modes of new keys that the session can make.
    pub(crate) fn modes(&self, visit: &Visit) -> Vec<&'static str> {
        let mut modes = vec!["test", "live"];
        modes.retain(|mode| {
            self.modes.iter().any(|one| one == mode) && (*mode == "test" || visit.is_live())
        });
        modes
    }

    /// Whether a new restricted key passes, in some mode.
    pub(crate) fn allows_new_keys(&self, visit: &Visit) -> bool {
        self.kinds.iter().any(|kind| kind == "restricted")
            && self
                .modes(visit)
                .iter()
                .any(|mode| self.has_room(*mode == "live"))
    }

    pub(crate) fn has_room(&self, is_live: bool) -> bool {
        self.max_keys
            .is_none_or(|most| self.keys.of(is_live) < most)
    }

    /// `3 of 50 live keys`, for each mode, where there is a limit.
    pub(crate) fn used(&self, visit: &Visit) -> Option<String> {
        let most = self.max_keys?;
        let of = |mode: &&str| format!("{} of {most} {mode} keys", self.keys.of(*mode == "live"));
        let all: Vec<String> = self.modes(visit).iter().map(of).collect();
        Some(all.join(", ")).filter(|text| !text.is_empty())
    }

    pub(crate) fn needs_addresses(&self, is_live: bool) -> bool {
        self.require_ip_allowlist.of(is_live)
    }

    /// Of all permissions, those that keys may have, at the levels that they may have.
    pub(crate) fn permissions(&self, visit: &Visit, all: &[Permission]) -> Vec<Permission> {
        let held = visit.session.tenant().map(|tenant| &tenant.own);
        within(self.permissions.as_deref(), self.held(held), all)
    }

    /// The same on connected accounts.
    pub(crate) fn connected(&self, visit: &Visit, all: &[Permission]) -> Vec<Permission> {
        let held = visit.session.tenant().map(|tenant| &tenant.connected);
        within(self.connect_permissions.as_deref(), self.held(held), all)
    }

    fn held<'h>(&self, held: Option<&'h Chosen>) -> Option<&'h Chosen> {
        held.filter(|_| self.delegation == "own")
    }

    /// When keys may end: days, or a span.
    pub(crate) fn ends(&self) -> Vec<Choice> {
        let most = self.max_lifetime.as_deref().and_then(span::read);
        let usual = self.default_lifetime.as_deref().and_then(span::read);
        let mut all: Vec<u64> = vec![7 * DAY, 30 * DAY, 90 * DAY];
        all.extend(usual);
        all.retain(|seconds| *seconds > 0 && most.is_none_or(|most| *seconds <= most));
        if all.is_empty() {
            all.extend(most);
        }
        all.sort_unstable();
        all.dedup();
        let mut choices: Vec<Choice> = all
            .into_iter()
            .map(|seconds| (value(seconds), format!("in {}", words(seconds))))
            .collect();
        if most.is_none_or(|most| most > DAY) {
            choices.push(("date".to_owned(), "on a day".to_owned()));
        }
        if most.is_none() {
            choices.push(("never".to_owned(), "never".to_owned()));
        }
        choices
    }

    /// The preselected end.
    pub(crate) fn usual_end(&self) -> String {
        let most = self.max_lifetime.as_deref().and_then(span::read);
        let usual = self.default_lifetime.as_deref().and_then(span::read);
        let usual = usual.filter(|usual| most.is_none_or(|most| *usual <= most));
        match usual {
            Some(usual) => value(usual),
            None => self
                .ends()
                .first()
                .map_or_else(String::new, |(value, _)| value.clone()),
        }
    }

    /// `at most 366 days from now`.
    pub(crate) fn longest(&self) -> Option<String> {
        let most = self.max_lifetime.as_deref().and_then(span::read)?;
        Some(format!("at most {} from now", words(most)))
    }

    /// For how many minutes a replaced key may continue to work.
    pub(crate) fn overlaps(&self) -> Vec<Choice> {
        let mut all: Vec<u64> = self
            .overlaps
            .iter()
            .filter_map(|text| span::read(text))
            .collect();
        all.sort_unstable();
        all.into_iter()
            .map(|seconds| match seconds {
                0 => ("0".to_owned(), "now".to_owned()),
                DAY => ("1440".to_owned(), "in 24 hours".to_owned()),
                _ => ((seconds / 60).to_string(), format!("in {}", words(seconds))),
            })
            .collect()
    }
}

/// The value of a span in a form: a number of days, or the span.
fn value(seconds: u64) -> String {
    if seconds.is_multiple_of(DAY) {
        (seconds / DAY).to_string()
    } else {
        // Not in seconds, which the form would read as days.
        format!("{}m", seconds / 60)
    }
}

fn words(seconds: u64) -> String {
    let counted = |number: u64, one: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    };
    if seconds.is_multiple_of(DAY) {
        counted(seconds / DAY, "day")
    } else if seconds.is_multiple_of(3_600) {
        counted(seconds / 3_600, "hour")
    } else {
        counted(seconds.div_ceil(60), "minute")
    }
}

/// The permissions under a ceiling, and under those of the link's maker where these also count. None of them manages keys.
fn within(
    ceiling: Option<&[String]>,
    held: Option<&Chosen>,
    all: &[Permission],
) -> Vec<Permission> {
    let ceiling = ceiling.map(|names| of_names(names.iter().map(String::as_str)));
    let is_under = |bound: Option<&Chosen>, name: &str, level: AccessLevel| {
        bound.is_none_or(|bound| {
            let is_implied = || {
                let mut implying = all.iter().filter(|one| bound.contains_key(&one.name));
                level == AccessLevel::Read
                    && implying.any(|one| one.implies.iter().any(|implied| implied == name))
            };
            bound.get(name).is_some_and(|most| *most >= level) || is_implied()
        })
    };
    let mut left = Vec::new();
    for one in all
        .iter()
        .filter(|one| one.category.as_deref() != Some("keyward"))
    {
        let mut one = one.clone();
        let name = one.name.clone();
        one.levels.retain(|level| {
            AccessLevel::from_word(level).is_some_and(|level| {
                is_under(ceiling.as_ref(), &name, level) && is_under(held, &name, level)
            })
        });
        if !one.levels.is_empty() {
            left.push(one);
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn bounds(more: serde_json::Value) -> Bounds {
        let mut members = json!({
            "keys": {"live": 0, "test": 0}, "kinds": ["restricted"], "modes": ["test", "live"],
            "permissions": [], "connect_permissions": [], "delegation": "policy", "free_choice": true,
            "presets": [], "max_lifetime": "366d", "default_lifetime": "90d", "max_keys": 50,
            "overlaps": ["0", "1h", "1d"], "require_ip_allowlist": {"live": false, "test": false},
        });
        for (name, value) in more.as_object().unwrap() {
            members[name] = value.clone();
        }
        serde_json::from_value(members).unwrap()
    }

    fn values(choices: Vec<Choice>) -> Vec<String> {
        choices.into_iter().map(|(value, _)| value).collect()
    }

    #[test]
    fn ends_are_within_the_longest() {
        let ends = |more| values(bounds(more).ends());
        assert_eq!(ends(json!({})), ["7", "30", "90", "date"]);
        assert_eq!(ends(json!({"max_lifetime": "30d"})), ["7", "30", "date"]);
        assert_eq!(ends(json!({"max_lifetime": "12h"})), ["720m"]);
        let endless = json!({"max_lifetime": null, "default_lifetime": null});
        assert_eq!(ends(endless), ["7", "30", "90", "date", "never"]);
        assert_eq!(bounds(json!({"max_lifetime": "12h"})).usual_end(), "720m");
        assert_eq!(bounds(json!({"default_lifetime": "5d"})).usual_end(), "5");
    }

    #[test]
    fn overlaps_are_those_of_the_policy() {
        let all = bounds(json!({"overlaps": ["7d", "0", "90m"]})).overlaps();
        assert_eq!(values(all), ["0", "90", "10080"]);
    }

    #[test]
    fn no_permission_above_the_ceiling_is_offered() {
        let all = crate::pages::parts::permissions_of_stripe();
        let names = |ceiling: Option<&[String]>, held: Option<&Chosen>| -> Vec<String> {
            within(ceiling, held, &all)
                .into_iter()
                .flat_map(|one| {
                    one.levels
                        .into_iter()
                        .map(move |level| format!("{}_{level}", one.name))
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        assert!(names(Some(&[]), None).is_empty());
        let offered = names(Some(&["customer_write".to_owned()]), None);
        assert!(offered.contains(&"customer_write".to_owned()));
        assert!(offered.contains(&"customer_read".to_owned()));
        assert!(!offered.iter().any(|name| name.starts_with("charge_write")));
        let everything = names(None, None);
        assert!(everything.contains(&"charge_write".to_owned()));
        let held = of_names(["charge_read"]);
        let both = names(None, Some(&held));
        assert!(
            both.contains(&"charge_read".to_owned()) && !both.contains(&"charge_write".to_owned())
        );
    }
}
