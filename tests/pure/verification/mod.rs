//! Verification and the decision agree.

mod agreement;
