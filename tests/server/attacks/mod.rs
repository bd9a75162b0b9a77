//! What attacks on the pages achieve, in the console and in the portal: each test is for both.

mod answers;
mod credentials;
mod forms;
mod links;
mod markup;

use keyward_harness::http::{Connection, Response};
use serde_json::json;

use crate::browser::{Browser, field, link, portal_link};
use crate::world::World;

/// Where pages are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Console,
    Portal,
}

const SITES: [Site; 2] = [Site::Console, Site::Portal];

/// Whose keys the tests are about.
const OWNER: &str = "acct_widgets";

impl Site {
    /// The first segment of its paths.
    fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Portal => "portal",
        }
    }

    /// A path of it.
    fn at(self, rest: &str) -> String {
        format!("/{}{rest}", self.name())
    }

    /// The other one.
    fn other(self) -> Self {
        match self {
            Self::Console => Self::Portal,
            Self::Portal => Self::Console,
        }
    }

    /// A link for someone who makes and changes keys.
    fn link(self, world: &World) -> String {
        match self {
            Self::Console => link(world, "operator"),
            Self::Portal => {
                let body = json!({
                    "account": OWNER, "actor": {"id": "ada@acme.example", "name": "Ada"}, "return_url": "http://localhost/keys",
                });
                portal_link(world, &world.first, body)
            }
        }
    }

    /// Someone who is signed in.
    fn browser(self, world: &World) -> Browser<'_> {
        Browser::of_link(world, self.name(), &self.link(world))
    }
}

/// A server with the account, whose keys may read and change customers.
fn started() -> World {
    let world = World::start();
    prepare(&world);
    world
}

fn prepare(world: &World) {
    let policy = json!({"name": "customers", "permissions": ["customer_write"], "max_keys": 1_000});
    let made = world.api("POST", "/v2/keyward/key_policies", Some(policy));
    assert_eq!(made.status, 200, "{}", made.text());
    let account = json!({"id": OWNER, "name": "Widgets", "policy": "customers"});
    let made = world.api("POST", "/v2/keyward/accounts", Some(account));
    assert_eq!(made.status, 200, "{}", made.text());
}

/// The fields of a form that makes a key. The portal's form has no account, and its server takes none.
fn fields(name: &str) -> Vec<(&str, &str)> {
    vec![
        ("name", name),
        ("account", OWNER),
        ("mode", "test"),
        ("p.customer", "read"),
        ("ends", "30"),
    ]
}

/// Makes a key with the form. Returns its id and its value.
fn made(site: Site, browser: &Browser<'_>, name: &str, more: &[(&str, &str)]) -> (String, String) {
    let new = site.at("/keys/new");
    let form = browser.get(&new);
    assert_eq!(form.status, 200, "{}", form.text());
    let mut fields = fields(name);
    fields.extend_from_slice(more);
    let answer = browser.send(&form, &new, &fields);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let value = field(answer.text(), "id=\"value\"", "value").to_owned();
    let action = format!("action=\"{}/", site.at("/keys"));
    let (_, after) = answer.text().split_once(&action).unwrap();
    (after.split('/').next().unwrap().to_owned(), value)
}

/// How many keys the account has.
fn keys(world: &World) -> usize {
    let path = format!("/v2/iam/api_keys?owner={OWNER}");
    let list = world.api("GET", &path, None).json();
    list["data"].as_array().unwrap().len()
}

fn request(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    Connection::open(world.gateway).request(method, path, headers, b"")
}
