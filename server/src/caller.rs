//! The caller, after all checks: the records that it sees, and the permissions that it may grant.

use std::net::IpAddr;

use keyward::key::Livemode;
use keyward::management::{self, Ceiling, Granted, Override};
use keyward::permission::AccessLevel;

use crate::session::{Reach, Session, Tenant};
use crate::store::Scope;
use crate::store::activity::Actor;
use crate::uid::Uid;

/// The socket that a request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// From the gateway.
    Gateway,
    /// From a person on this machine.
    Local,
}

/// A caller that passed all checks.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    who: Who,
    pub(crate) address: Option<IpAddr>,
}

#[derive(Clone, Debug)]
enum Who {
    Key(Box<KeyCaller>),
    Local(Uid),
    Person(Box<Session>),
}

/// A caller by key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyCaller {
    pub(crate) id: String,
    pub(crate) mode: Livemode,
    /// The account the request is about.
    pub(crate) account: String,
    /// The root of that account's tree, if the key may see the whole tree: an organization's, or one
    /// with the permission on connected accounts.
    pub(crate) tree: Option<String>,
    pub(crate) is_operator: bool,
    /// What it may do there, and on accounts connected to that.
    pub(crate) own: Granted,
    pub(crate) connected: Granted,
    /// The gateway that it is of, as its label says.
    pub(crate) gateway: Option<String>,
    /// When it ends, if it does.
    pub(crate) ends: Option<u64>,
}

impl Caller {
    /// A person who is signed in to the console: an operator, with the permissions of the role.
    pub(crate) fn of_session(session: &Session, address: Option<IpAddr>) -> Self {
        Self {
            who: Who::Person(Box::new(session.clone())),
            address,
        }
    }

    /// A caller by key, from that address.
    pub(crate) fn by_key(key: KeyCaller, address: Option<IpAddr>) -> Self {
        Self {
            who: Who::Key(Box::new(key)),
            address,
        }
    }

    /// A person on this machine.
    pub(crate) fn local(uid: Uid) -> Self {
        Self {
            who: Who::Local(uid),
            address: None,
        }
    }

    /// The id that records are stored under: the key's, the session's or the user's.
    pub(crate) fn id(&self) -> String {
        match &self.who {
            Who::Key(key) => key.id.clone(),
            Who::Local(uid) => format!("local:uid={}", uid.shown()),
            Who::Person(session) => session.id.clone(),
        }
    }

    /// When the caller's key ends, if it does.
    pub(crate) fn ends(&self) -> Option<u64> {
        match &self.who {
            Who::Key(key) => key.ends,
            Who::Local(_) | Who::Person(_) => None,
        }
    }

    /// The gateway that polls with this key.
    pub(crate) fn gateway(&self) -> Option<&str> {
        match &self.who {
            Who::Key(key) => key.gateway.as_deref(),
            Who::Local(_) | Who::Person(_) => None,
        }
    }

    /// The name in records and in the trail: the key, the user, or the person.
    pub(crate) fn name(&self) -> String {
        match &self.who {
            Who::Key(_) | Who::Local(_) => self.id(),
            Who::Person(session) => session.person.id().to_owned(),
        }
    }

    /// The key or the user whose end also ends the links that the caller made.
    pub(crate) fn maker(&self) -> String {
        match &self.who {
            Who::Key(_) | Who::Local(_) => self.id(),
            Who::Person(session) => session.made_by.clone(),
        }
    }

    /// The session, if the caller has one.
    pub(crate) fn session(&self) -> Option<&str> {
        match &self.who {
            Who::Person(session) => Some(&session.id),
            Who::Key(_) | Who::Local(_) => None,
        }
    }

    /// The source that new records name.
    pub(crate) fn source(&self) -> &'static str {
        match &self.who {
            Who::Person(session) => match session.reach {
                Reach::Console(_) => "console",
                Reach::Portal(_) => "portal",
            },
            Who::Key(_) | Who::Local(_) => "api",
        }
    }

    /// Its name in the trail.
    pub(crate) fn actor(&self) -> Actor {
        let kind = match self.who {
            Who::Key(_) => "api_key",
            Who::Local(_) => "local",
            Who::Person(_) => "user",
        };
        Actor {
            kind: kind.to_owned(),
            id: Some(self.name()),
        }
    }

    /// The account of the request; none for an operator, who names it in the request.
    pub(crate) fn acting_account(&self) -> Option<&str> {
        match &self.who {
            Who::Key(key) if !key.is_operator => Some(&key.account),
            Who::Person(session) => session.tenant().map(|tenant| tenant.account.as_str()),
            Who::Key(_) | Who::Local(_) => None,
        }
    }

    /// Whether it is a person in a portal. People in a portal do not see what operators note for themselves.
    pub(crate) fn is_in_portal(&self) -> bool {
        match &self.who {
            Who::Person(session) => session.tenant().is_some(),
            Who::Key(_) | Who::Local(_) => false,
        }
    }

    /// Whether it may name an account other than the one it acts on: a person in the portal of a root sees its tree. Accounts outside that tree are not there.
    pub(crate) fn names_accounts_of_tree(&self) -> bool {
        match &self.who {
            Who::Person(session) => session.tenant().is_some_and(|tenant| tenant.is_root),
            Who::Key(_) | Who::Local(_) => false,
        }
    }

    /// The records that it can see.
    pub(crate) fn scope(&self) -> Scope {
        match &self.who {
            Who::Local(_) => Scope::everything(),
            Who::Person(session) => match session.tenant() {
                None => Scope::everything(),
                Some(tenant) => tenant.scope(),
            },
            Who::Key(key) if key.is_operator => key.limited(Scope::everything()),
            Who::Key(key) => key.limited(Scope::owner(&key.account)),
        }
    }

    /// The records that it can see in the tree below its account, if that account is a root it acts on.
    /// An operator's tree is everything.
    pub(crate) fn tree(&self) -> Option<Scope> {
        if self.is_operator() {
            return Some(self.scope());
        }
        match &self.who {
            Who::Key(key) => {
                let root = key.tree.as_deref()?;
                Some(key.limited(Scope::tree(root)))
            }
            Who::Person(session) => {
                let tenant = session.tenant().filter(|tenant| tenant.is_root)?;
                Some(tenant.scope())
            }
            Who::Local(_) => None,
        }
    }

    /// The records that it can see in the tree below `root`, if it may name any account.
    pub(crate) fn tree_of(&self, root: &str) -> Option<Scope> {
        match (&self.who, self.acting_account()) {
            (Who::Key(key), None) => Some(key.limited(Scope::tree(root))),
            (Who::Local(_), _) | (Who::Person(_), None) => Some(Scope::tree(root)),
            (Who::Key(_) | Who::Person(_), Some(_)) => None,
        }
    }

    /// The records of one account that it can see; none if the account is out of its reach.
    pub(crate) fn scope_of(&self, account: &str) -> Scope {
        match (&self.who, self.acting_account()) {
            (Who::Key(key), None) => key.limited(Scope::owner(account)),
            (Who::Local(_), _) | (Who::Person(_), None) => Scope::owner(account),
            (Who::Key(_), Some(acting)) if acting == account => self.scope(),
            (Who::Person(session), Some(acting)) if acting == account => match session.tenant() {
                Some(tenant) => tenant.limited(Scope::owner(account)),
                None => Scope::owner(""),
            },
            // No account has this id.
            (Who::Key(_) | Who::Person(_), Some(_)) => Scope::owner(""),
        }
    }

    /// Its mode; a person has none.
    pub(crate) fn mode(&self) -> Option<Livemode> {
        match &self.who {
            Who::Key(key) => Some(key.mode),
            Who::Person(session) => session.tenant().map(|tenant| tenant.mode),
            Who::Local(_) => None,
        }
    }

    /// Its mode, in a word.
    pub(crate) fn mode_name(&self) -> &'static str {
        self.mode().map_or("any", Livemode::name)
    }

    /// Whether it holds a permission, for endpoints that ask for a second one.
    pub(crate) fn holds(&self, permission: &str, level: AccessLevel) -> bool {
        let holds = |granted: &Granted| granted.get(permission).is_some_and(|held| *held >= level);
        match &self.who {
            Who::Key(key) => holds(&key.own),
            Who::Person(session) => holds(&session.granted),
            Who::Local(_) => true,
        }
    }

    /// The bounds on what it may grant.
    pub(crate) fn ceiling(&self, passes_policy: Override) -> Ceiling {
        match &self.who {
            Who::Key(key) => Ceiling::of(management::Caller {
                mode: key.mode,
                own: key.own.clone(),
                connected: key.connected.clone(),
                passes_policy,
            }),
            Who::Person(session) => Ceiling::of(match session.tenant() {
                None => management::Caller {
                    mode: Livemode::Live,
                    own: session.granted.clone(),
                    connected: Granted::new(),
                    passes_policy,
                },
                // No permission to manage keys is among them, so no policy is passed over.
                Some(tenant) => management::Caller {
                    mode: tenant.mode,
                    own: tenant.own.clone(),
                    connected: tenant.connected.clone(),
                    passes_policy,
                },
            }),
            Who::Local(_) => Ceiling::none(),
        }
    }

    /// Whether it is an operator.
    pub(crate) fn is_operator(&self) -> bool {
        match &self.who {
            Who::Key(key) => key.is_operator,
            Who::Person(session) => session.tenant().is_none(),
            Who::Local(_) => true,
        }
    }
}

impl Tenant {
    /// The account, or all of its tree.
    fn scope(&self) -> Scope {
        self.limited(if self.is_root {
            Scope::tree(&self.account)
        } else {
            Scope::owner(&self.account)
        })
    }

    fn limited(&self, scope: Scope) -> Scope {
        match self.mode {
            Livemode::Live => scope,
            Livemode::Test => scope.test_only(),
        }
    }
}

impl KeyCaller {
    fn limited(&self, scope: Scope) -> Scope {
        match self.mode {
            Livemode::Live => scope,
            Livemode::Test => scope.test_only(),
        }
    }
}
