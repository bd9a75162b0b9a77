//! Forms that someone else wrote.

use super::{OWNER, SITES, fields, keys, started};
use crate::browser::field;

#[test]
fn a_form_of_another_origin_changes_nothing() {
    let world = started();
    for site in SITES {
        let browser = site.browser(&world);
        let new = site.at("/keys/new");
        let form = browser.get(&new);
        let csrf = field(form.text(), "name=\"csrf\"", "value");
        let mut sent = vec![("csrf", csrf)];
        sent.extend(fields("x"));
        for (what, headers) in [
            ("another site", vec![("sec-fetch-site", "cross-site")]),
            ("a sibling", vec![("sec-fetch-site", "same-site")]),
            ("typed", vec![("sec-fetch-site", "none")]),
            ("another origin", vec![("origin", "https://evil.example")]),
            ("an opaque origin", vec![("origin", "null")]),
            ("nothing said", vec![]),
        ] {
            let answer = browser.post_with(&new, &sent, &headers);
            assert_eq!(answer.status, 403, "{site:?}, {what}: {}", answer.text());
        }
        // A form of these pages without the session's token, or with another session's.
        let strange = site.browser(&world).get(&new);
        let strange = field(strange.text(), "name=\"csrf\"", "value");
        // Of the same person, at the other place.
        let elsewhere = site
            .other()
            .browser(&world)
            .get(&site.other().at("/keys/new"));
        let elsewhere = field(elsewhere.text(), "name=\"csrf\"", "value");
        for csrf in ["", strange, elsewhere] {
            let mut sent = vec![("csrf", csrf)];
            sent.extend(fields("x"));
            let answer = browser.post(&new, &sent);
            assert_eq!(answer.status, 403, "{site:?}: {}", answer.text());
        }
        // Signing someone else in, and signing someone out, are also forms.
        let url = site.link(&world);
        let headers = [("sec-fetch-site", "cross-site")];
        for (path, sent) in [
            ("/enter", vec![("code", url.as_str())]),
            ("/leave", vec![("csrf", csrf)]),
        ] {
            let answer = browser.post_with(&site.at(path), &sent, &headers);
            assert_eq!(answer.status, 403, "{site:?} {path}");
        }
        assert_eq!(browser.get(&site.at("/keys")).status, 200, "{site:?}");
        // A GET changes nothing, whatever its query says.
        let query = format!("{new}?name=x&account={OWNER}&mode=test&ends=30&csrf={csrf}");
        assert_eq!(browser.get(&query).status, 200);
        assert_eq!(keys(&world), 0, "{site:?}");
    }
}

#[test]
fn a_value_of_a_key_is_taken_by_no_form_and_no_search() {
    let world = started();
    for site in SITES {
        let browser = site.browser(&world);
        let new = site.at("/keys/new");
        let form = browser.get(&new);
        let value = "sk_test_FAKE-alice-0001";
        for (member, sent) in [
            ("name", [("name", value), ("account", OWNER)]),
            ("note", [("note", value), ("account", OWNER)]),
            ("labels", [("labels", value), ("account", OWNER)]),
            ("account", [("name", "x"), ("account", value)]),
        ] {
            // The portal takes no account from a form.
            let mut sent = sent.to_vec();
            sent.extend([("name", "x"), ("mode", "test"), ("ends", "30")]);
            let answer = browser.send(&form, &new, &sent);
            assert_eq!(answer.status, 400, "{site:?} {member}: {}", answer.text());
            assert!(!answer.text().contains(value), "it is shown again");
        }
        let answer = browser.get(&site.at(&format!("/keys?q={value}")));
        assert_eq!(answer.status, 400, "{site:?}");
        assert!(!answer.text().contains(value), "{site:?}");
    }
    assert_eq!(keys(&world), 0);
}
