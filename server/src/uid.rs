//! A user of this machine, by number.

use anyhow::{Context, Result, bail};

/// The number of a user. The overflow user does not count: every user without a number here has that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uid(u32);

/// What the kernel shows of users that have no number in this namespace.
///
/// Source: `/proc/sys/kernel/overflowuid`, user_namespaces(7)
const OVERFLOW: u32 = 65_534;

impl Uid {
    /// Reads a number, or a name of `/etc/passwd`.
    pub fn parse(text: &str) -> Result<Self> {
        let number = match text.parse() {
            Ok(number) => number,
            Err(_) => {
                let users = std::fs::read_to_string("/etc/passwd")
                    .context("`/etc/passwd` cannot be read")?;
                find(&users, text).context("there is no user of that name in `/etc/passwd`")?
            }
        };
        if number == OVERFLOW {
            bail!("{OVERFLOW} is every user that has no number here, so it cannot be trusted");
        }
        Ok(Self(number))
    }

    /// The user that this process runs as.
    #[must_use]
    pub fn own() -> Self {
        Self(rustix::process::geteuid().as_raw())
    }

    /// What the kernel says of a socket's other end.
    #[must_use]
    pub fn of_peer(number: u32) -> Self {
        Self(number)
    }

    /// Whether it is root.
    #[must_use]
    pub fn is_root(self) -> bool {
        self.0 == 0
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }

    /// `1000(admin)`, or the number where it has no name.
    #[must_use]
    pub fn shown(self) -> String {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        match name_of(&users, self.0) {
            Some(name) => format!("{}({name})", self.0),
            None => self.0.to_string(),
        }
    }
}

/// Name and number of each user.
fn rows(users: &str) -> impl Iterator<Item = (&str, u32)> {
    users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        Some((name, fields.nth(1)?.parse().ok()?))
    })
}

fn find(users: &str, name: &str) -> Option<u32> {
    rows(users).find(|row| row.0 == name).map(|row| row.1)
}

/// The name, if the trail can hold it.
fn name_of(users: &str, number: u32) -> Option<&str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let name = rows(users).find(|row| row.1 == number)?.0;
    Some(name).filter(|name| name.len() <= 32 && name.bytes().all(is_plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str =
        "root:x:0:0:root:/root:/bin/sh\nenvoy:x:101:101::/:/bin/false\nodd name:x:7:7::/:\n";

    #[test]
    fn users_are_found_by_name_and_by_number() {
        assert_eq!(find(USERS, "envoy"), Some(101));
        assert_eq!(find(USERS, "env"), None);
        assert_eq!(name_of(USERS, 101), Some("envoy"));
        assert_eq!(name_of(USERS, 7), None);
        assert_eq!(name_of(USERS, 102), None);
    }

    #[test]
    fn the_overflow_user_is_refused() {
        assert_eq!(Uid::parse("101").unwrap(), Uid(101));
        assert!(
            Uid::parse("65534")
                .unwrap_err()
                .to_string()
                .contains("cannot be trusted")
        );
    }
}
