//! Makes new keys. The value is created and shown on this machine, and the server gets only its
//! digest. So the value is never on the network or the server. If the answer is lost, sending the
//! request again is safe: the server carries it out once, and its answer contains no value that
//! could be lost.
//!
//! The server creates two kinds of values itself: those of publishable keys, which are public, and
//! those of any key if the caller may not send digests (`api_key_import=write`).
//!
//! In a key file, a key is only stored after its value has been received. Here the key is made
//! first, because only the server knows whether it accepts the key. If no reader receives the
//! value, the key is removed again; the key that it was to replace has not ended yet.

use anyhow::{Context, Error, Result, anyhow, bail};
use serde_json::{Map, Value as Json, json};
use zeroize::Zeroizing;

use super::Server;
use super::answer::Refused;
use super::body::{has_ipv6, put, put_grants, time};
use super::change::{delete, path};
use super::lists::{Found, KEYS, typed};
use super::mirror::{Mirror, Seen, What};
use super::request::Call;
use super::wire::ApiKey;
use keyward::key::KeyKind;
use keyward::management::{Command, Decision, End, Note, RecordChange, RotateKey};
use keyward::snapshot::Enforcement;
use keyward_files::key_file::{Key, KeyFile};

/// How many minutes an old key continues to work if it should end as soon as the value of its
/// replacement has been received.
const UNTIL_SHOWN: u64 = 60;

/// A key that was made and whose value has not been shown yet.
pub(crate) struct Made {
    /// The records including the key.
    pub(crate) file: KeyFile,
    pub(crate) key: String,
    pub(crate) notes: Vec<Note>,
    /// `None` for an imported key, whose owner has the value.
    pub(crate) value: Option<Zeroizing<String>>,
    undo: Undo,
}

/// What to do when the value has been received, or has not.
enum Undo {
    /// Remove the key if its value was not received.
    New,
    /// If the value was not received, remove the key and restore the old key's end. Otherwise end
    /// the old key at `end`.
    Replacement { old: Box<Key>, end: Option<u64> },
    /// Nothing, because the value can be looked up.
    Public,
}

impl Server {
    /// Makes a key and shows its value with `show`. If showing fails, removes the key again.
    pub(crate) fn make<T>(
        &self,
        seen: Option<&Seen>,
        command: &Command,
        now: u64,
        told: impl FnOnce(&Made) -> Result<T>,
        show: impl FnOnce(&T) -> Result<()>,
    ) -> Result<T> {
        let mirror = match seen {
            Some(seen) => seen.mirror().clone(),
            None => self.needed(command)?,
        };
        let decision = self.decided(&mirror, command, now)?;
        let made = self.made(mirror, command, decision, now)?;
        let outcome = told(&made).and_then(|told| show(&told).map(|()| told));
        match outcome {
            Ok(told) => self.settle(&made, now).map(|()| told),
            Err(error) => Err(self.take_back(&made, error)),
        }
    }

    fn made(
        &self,
        mut mirror: Mirror,
        command: &Command,
        mut decision: Decision,
        now: u64,
    ) -> Result<Made> {
        let new = new_key(&decision)
            .context("no key was made; please report this")?
            .clone();
        let minted = decision.take_minted();
        let minted = minted.map(|secret| Zeroizing::new(secret.expose().to_owned()));
        let is_public = new.kind == KeyKind::Publishable;
        let is_import = matches!(command, Command::ImportKey(_));
        let replaced = rotation_of(command).map(|rotate| rotate.id.as_str());
        let old = replaced.and_then(|id| mirror.file().key(id).cloned());
        let request = |by_digest: bool| match rotation_of(command).zip(old.as_ref()) {
            Some((rotate, old)) => self.replaced(rotate, old, &new, by_digest, &mirror),
            None => self.created(&new, by_digest),
        };
        let mut by_digest = is_import || !is_public;
        let mut answer = request(by_digest)?;
        if let Err(refused) = &answer
            && by_digest
            && !is_import
            && refused.param.as_deref() == Some("keyward.sha256")
            && refused.is_forbidden()
        {
            by_digest = false;
            answer = request(by_digest)?;
        }
        let mut made = match answer {
            Ok(made) => made,
            Err(refused) => self.made_before(&refused, is_public, old.as_ref())?,
        };
        let theirs = made.take_value();
        let value = match (is_import, by_digest) {
            (true, _) => None,
            (false, true) => minted,
            (false, false) => theirs,
        };
        if value.is_none() && !is_import {
            bail!(
                "the server made `{}` and did not show its value; please report this",
                made.id
            );
        }
        mirror.put_key(&made)?;
        let undo = if is_public {
            Undo::Public
        } else if let Some(old) = old {
            Undo::Replacement {
                end: end_of(command, &decision, now),
                old: Box::new(old),
            }
        } else {
            Undo::New
        };
        Ok(Made {
            file: mirror.file(),
            key: made.id,
            notes: decision.notes().to_vec(),
            value,
            undo,
        })
    }

    fn created(&self, new: &Key, by_digest: bool) -> Result<Result<ApiKey, Refused>> {
        let body = self.with_override(body_of(new, by_digest));
        typed_or_refused(self.call(&Call::post(KEYS, Json::Object(body)))?)
    }

    fn replaced(
        &self,
        rotate: &RotateKey,
        old: &Key,
        new: &Key,
        by_digest: bool,
        mirror: &Mirror,
    ) -> Result<Result<ApiKey, Refused>> {
        let minutes = match rotate.keep_for {
            0 if new.kind == KeyKind::Publishable => 0,
            0 => UNTIL_SHOWN,
            seconds => seconds.div_ceil(60),
        };
        let (mut body, mut mine) = (Map::new(), Map::new());
        body.insert("expire_current_key_in_minutes".to_owned(), json!(minutes));
        if let Some(end) = new.expires {
            body.insert("expires_at".to_owned(), json!(time(end)));
        }
        mine.insert("no_expiry".to_owned(), json!(rotate.expires == End::Never));
        put_value(&mut mine, new, by_digest);
        body.insert("keyward".to_owned(), Json::Object(mine));
        let path = format!("{}/rotate", path(KEYS, &old.id)?);
        let body = self.with_override(body);
        let version = mirror.version(What::Key, &old.id);
        typed_or_refused(self.call(&Call::post(&path, Json::Object(body)).at(version))?)
    }

    /// Returns the key of a request that the server had already carried out: its first answer was
    /// lost, together with a value.
    fn made_before(&self, refused: &Refused, is_public: bool, old: Option<&Key>) -> Result<ApiKey> {
        let id = refused.fact("api_key").unwrap_or_default();
        if refused.code != "value_already_returned" {
            return Err(refused.to_error());
        }
        if is_public && let Found::There(key) = self.key(id)? {
            return Ok(key);
        }
        self.remove(id, old).with_context(|| {
            format!("the value of `{id}` was lost on the network, and the key could not be removed again; end it with `keyward keys delete {id}`")
        })?;
        Err(anyhow!(
            "the value of the new key was lost on the network; the key was removed again, so run this once more"
        ))
    }

    /// Ends the old key, now that the value has been received.
    fn settle(&self, made: &Made, now: u64) -> Result<()> {
        let Undo::Replacement {
            old,
            end: Some(end),
        } = &made.undo
        else {
            return Ok(());
        };
        let replaced = Key {
            expires: None,
            ..Key::clone(old)
        };
        let ended = Key {
            expires: Some(*end),
            ..Key::clone(old)
        };
        let done = self.put_key(&replaced, &ended, None, now);
        done.map(drop).with_context(|| {
            let id = &old.id;
            format!("the replacement works and its value was shown, but the old key was not ended as asked; end it with `keyward keys expire {id} --now`")
        })
    }

    /// Removes a key whose value was not received.
    fn take_back(&self, made: &Made, why: Error) -> Error {
        let id = &made.key;
        let old = match &made.undo {
            Undo::Public => {
                return why.context(format!(
                    "the key was made all the same; its value is public, and `keyward keys show {id}` shows it"
                ));
            }
            Undo::New => None,
            Undo::Replacement { old, .. } => Some(old.as_ref()),
        };
        match self.remove(id, old) {
            Ok(()) => why,
            Err(error) => {
                let error = error.context(why);
                error.context(format!(
                    "`{id}` was made, its value was not shown, and it could not be removed again; remove it with `keyward keys delete {id} --purge`"
                ))
            }
        }
    }

    /// Removes a key whose value is lost, and restores the end of the key that it was to replace.
    fn remove(&self, id: &str, old: Option<&Key>) -> Result<()> {
        let purge = format!("{}?purge=true", path("/v2/keyward/api_keys", id)?);
        self.ask(&delete(&purge))?;
        let Some(old) = old else {
            return Ok(());
        };
        let body = json!({"expires_at": old.expires.map(time)});
        self.ask(&Call::post(&path(KEYS, &old.id)?, body)).map(drop)
    }
}

fn typed_or_refused(answer: Result<Json, Refused>) -> Result<Result<ApiKey, Refused>> {
    match answer {
        Ok(json) => typed(json).map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

/// Returns the key that a decision adds.
fn new_key(decision: &Decision) -> Option<&Key> {
    decision.changes().iter().find_map(RecordChange::added_key)
}

/// Returns the rotation, if a command is one.
fn rotation_of(command: &Command) -> Option<&RotateKey> {
    if let Command::RotateKey(rotate) = command {
        return Some(rotate);
    }
    None
}

/// Returns when the old key must end, if that needs a separate request: immediately, or at a second
/// that the API's minutes cannot express.
fn end_of(command: &Command, decision: &Decision, now: u64) -> Option<u64> {
    let rotate = rotation_of(command)?;
    if rotate.keep_for == 0 {
        return Some(now);
    }
    let mut notes = decision.notes().iter();
    let end = notes.find_map(|note| match note {
        Note::OldKeyEnds { at, .. } => Some(*at),
        Note::NoLongerFollows { .. }
        | Note::FirstLimit
        | Note::IpsLeftBehind(_)
        | Note::ExpiryLeftBehind
        | Note::RotationTakenBack { .. }
        | Note::ShortKey => None,
    });
    end.filter(|_| rotate.keep_for % 60 != 0)
}

/// Returns the body that makes a key as the rules have decided.
fn body_of(new: &Key, by_digest: bool) -> Map<String, Json> {
    let (mut body, mut mine) = (Map::new(), Map::new());
    let of_type = match new.kind {
        KeyKind::Publishable => "publishable_key",
        KeyKind::Secret | KeyKind::Restricted | KeyKind::Organization => "secret_key",
    };
    body.insert("type".to_owned(), json!(of_type));
    put(&mut body, "name", new.name.as_ref());
    put(&mut body, "note", new.note.as_ref());
    put(&mut body, "expires_at", new.expires.map(time).as_ref());
    if !new.allowed_ips.is_empty() {
        body.insert("ip_allowlist".to_owned(), json!(new.allowed_ips));
        mine.insert("ipv6".to_owned(), json!(has_ipv6(new)));
    }
    put_grants(
        new.grants.as_ref(),
        ("permissions", &mut body),
        ("grant_set", &mut mine),
    );
    put_grants(
        new.connect_grants.as_ref(),
        ("connect_permissions", &mut body),
        ("connect_grant_set", &mut mine),
    );
    mine.insert("id".to_owned(), json!(new.id));
    mine.insert("kind".to_owned(), json!(new.kind.name()));
    mine.insert("owner".to_owned(), json!(new.owner));
    mine.insert("livemode".to_owned(), json!(new.mode.is_live()));
    put(&mut mine, "not_before", new.not_before.map(time).as_ref());
    if new.enforcement == Enforcement::Shadow {
        mine.insert("enforcement".to_owned(), json!(new.enforcement.name()));
    }
    if !new.labels.is_empty() {
        mine.insert("labels".to_owned(), json!(new.labels));
    }
    put_value(&mut mine, new, by_digest);
    body.insert("keyward".to_owned(), Json::Object(mine));
    body
}

/// Adds what the server gets of a value that was created here.
fn put_value(mine: &mut Map<String, Json>, new: &Key, by_digest: bool) {
    if by_digest {
        mine.insert("sha256".to_owned(), json!(new.digest.to_string()));
        put(mine, "last4", new.last4.as_ref());
    }
}

/// Returns a key that the server made, and its value.
pub(super) fn one_value(mut key: ApiKey) -> Result<(Key, Zeroizing<String>)> {
    let value = key.take_value();
    let value =
        value.context("the server made a key and did not show its value; please report this")?;
    Ok((key.record()?, value))
}
