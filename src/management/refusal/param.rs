//! Which member of an API request is at fault.

/// The member of a request that is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// The id in the path.
    Id,
    /// The name.
    Name,
    /// The note.
    Note,
    /// The labels.
    Labels,
    /// The kind.
    Kind,
    /// The owner.
    Owner,
    /// The mode.
    Livemode,
    /// The id of a new record.
    NewId,
    /// The digest.
    Sha256,
    /// The end.
    ExpiresAt,
    /// The beginning.
    NotBefore,
    /// When the key was made.
    Created,
    /// The addresses.
    IpAllowlist,
    /// The permissions.
    Permissions,
    /// The permissions on connected accounts.
    ConnectPermissions,
    /// The grant set.
    GrantSet,
    /// The grant set for connected accounts.
    ConnectGrantSet,
    /// Whether a key may be limited.
    Limit,
    /// Whether a key may work again.
    Revive,
    /// How long the old key continues to work.
    ExpireCurrentKeyInMinutes,
    /// The account above.
    Parent,
    /// The id in another system.
    ExternalId,
    /// The policy.
    Policy,
    /// The reason.
    Reason,
    /// Whether the policy is overridden.
    OverridePolicy,
}

impl Param {
    /// Returns the member's name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Name => "name",
            Self::Note => "note",
            Self::Labels => "keyward.labels",
            Self::Kind => "keyward.kind",
            Self::Owner => "keyward.owner",
            Self::Livemode => "keyward.livemode",
            Self::NewId => "keyward.id",
            Self::Sha256 => "keyward.sha256",
            Self::ExpiresAt => "expires_at",
            Self::NotBefore => "keyward.not_before",
            Self::Created => "created",
            Self::IpAllowlist => "ip_allowlist",
            Self::Permissions => "permissions",
            Self::ConnectPermissions => "connect_permissions",
            Self::GrantSet => "keyward.grant_set",
            Self::ConnectGrantSet => "keyward.connect_grant_set",
            Self::Limit => "keyward.limit",
            Self::Revive => "keyward.revive",
            Self::ExpireCurrentKeyInMinutes => "expire_current_key_in_minutes",
            Self::Parent => "parent",
            Self::ExternalId => "external_id",
            Self::Policy => "policy",
            Self::Reason => "keyward.reason",
            Self::OverridePolicy => "keyward.override_policy",
        }
    }
}
