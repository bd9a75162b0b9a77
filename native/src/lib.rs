//! The filter as a native module of Envoy.
