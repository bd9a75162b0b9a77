//! Why a command is rejected and what to do instead, in the words of the command line.

use crate::find_key::{self, did_you_mean};
use keyward::key::KeyKind;
use keyward::management::{
    Command, Meant, RuleCode, Side, Wanted, categories, near, written_category,
};
use keyward::permission::AccessLevel;
use keyward_files::key_file::{KeyFile, repeated};

pub(super) const SHORT: &str = "so little follows the key's prefix that it can be guessed";

const CREATE: &str = "`keyward keys create` makes a new key";

/// Returns the text for a refusal of `command`, which was decided on `file`.
#[expect(
    clippy::too_many_lines,
    reason = "one text for each rule, in one match"
)]
pub(super) fn text(code: &RuleCode, command: &Command, file: &KeyFile) -> String {
    match code {
        RuleCode::KeyMissing { id } => find_key::missing(file, command.key().unwrap_or(id)),
        RuleCode::AccountMissing { id, role: _ } => {
            find_key::missing_account(file, owner_of(command).unwrap_or(id))
        }
        RuleCode::GrantSetMissing { name, side: _ } => missing_set(name, file),
        RuleCode::PolicyMissing { name } => format!("there is no policy `{name}`"),
        RuleCode::OwnedByFile { file } => {
            format!("`{file}` has this record: change it there; ending a key works here, too")
        }
        RuleCode::KindNotForOwner { kind: KeyKind::Organization, .. } => {
            "an organization key belongs to an organization; --owner names none (`keyward accounts tree` shows them)".to_owned()
        }
        RuleCode::KindNotForOwner { .. } => {
            "an organization has only organization keys, which are secret keys; leave --kind out, or name one of its accounts with --owner".to_owned()
        }
        RuleCode::NoPrefixForMode { kind, mode } => format!(
            "the profile has several prefixes for {} keys and none with the word `{}` in it: add one to `configuration.profile.prefixes.{}`",
            kind.name(),
            mode.name(),
            kind.name()
        ),
        RuleCode::NoRandomness => {
            "the system has no randomness to give; no key was made".to_owned()
        }
        RuleCode::IdInvalid => {
            "an id has 1 to 64 letters, digits, `_`, `.` or `-`, such as `mk_1`, and is not a key's value; leave --id out for a new one".to_owned()
        }
        RuleCode::IdExists { id } => format!("there is a key `{id}` already"),
        RuleCode::DigestExists { id: Some(id) } => format!(
            "this key is there already, as `{id}`; `keyward keys show {id}` shows it"
        ),
        RuleCode::DigestExists { id: None } => "there is a key of that value already".to_owned(),
        RuleCode::DigestEnded => "a key of that value has ended; make another one".to_owned(),
        RuleCode::ExpiresInPast => {
            "that expiry is in the past; give a time ahead, or leave --expires out".to_owned()
        }
        RuleCode::EndsBeforeItBegins => {
            "it would expire before it begins to work; give a later --expires or an earlier --not-before".to_owned()
        }
        RuleCode::PublishableHasNoGrants { id: None } => {
            "a publishable key has no grants: it calls the endpoints that are open to publishable keys; leave the grants out, or make a key of --kind restricted".to_owned()
        }
        RuleCode::PublishableHasNoGrants { id: Some(id) } => format!(
            "`{id}` is a publishable key and has no grants: it calls the endpoints that are open to publishable keys"
        ),
        RuleCode::PublishableHasNoIpLimit { id: None } => {
            "a publishable key has no IP limit: it is used in browsers everywhere; leave out --allow-ip".to_owned()
        }
        RuleCode::PublishableHasNoIpLimit { id: Some(id) } => format!(
            "`{id}` is a publishable key: those are used in browsers everywhere and have no IP limit; limit what it can reach by rotating it, or use a restricted key"
        ),
        RuleCode::PermissionUnknown { name, meant, .. } => unknown_permission(name, meant),
        RuleCode::CategoryUnknown { name, near, .. } => match did_you_mean(near) {
            Some(question) => format!("there is no category `{name}`: {question}"),
            None => {
                let known = categories(&file.permissions()).into_iter();
                let known: Vec<String> = known.map(written_category).collect();
                format!("there is no category `{name}`, only `{}`", known.join("`, `"))
            }
        },
        RuleCode::PermissionLevelUnknown { name, level, .. } => {
            let other = match level {
                AccessLevel::Read => AccessLevel::Write,
                AccessLevel::Write => AccessLevel::Read,
            };
            format!(
                "`{name}` has no level `{}` at Stripe, only `{}`: write `{name}={}`",
                level.name(),
                other.name(),
                other.name()
            )
        }
        RuleCode::NotGranted { name, granted, .. } if granted.is_empty() => {
            format!("`{name}` is not granted; what is granted: nothing")
        }
        RuleCode::NotGranted { name, granted, .. } => format!(
            "`{name}` is not granted; what is granted: `{}`",
            granted.join("`, `")
        ),
        RuleCode::LimitMissing { id, side, is_revoking } => {
            limit_missing(id, *side, *is_revoking)
        }
        RuleCode::LabelMissing { labels } => {
            format!("it has no such label; its labels: `{}`", labels.join("`, `"))
        }
        RuleCode::IpInvalid { has_comma } => format!(
            "expected addresses and ranges, such as `203.0.113.7` and `100.10.38.0/24`{}",
            if *has_comma {
                "; they are separated by blanks, not commas"
            } else {
                ""
            }
        ),
        RuleCode::IpHasHostBits { range, meant } => {
            format!("`{range}` has bits below its mask; did you mean `{meant}`?")
        }
        RuleCode::IpEveryAddress { range } => format!(
            "`{range}` is every address, so it limits nothing; leave it out, or lift the limit with `keyward keys limit-ip KEY clear`"
        ),
        RuleCode::IpIsV6 { range } => {
            format!("`{range}` is IPv6: limits are IPv4 unless --ipv6 is given")
        }
        RuleCode::IpNotListed { range, known } if known.is_empty() => {
            format!("`{range}` is not among its limits; it has none")
        }
        RuleCode::IpNotListed { range, known } => format!(
            "`{range}` is not among its limits; there is `{}`",
            known.join("`, `")
        ),
        RuleCode::IpLast => {
            "without these the key would work from everywhere; `set` names others, and `clear` lifts the limit".to_owned()
        }
        RuleCode::IpsMissing => {
            "name at least one address or range, such as `203.0.113.7`; `clear` lifts the limit".to_owned()
        }
        RuleCode::IpsNotTaken => {
            "`clear` takes no addresses; `remove` takes single ones away".to_owned()
        }
        RuleCode::KeyIsDeleted { id, wanted } => match wanted {
            Wanted::Grants => format!("`{id}` is deleted, and grants do not change that; {CREATE}"),
            Wanted::Ips => format!("`{id}` is deleted and works from nowhere; {CREATE}"),
            Wanted::Expiry => {
                format!("`{id}` is deleted, which an expiry does not change; {CREATE}")
            }
            Wanted::Replacement => format!(
                "`{id}` is deleted and needs no replacement; make a new key with `keyward keys create`"
            ),
            Wanted::Deletion => {
                format!("`{id}` is deleted already; --purge takes its record out")
            }
        },
        RuleCode::KeyWasReplaced { id, by } => {
            format!("`{id}` was replaced already, by `{by}`; rotate that one")
        }
        RuleCode::ReplacedKeyEnds { id } => format!(
            "`{id}` was replaced, and ends within 7 days of that; give an earlier time, or make another key with `keyward keys create`"
        ),
        RuleCode::ReviveMissing { id } => format!(
            "`{id}` has ended, and would work again for everyone who still has it: make a new one with `keyward keys rotate {id} --expires 90d`, or give --revive if you mean it"
        ),
        RuleCode::OverlapTooLong => OVERLAP_TOO_LONG.to_owned(),
        RuleCode::ExpiryOfReplacementMissing { id } => format!(
            "`{id}` has an expiry: say when its replacement ends, such as `--expires 90d`, or that it does not, with --no-expiry"
        ),
        RuleCode::OnlyRestrictedIsDuplicated { id, kind, owner } => format!(
            "`{id}` is a {} key, and only restricted keys can be duplicated; `keyward keys create --kind {} --owner {owner}` makes another",
            kind.name(),
            kind.name(),
        ),
        RuleCode::LiveAlready { id } => {
            format!("`{id}` is a live key already; leave --live out for another one")
        }
        RuleCode::PublishableIsRotated { id } => format!(
            "`{id}` is a publishable key and cannot be deleted; replace it with `keyward keys rotate {id}`"
        ),
        RuleCode::NotAKey => {
            "standard input does not contain a key: give only one, of printable ASCII without blanks and commas, at most 512 bytes".to_owned()
        }
        RuleCode::PrefixOfAnotherKind { kind, prefixes } => format!(
            "the key's prefix is not one of a {} key: `{}`",
            kind.name(),
            prefixes.join("`, `")
        ),
        RuleCode::PrefixUnknown => {
            "the key has no prefix of this API's keys; those are in `configuration.profile.prefixes` of the key file, or are Stripe's (`sk_test_`, `rk_live_`, …)".to_owned()
        }
        RuleCode::KindUnsaid => {
            "the key's prefix belongs to several kinds; name one with --kind".to_owned()
        }
        RuleCode::ModeContradicts { told, said } => format!(
            "the key's prefix says {} mode and --mode says {}; leave --mode out",
            told.name(),
            said.name()
        ),
        RuleCode::ModeUnsaid => {
            "the key's prefix names no mode; name it with --mode".to_owned()
        }
        RuleCode::KeyIsEmpty => {
            "nothing follows the key's prefix, so this is not a key; is a variable not set, or the value masked?".to_owned()
        }
        RuleCode::KeyIsShort => format!(
            "{SHORT}: look whether it is whole, or give --allow-short if it really is so short"
        ),
        RuleCode::AccountIdInvalid => {
            "an account has an id with the prefix that says what it is, such as `acct_1`".to_owned()
        }
        RuleCode::AccountExists { id } => {
            format!("`{id}` is listed already; `keyward accounts show` shows it")
        }
        RuleCode::BelowItself { id } => format!("`{id}` cannot be moved below itself"),
        RuleCode::AccountHasChildren { id, child } => format!(
            "`{child}` is below `{id}`: move or remove it first (`keyward accounts move {child}`)"
        ),
        RuleCode::AccountHasKeys { id, count } => format!(
            "`{id}` has {count} keys in use: delete them first, or stop them all with `keyward accounts suspend {id}`"
        ),
        RuleCode::ExternalIdExists { id } => format!("`{id}` has that external id already"),
        RuleCode::NameInvalid => {
            "a name has 1 to 64 letters, digits, `_`, `.` or `-`, such as `support`, and is not a key's value".to_owned()
        }
        RuleCode::GrantSetInUse { name, user } => {
            format!("`{name}` is used by `{user}`: give that key other grants first")
        }
        RuleCode::PolicyInUse { name, accounts } => {
            format!("{accounts} accounts have the policy `{name}`: give them another one first")
        }
        // A key file has no limits and no ceiling, so these texts are the server's.
        RuleCode::TextInvalid { .. }
        | RuleCode::OrganizationHasNoParent
        | RuleCode::TimeTooFar { .. }
        | RuleCode::TooMany { .. }
        | RuleCode::LiveFromTest
        | RuleCode::ManagementKeyRefused { .. }
        | RuleCode::UnrestrictedKeyRefused
        | RuleCode::EscalationRefused { .. }
        | RuleCode::PolicyRefused { .. }
        | RuleCode::TooManyKeys { .. }
        | RuleCode::OverrideRefused
        | RuleCode::OverrideReasonMissing => code.to_string(),
    }
}

/// The error for an overlap that is too long, also used while arguments are parsed.
pub(crate) const OVERLAP_TOO_LONG: &str =
    "a replaced key ends within 7 days; give `7d` or less, and rotate later if that is too soon";

fn limit_missing(id: &str, side: Side, is_revoking: bool) -> String {
    let (place, prefix) = match side {
        Side::Own => ("", ""),
        Side::Connected => (" on connected accounts", "connect-"),
    };
    if is_revoking {
        return format!(
            "`{id}` has no list of permissions{place} to take one from; give it one with --limit and what it is to keep, such as `--limit --{prefix}grant customer=read`"
        );
    }
    format!(
        "`{id}` has no list of permissions{place} yet, and may do everything that its kind may; with --limit it may do what is granted here and nothing else"
    )
}

/// Returns the error for a grant set that does not exist.
pub(crate) fn missing_set(name: &str, file: &KeyFile) -> String {
    let name = repeated(name, file.profile().known_prefixes());
    let near = near(name, file.grant_sets().map(|(name, _)| name));
    let next = match (did_you_mean(&near), file.grant_sets().next()) {
        (Some(question), _) => format!(": {question}"),
        (None, Some(_)) => "; `keyward grant-sets list` lists all".to_owned(),
        (None, None) => {
            "; `keyward grant-sets put support --grant customer=read` makes one, or use --grant"
                .to_owned()
        }
    };
    format!("there is no grant set `{name}`{next}")
}

fn unknown_permission(name: &str, meant: &Meant) -> String {
    let all = "docs/permissions.md lists all";
    match meant {
        Meant::Resource(permission) => {
            format!("there is no permission `{name}`: /v1/{name} needs `{permission}`; {all}")
        }
        Meant::Near(near) => match did_you_mean(near) {
            Some(question) => format!("there is no permission `{name}`: {question} {all}"),
            None => format!("there is no permission `{name}`; {all}"),
        },
    }
}

/// Returns the owner that a command names, as it was written.
fn owner_of(command: &Command) -> Option<&str> {
    match command {
        Command::CreateKey(new) => Some(&new.owner),
        Command::ImportKey(new) => Some(&new.owner),
        Command::DuplicateKey(_)
        | Command::EditKey(_)
        | Command::RotateKey(_)
        | Command::ExpireKey(_)
        | Command::DeleteKey(_)
        | Command::PurgeKey(_)
        | Command::AddAccount(_)
        | Command::UpdateAccount(_)
        | Command::RemoveAccount { .. }
        | Command::PutGrantSet { .. }
        | Command::RemoveGrantSet { .. }
        | Command::PutPolicy { .. }
        | Command::RemovePolicy { .. } => None,
    }
}
