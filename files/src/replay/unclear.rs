//! Why a request cannot be compared.

use keyward::reason::DenyReason;

/// Why nothing can be said about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unclear {
    /// keyward did not judge it: Envoy answered before, or the interlock did.
    NoVerdict,
    /// The log has no path: the request had none, or the path seemed to contain a key.
    NoPath,
    /// The logged method and path do not require the permission that decided: keyward decided on
    /// another path, or a query required more.
    AnotherPermission,
    /// Its key is not in the old snapshot.
    UnknownToOld,
    /// Its verdict depends on something that no log contains: another header, the query, or the
    /// state of the gateway.
    BeyondALog(DenyReason),
    /// The log names the old snapshot's revision, but with what the log contains, that snapshot
    /// decides differently.
    NotExplained,
}

impl Unclear {
    /// In words.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::NoVerdict => "keyward gave no verdict".to_owned(),
            Self::NoPath => "the log does not have its path".to_owned(),
            Self::AnotherPermission => "the permission that decided is not one that the logged path asks for: an expansion asked for it, or the log has another path than the one that was decided about".to_owned(),
            Self::UnknownToOld => "the key is not in the old snapshot".to_owned(),
            Self::BeyondALog(reason) => {
                format!("`{}` rests on what no log holds", reason.name())
            }
            Self::NotExplained => {
                "the old snapshot does not explain the verdict by what the log holds".to_owned()
            }
        }
    }
}
