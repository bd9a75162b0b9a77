//! What the gateway reports about a caller. The server uses only the key's id, and reads from the
//! store what the key may do.

use axum::http::HeaderMap;
use keyward::configuration::PRINCIPAL_HEADER;
use keyward::key::KeyKind;
use keyward::permission::AccessLevel;
use keyward::principal::Member;
use keyward::word::Word;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

/// A principal header that keyward could have written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// The key's id.
    pub(crate) key: String,
    /// The permission that decided. A key with every permission has none, because the filter does
    /// not look it up.
    pub(crate) permission: Option<(String, AccessLevel)>,
}

/// Reads the only principal header. Several headers, or one that is not a dictionary as the filter
/// writes it, count as no principal.
#[must_use]
pub(crate) fn told(headers: &HeaderMap) -> Option<Told> {
    let mut all = headers.get_all(PRINCIPAL_HEADER).iter();
    let only = all.next().filter(|_| all.next().is_none())?;
    read(only.as_bytes())
}

/// Reads the header's value.
#[must_use]
pub(crate) fn read(value: &[u8]) -> Option<Told> {
    let members: Dictionary = Parser::new(value).parse().ok()?;
    // If a member is repeated, the dictionary contains only the last one. No string that keyward
    // writes contains a comma.
    if value.split(|byte| *byte == b',').count() != members.len() {
        return None;
    }
    let (mut key, mut permission, mut access) = (None, None, None);
    let (mut kind, mut livemode, mut revision) = (false, false, false);
    for (name, entry) in &members {
        let ListEntry::Item(item) = entry else {
            return None;
        };
        if !item.params.is_empty() {
            return None;
        }
        let item = &item.bare_item;
        match Member::from_word(name.as_str())? {
            Member::Key => key = Some(text(item).filter(|id| is_id(id))?.to_owned()),
            Member::Kind => {
                let name = token(item)?;
                kind = KeyKind::ALL.iter().any(|kind| kind.name() == name);
            }
            Member::Livemode => livemode = matches!(item, BareItem::Boolean(_)),
            Member::Account | Member::Path | Member::Org => {
                text(item)?;
            }
            Member::Permission => permission = Some(text(item)?.to_owned()),
            Member::Access => {
                let name = token(item)?;
                access = [AccessLevel::Read, AccessLevel::Write]
                    .into_iter()
                    .find(|level| level.name() == name);
                access?;
            }
            Member::Revision => revision = matches!(item, BareItem::Integer(_)),
        }
    }
    let permission = match (permission, access) {
        (Some(permission), Some(access)) => Some((permission, access)),
        (None, None) => None,
        (Some(_), None) | (None, Some(_)) => return None,
    };
    (kind && livemode && revision).then_some(())?;
    Some(Told {
        key: key?,
        permission,
    })
}

fn text(item: &BareItem) -> Option<&str> {
    item.as_string().map(|text| text.as_str())
}

fn token(item: &BareItem) -> Option<&str> {
    item.as_token().map(|token| token.as_str())
}

/// Returns whether the text is spelled like an id in a snapshot.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = r#"key="mk_1", kind=restricted, livemode=?1, account="acct_1", path="acct_1", permission="api_key", access=write, revision=7"#;

    #[test]
    fn what_the_filter_writes_is_read() {
        let told = read(WRITTEN.as_bytes()).unwrap();
        assert_eq!(told.key, "mk_1");
        assert_eq!(
            told.permission,
            Some(("api_key".to_owned(), AccessLevel::Write))
        );
        let unrestricted =
            r#"key="mk_1", kind=secret, livemode=?0, account="acct_1", path="acct_1", revision=7"#;
        assert_eq!(read(unrestricted.as_bytes()).unwrap().permission, None);
    }

    #[test]
    fn every_member_that_must_be_there_is() {
        for member in [
            r#"key="mk_1", "#,
            "kind=restricted, ",
            "livemode=?1, ",
            r#"permission="api_key", "#,
            "access=write, ",
            ", revision=7",
        ] {
            let without = WRITTEN.replace(member, "");
            assert_ne!(without, WRITTEN);
            assert_eq!(read(without.as_bytes()), None, "{without}");
        }
    }

    #[test]
    fn what_the_filter_never_writes_is_none() {
        for (from, to) in [
            (r#""mk_1""#, "mk_1"),
            (r#""mk_1""#, r#""mk 1""#),
            (r#""mk_1""#, r#""""#),
            (r#""mk_1""#, r#"("mk_1")"#),
            (r#""mk_1""#, r#""mk_1";a=1"#),
            ("restricted", "admin"),
            ("?1", "1"),
            ("access=write", "access=own"),
            ("revision=7", "revision=7.5"),
            ("revision=7", "revision=7, more=1"),
            ("revision=7", r#"revision=7, key="mk_2""#),
            (r#"account="acct_1""#, r#"account="acct_1,""#),
        ] {
            let altered = WRITTEN.replacen(from, to, 1);
            assert_ne!(altered, WRITTEN);
            assert_eq!(read(altered.as_bytes()), None, "{altered}");
        }
        assert_eq!(read(b""), None);
        assert_eq!(read(&[0xff]), None);
    }

    #[test]
    fn two_headers_are_none() {
        let mut headers = HeaderMap::new();
        headers.append(PRINCIPAL_HEADER, WRITTEN.parse().unwrap());
        assert!(told(&headers).is_some());
        headers.append(PRINCIPAL_HEADER, WRITTEN.parse().unwrap());
        assert_eq!(told(&headers), None);
    }
}
