//! What a poll claims about its sender in its user agent: gateway, VM, version, revision and state.
//! Nothing proves it.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};

/// The maximum length of a word in a claim.
pub(super) const LONGEST: usize = 128;

/// The claim of a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Envoy's name for itself. Empty from a native module, which does not know it.
    pub gateway: String,
    /// One VM of that Envoy.
    pub vm: String,
    /// The filter's version.
    pub version: String,
    /// The revision that the VM serves, or zero for none.
    pub revision: Option<u64>,
    /// `ok`, `loading`, or what is wrong.
    pub state: String,
}

impl Claim {
    /// Reads a request's user agent, if keyward sent it.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut agents = headers.get_all(header::USER_AGENT).iter();
        let only = agents.next().filter(|_| agents.next().is_none())?;
        Self::read(only.to_str().ok()?)
    }

    /// Parses a user agent: `keyward/0.1.0 (gw=edge-7; vm=0a1b2c3d; rev=48213; state=ok)`.
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

impl Claim {
    /// Finds the user agent in a line of an access log, from nginx, Envoy, S3 or a CDN. It takes
    /// the last one, because the client also chose earlier parts of the line, such as the path.
    #[must_use]
    pub fn in_line(line: &str) -> Option<Self> {
        let (_, rest) = line.rsplit_once("keyward/")?;
        let (agent, _) = rest.split_once(')')?;
        // CloudFront percent-encodes blanks and some other characters.
        let agent = agent
            .replace("%20", " ")
            .replace("%3B", ";")
            .replace("%3D", "=");
        let agent = agent.replace("%28", "(");
        Self::read(&format!("keyward/{agent})"))
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
    fn a_user_agent_is_found_in_every_kind_of_log() {
        for line in [
            r#"10.0.0.7 - - [30/Nov/2026:09:00:00 +0000] "GET /feed/head HTTP/1.1" 304 0 "-" "keyward/0.1.0 (gw=edge-7; vm=0a; rev=7; state=ok)""#,
            r#"{"path":"/keyward/0.9 (x","user_agent":"keyward/0.1.0 (gw=edge-7; vm=0a; rev=7; state=ok)","code":200}"#,
            "2026-11-30\t09:00:00\t/head\t200\tkeyward/0.1.0%20(gw=edge-7;%20vm=0a;%20rev=7;%20state=ok)\t-",
        ] {
            let claim = Claim::in_line(line).unwrap();
            let read = (&*claim.gateway, &*claim.vm, claim.revision, &*claim.version);
            assert_eq!(read, ("edge-7", "0a", Some(7), "0.1.0"), "{line}");
        }
        for line in [
            "",
            "keyward/0.1.0 (gw=a; vm=b",
            r#""GET / HTTP/1.1" "keyward/0.1.0""#,
        ] {
            assert_eq!(Claim::in_line(line), None, "{line}");
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
