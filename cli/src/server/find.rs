//! Finds the keys in a text by their digests: the command asks the server whether it knows one, and
//! no value leaves this machine.

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::json;

use super::Server;
use super::lists::typed;
use super::request::Call;
use super::wire::ApiKey;
use keyward::digest::KeyDigest;
use keyward_files::key_file::KeyFile;

/// The maximum number of digests that are sent to the server, which takes a minute and a half for
/// them.
pub(crate) const MOST_LOOKUPS: usize = 400;

/// The interval between two questions: the server answers five in a second.
const PACE: Duration = Duration::from_millis(200);

impl Server {
    /// Returns the keys that have one of these digests or endings, each with the digest that led to
    /// it.
    pub(crate) fn holders(&self, digests: &[KeyDigest], ends: &[String]) -> Result<KeyFile> {
        let mut mirror = self.mirror()?;
        for (number, digest) in digests.iter().take(MOST_LOOKUPS).enumerate() {
            if number > 0 {
                thread::sleep(PACE);
            }
            let body = json!({"sha256": digest.to_string()});
            match self.call(&Call::post("/v2/keyward/api_keys/lookup", body))? {
                Ok(json) => {
                    let key: ApiKey = typed(json)?;
                    mirror.put_key(&key)?;
                    mirror.put_digest(&key.id, *digest);
                }
                Err(refused) if refused.is_missing() => {}
                Err(refused) => return Err(anyhow!(refused.to_error())),
            }
        }
        for end in ends {
            let filter = [("query", end.as_str()), ("include_expired", "true")];
            for key in self.keys(&filter, None)? {
                if !mirror.has_key(&key.id) {
                    mirror.put_key(&key)?;
                }
            }
        }
        Ok(mirror.file())
    }
}
