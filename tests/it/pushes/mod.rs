//! Hostile and broken pushes to a real Envoy that goes on serving: a refused push loses nothing, and its log line names a place and never content.

mod alternating;
mod everywhere;
mod malformed;
mod packed;
