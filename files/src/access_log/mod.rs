//! One line of the access log: a JSON object per request, as the loggers under `envoy/` write it and `docs/logs.md` describes it. [`Line::parse`] reads the JSON, [`Line::record`] what it says; either
//! shows why not, and neither fails in any other way, whatever the bytes are. A client's text stays in [`Text`], which shows itself so that neither a terminal nor a page can run it. Nothing
//! here reads a file or a clock.

mod line;
mod text;

#[cfg(test)]
mod tests;

pub use keyward::state::{Named, State, Verdict};
pub use line::{Line, Record, Skip};
pub use text::{Text, printable};
