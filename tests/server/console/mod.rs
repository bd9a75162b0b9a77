//! The console, as a browser reaches it through Envoy.

mod check;
mod check_sets;
mod flows;
mod hidden;
mod many;
mod roles;
mod sign_in;
mod try_it;

use crate::browser::{Browser, field};

/// Makes a key with the form. Returns the key and its value.
pub(super) fn made(browser: &Browser<'_>, name: &str, more: &[(&str, &str)]) -> (String, String) {
    let form = browser.get("/console/keys/new");
    assert_eq!(form.status, 200, "{}", form.text());
    let mut fields = vec![
        ("name", name),
        ("account", "acct_widgets"),
        ("mode", "test"),
        ("p.customer", "read"),
        ("ends", "90"),
    ];
    fields.extend_from_slice(more);
    let answer = browser.send(&form, "/console/keys/new", &fields);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let value = field(answer.text(), "id=\"value\"", "value").to_owned();
    let page = answer.text();
    let (_, after) = page.split_once("action=\"/console/keys/").unwrap();
    let id = after.split('/').next().unwrap().to_owned();
    (id, value)
}
