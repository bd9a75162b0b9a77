//! A switch for tests of the crash harness, which must detect a store that acknowledges before it
//! commits. It is compiled into test builds only.

/// Returns whether this process was started as the store that the harness must detect.
pub(super) fn acknowledges_early() -> bool {
    std::env::var_os("KEYWARD_TEST_ACKNOWLEDGE_EARLY").is_some()
}

/// Waits between an early acknowledgement and its commit. The kernel keeps what a killed process
/// has written, so without this only a kill within some microseconds would lose anything.
pub(super) fn wait() {
    std::thread::sleep(std::time::Duration::from_millis(3));
}
