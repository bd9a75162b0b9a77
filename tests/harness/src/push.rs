//! New configurations for a running Envoy, pushed as an operator does: a file is renamed into the
//! watched folder.
//!
//! Envoy loads a push on its main thread first, and each worker follows in its own time. An
//! accepted push therefore proves nothing yet about the next request. A test that has to know uses
//! [`Envoy::on_every_worker`](super::envoy::Envoy::on_every_worker) or polls.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::json;

use super::bootstrap::{at, shipped_ecds};
use super::builder::Ecds;
use super::envoy::Envoy;
use super::host::Host;
use super::pb::{self, Wrapper};
use super::wait::{BOUND, LONG, eventually};

/// The result of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Push {
    /// The trial load on the main thread succeeded, and the workers follow.
    Accepted,
    /// Envoy read the file, but the filter or one of Envoy's own checks rejected it: a NACK. The
    /// old configuration continues to serve.
    Rejected,
    /// Envoy could not parse the file as JSON or YAML. (A broken `.pb` file counts as rejected.)
    /// The old configuration continues to serve.
    Unreadable,
}

/// The pushes made so far, and their results as last read.
#[derive(Debug, Default)]
pub struct Pushes {
    made: u64,
    rejected: u64,
    unreadable: u64,
}

impl Pushes {
    /// Counts the file that was there at the start as one push.
    pub(super) fn initial() -> Self {
        Self {
            made: 1,
            ..Self::default()
        }
    }
}

impl Envoy {
    /// Pushes a configuration and does not wait for its result. (It does wait until Envoy has
    /// looked at the previous push.)
    pub fn push(&self, config: &str) {
        self.replace(|path, version| {
            write_ecds((self.host, self.ecds), path, version, &self.wasm, config);
        });
    }

    /// Pushes any bytes as the configuration and does not wait. For an Envoy with [`Ecds::Pb`].
    pub fn push_pb(&self, wrapper: Wrapper, content: &[u8]) {
        assert_eq!(self.ecds, Ecds::Pb, "this instance's file is not binary");
        self.replace(|path, version| {
            write_pb(path, version, (self.host, &self.wasm), wrapper, content);
        });
    }

    /// Replaces the whole file with any bytes and does not wait.
    pub fn push_file(&self, content: &[u8]) {
        let content = match serde_json::from_slice(content) {
            Ok(mut response) if self.host != Host::Wasm => {
                self.host.take_over(&mut response, &self.wasm);
                response.to_string().into_bytes()
            }
            _ => content.to_owned(),
        };
        self.replace(|path, _| fs::write(path, content).unwrap());
    }

    /// Like [`Self::push_file`], but waits until Envoy has looked at the file.
    #[track_caller]
    pub fn push_file_and_wait(&self, content: &[u8]) -> Push {
        self.settled(BOUND);
        self.push_file(content);
        self.settled(BOUND)
    }

    /// Pushes a configuration, and waits until Envoy has accepted or rejected it.
    #[track_caller]
    pub fn push_and_wait(&self, config: &str) -> Push {
        self.settled(BOUND);
        self.push(config);
        self.settled(BOUND)
    }

    /// Like [`Self::push_and_wait`], for any bytes. A big configuration takes longer, up to
    /// `bound`.
    #[track_caller]
    pub fn push_pb_and_wait(&self, wrapper: Wrapper, content: &[u8], bound: Duration) -> Push {
        self.settled(bound);
        self.push_pb(wrapper, content);
        self.settled(bound)
    }

    /// Waits until Envoy's main thread has looked at every push, including the file at the start.
    /// Returns the result of the pushes since the last call, which is a rejection if there was one.
    #[track_caller]
    pub fn settled(&self, bound: Duration) -> Push {
        let mut pushes = self.pushes.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.looked_at(pushes.made, bound);
        let seen = Pushes {
            made: pushes.made,
            rejected: now["update_rejected"],
            unreadable: now["update_failure"],
        };
        let verdict = if seen.unreadable > pushes.unreadable {
            Push::Unreadable
        } else if seen.rejected > pushes.rejected {
            Push::Rejected
        } else {
            Push::Accepted
        };
        *pushes = seen;
        verdict
    }

    /// Returns the counters of the configuration's source once Envoy has looked at this many files.
    /// Envoy counts an attempt for every rename, and counts its result before the main thread
    /// answers another admin request. (`config_reload` also counts files that are then rejected.)
    #[track_caller]
    fn looked_at(&self, pushes: u64, bound: Duration) -> BTreeMap<String, u64> {
        let prefix = "extension_config_discovery.http_filter.keyward.";
        eventually(&format!("Envoy looks at push {pushes}"), bound, || {
            let stats = self.try_stats(
                "^extension_config_discovery\\.http_filter\\.keyward\\.update_",
                bound,
            )?;
            let stats: BTreeMap<_, _> = stats
                .into_iter()
                .map(|(name, value)| (name.replace(prefix, ""), value))
                .collect();
            (*stats.get("update_attempt")? >= pushes).then_some(stats)
        })
    }

    fn replace(&self, write: impl FnOnce(&Path, u64)) {
        let mut pushes = self.pushes.lock().unwrap_or_else(PoisonError::into_inner);
        // Written next to the watched folder and renamed into it, so that Envoy sees the whole file
        // or nothing.
        let aside = self.folder.path().join(self.ecds.file());
        write(&aside, pushes.made + 1);
        // The kernel merges two successive renames to the same name into one event, and then there
        // would be fewer attempts than pushes.
        self.looked_at(pushes.made, LONG);
        pushes.made += 1;
        fs::rename(
            &aside,
            self.folder.path().join("ecds").join(self.ecds.file()),
        )
        .unwrap();
    }
}

/// Writes the ECDS file that keyward ships, with this configuration.
pub(super) fn write_ecds(
    (host, form): (Host, Ecds),
    path: &Path,
    version: u64,
    wasm: &Path,
    config: &str,
) {
    if form == Ecds::Pb {
        let (wrapper, content) = (Wrapper::String, config.as_bytes());
        return write_pb(path, version, (host, wasm), wrapper, content);
    }
    let mut response = shipped_ecds();
    *at(&mut response, "/version_info") = json!(version.to_string());
    let plugin = at(&mut response, "/resources/0/typed_config/config");
    *at(plugin, "/vm_config/code/local/filename") = json!(wasm);
    *at(plugin, "/configuration/value") = json!(config);
    host.take_over(&mut response, wasm);
    let text = if form == Ecds::Yaml {
        serde_norway::to_string(&response).unwrap()
    } else {
        response.to_string()
    };
    fs::write(path, text).unwrap();
}

fn write_pb(path: &Path, version: u64, filter: (Host, &Path), wrapper: Wrapper, content: &[u8]) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    pb::write(&mut out, &version.to_string(), filter, wrapper, content).unwrap();
}
