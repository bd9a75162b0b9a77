//! The built-in catalogue in a real Envoy.

mod walk;
