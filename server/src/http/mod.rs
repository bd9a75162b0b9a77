//! HTTP: sockets, the steps that all endpoints share, and the form of answers.

pub(crate) mod address;
pub(crate) mod body;
pub(crate) mod call;
pub(crate) mod conditions;
pub(crate) mod failure;
pub(crate) mod listener;
pub(crate) mod paging;
pub(crate) mod principal;
pub(crate) mod query;
pub(crate) mod rate;
pub(crate) mod raw_key;
pub(crate) mod reply;
pub(crate) mod waits;
