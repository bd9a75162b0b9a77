//! `--grant customer=read` and similar options, as they are written.

use keyward::management::{Grant, with_ending};
use keyward::permission::AccessLevel;

/// Parses `customer=read` or `category:billing=write`.
pub(crate) fn grant(text: &str) -> Result<Grant, String> {
    let (what, level) = text.split_once('=').ok_or_else(|| {
        let (name, level) = with_ending(text).unwrap_or(("customer", "read"));
        format!("expected a permission and its level, such as `{name}={level}`")
    })?;
    let level = match level {
        "none" => None,
        "read" => Some(AccessLevel::Read),
        "write" => Some(AccessLevel::Write),
        _ => return Err("expected the level `read`, `write` or `none`".to_owned()),
    };
    Ok(Grant::new(what, level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_grant_is_refused_with_an_example() {
        assert_eq!(
            grant("charge_write").unwrap_err(),
            "expected a permission and its level, such as `charge=write`"
        );
        assert!(grant("customer").unwrap_err().contains("`customer=read`"));
        assert!(grant("customer=all").unwrap_err().contains("`none`"));
        let read = Some(AccessLevel::Read);
        assert_eq!(grant("customer=read"), Ok(Grant::new("customer", read)));
        assert_eq!(grant("customer=none"), Ok(Grant::new("customer", None)));
    }
}
