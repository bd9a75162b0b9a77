//! The usage pages of all plugins in this process. The wasm filter uses Envoy's shared data
//! instead.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use keyward::usage::Store;

static PAGES: Mutex<Option<HashMap<Box<str>, Page>>> = Mutex::new(None);

struct Page {
    text: Box<[u8]>,
    version: u32,
}

/// The pages of this process.
pub(crate) struct Pages;

fn pages() -> MutexGuard<'static, Option<HashMap<Box<str>, Page>>> {
    // Valid after a panic as well: a page is either the old one or the new one.
    PAGES.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Pages {
    fn get(&mut self, name: &str) -> Option<(Box<[u8]>, u32)> {
        let pages = pages();
        let page = pages.as_ref()?.get(name)?;
        Some((page.text.clone(), page.version))
    }

    fn set(&mut self, name: &str, text: &[u8], version: u32) -> bool {
        let mut pages = pages();
        let pages = pages.get_or_insert_default();
        match pages.get_mut(name) {
            Some(page) if page.version != version => false,
            Some(page) => {
                page.text = text.into();
                page.version = page.version.wrapping_add(1);
                true
            }
            None => {
                let text = text.into();
                pages.insert(name.into(), Page { text, version: 1 });
                true
            }
        }
    }
}
