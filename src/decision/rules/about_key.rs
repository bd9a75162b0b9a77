//! Rules 2 to 6, which concern only the key.

use super::super::organization;
use super::super::trace::{Finding, Trace};
use super::Inquiry;
use crate::credential::{Credential, CredentialFault, Scheme};
use crate::key::KeyKind;
use crate::principal::Principal;
use crate::reason::DenyReason;
use crate::snapshot::KeyRecord;

impl<'a, T: Trace<'a>> Inquiry<'a, '_, T> {
    /// Checks rules 2 to 6, which concern only the key.
    pub(in crate::decision) fn ask_about_key(&mut self) -> Result<KeyRecord<'a>, DenyReason> {
        let credential = self.rule_2_credential()?;
        let key = self.rule_3_known(credential)?;
        self.rule_4_alive(&key)?;
        self.rule_5_address(&key)?;
        self.rule_6_mode(&key)?;
        Ok(key)
    }

    /// Checks the same rules for a client that may be trying credentials. The first rule that fails
    /// determines the answer, but all are checked in any case, so that the response time does not
    /// reveal which one it was. An unknown key is replaced by a stand-in. Rule 2 needs no such
    /// care, because a client knows its own credential.
    pub(in crate::decision) fn ask_all_about_key(&mut self) -> Result<KeyRecord<'a>, DenyReason> {
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
        // All elements of an array are evaluated.
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
            // A known key would be written to the log, so this costs the same time.
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
                // Without a known scheme, the reply names `Bearer`.
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

    /// Returns whether the credential is spelled like a key of that kind and was sent in a
    /// permitted place.
    fn may_present(&self, credential: &Credential<'_>, record: &KeyRecord<'_>) -> bool {
        let profile = self.configuration.profile();
        // Queries end up in logs and browser histories, so only a public key may be there.
        let may_stand_there = !credential.is_in_query() || record.kind() == KeyKind::Publishable;
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

    /// Checks that the owner exists and is not suspended.
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
}

/// Returns whether the key's validity is limited in time.
fn is_timed(key: &KeyRecord<'_>) -> bool {
    key.expires_at().is_some() || key.not_before().is_some()
}
