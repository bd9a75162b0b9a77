//! The server's refusals in the command's words, with what to do next. Refusals by the rules of
//! keys occur earlier, when the command decides by the same rules.

use anyhow::{Error, anyhow};

use super::answer::Refused;

/// The message for a record that has changed since it was read.
pub(super) const CHANGED: &str = "the server's records changed in the meantime, and this command changed nothing; look at them and run it again";

impl Refused {
    /// Returns the error that the command shows.
    pub(super) fn to_error(&self) -> Error {
        anyhow!(text(self))
    }
}

/// Returns the text of a refusal for people.
fn text(refused: &Refused) -> String {
    if let Some(reason) = &refused.denied {
        return format!(
            "the gateway denies the API key that the command was given ({reason}): {}",
            sentence(&refused.message)
        );
    }
    let next = match refused.code.as_str() {
        "resource_changed" | "plan_changed" | "plan_expired" => return CHANGED.to_owned(),
        "digest_exists" => match refused.fact("api_key") {
            Some(id) => {
                return format!(
                    "this key is there already, as `{id}`; `keyward keys show {id}` shows it"
                );
            }
            None => return "there is a key of that value already".to_owned(),
        },
        "policy_refused" | "max_keys" => {
            "change the account's policy, or give --override-policy with a reason if your key may"
        }
        "unrestricted_key_refused" => {
            "give the API key that the command uses `secret_api_key=write`"
        }
        "management_key_refused" => {
            "give the API key that the command uses `management_api_key=write`"
        }
        "escalation_refused" => "use an API key that holds it",
        "live_from_test" => "use a live API key",
        "more_permissions_required" => "use an API key that has the permission",
        "not_through_gateway" => {
            "ask the gateway before the server, or the server's admin.sock on its own machine"
        }
        "controlled_by_file" => "ending a key works here",
        "key_policy_in_use" => {
            "`keyward policies list` says how many accounts have it, and `keyward policies assign` gives one another"
        }
        "storage_full" => "ends still work; make room on the server's disk",
        _ => "",
    };
    let said = format!("the server refuses it: {}", sentence(&refused.message));
    let code = match refused.code.as_str() {
        "" => String::new(),
        code => format!(" ({code})"),
    };
    if next.is_empty() {
        format!("{said}{code}")
    } else {
        format!("{said}{code}; {next}")
    }
}

/// Removes the full stop from a message of the API.
fn sentence(message: &str) -> &str {
    message.strip_suffix('.').unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> Refused {
        Refused {
            status: 400,
            code: code.to_owned(),
            message: message.to_owned(),
            param: None,
            facts: serde_json::Map::new(),
            denied: None,
        }
    }

    #[test]
    fn a_refusal_says_what_to_do_next() {
        for (code, message, expected) in [
            (
                "policy_refused",
                "The key policy 'default' does not allow this: 'kinds'.",
                "the server refuses it: The key policy 'default' does not allow this: 'kinds' (policy_refused); change the account's policy, or give --override-policy with a reason if your key may",
            ),
            ("odd", "Odd.", "the server refuses it: Odd (odd)"),
            ("", "Odd", "the server refuses it: Odd"),
            ("resource_changed", "The object was changed since.", CHANGED),
        ] {
            assert_eq!(text(&refused(code, message)), expected, "{code}");
        }
        let denied = Refused {
            denied: Some("expired_key".to_owned()),
            ..refused("expired_key", "Expired API key.")
        };
        assert_eq!(
            text(&denied),
            "the gateway denies the API key that the command was given (expired_key): Expired API key"
        );
    }
}
