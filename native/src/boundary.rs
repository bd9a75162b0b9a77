//! Where Envoy calls: a panic that left a hook would end the process, so none does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::abi::{ERROR, log};

/// What `hook` returns; `None` where it panicked. Whatever it drops is dropped in here.
pub(crate) fn caught<R>(hook: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(hook)) {
        Ok(result) => Some(result),
        Err(payload) => {
            // Dropping it could panic as well.
            std::mem::forget(payload);
            None
        }
    }
}

/// Has a panic say where it was, and not what: its message may quote a request.
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
