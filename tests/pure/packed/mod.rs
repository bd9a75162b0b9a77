//! The packed form, with the command.

mod command;
