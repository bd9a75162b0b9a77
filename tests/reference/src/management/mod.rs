//! A store of accounts and keys in a few maps, with commands: the stores of the command and of the
//! server are compared with it. The rules are the core's own. So the comparison covers what a store
//! reads for the rules, and what it makes of their decisions.

mod commands;
mod records;

pub use commands::command;
pub use records::{Records, Seeded};
