//! The session of a cookie, while it is valid: not idle for too long, not expired, not ended, and
//! made by a key that still works.

use keyward::account::AccountStatus;
use keyward::key::Livemode;
use keyward::management::{Granted, KeyGrants, Policy, is_management};
use keyward::permission::AccessLevel;

use crate::app::App;
use crate::http::failure::Failure;
use crate::permission::Management;
use crate::service::failure::Stored;
use crate::session::{Cookie, Feature, FormToken, Person, Reach, Role, Session, Tenant};
use crate::store::lists::{AccountFilter, From, Page};
use crate::store::{By, Reader, Scope, SessionKind, StoredSession};

/// The result for a cookie.
pub(crate) enum Found {
    /// A session that is still valid.
    Session(Box<Session>),
    /// A session that has ended, or none.
    Nothing,
}

/// Finds the session of a cookie, and records that it is used.
pub(crate) async fn find(
    app: &App,
    kind: SessionKind,
    idle: u64,
    cookie: &Cookie,
    now: u64,
) -> Result<Found, Failure> {
    let digest = cookie.digest();
    let operator = app.operator_account.clone();
    let read: Result<_, Stored> = app
        .store
        .read(move |reader| {
            let Some(stored) = reader.session_of_digest(By::Cookie, &digest)? else {
                return Ok(None);
            };
            if stored.kind != kind {
                return Ok(None);
            }
            let held = held_now(reader, &operator, &stored, now)?;
            Ok(Some((stored, held)))
        })
        .await;
    let Some((stored, Some((held, place)))) = read.map_err(Failure::from)? else {
        return Ok(Found::Nothing);
    };
    let Ok(form_token) = FormToken::of(cookie) else {
        return Ok(Found::Nothing);
    };
    let Some(session) = session(&stored, &held, place, form_token) else {
        return Ok(Found::Nothing);
    };
    let last = app.last_seen.of(&stored);
    let is_over =
        stored.ended.is_some() || session.until <= now || now.saturating_sub(last) >= idle;
    if is_over {
        return Ok(Found::Nothing);
    }
    if app.last_seen.note(&stored, now) {
        let id = stored.id.clone();
        // On a full disk, the stored time of the last use does not change.
        let noted: Result<(), Stored> = app
            .store
            .write(move |tx| Ok(tx.session_seen(&id, now)?))
            .await;
        if let Err(error) = noted {
            tracing::warn!(?error, "the use of a session was not noted");
        }
    }
    Ok(Found::Session(Box::new(session)))
}

/// Returns a session with what it may do now, or nothing if it was never opened.
pub(super) fn session(
    stored: &StoredSession,
    held: &Held,
    place: Option<Portal>,
    form_token: FormToken,
) -> Option<Session> {
    let (reach, granted) = match (stored.kind, place) {
        // A console has no mode, so what a test key opened would reach live keys.
        (SessionKind::Console, _) if held.mode() == Livemode::Test => return None,
        (SessionKind::Console, _) => {
            let role = Role::of_name(stored.role.as_deref()?)?;
            (Reach::Console(role), held.bound(role.granted()))
        }
        (SessionKind::Portal, None) => return None,
        (SessionKind::Portal, Some(place)) => {
            let features = features(stored, &place.policy);
            let granted = in_portal(&features);
            let (own, connected) = held.to_give();
            let tenant = Tenant {
                account: stored.account.clone()?,
                name: place.name,
                is_root: place.is_root,
                has_below: place.has_below,
                mode: held.mode(),
                return_url: stored.return_url.clone(),
                features,
                own,
                connected,
            };
            (Reach::Portal(tenant), granted)
        }
    };
    Some(Session {
        id: stored.id.clone(),
        person: Person::of_stored(&stored.actor)?,
        granted,
        reach,
        opened: stored.opened?,
        until: stored.until?,
        form_token,
        made_by: stored.made_by.clone(),
    })
}

/// Returns the features of a portal: the choice of its link's maker, as far as the policy allows
/// them.
fn features(stored: &StoredSession, policy: &Policy) -> Vec<Feature> {
    let is_chosen = |feature: &Feature| {
        let chosen = stored.features.as_ref();
        chosen.is_none_or(|names| names.iter().any(|name| name == feature.name()))
    };
    let is_allowed = |feature: &Feature| match feature {
        Feature::Create | Feature::Edit | Feature::Rotate => true,
        Feature::Delete => policy.allow_delete,
        Feature::Requests => policy.allow_requests,
        Feature::Activity => policy.allow_activity,
    };
    Feature::ALL
        .into_iter()
        .filter(|feature| is_chosen(feature) && is_allowed(feature))
        .collect()
}

/// Returns the permissions of a portal's session: for its account's keys, and for the other
/// features. The policy decides which permissions its keys may have.
fn in_portal(features: &[Feature]) -> Granted {
    let mut granted: Granted = [
        (Management::ApiKey, AccessLevel::Write),
        (Management::Account, AccessLevel::Read),
    ]
    .into_iter()
    .map(|(one, level)| (one.name().to_owned(), level))
    .collect();
    for (feature, permission) in [
        (Feature::Requests, Management::RequestLog),
        (Feature::Activity, Management::ActivityLog),
    ] {
        if features.contains(&feature) {
            granted.insert(permission.name().to_owned(), AccessLevel::Read);
        }
    }
    granted
}

/// The account of a portal in its current state.
pub(super) struct Portal {
    name: Option<String>,
    /// Whether it is the root of a tree, and whether that tree contains other accounts.
    is_root: bool,
    has_below: bool,
    policy: Policy,
}

/// The permissions of a link's maker, which limit the session.
pub(super) enum Held {
    /// A person on this machine has every permission.
    Everything,
    /// A key.
    Key {
        granted: Granted,
        connected: Granted,
        owner: String,
        mode: Livemode,
    },
}

impl Held {
    fn mode(&self) -> Livemode {
        match self {
            Self::Everything => Livemode::Live,
            Self::Key { mode, .. } => *mode,
        }
    }

    /// Returns the most that can be handed out if a policy has `delegation = "own"`: no permission
    /// that manages keys. A person on this machine has no key and therefore no permissions of this
    /// kind, so under such a policy their links hand out nothing.
    fn to_give(&self) -> (Granted, Granted) {
        match self {
            Self::Everything => (Granted::new(), Granted::new()),
            Self::Key {
                granted, connected, ..
            } => {
                let mut both = [granted.clone(), connected.clone()];
                for side in &mut both {
                    side.retain(|name, _| !is_management(name));
                }
                let [own, connected] = both;
                (own, connected)
            }
        }
    }

    fn bound(&self, role: Granted) -> Granted {
        match self {
            Self::Everything => role,
            Self::Key { granted: held, .. } => role
                .into_iter()
                .filter_map(|(name, level)| {
                    let held = held.get(&name)?;
                    Some((name, level.min(*held)))
                })
                .collect(),
        }
    }
}

/// Returns the current permissions of the key that made a link, or `None` if the key no longer
/// works.
fn held_by_maker(
    reader: &Reader<'_>,
    made_by: &str,
    now: u64,
) -> crate::store::Result<Option<Held>> {
    if made_by.starts_with("local:") {
        return Ok(Some(Held::Everything));
    }
    let Some(stored) = reader.key(&Scope::everything(), made_by)? else {
        return Ok(None);
    };
    if !stored.key.is_live_at(now) {
        return Ok(None);
    }
    if active_line(reader, &stored.key.owner)?.is_none() {
        return Ok(None);
    }
    let side = |grants: Option<KeyGrants>| -> crate::store::Result<Granted> {
        Ok(match grants {
            None => Granted::new(),
            Some(KeyGrants::Inline(granted)) => granted,
            Some(KeyGrants::Set(name)) => reader
                .grant_set(&name)?
                .map(|set| set.granted)
                .unwrap_or_default(),
        })
    };
    Ok(Some(Held::Key {
        granted: side(stored.key.grants)?,
        connected: side(stored.key.connect_grants)?,
        owner: stored.key.owner,
        mode: stored.key.mode,
    }))
}

/// Returns an account and the accounts above it, the root last, or `None` if one of them is
/// suspended or missing.
fn active_line(reader: &Reader<'_>, account: &str) -> crate::store::Result<Option<Vec<String>>> {
    let mut line = Vec::new();
    let mut next = Some(account.to_owned());
    // More than the maximum depth of a tree.
    for _ in 0..64 {
        let Some(id) = next else {
            return Ok(Some(line));
        };
        match reader.account(&Scope::everything(), &id)? {
            Some(found) if found.account.status == AccountStatus::Active => {
                line.push(id);
                next = found.account.parent;
            }
            Some(_) | None => return Ok(None),
        }
    }
    Ok(None)
}

/// The current permissions of a session's maker, and the account of a portal session. Returns nothing if the maker's key has stopped working.
/// A console session needs nothing else: its role is limited to these permissions ([`Held::bound`]). A portal session also ends if the maker's key has lost
/// `portal_session` write, if its account or one above it is suspended or missing, or if the account is no longer the key's own or one below it.
pub(super) fn held_now(
    reader: &Reader<'_>,
    operator: &str,
    session: &StoredSession,
    now: u64,
) -> crate::store::Result<Option<(Held, Option<Portal>)>> {
    let Some(held) = held_by_maker(reader, &session.made_by, now)? else {
        return Ok(None);
    };
    let Some(account) = &session.account else {
        return Ok(Some((held, None)));
    };
    let Some(line) = active_line(reader, account)? else {
        return Ok(None);
    };
    let is_of_maker = match &held {
        Held::Everything => true,
        Held::Key { granted, owner, .. } => {
            let level = granted.get(Management::PortalSession.name());
            level == Some(&AccessLevel::Write) && (owner == operator || line.contains(owner))
        }
    };
    let Some(found) = reader.account(&Scope::owner(account), account)? else {
        return Ok(None);
    };
    let policy = reader.policy_for(account)?;
    let place = Portal {
        name: found.account.name,
        is_root: line.len() == 1,
        has_below: has_below(reader, account)?,
        policy: policy.map(|named| named.policy).unwrap_or_default(),
    };
    Ok(is_of_maker.then_some((held, Some(place))))
}

/// Returns whether an account has others directly below it.
fn has_below(reader: &Reader<'_>, account: &str) -> crate::store::Result<bool> {
    let filter = AccountFilter {
        parent: Some(account.to_owned()),
        ..AccountFilter::default()
    };
    let page = Page {
        from: From::Newest,
        limit: 1,
    };
    let listed = reader.accounts(&Scope::everything(), &filter, page)?;
    Ok(!listed.records.is_empty())
}

/// Returns whether a link can still be opened: its maker's key works, and its account is one of the
/// maker's.
pub(super) async fn is_open_to(
    app: &App,
    session: &StoredSession,
    now: u64,
) -> Result<bool, Failure> {
    let (session, operator) = (session.clone(), app.operator_account.clone());
    let held: Result<_, Stored> = app
        .store
        .read(move |reader| Ok(held_now(reader, &operator, &session, now)?.is_some()))
        .await;
    held.map_err(Failure::from)
}
