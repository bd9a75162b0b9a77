//! Envoy's data that all VMs with the same name share.

use super::abi;
use super::timer;
use crate::filter::usage::Timed;
use crate::usage::Store;

pub(super) struct SharedData;

impl Store for SharedData {
    fn get(&mut self, name: &str) -> Option<(Box<[u8]>, u32)> {
        abi::shared_data(name).ok().flatten()
    }

    fn set(&mut self, name: &str, text: &[u8], version: u32) -> bool {
        abi::set_shared_data(name, text, version).is_ok()
    }
}

impl Timed for SharedData {
    fn now(&mut self) -> Option<u64> {
        abi::now()
    }

    fn wake(&mut self) {
        timer::wake();
    }
}
