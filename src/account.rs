//! Accounts: their ids, the forest they form, and the paths by which a request names one.

use std::collections::HashMap;

/// The most segments a path may have.
const LONGEST_PATH: usize = 8;

/// The most bytes an id may have.
const LONGEST_ID: usize = 64;

/// How ids of accounts and of organizations begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPrefixes {
    /// Stripe: `acct_`.
    pub account: Box<str>,
    /// Stripe: `org_`.
    pub organization: Box<str>,
}

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// An account: a business.
    Account,
    /// An organization: the root above several accounts.
    Organization,
}

impl IdPrefixes {
    /// What `id` names, if it is spelled `[A-Za-z0-9_-]{1,64}`, with one of the prefixes and something behind it.
    #[must_use]
    pub fn kind(&self, id: &str) -> Option<IdKind> {
        let spelled = id.len() <= LONGEST_ID
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let named = |prefix: &str, kind| {
            id.strip_prefix(prefix)
                .filter(|rest| spelled && !rest.is_empty())
                .map(|_| (prefix.len(), kind))
        };
        let account = named(&self.account, IdKind::Account);
        let organization = named(&self.organization, IdKind::Organization);
        // Where both prefixes fit (accounts may have none), the longer one names the kind.
        account
            .into_iter()
            .chain(organization)
            .max_by_key(|(length, _)| *length)
            .map(|(_, kind)| kind)
    }
}

/// A path of accounts below a key's owner, root first: `acct_…/acct_…`, 1 to 8 segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountPath<'a>(&'a str);

impl<'a> AccountPath<'a> {
    /// Nothing is trimmed or normalized: what is not spelled exactly is `None`.
    #[must_use]
    pub fn parse(text: &'a str, prefixes: &IdPrefixes) -> Option<Self> {
        let well_formed =
            text.split('/')
                .take(LONGEST_PATH + 1)
                .enumerate()
                .all(|(place, segment)| {
                    place < LONGEST_PATH && prefixes.kind(segment) == Some(IdKind::Account)
                });
        well_formed.then_some(Self(text))
    }

    /// As it was sent.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// The ids, root first.
    pub fn segments(self) -> impl Iterator<Item = &'a str> {
        self.0.split('/')
    }

    /// The last id: the account the request is about.
    #[must_use]
    pub fn target(self) -> &'a str {
        self.0.rsplit('/').next().unwrap_or(self.0)
    }

    /// Whether the path has more than one segment.
    #[must_use]
    pub fn is_nested(self) -> bool {
        self.0.contains('/')
    }
}

/// An account in an [`AccountForest`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountIndex(u32);

/// Which ids are accepted below an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Children {
    /// Those the snapshot lists.
    Listed,
    /// Any well-formed id that the snapshot does not list elsewhere.
    Any,
}

/// Whether an account is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStatus {
    /// In use.
    Active,
    /// Neither its keys nor paths across it work.
    Suspended,
}

/// One account or organization.
#[derive(Clone, Debug)]
pub struct Account {
    id: Box<str>,
    kind: IdKind,
    parent: Option<AccountIndex>,
    children: Children,
    has_listed_children: bool,
    status: AccountStatus,
}

impl Account {
    /// An account that stands alone as yet.
    #[must_use]
    pub fn new(id: &str, kind: IdKind, children: Children, status: AccountStatus) -> Self {
        Self {
            id: id.into(),
            kind,
            parent: None,
            children,
            has_listed_children: false,
            status,
        }
    }

    /// The id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Account or organization.
    #[must_use]
    pub fn kind(&self) -> IdKind {
        self.kind
    }

    /// Whether it is suspended.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.status == AccountStatus::Suspended
    }

    /// Whether it has no parent.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// Whether it may have connected accounts at all.
    #[must_use]
    pub fn is_platform(&self) -> bool {
        self.has_listed_children || self.children == Children::Any
    }
}

/// Why a forest cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForestFault {
    /// Two accounts of one id.
    DuplicateId,
    /// A parent that is not listed.
    DanglingParent,
    /// An account among its own ancestors.
    Cycle,
    /// An organization below something.
    OrganizationWithParent,
    /// More accounts than an index can name.
    TooMany,
}

/// The accounts of a snapshot: every parent listed, no cycles.
#[derive(Clone, Debug, Default)]
pub struct AccountForest {
    accounts: Vec<Account>,
    by_id: HashMap<Box<str>, AccountIndex>,
}

impl AccountForest {
    /// Takes accounts with the ids of their parents, in any order. The fault carries the place in `listed`.
    pub fn new(listed: Vec<(Account, Option<&str>)>) -> Result<Self, (usize, ForestFault)> {
        let mut forest = Self::default();
        for (place, (account, _)) in listed.iter().enumerate() {
            let index = u32::try_from(place).map_err(|_| (place, ForestFault::TooMany))?;
            if forest
                .by_id
                .insert(account.id.clone(), AccountIndex(index))
                .is_some()
            {
                return Err((place, ForestFault::DuplicateId));
            }
        }
        let mut parents = Vec::with_capacity(listed.len());
        for (place, (account, parent)) in listed.into_iter().enumerate() {
            let parent = match parent {
                Some(_) if account.kind == IdKind::Organization => {
                    return Err((place, ForestFault::OrganizationWithParent));
                }
                Some(id) => Some(
                    forest
                        .find(id)
                        .ok_or((place, ForestFault::DanglingParent))?,
                ),
                None => None,
            };
            parents.extend(parent);
            forest.accounts.push(Account { parent, ..account });
        }
        for parent in parents {
            if let Some(account) = usize::try_from(parent.0)
                .ok()
                .and_then(|place| forest.accounts.get_mut(place))
            {
                account.has_listed_children = true;
            }
        }
        match forest.first_in_a_cycle() {
            Some(place) => Err((place, ForestFault::Cycle)),
            None => Ok(forest),
        }
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The account of that id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<AccountIndex> {
        self.by_id.get(id).copied()
    }

    /// The account at an index of this forest.
    #[must_use]
    pub fn account(&self, index: AccountIndex) -> Option<&Account> {
        self.accounts.get(usize::try_from(index.0).ok()?)
    }

    /// The root of the tree that holds `index`.
    #[must_use]
    pub fn root(&self, index: AccountIndex) -> Option<&Account> {
        let mut account = self.account(index)?;
        while let Some(parent) = account.parent {
            account = self.account(parent)?;
        }
        Some(account)
    }

    /// Whether `path` leads from `start` to an account by parent-to-child edges alone, none of them suspended. Below an account whose children are
    /// [`Children::Any`] one unlisted id may follow, if `accepts` it.
    #[must_use]
    pub fn reaches(
        &self,
        start: AccountIndex,
        path: AccountPath<'_>,
        accepts: impl Fn(&str) -> bool,
    ) -> bool {
        let mut here = Some(start);
        path.segments().all(|id| {
            let Some(account) = here.and_then(|index| self.account(index)) else {
                return false;
            };
            match self.find(id) {
                Some(child) => {
                    let below = here;
                    here = Some(child);
                    self.account(child)
                        .is_some_and(|child| child.parent == below && !child.is_suspended())
                }
                None => {
                    here = None;
                    account.children == Children::Any && accepts(id)
                }
            }
        })
    }

    /// The place of the first account whose ancestors never end. Every account is walked once: `settled` remembers those known to end.
    fn first_in_a_cycle(&self) -> Option<usize> {
        let mut settled = vec![false; self.accounts.len()];
        for start in 0..self.accounts.len() {
            let mut walked = Vec::new();
            let mut place = start;
            while let Some(false) = settled.get(place).copied() {
                walked.push(place);
                if walked.len() > self.accounts.len() {
                    return Some(start);
                }
                let parent = self.accounts.get(place).and_then(|account| account.parent);
                match parent.and_then(|parent| usize::try_from(parent.0).ok()) {
                    Some(parent) => place = parent,
                    None => break,
                }
            }
            for place in walked {
                if let Some(known) = settled.get_mut(place) {
                    *known = true;
                }
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefixes() -> IdPrefixes {
        IdPrefixes {
            account: "acct_".into(),
            organization: "org_".into(),
        }
    }

    fn account(id: &str) -> Account {
        let kind = prefixes().kind(id).unwrap();
        Account::new(id, kind, Children::Listed, AccountStatus::Active)
    }

    fn any(id: &str) -> Account {
        Account {
            children: Children::Any,
            ..account(id)
        }
    }

    fn suspended(id: &str) -> Account {
        Account {
            status: AccountStatus::Suspended,
            ..account(id)
        }
    }

    fn demo() -> AccountForest {
        AccountForest::new(vec![
            (account("acct_leaf"), Some("acct_mid")),
            (account("org_1"), None),
            (account("acct_mid"), Some("org_1")),
            (suspended("acct_closed"), Some("acct_mid")),
            (account("acct_below"), Some("acct_closed")),
            (any("acct_open"), Some("org_1")),
        ])
        .unwrap()
    }

    #[track_caller]
    fn assert_reaches(start: &str, path: &str, expected: bool) {
        let (forest, prefixes) = (demo(), prefixes());
        let path = AccountPath::parse(path, &prefixes).unwrap();
        assert_eq!(
            forest.reaches(forest.find(start).unwrap(), path, |id| id != "acct_refused"),
            expected
        );
    }

    #[track_caller]
    fn assert_fault(listed: Vec<(Account, Option<&str>)>, place: usize, fault: ForestFault) {
        assert_eq!(AccountForest::new(listed).unwrap_err(), (place, fault));
    }

    #[test]
    fn every_step_is_an_edge() {
        assert_reaches("org_1", "acct_mid", true);
        assert_reaches("org_1", "acct_mid/acct_leaf", true);
        assert_reaches("org_1", "acct_leaf", false);
        assert_reaches("acct_mid", "acct_leaf", true);
        assert_reaches("acct_mid", "acct_mid", false);
        assert_reaches("acct_mid", "acct_unlisted", false);
    }

    #[test]
    fn no_path_crosses_a_suspended_account() {
        assert_reaches("acct_mid", "acct_closed", false);
        assert_reaches("acct_mid", "acct_closed/acct_below", false);
    }

    #[test]
    fn any_child_is_one_unlisted_step() {
        assert_reaches("acct_open", "acct_stranger", true);
        assert_reaches("acct_open", "acct_refused", false);
        assert_reaches("acct_open", "acct_leaf", false);
        assert_reaches("acct_open", "acct_stranger/acct_deeper", false);
        assert_reaches("org_1", "acct_open/acct_stranger", true);
    }

    #[test]
    fn paths_are_spelled_exactly() {
        let long = format!("acct_{}", "a".repeat(60));
        let deep = ["acct_a"; 9].join("/");
        for text in [
            "",
            "acct_",
            "/acct_a",
            "acct_a/",
            "acct_a//acct_b",
            " acct_a",
            "acct_a/ acct_b",
            "Acct_a",
            "org_1",
            "acct_a.b",
            "acct_%61",
            &long,
            &deep,
        ] {
            assert_eq!(AccountPath::parse(text, &prefixes()), None, "`{text}`");
        }
        assert!(AccountPath::parse(&["acct_a"; 8].join("/"), &prefixes()).is_some());
    }

    #[test]
    fn faults_name_their_place() {
        assert_fault(
            vec![(account("acct_a"), None), (account("acct_a"), None)],
            1,
            ForestFault::DuplicateId,
        );
        assert_fault(
            vec![(account("acct_a"), Some("acct_b"))],
            0,
            ForestFault::DanglingParent,
        );
        assert_fault(
            vec![(account("acct_a"), Some("acct_a"))],
            0,
            ForestFault::Cycle,
        );
        assert_fault(
            vec![
                (account("acct_z"), None),
                (account("acct_a"), Some("acct_b")),
                (account("acct_b"), Some("acct_a")),
            ],
            1,
            ForestFault::Cycle,
        );
        assert_fault(
            vec![
                (account("acct_a"), None),
                (account("org_1"), Some("acct_a")),
            ],
            1,
            ForestFault::OrganizationWithParent,
        );
    }
}
