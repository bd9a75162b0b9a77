//! What a poll says of its sender, in its user agent: gateway, VM, version, revision and state. It is a claim.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};

/// The longest word of a claim.
pub(super) const LONGEST: usize = 128;

/// A claim, as a poll makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Envoy's name for itself; empty from a module, which is not told it.
    pub gateway: String,
    /// One VM of that Envoy.
    pub vm: String,
    /// The filter's version.
    pub version: String,
    /// The revision that the VM serves; zero for none.
    pub revision: Option<u64>,
    /// `ok`, `loading`, or what is wrong.
    pub state: String,
}

impl Claim {
    /// Reads the user agent of a request, if it is keyward's.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut agents = headers.get_all(header::USER_AGENT).iter();
        let only = agents.next().filter(|_| agents.next().is_none())?;
        Self::read(only.to_str().ok()?)
    }

    /// Reads a user agent: `keyward/0.1.0 (gw=edge-7; vm=0a1b2c3d; rev=48213; state=ok)`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (version, rest) = text.strip_prefix("keyward/")?.split_once(" (")?;
        let said: HashMap<&str, &str> = rest
            .strip_suffix(')')?
            .split("; ")
            .filter_map(|said| said.split_once('='))
            .collect();
        let word = |name: &str| said.get(name).map(|word| shortened(word));
        Some(Self {
            gateway: word("gw")?,
            vm: word("vm")?,
            version: shortened(version),
            revision: said.get("rev").and_then(|number| number.parse().ok()),
            state: word("state").unwrap_or_default(),
        })
    }
}

fn shortened(word: &str) -> String {
    word.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filters_user_agent_is_read_and_no_other() {
        let text = "keyward/0.1.0 (gw=edge-7; vm=0a1b2c3d; rev=48213; state=ok)";
        let read = Claim::read(text).unwrap();
        assert_eq!(
            (&*read.gateway, &*read.vm, &*read.version, &*read.state),
            ("edge-7", "0a1b2c3d", "0.1.0", "ok")
        );
        assert_eq!(read.revision, Some(48_213));
        let unnamed = Claim::read("keyward/0.1.0 (gw=; vm=b; rev=-1)").unwrap();
        assert_eq!((&*unnamed.gateway, unnamed.revision), ("", None));
        for text in [
            "curl/8",
            "keyward/0.1.0",
            "keyward/0.1.0 (gw=a)",
            "keyward/0.1.0 (gw=a; vm=b",
            "KEYWARD/0.1.0 (gw=a; vm=b)",
        ] {
            assert_eq!(Claim::read(text), None, "{text}");
        }
    }

    #[test]
    fn two_user_agents_are_none() {
        let agent = |vm: &str| format!("keyward/0.1.0 (gw=a; vm={vm}; rev=1; state=ok)");
        let headers: HeaderMap = ["a", "b"]
            .iter()
            .map(|vm| (header::USER_AGENT, agent(vm).parse().unwrap()))
            .collect();
        assert_eq!(Claim::of(&headers), None);
    }
}
