//! Every rejection of commands on keys.

use super::*;

/// Returns every rejection of commands on keys.
pub(super) fn of_keys() -> Vec<(Command, RuleCode, Option<Param>)> {
    let details = Details::default;
    let unknown = |name: &str, meant, side| RuleCode::PermissionUnknown {
        name: id(name),
        meant,
        side,
    };
    vec![
        (
            delete("mk_none"),
            RuleCode::KeyMissing { id: id("mk_none") },
            Some(Param::Id),
        ),
        (
            delete("sk_test_FAKE-alice-0001"),
            RuleCode::KeyMissing { id: id("…") },
            Some(Param::Id),
        ),
        (
            Command::CreateKey(create("acct_9")),
            RuleCode::AccountMissing {
                id: id("acct_9"),
                role: AccountRole::Owner,
            },
            Some(Param::Owner),
        ),
        (
            new(following("none")),
            RuleCode::GrantSetMissing {
                name: id("none"),
                side: Some(Side::Own),
            },
            Some(Param::GrantSet),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Organization),
                ..create("acct_1")
            }),
            RuleCode::KindNotForOwner {
                kind: KeyKind::Organization,
                owner: Some(IdKind::Account),
            },
            Some(Param::Kind),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Secret),
                ..create("org_1")
            }),
            RuleCode::KindNotForOwner {
                kind: KeyKind::Secret,
                owner: Some(IdKind::Organization),
            },
            Some(Param::Kind),
        ),
        (
            Command::CreateKey(CreateKey {
                id: Some(id("no id")),
                ..create("acct_1")
            }),
            RuleCode::IdInvalid,
            Some(Param::NewId),
        ),
        (
            Command::CreateKey(CreateKey {
                id: Some(id("sk_live_FAKE-alice")),
                ..create("acct_1")
            }),
            RuleCode::IdInvalid,
            Some(Param::NewId),
        ),
        (
            Command::CreateKey(CreateKey {
                id: Some(id("mk_r")),
                ..create("acct_1")
            }),
            RuleCode::IdExists { id: id("mk_r") },
            Some(Param::NewId),
        ),
        (
            with(Details {
                expires: End::At(NOW),
                ..details()
            }),
            RuleCode::ExpiresInPast,
            Some(Param::ExpiresAt),
        ),
        (
            with(Details {
                expires: End::At(NOW + 5),
                not_before: Some(NOW + 5),
                ..details()
            }),
            RuleCode::EndsBeforeItBegins,
            Some(Param::NotBefore),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Publishable),
                grants: granted(&[read("customer")]),
                ..create("acct_1")
            }),
            RuleCode::PublishableHasNoGrants { id: None },
            Some(Param::Permissions),
        ),
        (
            change("mk_p", GrantsChange::Replace(Vec::new())),
            RuleCode::PublishableHasNoGrants {
                id: Some(id("mk_p")),
            },
            Some(Param::Permissions),
        ),
        (
            ips("mk_p", IpAction::Clear, &[]),
            RuleCode::PublishableHasNoIpLimit {
                id: Some(id("mk_p")),
            },
            Some(Param::IpAllowlist),
        ),
        (
            Command::CreateKey(CreateKey {
                kind: Some(KeyKind::Publishable),
                details: Details {
                    allowed_ips: vec![id("192.0.2.1")],
                    ..details()
                },
                ..create("acct_1")
            }),
            RuleCode::PublishableHasNoIpLimit { id: None },
            Some(Param::IpAllowlist),
        ),
        (
            new(granted(&[read("custmer")])),
            unknown("custmer", Meant::Near(vec![id("customer")]), Side::Own),
            Some(Param::Permissions),
        ),
        (
            Command::CreateKey(CreateKey {
                connect_grants: granted(&[read("refunds")]),
                ..create("acct_1")
            }),
            unknown("refunds", Meant::Resource("charge"), Side::Connected),
            Some(Param::ConnectPermissions),
        ),
        (
            new(granted(&[read("sk_test_FAKE-alice-0001")])),
            unknown("…", Meant::Near(Vec::new()), Side::Own),
            Some(Param::Permissions),
        ),
        (
            new(granted(&[read("category:biling")])),
            RuleCode::CategoryUnknown {
                name: id("biling"),
                near: vec![id("billing")],
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            new(granted(&[write("balance")])),
            RuleCode::PermissionLevelUnknown {
                name: id("balance"),
                level: AccessLevel::Write,
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            new(granted(&[read("edit_link")])),
            RuleCode::PermissionLevelUnknown {
                name: id("edit_link"),
                level: AccessLevel::Read,
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            revoke("mk_r", "rak_charge"),
            RuleCode::NotGranted {
                name: id("charge"),
                granted: vec![id("customer")],
                side: Side::Own,
            },
            Some(Param::Permissions),
        ),
        (
            change("mk_s", GrantsChange::Replace(vec![read("customer")])),
            RuleCode::LimitMissing {
                id: id("mk_s"),
                side: Side::Own,
                is_revoking: false,
            },
            Some(Param::Limit),
        ),
        (
            revoke("mk_o", "customer"),
            RuleCode::LimitMissing {
                id: id("mk_o"),
                side: Side::Own,
                is_revoking: true,
            },
            Some(Param::Limit),
        ),
        (
            Command::EditKey(EditKey {
                unlabels: vec![id("team")],
                ..edit("mk_r")
            }),
            RuleCode::LabelMissing { labels: Vec::new() },
            Some(Param::Labels),
        ),
        (
            ips("mk_r", IpAction::Set, &["192.0.2.1,192.0.2.2"]),
            RuleCode::IpInvalid { has_comma: true },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Set, &["10.0.0.1/8"]),
            RuleCode::IpHasHostBits {
                range: id("10.0.0.1/8"),
                meant: id("10.0.0.0/8"),
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Set, &["0.0.0.0/0"]),
            RuleCode::IpEveryAddress {
                range: id("0.0.0.0/0"),
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Set, &["2001:db8::/32"]),
            RuleCode::IpIsV6 {
                range: id("2001:db8::/32"),
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_limited", IpAction::Remove, &["192.0.2.9"]),
            RuleCode::IpNotListed {
                range: id("192.0.2.9"),
                known: vec![id("192.0.2.1")],
            },
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_limited", IpAction::Remove, &["192.0.2.1"]),
            RuleCode::IpLast,
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Add, &["  "]),
            RuleCode::IpsMissing,
            Some(Param::IpAllowlist),
        ),
        (
            ips("mk_r", IpAction::Clear, &["192.0.2.1"]),
            RuleCode::IpsNotTaken,
            Some(Param::IpAllowlist),
        ),
        (
            change("mk_deleted", GrantsChange::Replace(Vec::new())),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Grants,
            },
            Some(Param::Id),
        ),
        (
            ips("mk_deleted", IpAction::Clear, &[]),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Ips,
            },
            Some(Param::Id),
        ),
        (
            expire("mk_deleted", Some(NOW)),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Expiry,
            },
            Some(Param::Id),
        ),
        (
            rotate("mk_deleted"),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Replacement,
            },
            Some(Param::Id),
        ),
        (
            delete("mk_deleted"),
            RuleCode::KeyIsDeleted {
                id: id("mk_deleted"),
                wanted: Wanted::Deletion,
            },
            Some(Param::Id),
        ),
        (
            expire("mk_old", None),
            RuleCode::ReviveMissing { id: id("mk_old") },
            Some(Param::Revive),
        ),
        (
            Command::ExpireKey(keyward::management::ExpireKey {
                id: id("mk_old"),
                end: Some(NOW + 7 * DAY + 1),
                revive: true,
            }),
            RuleCode::ReplacedKeyEnds { id: id("mk_old") },
            Some(Param::ExpiresAt),
        ),
        (
            expire("mk_ended", Some(NOW + 1)),
            RuleCode::ReviveMissing { id: id("mk_ended") },
            Some(Param::Revive),
        ),
        (
            keep_for("mk_r", 7 * DAY + 1, End::Unsaid),
            RuleCode::OverlapTooLong,
            Some(Param::ExpireCurrentKeyInMinutes),
        ),
        (
            rotate("mk_ended"),
            RuleCode::ExpiryOfReplacementMissing { id: id("mk_ended") },
            Some(Param::ExpiresAt),
        ),
        (
            duplicate("mk_s", false),
            RuleCode::OnlyRestrictedIsDuplicated {
                id: id("mk_s"),
                kind: KeyKind::Secret,
                owner: id("acct_1"),
            },
            None,
        ),
        (
            duplicate("mk_live", true),
            RuleCode::LiveAlready { id: id("mk_live") },
            Some(Param::Livemode),
        ),
        (
            delete("mk_p"),
            RuleCode::PublishableIsRotated { id: id("mk_p") },
            None,
        ),
        (
            purge("mk_p"),
            RuleCode::PublishableIsRotated { id: id("mk_p") },
            None,
        ),
    ]
}
