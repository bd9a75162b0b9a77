//! One line of the access log: a JSON object per request, as the loggers under `envoy/` write it
//! and `docs/logs.md` describes it. [`Line::parse`] reads the JSON, [`Line::record`] its meaning.
//! Both return the reason if they cannot, and neither panics on any input. Text from a client stays
//! in [`Text`], whose output no terminal or page can execute. Nothing here reads a file or a clock.

mod line;
mod text;

#[cfg(test)]
mod tests;

pub use keyward::state::{Named, State, Verdict};
pub use line::{Line, Record, Skip};
pub use text::{Text, printable};
