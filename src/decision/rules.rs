//! Rules 2 to 11, asked one after the other. What each establishes is kept for the next, for the upstream, and for the reply.

use std::fmt;
use std::net::IpAddr;

use super::authority::Authority;
use super::expansions::{Inexpandable, Refused, expand};
use super::target::{Target, target};
use super::trace::{Finding, Needed, Sought, Trace};
use super::v2::names_v2;
use super::{Decision, Denial, Environment, Permit, PermitKind, asks_upgrade, organization};
use crate::configuration::Configuration;
use crate::credential::{Credential, CredentialFault, Scheme};
use crate::endpoint::{Endpoint, Method, PlainPath, Rule, Unread};
use crate::key::KeyKind;
use crate::permission::{AccessLevel, Permission};
use crate::principal::Principal;
use crate::profile::HeaderName;
use crate::reason::DenyReason;
use crate::request::{RequestHead, Value};
use crate::snapshot::{KeyRecord, Snapshot};
use crate::version;

/// What a reply may say about the request. It holds no raw key that could be printed.
#[derive(Default)]
pub struct Evidence<'a> {
    /// The request.
    pub request: Option<&'a RequestHead<'a>>,
    /// The credential, once there is one.
    pub credential: Option<Credential<'a>>,
    /// The scheme the client used.
    pub scheme: Option<Scheme>,
    /// A malformed credential: its scheme and stars.
    pub malformed_credential: Option<String>,
    /// The client's address, once it was asked for.
    pub address: Option<IpAddr>,
    /// The account the request names.
    pub account: Option<&'a str>,
    /// The header that is wrong.
    pub header: Option<&'a HeaderName>,
    /// The endpoint, once it is known.
    pub endpoint: Option<Endpoint<'a>>,
    /// The label of a permission that the key lacks, where it is not the endpoint's.
    pub label: Option<&'a str>,
    /// What cannot be expanded.
    pub expansion: Option<Inexpandable<'a>>,
}

impl fmt::Debug for Evidence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evidence")
            .field("credential", &self.credential)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

/// One request under decision.
pub(super) struct Inquiry<'a, 'e, T> {
    configuration: &'a Configuration,
    snapshot: &'a Snapshot,
    request: &'a RequestHead<'a>,
    environment: &'e dyn Environment,
    trace: &'e mut T,
    principal: Principal<'a>,
    evidence: Evidence<'a>,
}

impl<'a, 'e, T: Trace<'a>> Inquiry<'a, 'e, T> {
    pub(super) fn new(
        configuration: &'a Configuration,
        snapshot: &'a Snapshot,
        request: &'a RequestHead<'a>,
        environment: &'e dyn Environment,
        trace: &'e mut T,
    ) -> Self {
        Self {
            configuration,
            snapshot,
            request,
            environment,
            trace,
            principal: Principal {
                revision: Some(snapshot.revision()),
                ..Principal::default()
            },
            evidence: Evidence {
                request: Some(request),
                ..Evidence::default()
            },
        }
    }

    pub(super) fn key(&self) -> Option<KeyRecord<'a>> {
        self.principal.key
    }

    pub(super) fn allow(self, kind: PermitKind) -> Decision<'a> {
        Decision::Allow(Permit {
            kind,
            principal: self.principal,
        })
    }

    pub(super) fn deny(self, reason: DenyReason) -> Decision<'a> {
        Decision::Deny(self.denial(reason))
    }

    pub(super) fn denial(self, reason: DenyReason) -> Box<Denial<'a>> {
        Box::new(Denial {
            reason,
            principal: self.principal,
            evidence: self.evidence,
        })
    }

    /// What was established, for whoever asks about the key alone.
    pub(super) fn established(self) -> (Principal<'a>, Evidence<'a>) {
        (self.principal, self.evidence)
    }

    /// The order of the decision. The first rule that fails answers.
    pub(super) fn ask(&mut self) -> Result<(), DenyReason> {
        let key = &self.ask_about_key()?;
        self.rule_7_version(key)?;
        let target = self.rule_8_target(key)?;
        let are_stripes = self.snapshot.endpoints().are_stripes();
        let authority = Authority::of(key, target.is_connected, are_stripes);
        let Some(endpoint) = self.rule_9_endpoint(key, &authority)? else {
            self.trace.report(|| Finding::Publishable(None));
            let everything = || Finding::Permission(Needed::Everything);
            self.trace.report(everything);
            return Ok(());
        };
        if key.kind() == KeyKind::Publishable {
            return self.rule_10_publishable(&endpoint);
        }
        self.trace.report(|| Finding::Publishable(None));
        self.rule_11_permission(&authority, &endpoint)?;
        self.rule_11_expansions(&authority, &endpoint)
    }

    /// Rules 2 to 6, which are about the key alone.
    pub(super) fn ask_about_key(&mut self) -> Result<KeyRecord<'a>, DenyReason> {
        let credential = self.rule_2_credential()?;
        let key = self.rule_3_known(credential)?;
        self.rule_4_alive(&key)?;
        self.rule_5_address(&key)?;
        self.rule_6_mode(&key)?;
        Ok(key)
    }

    /// The same rules, for a client that tries credentials: the first that fails answers, and all are asked whatever became of those before, so that the time until the
    /// answer does not say which one it was. An unknown key has a stand-in. What a client can see of its own credential (rule 2) needs no such care.
    pub(super) fn ask_all_about_key(&mut self) -> Result<KeyRecord<'a>, DenyReason> {
        let credential = self.rule_2_credential()?;
        let digest = credential.digest();
        let (found, stand_in) = (self.snapshot.key(&digest), self.snapshot.stand_in(&digest));
        let Some(key) = found.or(stand_in) else {
            self.evidence.credential = Some(credential);
            return Err(DenyReason::UnknownKey);
        };
        let may_present = self.may_present(&credential, &key);
        self.evidence.credential = Some(credential);
        self.recognize(key);
        let is_known = found.is_some() && may_present;
        let known = if is_known {
            Ok(())
        } else {
            Err(DenyReason::UnknownKey)
        };
        self.trace.report(|| Finding::Key(is_known.then_some(key)));
        let now = self.environment.now();
        self.trace.report(|| Finding::Life(key, now));
        // An array's elements are all evaluated.
        let alive = [
            self.undeleted(&key),
            self.in_time(&key, now),
            self.owned(&key),
        ];
        let alive = alive.into_iter().collect::<Result<(), _>>();
        self.principal.is_live = alive.is_ok();
        let rules = [
            known,
            alive,
            self.rule_5_address(&key),
            self.rule_6_mode(&key),
        ];
        if !is_known {
            // A known key is told to the log.
            std::hint::black_box(self.principal.to_string());
            self.principal = Principal {
                revision: self.principal.revision,
                ..Principal::default()
            };
            self.evidence.address = None;
        }
        rules.into_iter().collect::<Result<(), _>>().map(|()| key)
    }

    fn rule_2_credential(&mut self) -> Result<Credential<'a>, DenyReason> {
        let prefixes = self.configuration.profile().known_prefixes();
        let read = Credential::read(self.request, prefixes);
        let found = || Finding::Credential(read.clone().ok());
        self.trace.report(found);
        match read {
            Ok(credential) => {
                self.evidence.scheme = credential.scheme().or(Some(Scheme::Bearer));
                Ok(credential)
            }
            Err(CredentialFault::Missing) => Err(DenyReason::MissingCredential),
            Err(CredentialFault::Malformed { scheme, shown }) => {
                // Without a scheme of ours the client is told about Bearer.
                self.evidence.scheme = scheme.or(Some(Scheme::Bearer));
                self.evidence.malformed_credential = shown;
                Err(DenyReason::MalformedCredential)
            }
        }
    }

    fn rule_3_known(&mut self, credential: Credential<'a>) -> Result<KeyRecord<'a>, DenyReason> {
        let key = self.snapshot.key(&credential.digest());
        let key = key.filter(|key| self.may_present(&credential, key));
        self.evidence.credential = Some(credential);
        self.trace.report(|| Finding::Key(key));
        let key = key.ok_or(DenyReason::UnknownKey)?;
        self.recognize(key);
        Ok(key)
    }

    /// Whether a key of that kind is spelled so, and stands where it may.
    fn may_present(&self, credential: &Credential<'_>, record: &KeyRecord<'_>) -> bool {
        let profile = self.configuration.profile();
        // A query ends up in logs and histories: only a key that is public may stand there.
        let may_stand_there =
            credential.scheme().is_some() || record.kind() == KeyKind::Publishable;
        may_stand_there && credential.satisfies(|key| profile.is_key_of_kind(key, record.kind()))
    }

    fn recognize(&mut self, key: KeyRecord<'a>) {
        self.principal.key = Some(key);
        self.principal.org = organization(self.snapshot, key);
    }

    fn rule_4_alive(&mut self, key: &KeyRecord<'a>) -> Result<(), DenyReason> {
        let now = match is_timed(key) && !key.is_deleted() {
            true => self.environment.now(),
            false => None,
        };
        self.trace.report(|| Finding::Life(*key, now));
        self.undeleted(key)?;
        self.in_time(key, now)?;
        self.owned(key)?;
        self.principal.is_live = true;
        Ok(())
    }

    fn undeleted(&self, key: &KeyRecord<'_>) -> Result<(), DenyReason> {
        if key.is_deleted() {
            return Err(DenyReason::DeletedKey);
        }
        Ok(())
    }

    fn in_time(&self, key: &KeyRecord<'_>, now: Option<u64>) -> Result<(), DenyReason> {
        if is_timed(key) {
            let now = now.ok_or(DenyReason::ExpiredKey)?;
            if key.expires_at().is_some_and(|end| now >= end) {
                return Err(DenyReason::ExpiredKey);
            }
            if key.not_before().is_some_and(|start| now < start) {
                return Err(DenyReason::InactiveKey);
            }
        }
        Ok(())
    }

    /// By an account that is not suspended.
    fn owned(&self, key: &KeyRecord<'_>) -> Result<(), DenyReason> {
        let owner = self.snapshot.accounts().account(key.owner());
        if owner.is_none_or(|owner| owner.is_suspended()) {
            return Err(DenyReason::SuspendedAccount);
        }
        Ok(())
    }

    fn rule_5_address(&mut self, key: &KeyRecord<'_>) -> Result<(), DenyReason> {
        let Some(allowed) = key.allowed_ips() else {
            self.trace.report(|| Finding::Address(None));
            return Ok(());
        };
        let address = self.environment.client_address();
        self.evidence.address = address;
        self.trace.report(|| Finding::Address(Some(address)));
        self.evidence
            .address
            .filter(|address| allowed.contains(*address))
            .map(|_| ())
            .ok_or(DenyReason::IpNotAllowed)
    }

    fn rule_6_mode(&mut self, key: &KeyRecord<'a>) -> Result<(), DenyReason> {
        self.trace.report(|| Finding::Mode(*key));
        let served = self.configuration.settings().serve_mode;
        if served.serves(key.livemode()) {
            Ok(())
        } else {
            Err(DenyReason::LivemodeMismatch)
        }
    }

    fn rule_7_version(&mut self, key: &KeyRecord<'_>) -> Result<(), DenyReason> {
        self.trace.report(|| Finding::Headers);
        if self.request.folded_identity.is_some() {
            return Err(DenyReason::MalformedHeader);
        }
        match self.request.version.value() {
            Value::Absent if key.kind() == KeyKind::Organization => Err(DenyReason::MissingVersion),
            Value::Absent => Ok(()),
            Value::Text(text)
                if version::is_well_formed(text) && self.snapshot.serves_version(text) =>
            {
                Ok(())
            }
            Value::Text(_) | Value::Malformed => Err(DenyReason::InvalidVersion),
        }
    }

    fn rule_8_target(&mut self, key: &KeyRecord<'_>) -> Result<Target<'a>, DenyReason> {
        let found = target(
            self.snapshot.accounts(),
            self.configuration.profile(),
            key,
            self.request,
            || {
                self.snapshot.endpoints().are_stripes()
                    && names_v2(self.request.path_without_query())
            },
        );
        let trail = found.as_ref().ok().map(|target| target.trail);
        self.trace.report(|| Finding::Target(trail));
        match found {
            Ok(target) => {
                self.principal.trail = Some(target.trail);
                self.evidence.account = target.trail.account().or(self.principal.org);
                Ok(target)
            }
            Err(fault) => {
                self.evidence.account = fault.account;
                self.evidence.header = fault.header;
                Err(fault.reason)
            }
        }
    }

    /// The endpoint, for a key whose permissions matter.
    fn rule_9_endpoint(
        &mut self,
        key: &KeyRecord<'_>,
        authority: &Authority<'a>,
    ) -> Result<Option<Endpoint<'a>>, DenyReason> {
        let sought = self.seek(key, authority);
        self.trace.report(|| Finding::Endpoint(sought));
        let endpoint = match sought {
            Sought::Found(endpoint) => endpoint,
            Sought::Any => return Ok(None),
            Sought::Method
            | Sought::Upgrade
            | Sought::Override
            | Sought::Unread(_)
            | Sought::Keyless => return Err(DenyReason::UnknownEndpoint),
        };
        if let Rule::Key {
            permissions,
            access,
            ..
        } = endpoint.rule
        {
            let deciding = authority
                .held(permissions, access)
                .or_else(|| authority.servable(permissions));
            self.principal.permission =
                deciding.map(|permission| (self.snapshot.permissions().name(permission), access));
        }
        self.evidence.endpoint = Some(endpoint);
        Ok(Some(endpoint))
    }

    fn seek(&self, key: &KeyRecord<'_>, authority: &Authority<'_>) -> Sought<'a> {
        let request = self.request;
        let Some(method) = Method::of_request(request.method) else {
            return Sought::Method;
        };
        if asks_upgrade(self.configuration.settings(), request) {
            return Sought::Upgrade;
        }
        if matches!(authority, Authority::Full) && key.kind() != KeyKind::Publishable {
            return Sought::Any;
        }
        if request.is_overridden {
            return Sought::Override;
        }
        let Some(path) = PlainPath::parse(request.path_without_query()) else {
            return Sought::Unread(Unread::SeveralReadings);
        };
        match self.snapshot.endpoints().seek(method, path) {
            Err(unread) => Sought::Unread(unread),
            Ok(endpoint) if endpoint.is_public() => Sought::Keyless,
            Ok(endpoint) => Sought::Found(endpoint),
        }
    }

    fn rule_10_publishable(&mut self, endpoint: &Endpoint<'_>) -> Result<(), DenyReason> {
        let is_open = match endpoint.rule {
            Rule::Key { publishable, .. } => publishable,
            Rule::Public => false,
        };
        self.trace.report(|| Finding::Publishable(Some(is_open)));
        if is_open {
            Ok(())
        } else {
            Err(DenyReason::SecretKeyRequired)
        }
    }

    fn rule_11_permission(
        &mut self,
        authority: &Authority<'a>,
        endpoint: &Endpoint<'a>,
    ) -> Result<(), DenyReason> {
        let (permissions, access): (&[Permission], _) = match endpoint.rule {
            Rule::Key {
                permissions,
                access,
                ..
            } => (permissions, access),
            Rule::Public => (&[], AccessLevel::Write),
        };
        self.trace
            .report(|| Finding::Permission(authority.needed(permissions, access)));
        if authority.held(permissions, access).is_some() {
            Ok(())
        } else {
            Err(authority.lack_of(permissions))
        }
    }

    /// What is to be expanded in the reply is read, too.
    fn rule_11_expansions(
        &mut self,
        authority: &Authority<'a>,
        endpoint: &Endpoint<'a>,
    ) -> Result<(), DenyReason> {
        // An API of one's own may mean anything by `expand`.
        let query = self.request.query();
        let Some(query) = query.filter(|_| self.snapshot.endpoints().are_stripes()) else {
            return Ok(());
        };
        match expand(query, endpoint, authority, self.trace) {
            Ok(()) => Ok(()),
            Err(Refused::Missing(any_of)) => {
                let permissions = self.snapshot.permissions();
                let missing = authority.servable(any_of);
                self.principal.permission =
                    missing.map(|missing| (permissions.name(missing), AccessLevel::Read));
                self.evidence.label = missing.and_then(|missing| permissions.label(missing));
                Err(authority.lack_of(any_of))
            }
            Err(Refused::Unknown(expansion)) => {
                self.evidence.expansion = Some(expansion);
                Err(DenyReason::UnknownExpansion)
            }
        }
    }
}

/// Whether a key works from or until some time only.
fn is_timed(key: &KeyRecord<'_>) -> bool {
    key.expires_at().is_some() || key.not_before().is_some()
}
