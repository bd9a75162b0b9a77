//! The store in a separate process: this test binary, started again. It reads one request per line,
//! and answers with a line once the change is committed.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Program, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use keyward::key::Livemode;
use keyward::management::{
    Ceiling, Command, Context, End, KeyTarget, Limits, RotateKey, Value, decide, needs,
};
use sha2::{Digest, Sha256};

use crate::store::tests::records::{Counter, Failure, create};
use crate::store::tests::{NOW, entry, options, wait};
use crate::store::{Answer, Origin, Remembered, Scope, Store, StoreError, Tx};

const FOLDER: &str = "KEYWARD_TEST_CRASH_FOLDER";
const EARLY: &str = "KEYWARD_TEST_ACKNOWLEDGE_EARLY";
/// The owner of the keys.
const OWNER: &str = "acct_1";
/// The caller.
pub(super) const PRINCIPAL: &str = "mk_client";

/// Makes the store with an account.
pub(super) fn make(folder: &Path) {
    let store = Store::create(folder, "crash", &options()).unwrap();
    let add = keyward::management::AddAccount {
        account: keyward::management::Account::new(OWNER),
        settings: keyward::management::AccountSettings::default(),
    };
    wait(store.write(move |tx| carry_out(tx, &Command::AddAccount(add.clone()), "", 0))).unwrap();
}

/// A running store.
pub(super) struct Process {
    child: Child,
    socket: PathBuf,
}

impl Process {
    /// Starts the store, and waits until it accepts connections. If this program starts another one
    /// at the same moment, the child has a copy of the lock that the oracle held. In that case,
    /// this starts the store once more.
    pub(super) fn start(folder: &Path, is_early: bool) -> Self {
        for _ in 0..50 {
            let mut process = Self::spawn(folder, is_early);
            match process.comes_up() {
                Ok(()) => return process,
                Err(why) if why.contains("in use by another keyward-server") => {
                    thread::sleep(Duration::from_millis(10));
                }
                Err(why) => panic!("the store does not come up: {why}"),
            }
        }
        panic!("the lock on the store is never given back");
    }

    fn spawn(folder: &Path, is_early: bool) -> Self {
        let socket = folder.join("socket");
        let _ = std::fs::remove_file(&socket);
        let mut program = Program::new(std::env::current_exe().unwrap());
        program
            .args(["--exact", "store::crash::child", "--ignored", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if is_early {
            program.env(EARLY, "1");
        }
        let child = program.spawn().unwrap();
        Self { child, socket }
    }

    fn comes_up(&mut self) -> Result<(), String> {
        let began = Instant::now();
        while UnixStream::connect(&self.socket).is_err() {
            if self.child.try_wait().unwrap().is_some() {
                let mut why = String::new();
                let mut stderr = self.child.stderr.take().unwrap();
                stderr.read_to_string(&mut why).unwrap();
                return Err(why);
            }
            if began.elapsed() > Duration::from_secs(60) {
                return Err("nothing in a minute".to_owned());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    pub(super) fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).unwrap()
    }

    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Serves the store in the folder that the environment names, until it is killed.
pub(super) fn serve() {
    let folder = PathBuf::from(std::env::var_os(FOLDER).unwrap());
    let store = Store::open(&folder, &options()).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let listener = UnixListener::bind(folder.join("socket")).unwrap();
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        let (store, handle) = (store.clone(), runtime.handle().clone());
        thread::spawn(move || {
            let mut out = stream.try_clone().unwrap();
            for line in BufReader::new(stream).lines() {
                let Ok(line) = line else { return };
                let answer = handle.block_on(answer(&store, line));
                if writeln!(out, "{answer}").is_err() {
                    return;
                }
            }
        });
    }
}

/// Answers `create IDEMPOTENCY`, `rotate IDEMPOTENCY KEY` or `end IDEMPOTENCY KEY`.
async fn answer(store: &Store, line: String) -> String {
    let is_end = line.starts_with("end ");
    let change = move |tx: &mut Tx<'_>| -> Result<String, Failure> {
        let fingerprint: [u8; 32] = Sha256::digest(line.as_bytes()).into();
        let mut words = line.split(' ');
        let (verb, idempotency) = (words.next().unwrap(), words.next().unwrap());
        match tx.remembered(PRINCIPAL, idempotency, &fingerprint, NOW)? {
            Remembered::New => {}
            Remembered::Same { body, .. } => return Ok(format!("again {body}")),
            Remembered::Other => return Ok("other".to_owned()),
        }
        let id = words.next().unwrap_or_default().to_owned();
        let command = match verb {
            "create" => Command::CreateKey(create(OWNER, Livemode::Live, idempotency)),
            "rotate" => Command::RotateKey(RotateKey {
                id,
                keep_for: 3_600,
                keep_from: None,
                expires: End::Unsaid,
                value: Value::Minted,
            }),
            _ => Command::DeleteKey(KeyTarget { id }),
        };
        let seed = u64::from_be_bytes(fingerprint[..8].try_into().unwrap());
        let (id, value) = carry_out(tx, &command, idempotency, seed)?;
        tx.remember(&Answer {
            principal: PRINCIPAL,
            key: idempotency,
            fingerprint: &fingerprint,
            status: 200,
            body: &id,
            object_id: Some(&id),
            at: NOW,
        })?;
        Ok(format!("ok {id} {value}"))
    };
    let done = if is_end {
        store.end(change).await
    } else {
        store.write(change).await
    };
    done.unwrap_or_else(|failure| format!("error {failure:?}"))
}

/// Carries out the action. Returns the key, and its value if one was made.
fn carry_out(
    tx: &mut Tx<'_>,
    command: &Command,
    request: &str,
    seed: u64,
) -> Result<(String, String), Failure> {
    let facts = tx.facts(&Scope::everything(), &needs(command), NOW)?;
    let context = Context {
        now: NOW,
        actor: PRINCIPAL,
        ceiling: &Ceiling::none(),
        limits: &Limits::none(),
        randomness: &mut Counter(seed),
    };
    let mut decision = decide(command, &facts, context)?;
    let origin = Origin {
        source: "api",
        by: None,
        at: NOW,
    };
    let applied = tx.apply(decision.changes(), &origin)?;
    assert_eq!(applied.first, applied.last);
    let id = decision.key().unwrap_or(OWNER).to_owned();
    tx.record(crate::store::activity::Entry {
        object: Some(("api_key".to_owned(), id.clone())),
        request_id: Some(request.to_owned()),
        ..entry("of_the_harness")
    })?;
    let value = decision.take_minted();
    let value = value.map(|secret| secret.expose().to_owned());
    Ok((id, value.unwrap_or_default()))
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Rule(code) => Self::Conflict(format!("{code:?}")),
            Failure::Store(error) => error,
        }
    }
}
