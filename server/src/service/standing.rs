//! What every store contains: the operator's account, its policies, the first key, and the rows of this API.

use keyward::key::{KeyKind, Livemode};
use keyward::management::{
    Account, AccountSettings, AddAccount, Ceiling, Command, CreateKey, DEFAULT_POLICY, Details,
    End, Grant, NewGrants, Policy, Secret, Value as Origin,
};
use keyward::permission::AccessLevel;
use serde_json::{Map, Value, json};

use super::bounds::Bounds;
use super::failure::Stored;
use super::sender::Sender;
use super::step::step;
use crate::http::failure::{Code, Failure};
use crate::permission::Management;
use crate::profile;
use crate::store::activity::{Actor, Entry};
use crate::store::{DocumentName, Reader, Scope, StoreError, Tx};
use crate::time;

/// The policy of the operator's account.
const OPERATOR_POLICY: &str = "operator";

/// Fills a new store; `rows` are those of this API. The value is that of the first key, which may manage everything.
pub(crate) fn first(
    tx: &mut Tx<'_>,
    operator: &str,
    sender: &Sender,
    rows: &[Value],
) -> Result<(String, Secret), Stored> {
    bring_endpoints(tx, rows)?;
    let policy = |name: &str, policy: Policy| Command::PutPolicy {
        name: name.to_owned(),
        policy: Box::new(policy),
    };
    carry_out(tx, &policy(DEFAULT_POLICY, Policy::default()), sender)?;
    carry_out(tx, &policy(OPERATOR_POLICY, without_bounds()), sender)?;
    let account = AddAccount {
        account: Account {
            name: Some("Operator".to_owned()),
            ..Account::new(operator)
        },
        settings: AccountSettings {
            policy: Some(OPERATOR_POLICY.to_owned()),
            ..AccountSettings::default()
        },
    };
    carry_out(tx, &Command::AddAccount(account), sender)?;
    let grants = Management::ALL
        .iter()
        .map(|one| Grant::new(one.name(), Some(AccessLevel::Write)));
    let key = Command::CreateKey(CreateKey {
        owner: operator.to_owned(),
        kind: Some(KeyKind::Restricted),
        mode: Livemode::Live,
        value: Origin::Minted,
        id: None,
        grants: NewGrants {
            set: None,
            grants: grants.collect(),
        },
        connect_grants: NewGrants::default(),
        details: Details {
            name: Some("First key".to_owned()),
            expires: End::Never,
            ..Details::default()
        },
    });
    match carry_out(tx, &key, sender)? {
        (Some(id), Some(secret)) => Ok((id, secret)),
        (_, _) => Err(Failure::new(Code::Internal, "The first key was not made.").into()),
    }
}

/// Without a bound: an operator's keys are bounded by what their holders may do.
fn without_bounds() -> Policy {
    Policy {
        kinds: KeyKind::ALL.to_vec(),
        permissions: None,
        connect_permissions: None,
        max_lifetime: None,
        default_lifetime: None,
        max_keys: None,
        ..Policy::default()
    }
}

fn carry_out(
    tx: &mut Tx<'_>,
    command: &Command,
    sender: &Sender,
) -> Result<(Option<String>, Option<Secret>), Stored> {
    let done = step(
        tx,
        command,
        &Bounds {
            scope: &Scope::everything(),
            ceiling: &Ceiling::none(),
            sender,
            reason: None,
            quota: None,
            source: "api",
            file: None,
            now: time::now(),
        },
    )?;
    Ok((done.key, done.minted))
}

/// Whether the rows of this API in the store are those of this version.
pub(crate) fn has_endpoints(reader: &Reader<'_>, wanted: &[Value]) -> Result<bool, StoreError> {
    Ok(Endpoints::read(reader)?.ours == wanted)
}

/// The document, the rows of this API in it, and the others.
struct Endpoints {
    body: Map<String, Value>,
    ours: Vec<Value>,
    others: Vec<Value>,
}

impl Endpoints {
    fn read(reader: &Reader<'_>) -> Result<Self, StoreError> {
        let document = reader.document(DocumentName::Endpoints)?;
        let body = document.and_then(|document| document.body.as_object().cloned());
        let body = body.unwrap_or_default();
        let rows = body.get("endpoints").and_then(Value::as_array).cloned();
        let (ours, others) = rows.unwrap_or_default().into_iter().partition(is_ours);
        Ok(Self { body, ours, others })
    }
}

/// Where the rows of this API in the store are not those of this version, brings them up to date: by them gateways know the endpoints and the permissions.
pub(crate) fn bring_endpoints(tx: &mut Tx<'_>, wanted: &[Value]) -> Result<bool, Stored> {
    let Endpoints {
        mut body,
        ours,
        mut others,
    } = Endpoints::read(&tx.read())?;
    if ours == wanted {
        return Ok(false);
    }
    others.extend_from_slice(wanted);
    body.insert("endpoints".to_owned(), Value::Array(others));
    tx.put_document(DocumentName::Endpoints, &Value::Object(body))?;
    tx.record(by_the_system(
        "endpoints",
        "the rows of this version's own endpoints",
    ))?;
    Ok(true)
}

/// Brings the profile of the configuration into the store, where it is another: the rules make keys by it.
pub(crate) fn bring_profile(
    tx: &mut Tx<'_>,
    members: Option<&Map<String, Value>>,
) -> Result<bool, Stored> {
    let Some(members) = members else {
        return Ok(false);
    };
    let document = tx.read().document(DocumentName::Configuration)?;
    let body = document.and_then(|document| document.body.as_object().cloned());
    let mut body = body.unwrap_or_default();
    let wanted = Value::Object(members.clone());
    if body.get(profile::MEMBER) == Some(&wanted) {
        return Ok(false);
    }
    body.insert(profile::MEMBER.to_owned(), wanted);
    tx.put_document(DocumentName::Configuration, &Value::Object(body))?;
    tx.record(by_the_system(
        "configuration",
        "the profile of the server's configuration",
    ))?;
    Ok(true)
}

fn by_the_system(document: &str, reason: &str) -> Entry {
    Entry {
        at: time::now(),
        kind: "configuration_updated".to_owned(),
        group: "configuration".to_owned(),
        context: None,
        root: None,
        livemode: None,
        object: Some(("document".to_owned(), document.to_owned())),
        actor: Actor::system(),
        session: None,
        address: None,
        request_id: None,
        body: json!({"changes": [], "reason": reason}),
    }
}

/// Whether a row is one of this API's.
pub(crate) fn is_ours(row: &Value) -> bool {
    let path = row.get("path").and_then(Value::as_str).unwrap_or_default();
    let below = ["/v2/iam/", "/v2/keyward/", "/feed/{group}/"];
    below.iter().any(|below| path.starts_with(below))
}
