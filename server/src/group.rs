//! The two groups of gateways.

use serde::{Deserialize, Serialize};

/// Which gateways a snapshot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Gateways of the API that is protected.
    Edge,
    /// The gateway before this server: it serves every version, as Stripe's preview SDKs name other versions.
    Control,
}

impl Group {
    /// As it is written.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Control => "control",
        }
    }

    /// Reads what `name` wrote.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Edge, Self::Control]
            .into_iter()
            .find(|group| group.name() == name)
    }
}
