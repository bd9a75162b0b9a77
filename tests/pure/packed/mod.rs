//! The packed form, through the command.

mod command;
