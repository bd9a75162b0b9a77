//! The types of the endpoints' answers: the handlers write them, and the OpenAPI description is
//! generated from them. Keys and accounts have separate files. Members are in alphabetical order.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::key::ApiKey;
use crate::service::filed::{EndedRecord, FileChange};
use crate::shown::{ChangeState, PolicyValues, Propagation};

/// Says that the object with an id was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedId {
    pub(crate) deleted: bool,
    pub(crate) id: String,
    pub(crate) object: &'static str,
}

/// Says that the object with a name was removed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedName {
    pub(crate) deleted: bool,
    pub(crate) name: String,
    pub(crate) object: &'static str,
}

/// A change, by its number.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Change {
    pub(crate) committed_at: String,
    /// From when on a gateway that lacks the change denies by itself, where that is known.
    pub(crate) latest_by: Option<String>,
    pub(crate) number: u64,
    pub(crate) object: &'static str,
    pub(crate) revision: Option<u64>,
    pub(crate) state: ChangeState,
}

/// The profile, as in a plugin configuration: what is not said is Stripe's.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileObject {
    pub(crate) object: &'static str,
    #[schema(value_type = Object)]
    pub(crate) profile: Value,
}

/// How many keys there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyCounts {
    pub(crate) by: Vec<KeyCount>,
    pub(crate) expiring: Expiring,
    pub(crate) object: &'static str,
}

/// The keys of one kind, mode and state.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyCount {
    pub(crate) kind: &'static str,
    pub(crate) livemode: bool,
    pub(crate) n: u64,
    /// `in_use` or `deleted`. Whether a key has expired is a matter of the time, and not counted apart.
    pub(crate) state: &'static str,
}

/// How many active keys end within so many days.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Expiring {
    #[serde(rename = "14d")]
    pub(crate) in_14_days: u64,
    #[serde(rename = "1d")]
    pub(crate) in_a_day: u64,
    #[serde(rename = "7d")]
    pub(crate) in_7_days: u64,
}

/// The snapshot that was published last.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CurrentSnapshot {
    pub(crate) behind: u64,
    pub(crate) object: &'static str,
    /// Whether gateways serve a later state than the store has, so that nothing is published until `resume`.
    pub(crate) restored: bool,
    pub(crate) revision: u64,
    pub(crate) source: String,
    pub(crate) state: ChangeState,
    pub(crate) through: u64,
}

/// The end of the trail.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityHead {
    pub(crate) at: String,
    pub(crate) object: &'static str,
    pub(crate) sequence: u64,
    pub(crate) sha256: String,
}

/// A row of the trail, as Stripe shows its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityLog {
    pub(crate) actor: ActivityActor,
    pub(crate) context: Option<String>,
    pub(crate) created: String,
    pub(crate) details: Value,
    pub(crate) id: String,
    pub(crate) keyward: ActivityMembers,
    pub(crate) livemode: Option<bool>,
    pub(crate) object: &'static str,
    pub(crate) r#type: String,
}

/// Who did it: the member that its type names, or an id.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct ActivityActor {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<ActorKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) id: Option<Option<String>>,
    pub(crate) r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<ActorUser>,
}

/// A key that did something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorKey {
    pub(crate) id: String,
}

/// A person who did something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActorUser {
    pub(crate) email: String,
}

/// What Stripe's rows do not have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityMembers {
    pub(crate) address: Option<String>,
    pub(crate) changes: Value,
    pub(crate) object: Option<ActivityObject>,
    pub(crate) previous_sha256: String,
    pub(crate) reason: Value,
    pub(crate) request_id: Option<String>,
    pub(crate) sequence: u64,
    pub(crate) session: Option<String>,
    pub(crate) sha256: String,
    pub(crate) via: &'static str,
}

/// What a row is about.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActivityObject {
    pub(crate) id: String,
    pub(crate) r#type: String,
}

/// The rows and versions of the API that the gateways protect.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Document {
    /// As `PUT` takes it.
    #[schema(value_type = Object)]
    pub(crate) body: serde_json::Map<String, Value>,
    pub(crate) name: &'static str,
    pub(crate) object: &'static str,
    pub(crate) version: u64,
}

/// A grant set.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantSetObject {
    pub(crate) name: String,
    pub(crate) object: &'static str,
    pub(crate) permissions: Vec<String>,
    pub(crate) source: String,
    pub(crate) used_by: u64,
    pub(crate) version: u64,
}

/// A permission that can be granted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionObject {
    pub(crate) category: Option<String>,
    /// The path of a GET request that a key may make with this permission and no other, if there is one without parameters.
    pub(crate) example: Option<String>,
    pub(crate) implies: Vec<String>,
    pub(crate) label: Option<String>,
    pub(crate) levels: Vec<&'static str>,
    pub(crate) manages_keys: bool,
    pub(crate) name: String,
    pub(crate) object: &'static str,
}

/// Which keys a filter finds, and until when they can be revoked by it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanObject {
    pub(crate) count: u64,
    pub(crate) expires_at: String,
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) object: &'static str,
    pub(crate) plan: String,
    #[schema(value_type = Vec<ApiKey>)]
    pub(crate) sample: Vec<Value>,
    pub(crate) skipped: Skipped,
}

/// Keys that a plan leaves out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Skipped {
    pub(crate) file: u64,
    pub(crate) publishable: u64,
}

/// A plan that was carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevokedPlan {
    pub(crate) count: u64,
    pub(crate) id: String,
    pub(crate) keyward: RevokedMembers,
    pub(crate) kind: &'static str,
    pub(crate) object: &'static str,
    pub(crate) revoked: u64,
}

/// How far the ends of its keys have come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RevokedMembers {
    pub(crate) propagation: Propagation,
}

/// What a key file changes, and until when the plan can be carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FilePlan {
    /// The settings and endpoints that the file was read with, in TOML, if it has none and `ended` has records: with them, `ended` can be written into it.
    pub(crate) beginning: Option<String>,
    /// The first 100.
    pub(crate) changes: Vec<FileChange>,
    pub(crate) count: u64,
    /// What ended elsewhere although the file has it in use: it stays ended.
    pub(crate) ended: Vec<EndedRecord>,
    pub(crate) expires_at: String,
    pub(crate) file: String,
    pub(crate) id: String,
    /// What the file leaves out and something else still needs: it stays.
    pub(crate) kept: Vec<String>,
    pub(crate) kind: &'static str,
    pub(crate) object: &'static str,
    pub(crate) plan: String,
    /// How many records are as the file has them.
    pub(crate) same: u64,
}

/// A key file that was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AppliedFile {
    pub(crate) applied: u64,
    pub(crate) count: u64,
    pub(crate) file: String,
    pub(crate) id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keyward: Option<RevokedMembers>,
    pub(crate) kind: &'static str,
    pub(crate) object: &'static str,
}

/// What became of the rows of an import.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportResults {
    pub(crate) results: Vec<ImportResult>,
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportResult {
    /// Why it was refused, as in the body of an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    pub(crate) index: usize,
    /// `created`, `exists` or `refused`.
    pub(crate) result: &'static str,
}

/// What an account may do with its keys: the policy that holds for it, and how much of it is used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountPolicy {
    pub(crate) account: String,
    pub(crate) keys: KeysInUse,
    #[serde(flatten)]
    pub(crate) members: PolicyValues,
    /// The policy's name.
    pub(crate) name: String,
    pub(crate) object: &'static str,
    /// The grant sets that its keys may follow.
    pub(crate) presets: Vec<Preset>,
}

/// The number of an account's keys that have not ended. `max_keys` limits it in each mode.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeysInUse {
    pub(crate) live: u64,
    pub(crate) test: u64,
}

/// A grant set that is offered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Preset {
    pub(crate) name: String,
    pub(crate) permissions: Vec<String>,
}

/// A key policy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyPolicy {
    /// How many accounts name it.
    pub(crate) accounts: u64,
    #[serde(flatten)]
    pub(crate) members: PolicyValues,
    pub(crate) name: String,
    pub(crate) object: &'static str,
    pub(crate) version: u64,
}
