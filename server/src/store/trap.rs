//! A switch for tests of the crash harness: a store that acknowledges before it commits has to be
//! caught. It is compiled into test builds only.

/// Whether this process was started as the store that has to be caught.
pub(super) fn acknowledges_early() -> bool {
    std::env::var_os("KEYWARD_TEST_ACKNOWLEDGE_EARLY").is_some()
}
