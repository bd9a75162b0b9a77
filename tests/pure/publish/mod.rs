//! Runs `keyward publish` and `keyward feed` as a person would.

mod command;
mod kills;
mod mirror;
mod nginx;
mod serve;
mod signify;
mod watch;
