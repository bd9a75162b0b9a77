//! The parts of pages. Every part takes plain text and escapes it by the same function, and none reads a clock.

pub(crate) mod actions;
pub(in crate::pages) mod brand;
pub(crate) mod fields;
pub(crate) mod layout;
pub(crate) mod mark;
pub(crate) mod matrix;
pub(crate) mod message;
pub(crate) mod pairs;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod value;

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use example::permissions as permissions_of_stripe;

pub(crate) use mark::{Tone, mark, state_badge};
pub(crate) use text::{Lines, Parts, Text};
pub(crate) use time::time;
