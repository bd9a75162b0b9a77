//! The rules for keys: who may create, change and end which key, and what happens to its record.
//! The rules are pure. A caller states what it wants ([`Command`]), asks what the rules must know
//! for that ([`needs`]), reads it from its store ([`Facts`]), and learns what to write
//! ([`decide`]). The key file, the server's store and every page follow these four steps, so no
//! rule exists twice.

mod accounts;
mod api;
mod ceiling;
mod command;
mod decision;
mod facts;
mod grants;
mod imported;
mod ips;
mod keys;
mod limits;
mod links;
mod mint;
mod names;
mod needs;
mod permissions;
mod policy;
mod record;
mod refusal;
mod sets;
mod suggest;

#[cfg(test)]
mod testing;

pub use crate::id::is_id;
pub use api::Api;
pub use ceiling::{Caller, Ceiling, Override};
pub use command::{
    AddAccount, Command, CreateKey, Details, DuplicateKey, EditKey, End, ExpireKey, GrantsChange,
    ImportKey, IpAction, IpChange, KeyTarget, NewGrants, Patch, RotateKey, UpdateAccount, Value,
    first_keys,
};
pub use decision::{Decision, Note, RecordChange};
pub use facts::{AccountFact, Facts, GrantSetFact, Holder, KeyCounts, KeyFact};
pub use grants::Grant;
pub use imported::{ImportedValue, Last4};
pub use ips::{AddressFault, address_fault};
pub use keys::filed::{may_be_kept, needs_of_record};
pub use keys::rotate::LONGEST_OVERLAP;
pub use limits::{Limits, Most};
pub use links::last_of;
pub use mint::{NoRandomness, Randomness, Secret, VALUE_LENGTH, random_id};
pub use names::{shown, with_ending};
pub use needs::{KeyNeed, Links, Needs, needs};
pub use permissions::{MANAGEMENT, is_management};
pub use policy::{Delegation, NamedPolicy, Policy, RequiredIps};
pub use record::{Account, AccountSettings, Granted, Key, KeyGrants, Side};
pub use refusal::{AccountRole, Param, RefusalClass, RuleCode, RuleRefusal, TextMember, Wanted};
pub use sets::DEFAULT_POLICY;
pub use suggest::{Meant, categories, near, written as written_category};

/// The surroundings of a decision on a command.
pub struct Context<'a> {
    /// The current time in Unix seconds.
    pub now: u64,
    /// Who runs the command, as records name them.
    pub actor: &'a str,
    /// The caller's ceiling.
    pub ceiling: &'a Ceiling,
    /// The store's limits.
    pub limits: &'a Limits,
    /// The source of values and ids.
    pub randomness: &'a mut dyn Randomness,
}

/// Decides a command: returns what to write, or why nothing is written.
///
/// # Errors
/// The rule that rejects the command.
pub fn decide(
    command: &Command,
    facts: &Facts,
    mut context: Context<'_>,
) -> Result<Decision, RuleRefusal> {
    let context = &mut context;
    let decided = match command {
        Command::CreateKey(new) => keys::create::decide(new, facts, context),
        Command::DuplicateKey(duplicate) => keys::duplicate::decide(duplicate, facts, context),
        Command::EditKey(edit) => keys::edit::decide(edit, facts, context),
        Command::RotateKey(rotate) => keys::rotate::decide(rotate, facts, context),
        Command::ExpireKey(expire) => keys::expire::decide(expire, facts, context),
        Command::DeleteKey(target) => keys::end::delete(target, facts, context),
        Command::PurgeKey(target) => keys::end::purge(target, facts, context),
        Command::ImportKey(import) => keys::import::decide(import, facts, context),
        Command::AddAccount(add) => accounts::add(add, facts, context),
        Command::UpdateAccount(update) => accounts::update(update, facts, context),
        Command::RemoveAccount { id, with_keys } => {
            accounts::remove(id, *with_keys, facts, context)
        }
        Command::PutGrantSet { name, grants } => sets::put(name, grants, facts, context),
        Command::RemoveGrantSet { name } => sets::remove(name, facts),
        Command::PutPolicy { name, policy } => sets::put_policy(name, policy, facts),
        Command::RemovePolicy { name } => sets::remove_policy(name, facts),
    };
    decided.map_err(RuleRefusal::from)
}
