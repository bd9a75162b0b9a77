//! A key that a file owns: its record is added to a store, or changed there, as the file has it.

use super::super::Context;
use super::super::ceiling::Way;
use super::super::facts::Facts;
use super::super::needs::{KeyNeed, Links, Needs};
use super::super::record::{Key, KeyGrants};
use super::super::refusal::{RuleCode, RuleRefusal};
use super::{kind_for, may_be_added};

/// What must be known for [`may_be_kept`].
#[must_use]
pub fn needs_of_record(after: &Key) -> Needs {
    let sides = [&after.grants, &after.connect_grants];
    let sets = sides.into_iter().flatten();
    Needs {
        keys: vec![KeyNeed {
            id: after.id.clone(),
            links: Links::None,
        }],
        accounts: vec![after.owner.clone()],
        grant_sets: sets
            .filter_map(|grants| match grants {
                KeyGrants::Set(name) => Some(name.clone()),
                KeyGrants::Inline(_) => None,
            })
            .collect(),
        digests: vec![after.digest],
        ..Needs::default()
    }
}

/// Whether a caller may bring a record into the store, or give a key that is there another state: the rules that ask what comes of it. The rules of
/// form hold for whatever a key file could be read with.
///
/// # Errors
/// The rule that refuses it.
pub fn may_be_kept(
    before: Option<&Key>,
    after: &Key,
    facts: &Facts,
    context: &Context<'_>,
) -> Result<(), RuleRefusal> {
    decide(before, after, facts, context).map_err(RuleRefusal::from)
}

fn decide(
    before: Option<&Key>,
    after: &Key,
    facts: &Facts,
    context: &Context<'_>,
) -> Result<(), RuleCode> {
    kind_for(facts, &after.owner, Some(after.kind))?;
    match before {
        None => may_be_added(facts, context, after, Way::New),
        Some(before) => {
            let way = Way::Change(before);
            context.limits.key(after)?;
            context.ceiling.check(facts, after, way, context.now)
        }
    }
}
