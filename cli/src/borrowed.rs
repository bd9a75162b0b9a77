//! Finds where a custom API still names Stripe: headers, links and texts that the profile leaves
//! unchanged.

use keyward::configuration::Configuration;
use keyward::endpoint::Row;
use keyward::profile::Profile;
use keyward::reason::DenyReason;

/// Describes the profile members that make replies name Stripe although the catalogue is custom.
pub(super) fn told(configuration: &Configuration) -> Option<String> {
    let catalogue = configuration.snapshot()?.endpoints();
    if catalogue.endpoint(Row::Builtin(0)).is_some() {
        return None;
    }
    let members = members(configuration.profile());
    (!members.is_empty()).then(|| {
        format!(
            "`catalogue = \"none\"` is for a custom API, but its replies name Stripe by {}; start the profile from `preset = \"plain\"`, or set them",
            members.join(", ")
        )
    })
}

/// Returns the names of these members, such as `links.support`.
fn members(profile: &Profile) -> Vec<String> {
    let is_stripes = |text: &str| text.to_ascii_lowercase().contains("stripe");
    let names = profile.names();
    let links = &names.links;
    let named = [
        ("headers.version", names.version_header.shown()),
        ("headers.context", names.context_header.shown()),
        ("headers.account", names.account_header.shown()),
        ("retry_header", names.retry_header.shown()),
        ("realm", &names.realm),
        ("links.authentication", &links.authentication),
        ("links.support", &links.support),
        ("links.api_keys", &links.api_keys),
        ("links.error_codes", &links.error_codes),
        ("links.documentation", &links.documentation),
    ];
    let named = named.into_iter().filter(|(_, text)| is_stripes(text));
    let messages = DenyReason::all().filter(|reason| {
        let template = profile.message(*reason);
        template.is_some_and(|template| is_stripes(&template.render(|_| String::new())))
    });
    let messages = messages.map(|reason| format!("`messages.{}`", reason.name()));
    named
        .map(|(member, _)| format!("`{member}`"))
        .chain(messages)
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told_of(profile: serde_json::Value, catalogue: &str) -> Option<String> {
        let configuration = json!({"profile": profile, "snapshot": {
            "format": "keyward.snapshot/v1", "revision": 1, "issued_at": 1, "catalogue": catalogue, "keys": [], "empty": true,
        }});
        told(&Configuration::from_json(configuration.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn what_still_names_stripe_is_told_of_an_own_catalogue_alone() {
        let text = told_of(json!({}), "none").unwrap();
        assert!(
            text.contains(
                "`headers.version`, `headers.context`, `headers.account`, `retry_header`"
            ),
            "{text}"
        );
        assert!(text.contains("`links.support`"), "{text}");
        assert_eq!(told_of(json!({}), "stripe"), None);
        assert_eq!(told_of(json!({"preset": "plain"}), "none"), None);
        let own =
            json!({"preset": "plain", "messages": {"unknown_key": "No such Stripe key: {masked}"}});
        assert!(
            told_of(own, "none")
                .unwrap()
                .contains("by `messages.unknown_key`;")
        );
    }
}
