//! Values that cannot be missing. If one is, a debug build panics, and a release build continues
//! with the empty value.

/// A value that exists because of an invariant.
pub trait Held<T> {
    /// The value. `why` says what holds.
    #[track_caller]
    fn held(self, why: &'static str) -> T;
}

impl<T: Default> Held<T> for Option<T> {
    fn held(self, why: &'static str) -> T {
        debug_assert!(self.is_some(), "{why}");
        self.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_handed_on() {
        assert_eq!(Some(7).held("seven"), 7);
    }

    #[test]
    #[should_panic(expected = "ranges lie in the text")]
    #[cfg(debug_assertions)]
    fn what_is_missing_is_no_secret_in_a_debug_build() {
        let text: &str = "".get(1..2).held("ranges lie in the text");
        assert_eq!(text, "");
    }
}
