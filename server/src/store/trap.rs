//! A switch for tests of the crash harness: a store that acknowledges before it commits has to be
//! caught. It is compiled into test builds only.

/// Whether this process was started as the store that has to be caught.
pub(super) fn acknowledges_early() -> bool {
    std::env::var_os("KEYWARD_TEST_ACKNOWLEDGE_EARLY").is_some()
}

/// What lies between an early acknowledgement and its commit: the kernel keeps what a killed
/// process wrote, so without it only some microseconds would lose anything.
pub(super) fn wait() {
    std::thread::sleep(std::time::Duration::from_millis(3));
}
