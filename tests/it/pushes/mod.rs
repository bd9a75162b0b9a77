//! Hostile and broken pushes to a real Envoy that goes on serving: what is refused loses nothing, what is told of it is a place and never content.

mod alternating;
mod everywhere;
mod malformed;
mod packed;
