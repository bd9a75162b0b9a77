//! The chapters on change and failure: a push, a bad push, and a worker that breaks.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, bail};
use keyward::reason::DenyReason as Reason;
use serde_json::json;

use super::{Expected, Tour};
use crate::envoy::Envoy;
use crate::folder::{self, Folder};
use crate::http::{Request, Response, get};
use crate::snapshot::{change, configuration};
use crate::wait::{BOUND, eventually};

/// The number of successive answers, each on a new connection. After that many, every worker has
/// given some.
const IN_A_ROW: u32 = 40;

impl Tour {
    pub(super) fn a_push(&mut self, envoy: &Envoy) -> Result<()> {
        self.screen
            .heading("A push: a key is revoked while Envoy runs");
        let secret = || get("/v1/balance");
        let request = secret().bearer(&self.keys.secret);
        self.step(
            envoy,
            "Before",
            &request,
            &Expected::Caller(&["mk_secret", "revision=1"]),
        )?;
        let mut revoked = configuration(&self.keys, 2)?;
        change(&mut revoked, &self.keys.secret, "status", json!("deleted"))?;
        self.screen
            .topic("Revision 2 deletes the key, and is renamed into the watched folder");
        envoy.folder.push(&revoked)?;
        let wave = self.until(envoy, &request, |response| response.status == 401)?;
        let Wave {
            first_ms,
            otherwise,
        } = wave;
        let seen = format!(
            "refused from {first_ms} ms after the rename on, {IN_A_ROW} times in a row; \
             {otherwise} requests with the key had passed until then"
        );
        self.check("the key is refused", Ok(seen));
        self.step(
            envoy,
            "After",
            &request,
            &Expected::Denied(Reason::DeletedKey, "Expired API Key provided"),
        )?;
        self.step(
            envoy,
            "The others go on, by the new revision",
            &get("/v1/customers").bearer(&self.keys.support),
            &Expected::Caller(&["mk_support", "revision=2"]),
        )
    }

    pub(super) fn a_bad_push(&mut self, envoy: &Envoy) -> Result<()> {
        self.screen.heading("A bad push");
        let mut bad = configuration(&self.keys, 3)?;
        change(
            &mut bad,
            &self.keys.office,
            "allowed_ips",
            json!(["the office"]),
        )?;
        self.screen.topic(
            "Revision 3 gives `the office` for an address: Envoy refuses it, and the log names the place, not the content",
        );
        envoy.folder.push(&bad)?;
        let wanted = "configuration refused: snapshot.keys[8].allowed_ips[0]: expected an address or CIDR range";
        let line = envoy.logged("configuration refused")?;
        let seen = if line == wanted {
            Ok(format!("logged: {line}"))
        } else {
            Err(line)
        };
        self.check(wanted, seen);
        let stat = "update_rejected: 1";
        eventually("Envoy counts the refused push", || {
            let page = envoy.admin("/stats?filter=keyward.update_rejected")?.body;
            Ok(page.contains(stat).then_some(()))
        })?;
        let support = get("/v1/customers").bearer(&self.keys.support);
        self.step(
            envoy,
            "Revision 2 keeps serving",
            &support,
            &Expected::Caller(&["mk_support", "revision=2"]),
        )?;
        self.step(
            envoy,
            "The revoked key stays revoked",
            &get("/v1/balance").bearer(&self.keys.secret),
            &Expected::Denied(Reason::DeletedKey, "Expired API Key provided"),
        )?;
        let mut repaired = configuration(&self.keys, 4)?;
        change(&mut repaired, &self.keys.secret, "status", json!("deleted"))?;
        envoy.folder.push(&repaired)?;
        self.until(envoy, &support, |response| {
            response.body.contains("revision=4")
        })?;
        self.step(
            envoy,
            "Revision 4, repaired, is taken",
            &support,
            &Expected::Caller(&["mk_support", "revision=4"]),
        )
    }

    /// Shows what happens if a worker fails to load what Envoy's main thread accepted. A test build
    /// of the filter does so on demand.
    pub(super) fn broken_worker(&mut self, filter: &Path) -> Result<()> {
        self.screen
            .heading("A broken worker, and what the interlock is for");
        self.screen.prose(
            "Envoy skips a wasm filter whose worker could not take a configuration (out of memory, say). A test build of keyward does that on \
             demand. First without the interlock, the RBAC filter of Envoy that every bootstrap we ship has before the router:",
        );
        let open = self.start(filter, "no-interlock", false)?;
        self.step(
            &open,
            "A stranger, before",
            &self.stranger(),
            &Expected::Denied(Reason::UnknownKey, "Invalid API Key provided"),
        )?;
        self.break_worker(&open)?;
        self.step(
            &open,
            "A stranger, after: through, unchecked",
            &self.stranger(),
            &Expected::Nobody,
        )?;
        drop(open);

        println!();
        self.screen.prose("The same with the bootstrap as shipped:");
        let shut = self.start(filter, "interlock", true)?;
        self.step(
            &shut,
            "A stranger, before",
            &self.stranger(),
            &Expected::Denied(Reason::UnknownKey, "Invalid API Key provided"),
        )?;
        self.a_trap(&shut)?;
        self.break_worker(&shut)?;
        self.step(
            &shut,
            "A stranger, after: the interlock finds no verdict of keyward's",
            &self.stranger(),
            &Expected::Envoy(403, "RBAC: access denied"),
        )?;
        self.step(
            &shut,
            "Nor does a good key pass: closed, until Envoy is restarted",
            &get("/v1/balance").bearer(&self.keys.secret),
            &Expected::Envoy(403, "RBAC: access denied"),
        )
    }

    fn a_trap(&mut self, envoy: &Envoy) -> Result<()> {
        let secret = || get("/v1/balance");
        self.step(
            envoy,
            "A request that crashes the worker's VM does not pass",
            &secret()
                .bearer(&self.keys.secret)
                .header("X-Keyward-Trap-Door", "trap"),
            &Expected::Envoy(503, ""),
        )?;
        let crashed = Instant::now();
        let request = secret().bearer(&self.keys.secret);
        eventually("Envoy makes a new VM", || {
            Ok((self.send(envoy, &request)?.status == 200).then_some(()))
        })?;
        let ms = crashed.elapsed().as_millis();
        self.step(
            envoy,
            &format!("Envoy made a new VM within {ms} ms, and answered 503 until then"),
            &request,
            &Expected::Caller(&["mk_secret"]),
        )
    }

    fn stranger(&self) -> Request {
        get("/v1/balance").bearer(&self.keys.stranger)
    }

    /// Shows what happens if Envoy is pushed a module that it cannot get: it leaves the filter out.
    pub(super) fn missing_module(&mut self) -> Result<()> {
        self.screen
            .heading("A module that is not there, and what the interlock is for");
        self.screen.prose(
            "A push may name a module that Envoy is to fetch. Until it has it, Envoy leaves the filter out: keyward never ships that, and \
             `keyward doctor` refuses it. First without the interlock, the RBAC filter of Envoy that every bootstrap we ship has before the router:",
        );
        for (name, with_interlock) in [("no-interlock", false), ("interlock", true)] {
            if with_interlock {
                println!();
                self.screen.prose("The same with the bootstrap as shipped:");
            }
            let envoy = self.start(&self.filter.clone(), name, with_interlock)?;
            self.step(
                &envoy,
                "A stranger, before",
                &self.stranger(),
                &Expected::Denied(Reason::UnknownKey, "Invalid API Key provided"),
            )?;
            self.push_elsewhere(&envoy)?;
            let (topic, expected) = if with_interlock {
                (
                    "A stranger, after: the interlock finds no verdict of keyward's",
                    Expected::Envoy(403, "RBAC: access denied"),
                )
            } else {
                ("A stranger, after: through, unchecked", Expected::Nobody)
            };
            self.step(&envoy, topic, &self.stranger(), &expected)?;
        }
        Ok(())
    }

    /// Pushes a module that no server has, and waits until the filter is gone.
    fn push_elsewhere(&mut self, envoy: &Envoy) -> Result<()> {
        let configuration = configuration(&self.keys, 2)?;
        envoy.folder.push_edited(&configuration, |ecds| {
            let module = "/resources/0/typed_config/dynamic_module_config/module";
            let uri = json!({"uri": "http://127.0.0.1:1/libkeyward.so", "cluster": "upstream", "timeout": "1s"});
            *folder::at(ecds, module)? = json!({"remote": {"http_uri": uri, "sha256": "0".repeat(64)}});
            Ok(())
        })?;
        let stranger = self.stranger();
        eventually("the filter is left out", || {
            Ok((self.send(envoy, &stranger)?.status != 401).then_some(()))
        })
    }

    fn start(&self, filter: &Path, name: &str, with_interlock: bool) -> Result<Envoy> {
        let first = configuration(&self.keys, 1)?;
        let folder = Folder::make(self.runs.join(name), (self.host, filter), &first)?;
        folder.edit_bootstrap(|bootstrap| {
            folder::free_ports(bootstrap)?;
            if !with_interlock {
                folder::without_interlock(bootstrap)?;
            }
            Ok(())
        })?;
        Envoy::start(&self.binary, folder, 1)
    }

    /// Pushes what the main thread accepts but the worker does not, and waits until the worker has
    /// seen it.
    fn break_worker(&mut self, envoy: &Envoy) -> Result<()> {
        let mut poison = configuration(&self.keys, 2)?;
        let text = json!({"test": "trap-door: fail on workers"});
        change(&mut poison, &self.keys.organization, "annotations", text)?;
        envoy.folder.push(&poison)?;
        let stranger = self.stranger();
        eventually("the worker fails", || {
            Ok((self.send(envoy, &stranger)?.status != 401).then_some(()))
        })
    }

    /// Repeats a request until the answer is as expected [`IN_A_ROW`] times. Times count from the
    /// call.
    fn until(
        &mut self,
        envoy: &Envoy,
        request: &Request,
        is_met: impl Fn(&Response) -> bool,
    ) -> Result<Wave> {
        let start = Instant::now();
        let mut wave = Wave::default();
        let mut row = 0;
        while row < IN_A_ROW {
            let response = self.send(envoy, request)?;
            if is_met(&response) {
                if row == 0 {
                    wave.first_ms = start.elapsed().as_millis();
                }
                row += 1;
            } else {
                row = 0;
                wave.otherwise += 1;
            }
            if start.elapsed() > BOUND {
                bail!(
                    "within {} s, a push did not reach every worker",
                    BOUND.as_secs()
                );
            }
        }
        Ok(wave)
    }
}

/// How a change appeared from outside, in milliseconds.
#[derive(Default)]
struct Wave {
    /// When the series of expected answers began.
    first_ms: u128,
    /// The number of other answers before that.
    otherwise: u32,
}
