//! What a caller can see. Every statement on a tenant's records takes a [`Scope`], which becomes a
//! condition in its SQL. A call without one does not compile.

use rusqlite::types::Value;

/// The accounts whose records a statement covers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reach {
    Everything,
    Owner(String),
    Tree(String),
}

/// The records that a caller can see: whose they are, and whether live mode is included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    reach: Reach,
    is_test_only: bool,
}

impl Scope {
    /// Returns the scope of the operator, and of what the server does by itself: everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::of(Reach::Everything)
    }

    /// Returns the scope of everything that one account owns.
    #[must_use]
    pub fn owner(account: &str) -> Self {
        Self::of(Reach::Owner(account.to_owned()))
    }

    /// Returns the scope of everything that a root and all accounts below it own.
    #[must_use]
    pub fn tree(root: &str) -> Self {
        Self::of(Reach::Tree(root.to_owned()))
    }

    /// Excludes live mode, which a test key cannot see.
    #[must_use]
    pub fn test_only(self) -> Self {
        Self {
            is_test_only: true,
            ..self
        }
    }

    fn of(reach: Reach) -> Self {
        Self {
            reach,
            is_test_only: false,
        }
    }

    /// Returns whether it covers everything.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        self.reach == Reach::Everything && !self.is_test_only
    }

    /// Whether it is that of a tenant: of one account, or of one tree.
    pub(super) fn is_of_tenant(&self) -> bool {
        match &self.reach {
            Reach::Everything => false,
            Reach::Owner(_) | Reach::Tree(_) => true,
        }
    }

    /// Limits a statement on keys.
    pub(super) fn of_keys(&self, statement: &mut Where) {
        self.reaches(statement, "owner", "root");
        if self.is_test_only {
            statement.and("livemode = 0");
        }
    }

    /// Limits a statement on accounts, which have no mode.
    pub(super) fn of_accounts(&self, statement: &mut Where) {
        self.reaches(statement, "id", "root");
    }

    /// Limits a statement on activity. Rows without a mode are visible in both modes.
    pub(super) fn of_activity(&self, statement: &mut Where) {
        self.reaches(statement, "context", "root");
        if self.is_test_only {
            statement.and("livemode IS NOT 1");
        }
    }

    /// Limits a statement on sessions. Those of operators belong to no account.
    pub(super) fn of_sessions(&self, statement: &mut Where) {
        match &self.reach {
            Reach::Everything => {}
            Reach::Owner(account) => statement.and_is("account =", account.clone()),
            Reach::Tree(root) => {
                let id = statement.value(root.clone());
                statement.and(&format!(
                    "account IN (SELECT id FROM accounts WHERE root = {id})"
                ));
            }
        }
    }

    /// Limits a statement on the counters of keys.
    pub(super) fn of_counters(&self, statement: &mut Where) {
        match &self.reach {
            Reach::Everything => {}
            Reach::Owner(account) => statement.and_is("owner =", account.clone()),
            Reach::Tree(root) => {
                let id = statement.value(root.clone());
                statement.and(&format!(
                    "owner IN (SELECT id FROM accounts WHERE root = {id})"
                ));
            }
        }
        if self.is_test_only {
            statement.and("livemode = 0");
        }
    }

    fn reaches(&self, statement: &mut Where, owner: &str, root: &str) {
        match &self.reach {
            Reach::Everything => {}
            Reach::Owner(account) => statement.and_is(&format!("{owner} ="), account.clone()),
            Reach::Tree(id) => statement.and_is(&format!("{root} ="), id.clone()),
        }
    }
}

/// The conditions of a statement, as they are collected, with the values of their placeholders.
#[derive(Debug, Default)]
pub(super) struct Where {
    conditions: String,
    values: Vec<Value>,
}

impl Where {
    /// Starts without a condition.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a value, and returns its placeholder.
    pub(super) fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("?{}", self.values.len())
    }

    /// Adds a condition. Its text is a constant of the program.
    pub(super) fn and(&mut self, condition: &str) {
        let word = if self.conditions.is_empty() {
            " WHERE "
        } else {
            " AND "
        };
        self.conditions.push_str(word);
        self.conditions.push_str(condition);
    }

    /// Adds a condition: `left` followed by a value.
    pub(super) fn and_is(&mut self, left: &str, value: impl Into<Value>) {
        let placeholder = self.value(value);
        self.and(&format!("{left} {placeholder}"));
    }

    /// Returns the conditions for use after another one: ` AND …`, or an empty string.
    pub(super) fn others(&self) -> String {
        self.conditions.replacen(" WHERE ", " AND ", 1)
    }

    /// Keeps the values, and replaces all conditions with this one.
    pub(super) fn narrowed_to(self, condition: &str) -> Self {
        let mut only = Self {
            conditions: String::new(),
            values: self.values,
        };
        only.and(condition);
        only
    }

    /// Returns the conditions, beginning with `WHERE`, and the values.
    pub(super) fn parts(&self) -> (&str, &[Value]) {
        (&self.conditions, &self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(scope: &Scope) -> (String, usize) {
        let mut statement = Where::new();
        scope.of_keys(&mut statement);
        let (conditions, values) = statement.parts();
        (conditions.to_owned(), values.len())
    }

    #[test]
    fn a_scope_is_a_condition() {
        assert_eq!(keys(&Scope::everything()), (String::new(), 0));
        assert_eq!(
            keys(&Scope::owner("acct_1")),
            (" WHERE owner = ?1".to_owned(), 1)
        );
        assert_eq!(
            keys(&Scope::tree("org_1").test_only()),
            (" WHERE root = ?1 AND livemode = 0".to_owned(), 1)
        );
        assert_eq!(
            keys(&Scope::everything().test_only()),
            (" WHERE livemode = 0".to_owned(), 0)
        );
    }
}
