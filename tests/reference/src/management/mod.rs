//! A store of accounts and keys in a few maps, and commands on it. The stores of the command and of
//! the server are compared with it. The rules are the core's own, so the comparison covers what a
//! store reads for them and how it applies their decisions.

mod commands;
mod records;

pub use commands::command;
pub use records::{Records, Seeded};
