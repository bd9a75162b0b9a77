//! Who may do what on pages: opens every page with every role. The expectation follows from the
//! permission of the page's endpoint.

use keyward_server::pages::{Listed, listed, roles};
use keyward_server::routes::{ROUTES, Verb};

use crate::browser::Browser;
use crate::world::World;

/// The text of a page that the role does not include.
const REFUSED: &str = "does not include this page";

#[test]
fn every_page_answers_every_role_as_the_tables_say() {
    let world = World::start();
    let mut cells = 0;
    for (role, granted) in roles() {
        let browser = Browser::signed_in(&world, role);
        let any = browser.get("/console/keys");
        for page in listed() {
            // An object that does not exist: an allowed request gets "not found", and changes
            // nothing.
            let path = page.template.replace("{id}", "no_such");
            let answer = match page.method {
                Verb::Post => browser.send(&any, &path, &[]),
                Verb::Get | Verb::Put | Verb::Delete => browser.get(&path),
            };
            cells += 1;
            // A session of the console is not valid in the portal.
            if page.template.starts_with("/portal/") {
                assert_eq!(answer.status, 401, "{path} by {role}");
                continue;
            }
            let holds = |name: &&str| {
                let held = granted.get(*name);
                held.is_some_and(|held| *held >= page.needs.level)
            };
            let is_allowed = page.needs.asked.names().iter().any(holds);
            let is_refused = answer.status == 403 && answer.text().contains(REFUSED);
            assert_eq!(
                is_refused,
                !is_allowed,
                "{} {} by {role}: {} {}",
                page.method.name(),
                page.template,
                answer.status,
                answer.text()
            );
        }
    }
    assert_eq!(cells, roles().len() * listed().len());
    without_a_session(&world);
}

/// Opens pages without a session, and with a session of the other side.
fn without_a_session(world: &World) {
    let nobody = Browser::new(world);
    for Listed {
        method, template, ..
    } in listed()
    {
        let path = template.replace("{id}", "no_such");
        let answer = match method {
            Verb::Post => nobody.post(&path, &[]),
            Verb::Get | Verb::Put | Verb::Delete => nobody.get(&path),
        };
        assert_eq!(answer.status, 401, "{path}");
    }
    let admin = Browser::signed_in(world, "admin");
    for route in ROUTES {
        let path = route.template.replace(['{', '}'], "");
        let answer = match route.method {
            Verb::Post => admin.post(&path, &[]),
            Verb::Get | Verb::Put | Verb::Delete => admin.get(&path),
        };
        let denied = answer.header("x-keyward-denied");
        assert_eq!(denied, Some("missing_credential"), "{path}");
    }
}
