//! One row of the trail, and its digest.

use rusqlite::{Connection, params};
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::store::columns::{bytes32, canonical, damaged, signed, unsigned};
use crate::store::error::Result;
use crate::store::head::Head;
use crate::store::scope::Where;

/// Who did what a row records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `api_key`, `user`, `local` or `system`.
    pub kind: String,
    /// The key's id, the user's name, or the local user.
    pub id: Option<String>,
}

impl Actor {
    /// Returns the server itself as the actor.
    #[must_use]
    pub fn system() -> Self {
        Self {
            kind: "system".to_owned(),
            id: None,
        }
    }
}

/// A new entry for the trail. It never contains a value, a digest or a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The time, in Unix seconds.
    pub at: u64,
    /// The type, such as `api_key_created`.
    pub kind: String,
    /// The category for filters, such as `api_key` or `account`.
    pub group: String,
    /// The account that it concerns; `None` if it concerns the whole store.
    pub context: Option<String>,
    /// The root of that account's tree.
    pub root: Option<String>,
    /// The mode that it concerns, if it has one.
    pub livemode: Option<bool>,
    /// The type of the object, and its id or name.
    pub object: Option<(String, String)>,
    /// Who did it.
    pub actor: Actor,
    /// The actor's session.
    pub session: Option<String>,
    /// The client's address.
    pub address: Option<String>,
    /// The request that caused it.
    pub request_id: Option<String>,
    /// Everything else, as an object: details, changes, reason.
    pub body: Json,
}

/// A written row: its number, and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the chain, which is the number of the change.
    pub sequence: u64,
    /// `al_…`
    pub id: String,
}

/// A row of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its place in the chain.
    pub sequence: u64,
    /// `al_…`
    pub id: String,
    /// Its contents.
    pub entry: Entry,
    /// The digest of the row before it.
    pub previous: [u8; 32],
    /// Its own digest.
    pub sha256: [u8; 32],
}

impl Row {
    /// Returns the row as JSON, without its digests: the input of the hash.
    fn content(&self) -> Json {
        let Entry {
            at,
            kind,
            group,
            context,
            root,
            livemode,
            object,
            actor,
            session,
            address,
            request_id,
            body,
        } = &self.entry;
        let (object_kind, object_id) = match object {
            Some((kind, id)) => (Some(kind), Some(id)),
            None => (None, None),
        };
        json!({
            "sequence": self.sequence,
            "id": self.id,
            "at": at,
            "type": kind,
            "action_group": group,
            "context": context,
            "root": root,
            "livemode": livemode,
            "object_kind": object_kind,
            "object_id": object_id,
            "actor_type": actor.kind,
            "actor_id": actor.id,
            "session": session,
            "address": address,
            "request_id": request_id,
            "body": body,
        })
    }

    /// Returns the digest that the row must have.
    pub(super) fn computed(&self) -> [u8; 32] {
        chained(&self.previous, &canonical(&self.content()))
    }

    /// Returns one line of an export: the row with its digests.
    #[must_use]
    pub fn line(&self) -> String {
        let mut members = match self.content() {
            Json::Object(members) => members,
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => {
                Map::new()
            }
        };
        members.insert(
            "previous_sha256".to_owned(),
            json!(hex::encode(self.previous)),
        );
        members.insert("sha256".to_owned(), json!(hex::encode(self.sha256)));
        canonical(&Json::Object(members))
    }
}

/// Returns SHA-256 over the previous digest and the row's canonical text.
pub(super) fn chained(previous: &[u8; 32], text: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(previous);
    hash.update(text.as_bytes());
    hash.finalize().into()
}

/// Writes a row at the end of the chain, and moves `head` to it. The caller stores the head.
pub(in crate::store) fn append(
    connection: &Connection,
    head: &mut Head,
    entry: Entry,
) -> Result<Recorded> {
    let sequence = head.sequence.saturating_add(1);
    let mut row = Row {
        sequence,
        id: id_of(&head.store_id, sequence),
        entry,
        previous: head.sha256,
        sha256: [0; 32],
    };
    row.sha256 = row.computed();
    let entry = &row.entry;
    let (object_kind, object_id) = match &entry.object {
        Some((kind, id)) => (Some(kind), Some(id)),
        None => (None, None),
    };
    connection
        .prepare_cached(
            "INSERT INTO activity (seq, id, at, type, action_group, context, root, livemode, object_kind, object_id, actor_type, actor_id, session, address, request_id, body, previous, sha256)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        )?
        .execute(params![
            signed(row.sequence)?,
            row.id,
            signed(entry.at)?,
            entry.kind,
            entry.group,
            entry.context,
            entry.root,
            entry.livemode,
            object_kind,
            object_id,
            entry.actor.kind,
            entry.actor.id,
            entry.session,
            entry.address,
            entry.request_id,
            canonical(&entry.body),
            row.previous.as_slice(),
            row.sha256.as_slice(),
        ])?;
    head.sequence = sequence;
    head.sha256 = row.sha256;
    Ok(Recorded {
        sequence,
        id: row.id,
    })
}

/// Returns the rows within `limits`, in the order of `tail` and at most as many as it allows.
pub(in crate::store) fn rows(
    connection: &Connection,
    limits: &Where,
    tail: &str,
    mut each: impl FnMut(Row) -> Result<()>,
) -> Result<()> {
    let (conditions, values) = limits.parts();
    let mut statement = connection.prepare_cached(&format!(
        "SELECT seq, id, at, type, action_group, context, root, livemode, object_kind, object_id, actor_type, actor_id, session, address, request_id, body, previous, sha256
         FROM activity{conditions} {tail}"
    ))?;
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        let object = match (row.get(8)?, row.get(9)?) {
            (Some(kind), Some(id)) => Some((kind, id)),
            _ => None,
        };
        let body: String = row.get(15)?;
        each(Row {
            sequence: unsigned(row.get(0)?)?,
            id: row.get(1)?,
            entry: Entry {
                at: unsigned(row.get(2)?)?,
                kind: row.get(3)?,
                group: row.get(4)?,
                context: row.get(5)?,
                root: row.get(6)?,
                livemode: row.get(7)?,
                object,
                actor: Actor {
                    kind: row.get(10)?,
                    id: row.get(11)?,
                },
                session: row.get(12)?,
                address: row.get(13)?,
                request_id: row.get(14)?,
                body: serde_json::from_str(&body).map_err(|_| damaged("activity.body"))?,
            },
            previous: bytes32(&row.get::<_, Vec<u8>>(16)?)?,
            sha256: bytes32(&row.get::<_, Vec<u8>>(17)?)?,
        })?;
    }
    Ok(())
}

/// Returns `al_` and 16 characters of base62, derived from the store's name and the number: as
/// unique as those are, without using randomness.
fn id_of(store_id: &str, sequence: u64) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut hash = Sha256::new();
    hash.update(store_id.as_bytes());
    hash.update(sequence.to_be_bytes());
    let digest = hash.finalize();
    let (number, _) = digest.split_at(16);
    let mut number = number
        .iter()
        .fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
    let mut id = "al_".to_owned();
    for _ in 0..16 {
        let digit = usize::try_from(number % 62).unwrap_or_default();
        number /= 62;
        if let Some(character) = ALPHABET.get(digit) {
            id.push(char::from(*character));
        }
    }
    id
}
