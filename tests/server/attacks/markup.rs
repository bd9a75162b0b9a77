//! Texts that would be markup, if a page took them for it.

use super::{OWNER, SITES, made, prepare};
use crate::world::World;

const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}evil";

#[test]
fn markup_and_marks_that_turn_text_are_shown_as_text() {
    // The provider's name, the account's name, and what the key says of itself.
    let world = World::start_with(|data| {
        let file = data.join("keyward-server.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let text = text.replace(
            "name = \"Widgets\"",
            "name = \"<script>alert(2)</script> & 'Widgets'\"",
        );
        assert!(text.contains("alert(2)"), "{text}");
        std::fs::write(&file, text).unwrap();
    });
    prepare(&world);
    let name = serde_json::json!({"name": HOSTILE});
    let named = world.api("POST", &format!("/v2/keyward/accounts/{OWNER}"), Some(name));
    assert_eq!(named.status, 200, "{}", named.text());
    for site in SITES {
        let browser = site.browser(&world);
        let more = [("note", HOSTILE), ("labels", &format!("a: {HOSTILE}"))];
        let (id, _) = made(site, &browser, HOSTILE, &more);
        for path in [
            "/keys".to_owned(),
            "/keys?q=%3Cscript%3E%22".to_owned(),
            format!("/keys/{id}"),
            format!("/keys/{id}?ask=%3Cscript%3E"),
            format!("/keys/{id}/details"),
            format!("/keys/{id}/rotate"),
            format!("/keys/{id}/delete"),
            format!("/keys/{id}/duplicate"),
            format!("/keys/{id}/history"),
            format!("/keys/new?from={id}"),
            "/enter?key=%22%3E%3Cscript%3E&ask=%22%3E%3Cscript%3E&begin=%22%3E".to_owned(),
        ] {
            let path = site.at(&path);
            let page = browser.get(&path);
            assert_eq!(page.status, 200, "{path}: {}", page.text());
            assert!(!page.text().contains("<script>"), "{path}");
            assert!(!shown(page.text()).contains('\u{202e}'), "{path}");
        }
    }
}

/// The text outside of fields: a field holds what was entered as it is.
fn shown(page: &str) -> String {
    let outside: String = page
        .split("<textarea")
        .map(|part| part.rsplit("</textarea>").next().unwrap())
        .collect();
    let inputs = outside.split("<input");
    inputs
        .map(|part| part.split_once('>').map_or(part, |(_, rest)| rest))
        .collect()
}
