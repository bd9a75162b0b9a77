//! The counts that are kept of a log, by key and by what each key did. They are made in one pass,
//! in bounded memory.

use std::collections::HashMap;
use std::net::IpAddr;

use super::counts::{Budget, Count, Counts};
use super::inventory::Inventory;
use super::timeline::Timeline;
use keyward::endpoint::{Method, PlainPath, Row, Rule};
use keyward::key::KeyKind;
use keyward::permission::{AccessLevel, Permission, PermissionRegistry};
use keyward::reason::DenyReason;
use keyward_files::access_log::{Named, Record, State, Verdict};

/// The maximum number of keys that are counted separately. A snapshot may have more; the others are
/// counted together.
const KEYS: usize = 200_000;
/// The maximum number of accounts, and of client addresses, that are counted separately for one
/// key.
const ACCOUNTS: usize = 1_000;
const CLIENTS: usize = 256;
/// The maximum numbers of organizations, their accounts, and addresses of strangers that are
/// counted separately.
const ORGANIZATIONS: usize = 10_000;
const STRANGERS: usize = 1_000;
/// How many paths that match no endpoint are kept for each key, as examples.
const EXAMPLES: usize = 5;
/// The maximum number of steps in a timeline.
const STEPS: u64 = 120;
const KEY_STEPS: u64 = 24;

/// A permission at a level, on connected accounts or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Need {
    pub(super) permission: Permission,
    pub(super) level: AccessLevel,
    pub(super) is_connected: bool,
}

impl Need {
    /// Whether an endpoint with this rule requires it.
    fn is_of(&self, rule: Rule<'_>) -> bool {
        match rule {
            Rule::Public => false,
            Rule::Key {
                permissions,
                access,
                publishable: _,
            } => access == self.level && permissions.contains(&self.permission),
        }
    }
}

/// An endpoint of the catalogue, called on connected accounts or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Called {
    pub(super) row: Row,
    pub(super) is_connected: bool,
}

/// The counts of one key.
pub(super) struct KeyBook {
    pub(super) kind: KeyKind,
    pub(super) livemode: bool,
    pub(super) calls: u64,
    pub(super) refused: u64,
    pub(super) shadowed: u64,
    /// The time of the first request, in milliseconds since 1970.
    pub(super) first: u64,
    pub(super) last: u64,
    /// The time of the last request that passed.
    pub(super) last_passed: Option<u64>,
    pub(super) reasons: HashMap<DenyReason, Count>,
    pub(super) accounts: Counts<Box<str>>,
    pub(super) clients: Counts<IpAddr>,
    /// Permissions that let a request pass.
    pub(super) used: Counts<Need>,
    /// Permissions that a request lacked, so that it failed, or passed only in shadow.
    pub(super) missing: Counts<Need>,
    /// Endpoints of requests that passed.
    pub(super) endpoints: Counts<Called>,
    /// Requests that passed, to a path that is not an endpoint of the catalogue.
    pub(super) uncatalogued: Counts<Box<str>>,
    /// The number of such requests whose permission is not logged either, so that nothing shows
    /// what they needed.
    pub(super) unexplained: u64,
    /// The number of requests that passed because of a permission which the endpoint at their path
    /// does not require.
    pub(super) elsewhere: u64,
    /// The organization of a request, otherwise its owner, if the line names it.
    pub(super) owner: Option<Box<str>>,
    pub(super) org: Option<Box<str>>,
    pub(super) timeline: Timeline,
}

/// The counts of an organization's keys.
pub(super) struct OrgBook {
    pub(super) count: Count,
    pub(super) shadowed: u64,
    pub(super) keys: Counts<Box<str>>,
    pub(super) accounts: Counts<Box<str>>,
}

/// Everything that is kept.
pub(super) struct Books {
    budget: Budget,
    /// The known permissions, and those that endpoints of an older snapshot may have required.
    pub(super) permissions: PermissionRegistry,
    pub(super) keys: HashMap<Box<str>, KeyBook>,
    /// Requests of keys for which there was no room.
    pub(super) other_keys: Count,
    pub(super) orgs: HashMap<Box<str>, OrgBook>,
    pub(super) without_org: OrgBook,
    /// Requests of organizations for which there was no room.
    pub(super) other_orgs: Count,
    pub(super) reasons: HashMap<DenyReason, (u64, u64)>,
    pub(super) passed: u64,
    pub(super) public: u64,
    /// The number of questions about the key itself, which keyward answered.
    pub(super) verified: u64,
    pub(super) preflight: u64,
    pub(super) refused: u64,
    pub(super) shadowed: u64,
    /// The number of requests without a verdict, followed by those among them that the interlock
    /// answered.
    pub(super) unjudged: u64,
    pub(super) interlocked: u64,
    /// Denials without a known key, by client.
    pub(super) strangers: Counts<IpAddr>,
    pub(super) timeline: Timeline,
    pub(super) first: Option<u64>,
    pub(super) last: Option<u64>,
}

impl Books {
    pub(super) fn new(inventory: &Inventory) -> Self {
        Self {
            budget: Budget::new(),
            permissions: inventory.permissions.clone(),
            keys: HashMap::new(),
            other_keys: Count::default(),
            orgs: HashMap::new(),
            without_org: OrgBook::new(),
            other_orgs: Count::default(),
            reasons: HashMap::new(),
            passed: 0,
            public: 0,
            verified: 0,
            preflight: 0,
            refused: 0,
            shadowed: 0,
            unjudged: 0,
            interlocked: 0,
            strangers: Counts::new(STRANGERS),
            timeline: Timeline::new(STEPS),
            first: None,
            last: None,
        }
    }

    /// Whether there were more distinct values than room for them.
    pub(super) fn are_full(&self) -> bool {
        self.budget.is_used_up()
    }

    /// Counts a request.
    pub(super) fn add(&mut self, record: &Record<'_>, inventory: &Inventory) {
        let at = record.at;
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = Some(self.last.map_or(at, |last| last.max(at)));
        let Some(state) = &record.state else {
            self.unjudged += 1;
            let is_rbac = |text: &str| text.starts_with("rbac_access_denied");
            self.interlocked +=
                u64::from(record.details.is_some_and(|text| is_rbac(text.as_str())));
            return;
        };
        let is_refused = matches!(state.verdict, Verdict::Deny(_));
        self.timeline.add(at, is_refused);
        match state.verdict {
            Verdict::Public => self.public += 1,
            Verdict::Preflight => self.preflight += 1,
            Verdict::Key => self.passed += 1,
            Verdict::Verify => self.verified += 1,
            Verdict::Shadow(reason) => {
                self.shadowed += 1;
                self.reasons.entry(reason).or_default().1 += 1;
            }
            Verdict::Deny(reason) => {
                self.refused += 1;
                self.reasons.entry(reason).or_default().0 += 1;
            }
        }
        let Some(named) = &state.key else {
            if let (Some(client), Some(_)) = (record.client, state.verdict.reason()) {
                let client = self.strangers.of(&client, &mut self.budget, || client);
                client.add(at, is_refused);
            }
            return;
        };
        self.add_to_org(state, named, at, is_refused);
        // Reserve room for the values that every key has.
        if !self.keys.contains_key(named.id) {
            if self.keys.len() >= KEYS || !self.budget.take(8) {
                self.other_keys.add(at, is_refused);
                return;
            }
            self.keys.insert(named.id.into(), KeyBook::new(named, at));
        }
        if let Some(book) = self.keys.get_mut(named.id) {
            book.add(
                record,
                state,
                inventory,
                &mut self.permissions,
                &mut self.budget,
            );
        }
    }

    fn add_to_org(&mut self, state: &State<'_>, named: &Named<'_>, at: u64, is_refused: bool) {
        let book = match state.org {
            None => &mut self.without_org,
            Some(org) => {
                let has_room = self.orgs.len() < ORGANIZATIONS;
                if !self.orgs.contains_key(org) && has_room && self.budget.take(8) {
                    self.orgs.insert(org.into(), OrgBook::new());
                }
                let Some(book) = self.orgs.get_mut(org) else {
                    self.other_orgs.add(at, is_refused);
                    return;
                };
                book
            }
        };
        book.count.add(at, is_refused);
        book.shadowed += u64::from(matches!(state.verdict, Verdict::Shadow(_)));
        let key = book.keys.of(named.id, &mut self.budget, || named.id.into());
        key.add(at, is_refused);
        if let Some(account) = state.account {
            let account = book
                .accounts
                .of(account, &mut self.budget, || account.into());
            account.add(at, is_refused);
        }
    }
}

impl OrgBook {
    fn new() -> Self {
        Self {
            count: Count::default(),
            shadowed: 0,
            keys: Counts::new(KEYS),
            accounts: Counts::new(KEYS),
        }
    }
}

impl KeyBook {
    fn new(named: &Named<'_>, at: u64) -> Self {
        Self {
            kind: named.kind,
            livemode: named.livemode,
            calls: 0,
            refused: 0,
            shadowed: 0,
            first: at,
            last: at,
            last_passed: None,
            reasons: HashMap::new(),
            accounts: Counts::new(ACCOUNTS),
            clients: Counts::new(CLIENTS),
            // The numbers of permissions and endpoints limit these.
            used: Counts::new(usize::MAX),
            missing: Counts::new(usize::MAX),
            endpoints: Counts::new(usize::MAX),
            uncatalogued: Counts::new(EXAMPLES),
            unexplained: 0,
            elsewhere: 0,
            owner: None,
            org: None,
            timeline: Timeline::new(KEY_STEPS),
        }
    }

    fn add(
        &mut self,
        record: &Record<'_>,
        state: &State<'_>,
        inventory: &Inventory,
        permissions: &mut PermissionRegistry,
        budget: &mut Budget,
    ) {
        let at = record.at;
        let is_refused = matches!(state.verdict, Verdict::Deny(_));
        self.calls += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.timeline.add(at, is_refused);
        if is_refused {
            self.refused += 1;
        } else {
            self.last_passed = self.last_passed.max(Some(at));
        }
        if let Some(reason) = state.verdict.reason() {
            self.shadowed += u64::from(!is_refused);
            self.reasons.entry(reason).or_default().add(at, is_refused);
        }
        if let Some(client) = record.client {
            self.clients
                .of(&client, budget, || client)
                .add(at, is_refused);
        }
        self.add_place(state);
        if let Some(account) = state.account {
            let account = self.accounts.of(account, budget, || account.into());
            account.add(at, is_refused);
        }
        let need = state.permission.and_then(|(name, level)| {
            Some(Need {
                permission: permissions.find_or_add(name)?,
                level,
                is_connected: state.is_connected(),
            })
        });
        if let Some(need) = need {
            if record.missing() {
                self.missing.of(&need, budget, || need).add(at, is_refused);
            } else if state.verdict == Verdict::Key {
                self.used.of(&need, budget, || need).add(at, is_refused);
            }
        }
        if state.verdict == Verdict::Key {
            self.add_endpoint(record, state, need, inventory, budget);
        }
    }

    /// Adds the place of the key: its path begins with its owner, unless it is an organization's
    /// key.
    fn add_place(&mut self, state: &State<'_>) {
        if self.org.is_none() {
            self.org = state.org.map(Box::from);
        }
        if self.owner.is_none() && self.kind != KeyKind::Organization {
            let owner = state.path.and_then(|path| path.split('/').next());
            self.owner = owner.map(Box::from);
        }
    }

    fn add_endpoint(
        &mut self,
        record: &Record<'_>,
        state: &State<'_>,
        need: Option<Need>,
        inventory: &Inventory,
        budget: &mut Budget,
    ) {
        let method = Method::of_request(record.method.as_str().as_bytes());
        let path = PlainPath::parse(record.path.as_str().as_bytes());
        let found = method
            .zip(path)
            .and_then(|(method, path)| inventory.endpoints.find(method, path));
        match (need, found.map(|endpoint| endpoint.rule)) {
            (Some(need), rule) => {
                self.elsewhere += u64::from(!rule.is_some_and(|rule| need.is_of(rule)))
            }
            (None, None) => self.unexplained += 1,
            (None, Some(_)) => {}
        }
        match found {
            Some(endpoint) if endpoint.rule == Rule::Public => {}
            Some(endpoint) => {
                let called = Called {
                    row: endpoint.row,
                    is_connected: state.is_connected(),
                };
                let count = self.endpoints.of(&called, budget, || called);
                count.add(record.at, false);
            }
            None => {
                let shown = || {
                    let method = record.method.shown(&inventory.prefixes);
                    format!("{method} {}", record.path.shown(&inventory.prefixes))
                };
                let count = self.uncatalogued.example(budget, shown);
                count.add(record.at, false);
            }
        }
    }
}
