//! Requests that a person in the portal of one organization makes to its pages about another one.

use keyward_server::pages::listed;
use keyward_server::routes::Verb;

use super::{NO_ACCOUNT, Tenant, nothing_of_others, same, unhurried};

/// Tries every way, and returns how many requests it made.
pub(super) fn try_all(own: &Tenant<'_>, other: &Tenant<'_>) -> usize {
    let browser = &own.browser;
    let mut asked = 0;
    // Every page that names a key, with every name and all fields of its forms.
    let form = browser.get(&format!("/portal/keys/{}/expire", own.key));
    for page in listed()
        .into_iter()
        .filter(|page| page.template.starts_with("/portal/") && page.template.contains('{'))
    {
        for (id, none) in other.names() {
            let at = |id: &str| page.template.replace("{id}", id);
            let ask = |id: &str| {
                unhurried(|| {
                    if page.method == Verb::Get {
                        return browser.get(&at(id));
                    }
                    let fields = [
                        ("name", "mine"),
                        ("note", "mine"),
                        ("ips", "127.0.0.1"),
                        ("ends", "now"),
                        ("overlap", "0"),
                        ("mode", "test"),
                        ("confirm", id),
                        ("account", own.root.as_str()),
                        ("p.customer", "write"),
                    ];
                    browser.send(&form, &at(id), &fields)
                })
            };
            let (theirs, nobodys) = (ask(id), ask(none));
            assert_eq!(theirs.status, 404, "{} {}", page.method.name(), at(id));
            same(own, &at(id), (&theirs, id), (&nobodys, none));
            asked += 2;
        }
    }
    // Filters, cursors, and a new key of another account.
    for (filter, value, none) in [
        ("account", other.root.as_str(), NO_ACCOUNT),
        ("account", &other.below, NO_ACCOUNT),
        ("q", other.word, "zinnia"),
        ("q", &other.key, "mk_0000000000000000"),
        ("by", &other.key, "mk_0000000000000000"),
        ("label", other.word, "zinnia"),
    ] {
        // The page repeats the search text, and nothing else of that account.
        let ask = |value: &str| {
            unhurried(|| browser.get(&format!("/portal/keys?state=all&{filter}={value}")))
        };
        same(own, filter, (&ask(value), value), (&ask(none), none));
        asked += 2;
    }
    let page = format!("/portal/keys?{}", other.cursor);
    nothing_of_others(own, "a cursor", unhurried(|| browser.get(&page)).text());
    for id in [&other.root, &other.below] {
        let ask = |id: &str| unhurried(|| browser.get(&format!("/portal/keys/new?account={id}")));
        same(
            own,
            "a new key",
            (&ask(id), id),
            (&ask(NO_ACCOUNT), NO_ACCOUNT),
        );
        let form = unhurried(|| browser.get("/portal/keys/new"));
        let send = |id: &str| {
            let fields = [
                ("name", "x"),
                ("account", id),
                ("mode", "test"),
                ("p.customer", "read"),
                ("ends", "30"),
            ];
            unhurried(|| browser.send(&form, "/portal/keys/new", &fields))
        };
        same(
            own,
            "a new key's form",
            (&send(id), id),
            (&send(NO_ACCOUNT), NO_ACCOUNT),
        );
        asked += 5;
    }
    // The pages also hide its internal labels from its own people.
    let page = browser.get(&format!("/portal/keys/{}", own.key));
    assert!(
        page.text().contains(own.word) && !page.text().contains("internal_rating"),
        "{}",
        page.text()
    );
    let found = browser.get("/portal/keys?q=bad");
    assert!(
        !found.text().contains(&own.key),
        "an internal label leads to a key"
    );
    asked + 2
}
