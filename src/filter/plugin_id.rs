//! What distinguishes the plugins of a process: for keys' usage, for gauges, and for which instance
//! replaces which.

/// A plugin's identity: its name, its root id and its listener's direction. Plugins that share a VM
/// or a process never see each other's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginId([Box<[u8]>; 3]);

/// The maximum length of a part of a plugin's name in metrics.
const LONGEST_PART: usize = 64;

impl PluginId {
    /// Creates an identity from the name, the root id, and Envoy's
    /// `envoy.config.core.v3.TrafficDirection` as eight bytes. Each may be empty.
    #[must_use]
    pub fn new(parts: [Box<[u8]>; 3]) -> Self {
        Self(parts)
    }

    /// Returns the whole identity as one text.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.join(&0)
    }

    /// Returns the plugin's name in metrics: its parts, joined with `/`. The operator chooses all
    /// of them.
    #[must_use]
    pub fn label(&self) -> String {
        let [name, root_id, direction] = &self.0;
        let direction = match direction.first() {
            Some(1) => "inbound",
            Some(2) => "outbound",
            _ => "",
        };
        let mut label = spelled(name);
        for part in [spelled(root_id), direction.to_owned()] {
            if !part.is_empty() && part != label {
                label.push('/');
                label.push_str(&part);
            }
        }
        label
    }
}

/// Replaces characters that have a meaning in Envoy's tags or in Prometheus.
fn spelled(part: &[u8]) -> String {
    let plain = |byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(*byte),
        _ => '_',
    };
    part.iter().take(LONGEST_PART).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(name: &str, root_id: &str, direction: &[u8]) -> String {
        let parts = [name.as_bytes(), root_id.as_bytes(), direction];
        PluginId::new(parts.map(Box::from)).label()
    }

    #[test]
    fn a_label_has_what_tells_plugins_apart() {
        assert_eq!(label("keyward", "", &[0; 8]), "keyward");
        assert_eq!(label("keyward", "keyward", &[]), "keyward");
        let inbound = 1_u64.to_le_bytes();
        assert_eq!(label("keyward", "api", &inbound), "keyward/api/inbound");
        let outbound = 2_u64.to_le_bytes();
        assert_eq!(label("", "", &outbound), "/outbound");
        assert_eq!(label("a=.=b;.;\"\n\u{e9}", "", &[]), "a_._b_._____");
        assert_eq!(label(&"x".repeat(65), "", &[]), "x".repeat(64));
    }

    #[test]
    fn plugins_that_differ_have_other_bytes() {
        let id = |parts: [&str; 3]| PluginId::new(parts.map(|part| part.as_bytes().into()));
        assert_ne!(id(["a", "b", ""]).bytes(), id(["ab", "", ""]).bytes());
        assert_eq!(id(["a", "b", ""]).bytes(), b"a\0b\0");
    }
}
