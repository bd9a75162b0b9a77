//! A server without an Envoy in front of it, reached through its admin socket.

use std::path::{Path, PathBuf};
use std::process::Output;

use keyward::digest::KeyDigest;
use keyward::profile::Profile;
use keyward::signify::PublicKey;
use keyward_files::publish::{Found, Target};
use keyward_harness::process::Guarded;
use keyward_harness::{BOUND, eventually};
use serde_json::{Value, json};

use crate::minted::Minted;
use crate::world::{PROPAGATION, command, serve_in, straight};

pub(crate) struct Local {
    server: Option<Guarded>,
    folder: PathBuf,
    minted: Minted,
}

impl Drop for Local {
    /// At the end of every test, the value of every key that its requests made is in no file.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.minted.assert_nowhere(&self.data());
        }
    }
}

impl Local {
    /// Makes a store in `folder`, and starts a server on it.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::start_with(folder, |_| {})
    }

    /// The same, with something done to the data folder before the server starts.
    pub(crate) fn start_with(folder: &Path, prepare: impl FnOnce(&Path)) -> Self {
        let made = command()
            .args(["init", "--data"])
            .arg(folder.join("data"))
            .args(["--wasm", "/nowhere/keyward.wasm"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{said}");
        prepare(&folder.join("data"));
        let mut local = Self {
            server: None,
            folder: folder.to_owned(),
            minted: Minted::default(),
        };
        local
            .minted
            .note(String::from_utf8_lossy(&made.stdout).trim());
        local.serve(&[]);
        let body = json!({"id": "acct_1", "policy": "operator"});
        let made = local.ask("POST", "/v2/keyward/accounts", &[], Some(&body));
        assert_eq!(made.0, 200, "{}", made.1);
        local
    }

    /// Starts the server with more arguments.
    pub(crate) fn serve(&mut self, more: &[&str]) {
        self.server = Some(serve_in(&self.folder, more));
    }

    /// Kills the server, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.data().join("admin/admin.sock")
    }

    /// Sends a request, and repeats it if the server answers that there were too many.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        head: &[(&str, &str)],
        body: Option<&Value>,
    ) -> (u16, Value) {
        eventually("the server has time", BOUND, || {
            let answer = straight(&self.socket(), method, path, head, body);
            self.minted.note_those_in(&answer.1);
            (answer.0 != 429).then_some(answer)
        })
    }

    /// Makes a key. Returns the status, and the key's id or the error code.
    pub(crate) fn create(&self) -> (u16, String) {
        let note = "n".repeat(1_000);
        let body = json!({
            "type": "secret_key", "permissions": ["customer_read"], "note": note,
            "keyward": {"owner": "acct_1", "livemode": true},
        });
        let (status, made) = self.ask("POST", "/v2/iam/api_keys", &[], Some(&body));
        let said = if status == 200 {
            &made["id"]
        } else {
            &made["error"]["code"]
        };
        (status, said.as_str().unwrap().to_owned())
    }

    /// Makes a key, and returns its id.
    pub(crate) fn key(&self) -> String {
        let (status, id) = self.create();
        assert_eq!(status, 200, "{id}");
        id
    }

    /// Ends a key, and waits until its end is published.
    #[track_caller]
    pub(crate) fn expire(&self, id: &str) -> Value {
        let path = format!("/v2/iam/api_keys/{id}/expire");
        let (status, ended) = self.ask("POST", &path, &[("prefer", "wait=20")], None);
        assert_eq!(status, 200, "{ended}");
        assert_eq!(ended["keyward"]["propagation"]["state"], "published");
        ended
    }

    /// Returns the configuration in the file that gateways watch.
    pub(crate) fn published(&self) -> Value {
        let file = self.data().join("envoy/ecds/keyward.pb");
        let target = Target::ecds(&file, None, true);
        let found = Found::at(&target).unwrap();
        serde_json::from_str(&found.configuration.unwrap()).unwrap()
    }

    /// Waits until a key, or its end, is published.
    pub(crate) fn is_published(&self, id: &str) {
        eventually(&format!("{id} is published"), PROPAGATION, || {
            self.published_key(id).map(|_| ())
        });
    }

    /// Returns the key as published to gateways.
    pub(crate) fn published_key(&self, id: &str) -> Option<Value> {
        let published = self.published();
        let keys = published["snapshot"]["keys"].as_array()?;
        keys.iter().find(|key| key["id"] == *id).cloned()
    }

    /// When a key ends, as gateways that follow the feed have it. None if they do not have the key.
    pub(crate) fn followed_key(&self, digest: &str) -> Option<Option<u64>> {
        let data = self.data();
        let public_key = std::fs::read_to_string(data.join("feed.pub")).unwrap();
        let store = keyward_files::feed::Folder::open(&data.join("feed/edge")).unwrap();
        let reader = keyward_files::feed::Reader {
            store: &store,
            feed: "prod",
            keys: &[PublicKey::from_line(&public_key).unwrap()],
            profile: &Profile::stripe(),
            cache: None,
        };
        let present = reader.read(None).unwrap().unwrap();
        let key = present
            .snapshot
            .key(&KeyDigest::from_hex(digest).unwrap())?;
        Some(key.expires_at())
    }

    /// One of the commands on the store.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        command().args(arguments).output().unwrap()
    }
}
