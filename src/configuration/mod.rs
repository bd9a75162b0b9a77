//! The plugin configuration: the settings of a gateway, and the snapshot that its decisions are
//! based on.

mod faults;
mod feed;
mod identity;
mod packed;
mod peek;
mod wire;

#[cfg(test)]
mod tests;

pub use faults::faults;
pub use feed::Feed;
pub use identity::SingleMembers;
pub use packed::{is_packed, packed_settings, split_packed};
pub use peek::{named_revision, named_revision_packed};

use std::sync::Arc;

use self::identity::{former, principal, single};
use crate::id::is_id;
use crate::json::from_json;
use crate::key::Livemode;
use crate::profile::Profile;
use crate::refusal::{First, Place, Refusal, Sink};
use crate::request::IdentityNames;
use crate::snapshot::{Enforcement, Snapshot};
use crate::wire::Object;
use crate::word::words;

/// The default name of the identity header. keyward removes it from requests even if the header is
/// renamed or turned off.
pub const PRINCIPAL_HEADER: &str = "x-keyward-principal";

/// The default name of the filter state, under Envoy's `wasm.`.
pub const FILTER_STATE: &str = "keyward";

/// The maximum size of a configuration that the filter reads, in bytes.
pub const LARGEST: usize = 128 << 20;

/// Every age in seconds is below this number.
const LONGEST_AGE: u64 = 100_000_000_000;

words! {
    /// Which keys a gateway serves.
    #[derive(Default)]
    pub enum ServeMode {
        /// Keys of both modes.
        #[default]
        Any = "any",
        /// Only keys of live mode.
        Live = "live",
        /// Only keys of test mode.
        Test = "test",
    }
}

impl ServeMode {
    /// Returns whether the gateway serves keys of this mode.
    #[must_use]
    pub fn serves(self, mode: Livemode) -> bool {
        match self {
            Self::Any => true,
            Self::Live => mode == Livemode::Live,
            Self::Test => mode == Livemode::Test,
        }
    }
}

words! {
    /// What happens to a browser's preflight.
    #[derive(Default)]
    pub enum Preflight {
        /// The preflight passes without a credential.
        #[default]
        Pass = "pass",
        /// keyward decides on the preflight as on any other request.
        Check = "check",
    }
}

words! {
    /// The purpose of the filter.
    #[derive(Default)]
    pub enum Role {
        /// The filter decides on requests.
        #[default]
        Gateway = "gateway",
        /// The filter reports, on its own listener, how often keys are used. It denies every other
        /// request.
        UsageReport = "usage_report",
    }
}

/// How a gateway decides, and what it reports.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which keys the gateway serves.
    pub serve_mode: ServeMode,
    /// Whether keyward enforces its verdicts.
    pub enforcement: Enforcement,
    /// How many seconds old a snapshot may be. keyward rejects requests under an older one.
    pub max_snapshot_age: Option<u64>,
    /// What happens to preflights.
    pub preflight: Preflight,
    /// Whether a request may ask to switch protocols.
    pub allow_upgrades: bool,
    /// Whether `Authorization` reaches the upstream.
    pub forward_credential: bool,
    /// The identity header, if there is one.
    pub principal_header: Option<Box<str>>,
    /// Headers that contain single members.
    pub identity_headers: SingleMembers,
    /// Names of headers that carried an identity before, or that do in other systems. keyward
    /// removes them like the current ones.
    pub former_identity_headers: Box<[Box<str>]>,
    /// The name of the filter state under `wasm.`.
    pub filter_state: Box<str>,
    /// The path at which the filter answers questions about the credential, if there is one.
    pub verify_path: Option<Box<str>>,
    /// The purpose of the filter.
    pub role: Role,
    /// The feed that snapshots come from, unless they come with the configuration.
    pub feed: Option<Feed>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            serve_mode: ServeMode::default(),
            enforcement: Enforcement::default(),
            max_snapshot_age: None,
            preflight: Preflight::default(),
            allow_upgrades: false,
            forward_credential: true,
            principal_header: Some(PRINCIPAL_HEADER.into()),
            identity_headers: Box::default(),
            former_identity_headers: Box::default(),
            filter_state: FILTER_STATE.into(),
            verify_path: None,
            role: Role::default(),
            feed: None,
        }
    }
}

/// Everything that a gateway's decisions are based on. Copies share it.
#[derive(Clone, Debug)]
pub struct Configuration {
    settings: Arc<Settings>,
    profile: Arc<Profile>,
    identity_names: Arc<IdentityNames>,
    snapshot: Option<Snapshot>,
}

impl Configuration {
    /// Reads the JSON of a plugin configuration. An empty text counts as an empty object. Without a
    /// snapshot, keyward denies everything.
    pub fn from_json(json: &[u8]) -> Result<Self, Refusal> {
        let json = if json.is_empty() { b"{}" } else { json };
        let wire: wire::Configuration<'_> = from_json(json)?;
        Self::from_wire(wire, &mut First)
    }

    fn from_wire<S: Sink>(wire: wire::Configuration<'_>, sink: &mut S) -> Result<Self, Refusal> {
        let (settings, profile, snapshot) = wire.split(sink)?;
        let place = Place::member("snapshot");
        let snapshot = snapshot
            .map(|wire| Snapshot::from_wire(wire.0, &profile, &place, sink))
            .transpose()?;
        Ok(Self::new(settings, profile, snapshot))
    }

    /// Returns a configuration without a snapshot, which denies everything.
    #[must_use]
    pub fn closed() -> Self {
        Self::new(Settings::default(), Profile::stripe(), None)
    }

    /// Combines settings, a profile and a snapshot.
    #[must_use]
    pub fn new(settings: Settings, profile: Profile, snapshot: Option<Snapshot>) -> Self {
        let own = settings.principal_header.as_deref();
        let single = settings.identity_headers.iter().map(|(name, _)| &**name);
        let former = settings.former_identity_headers.iter().map(|name| &**name);
        let present = [PRINCIPAL_HEADER].into_iter().chain(own).chain(single);
        let identity_names = IdentityNames::new(&profile, present.chain(former));
        Self {
            settings: Arc::new(settings),
            profile: Arc::new(profile),
            identity_names: Arc::new(identity_names),
            snapshot,
        }
    }

    /// Returns the same configuration with another snapshot, or with none.
    #[must_use]
    pub fn with_snapshot(&self, snapshot: Option<Snapshot>) -> Self {
        Self {
            settings: Arc::clone(&self.settings),
            profile: Arc::clone(&self.profile),
            identity_names: Arc::clone(&self.identity_names),
            snapshot,
        }
    }

    /// Returns the settings.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the names and texts.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Returns the names of the headers that carry an identity to the upstream.
    #[must_use]
    pub fn identity_names(&self) -> &IdentityNames {
        &self.identity_names
    }

    /// Returns the snapshot, if there is one.
    #[must_use]
    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }
}

impl<'a> wire::Configuration<'a> {
    /// Checks the settings. If the sink accepts a fault, the setting counts as left out.
    fn split<S: Sink>(
        self,
        sink: &mut S,
    ) -> Result<(Settings, Profile, Option<Object<wire::Snapshot<'a>>>), Refusal> {
        let Self {
            snapshot,
            serve_mode,
            enforcement,
            max_snapshot_age,
            preflight,
            allow_upgrades,
            forward_credential,
            principal_header,
            identity_headers,
            former_identity_headers,
            filter_state,
            verify_path,
            role,
            feed,
            profile,
        } = self;
        let serves = snapshot.is_some() || verify_path.is_some() || feed.is_some();
        if role == Role::UsageReport && serves {
            sink.fault(Place::member("role").refused(REPORTS))?;
        }
        let profile = match profile {
            None => None,
            Some(Object(profile)) => sink.take(profile.read(&Place::member("profile")))?,
        };
        let profile = profile.unwrap_or_else(Profile::stripe);
        let principal_header = match principal_header {
            None => None,
            Some(name) => sink.take(principal(&name.0, &profile))?,
        };
        let principal_header = principal_header.unwrap_or_else(|| Some(PRINCIPAL_HEADER.into()));
        let single = single(&identity_headers, principal_header.as_deref(), &profile);
        let former = former(&former_identity_headers, &profile);
        let identity_headers = sink.take(single)?.unwrap_or_default();
        let former_identity_headers = sink.take(former)?.unwrap_or_default();
        let max_snapshot_age = max_snapshot_age.map(|seconds| seconds.0);
        if max_snapshot_age.is_some_and(|seconds| seconds >= LONGEST_AGE) {
            sink.fault(Place::member("max_snapshot_age").expected("seconds below 10^11"))?;
        }
        let filter_state = match filter_state {
            None => FILTER_STATE.into(),
            Some(name) if is_id(&name.0) => name.0.as_ref().into(),
            Some(_) => {
                let expected = "1 to 64 letters, digits, `_`, `.` or `-`";
                sink.fault(Place::member("filter_state").expected(expected))?;
                FILTER_STATE.into()
            }
        };
        let verify_path = match verify_path {
            None => None,
            Some(path) if is_verify_path(&path.0, &profile) => Some(path.0.as_ref().into()),
            Some(_) => {
                sink.fault(Place::member("verify_path").expected(VERIFY_PATH))?;
                None
            }
        };
        let feed = match feed {
            None => None,
            Some(Object(feed)) => {
                let place = Place::member("feed");
                if max_snapshot_age.is_none() {
                    let why = "a feed needs `max_snapshot_age`: without it, what a source that stops said last would hold for ever";
                    sink.fault(place.refused(why))?;
                }
                sink.take(Feed::read(&feed, profile.known_prefixes(), &place))?
            }
        };
        let settings = Settings {
            serve_mode,
            enforcement,
            max_snapshot_age,
            preflight,
            allow_upgrades,
            forward_credential,
            principal_header,
            identity_headers,
            former_identity_headers,
            filter_state,
            verify_path,
            role,
            feed,
        };
        Ok((settings, profile, snapshot))
    }
}

/// The fault that keeps a single word from turning a gateway into a report.
const REPORTS: &str = "a usage report has no snapshot, no feed and no verify_path";

const VERIFY_PATH: &str = "a path `/…` of at most 128 letters, digits, `_`, `~`, `-` and `.`, no segment of which is empty or begins with a dot";

/// Returns whether a path has only one reading, in the filter and everywhere else.
fn is_verify_path(path: &str, profile: &Profile) -> bool {
    let is_segment = |segment: &str| {
        !segment.starts_with('.')
            && !segment.is_empty()
            && segment.bytes().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'~' | b'-' | b'.')
            })
    };
    path.len() <= 128
        && path
            .strip_prefix('/')
            .is_some_and(|segments| segments.split('/').all(is_segment))
        && !profile.known_prefixes().occur_in(path)
}
