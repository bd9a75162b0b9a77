//! The packed form, by the command.

mod command;
