//! The boundary to Envoy. A panic that left a hook would end the process, so every panic is caught
//! here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::abi::{ERROR, log};

/// Runs `hook` and returns its result, or `None` if it panicked. Whatever the hook drops is dropped
/// inside.
pub(crate) fn caught<R>(hook: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(hook)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // Dropping the payload could panic as well.
            std::mem::forget(payload);
            None
        }
    }
}

/// Makes a panic report only its place. Its message may quote a request.
pub(crate) fn set_up() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            let place = place.as_deref().unwrap_or("an unknown place");
            log(
                ERROR,
                &format!("keyward: a panic at {place}; what it was about is denied"),
            );
        }));
    });
}
