//! Failures of Envoy.

use std::fmt;

/// What Envoy failed to do, or did unreliably. In that case, keyward makes no verdict and denies
/// the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) &'static str);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
