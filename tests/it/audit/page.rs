//! Loads the page in a real Chromium: checks its content, that no script runs, and that it loads
//! nothing else.

use std::fs;
use std::process::Command;

use super::world::{KEYS, played};
use crate::browser::chromium::{FLAGS, binary_or_skip};
use crate::support::key_file::Folder;

/// Makes a desk with the page of a real log.
fn made(name: &str) -> (Folder, String) {
    let (desk, log) = played(name);
    desk.good(&["audit", "--html", "page.html", &log]);
    let page = fs::read_to_string(desk.path.join("page.html")).unwrap();
    (desk, page)
}

/// Returns a page's document once Chromium has loaded it.
fn dumped(desk: &Folder, chromium: &std::path::Path) -> String {
    let page = desk.path.join("page.html");
    let output = Command::new(chromium)
        .args(FLAGS)
        .arg(format!(
            "--user-data-dir={}",
            desk.path.join("profile").display()
        ))
        .env("HOME", &desk.path)
        .args(["--dump-dom", &format!("file://{}", page.display())])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_page_names_every_key_and_needs_nothing_beside_it() {
    let (_desk, page) = made("page");
    for (id, _) in KEYS.iter() {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}");
    }
    for part in [
        "<script",
        "<link",
        "<img",
        "<iframe",
        "javascript:",
        " style=",
        "http://",
        "https://",
        "url(",
    ] {
        assert!(!page.contains(part), "`{part}`");
    }
    for (at, _) in page.match_indices(" on") {
        let behind = page[at + 1..].trim_start_matches(|c: char| c.is_ascii_lowercase());
        assert!(!behind.starts_with('='), "an attribute that runs");
    }
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    assert!(page.contains("Billing &lt;script&gt;alert(1)&lt;/script&gt;"));
    for value in ["FAKE-billing", "FAKE-admin", "FAKE-stranger"] {
        assert!(!page.contains(value), "a key is on the page");
    }
}

#[test]
fn chromium_shows_it_with_its_style_and_runs_nothing() {
    let Some(chromium) = binary_or_skip("the page of an audit") else {
        return;
    };
    let (desk, page) = made("chromium");
    let document = dumped(&desk, &chromium);
    // The document is as it was written: nothing was added, and a name that looks like markup is
    // text.
    assert_eq!(
        document.matches("<article").count(),
        page.matches("<article").count()
    );
    assert_eq!(
        document.matches("<rect").count(),
        page.matches("<rect").count()
    );
    assert!(document.contains("Billing &lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(!document.contains("<script"));
    // A script that someone injected would not run, and a style sheet from another origin would not
    // load.
    let attacked = page
        .replace("</main>", "<p id=\"probe\">untouched</p><script>document.getElementById('probe').textContent = 'ran'</script></main>")
        .replace("<h1>", "<h1 onclick=\"x\" style=\"color: red\">");
    fs::write(desk.path.join("page.html"), attacked).unwrap();
    let document = dumped(&desk, &chromium);
    assert!(document.contains(">untouched</p>"), "a script ran");
}
