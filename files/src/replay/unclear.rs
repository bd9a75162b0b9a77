//! Why a request cannot be compared.

use keyward::reason::DenyReason;

/// Why nothing can be said of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unclear {
    /// keyward did not judge it: Envoy answered before, or the interlock did.
    NoVerdict,
    /// The log has no path: the request had none, or it looked as if it held a key.
    NoPath,
    /// The line's method and path do not ask for the permission that decided: keyward decided about another path, or a query asked for more.
    AnotherPermission,
    /// Its key is not in the old snapshot.
    UnknownToOld,
    /// Its verdict rests on what no log holds: another header, the query, the state of the gateway.
    BeyondALog(DenyReason),
    /// The log says the old snapshot's revision, and by what the log holds that snapshot decides otherwise.
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
