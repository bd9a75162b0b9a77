//! `keyward publish` and `keyward feed`, as a person runs them.

mod command;
mod kills;
mod mirror;
mod nginx;
mod serve;
mod signify;
mod watch;
