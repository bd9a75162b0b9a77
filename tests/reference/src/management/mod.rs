//! A store of accounts and keys in a few maps, and commands on it: what the stores of the command and
//! of the server are compared with. The rules are the core's own, so what is compared is what a store
//! reads for them and what it makes of their decisions.

mod commands;
mod records;

pub use commands::command;
pub use records::{Records, Seeded};
