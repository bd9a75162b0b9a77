//! Rules 7 to 11: what the request names, and whether the key allows that.

use super::super::asks_upgrade;
use super::super::authority::Authority;
use super::super::expansions::{Refused, expand};
use super::super::target::{Target, target};
use super::super::trace::{Finding, Sought, Trace};
use super::super::v2::names_v2;
use super::Inquiry;
use crate::endpoint::{Endpoint, Method, PlainPath, Rule, Unread};
use crate::key::KeyKind;
use crate::permission::{AccessLevel, Permission};
use crate::reason::DenyReason;
use crate::request::Value;
use crate::snapshot::KeyRecord;
use crate::version;

impl<'a, T: Trace<'a>> Inquiry<'a, '_, T> {
    pub(super) fn rule_7_version(&mut self, key: &KeyRecord<'_>) -> Result<(), DenyReason> {
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

    pub(super) fn rule_8_target(&mut self, key: &KeyRecord<'_>) -> Result<Target<'a>, DenyReason> {
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

    /// Finds the endpoint, for a key whose permissions matter.
    pub(super) fn rule_9_endpoint(
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

    pub(super) fn rule_10_publishable(
        &mut self,
        endpoint: &Endpoint<'_>,
    ) -> Result<(), DenyReason> {
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

    pub(super) fn rule_11_permission(
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

    /// Checks what the request expands, because the reply then contains that as well.
    pub(super) fn rule_11_expansions(
        &mut self,
        authority: &Authority<'a>,
        endpoint: &Endpoint<'a>,
    ) -> Result<(), DenyReason> {
        // In a custom API, `expand` may mean anything.
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
