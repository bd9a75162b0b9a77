//! Runs one command line on a key file and on a server, and compares the output without what must
//! differ: ids, values, times, and where a change goes next.

use std::collections::HashMap;
use std::process::Command;
use std::sync::LazyLock;

use keyward_support::command::{Said, fed};
use keyward_support::key_file::Folder;
use regex::{Captures, Regex};

use crate::world::World;

/// A key file and a server, with the keys that commands have made in each.
pub(crate) struct Both {
    pub(crate) world: World,
    file: Folder,
    /// The ids of keys in the file and on the server, in order of creation.
    keys: Vec<[String; 2]>,
    /// The values that were shown, which must be nowhere else.
    pub(crate) values: Vec<String>,
    /// The id of the first key. The server uses it as the name of a key's maker.
    actor: String,
}

/// The output that both have in common.
pub(crate) struct Same {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

static ID: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"mk_[0-9A-Za-z]{16}").unwrap());
static VALUE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"[srp]k_(?:org|test|live)_[0-9A-Za-z]{99,}").unwrap());

impl Both {
    pub(crate) fn start() -> Self {
        let world = World::start();
        let listed = world.api("GET", "/v2/iam/api_keys?owner=acct_operator", None);
        let actor = listed.json()["data"][0]["id"].as_str().unwrap().to_owned();
        let file = Folder::new("both");
        // The operator's account and its key exist on the server only. The key's grants are not
        // compared.
        file.good(&[
            "accounts",
            "add",
            "acct_operator",
            "--name",
            "Operator",
            "--no-keys",
        ]);
        file.good(&[
            "keys",
            "create",
            "--owner",
            "acct_operator",
            "--mode",
            "live",
            "--name",
            "First key",
            "--grant",
            "api_key=write",
        ]);
        Self {
            world,
            file,
            keys: Vec::new(),
            values: Vec::new(),
            actor,
        }
    }

    /// Returns the command for the server, through the gateway.
    pub(crate) fn on_server(&self) -> Command {
        on_server(&self.world)
    }

    /// Runs a line on both: `$0` is the first key that was made. `only` is added to the server's
    /// line only.
    #[track_caller]
    pub(crate) fn run_with(&mut self, line: &[&str], only: &[&str], input: &str) -> Same {
        let filled = self.filled(line, 0);
        let filled: Vec<&str> = filled.iter().map(String::as_str).collect();
        let mut on_file = self.file.command(&filled);
        on_file.env("KEYWARD_ACTOR", &self.actor);
        let on_file: Said = fed(&mut on_file, input).into();
        let mut on_server = self.on_server();
        on_server.args(self.filled(line, 1)).args(only);
        let on_server: Said = fed(&mut on_server, input).into();
        let said = [&on_file, &on_server].map(|said| {
            for found in VALUE.find_iter(&said.out) {
                self.values.push(found.as_str().to_owned());
            }
            Same {
                code: said.code,
                out: plain(&said.out),
                err: plain(&said.err),
            }
        });
        let [file, server] = said;
        let shown = format!(
            "{line:?}\n--- file\n{}{}--- server\n{}{}",
            on_file.out, on_file.err, on_server.out, on_server.err
        );
        let shown = VALUE.replace_all(&shown, "VALUE");
        assert_eq!(file.code, server.code, "{shown}");
        assert_eq!(file.out, server.out, "{shown}");
        assert_eq!(file.err, server.err, "{shown}");
        self.note_keys(&on_file, &on_server);
        server
    }

    #[track_caller]
    pub(crate) fn run(&mut self, line: &[&str]) -> Same {
        self.run_with(line, &[], "")
    }

    /// Runs a line that must succeed on both.
    #[track_caller]
    pub(crate) fn good(&mut self, line: &[&str]) -> Same {
        let same = self.run(line);
        assert_eq!(same.code, Some(0), "{line:?}: {}", same.err);
        same
    }

    /// Runs a line that both must reject with this exit code, and returns the message.
    #[track_caller]
    pub(crate) fn refused(&mut self, code: i32, line: &[&str]) -> String {
        let same = self.run(line);
        assert_eq!(same.code, Some(code), "{line:?}: {}{}", same.out, same.err);
        assert!(!same.err.is_empty(), "{line:?}");
        same.err
    }

    fn filled(&self, line: &[&str], side: usize) -> Vec<String> {
        let mut filled: Vec<String> = line.iter().map(|part| (*part).to_owned()).collect();
        for (number, ids) in self.keys.iter().enumerate() {
            for part in &mut filled {
                if *part == format!("${number}") {
                    part.clone_from(&ids[side]);
                }
            }
        }
        filled
    }

    /// Records the new keys, in the order that both list them in.
    fn note_keys(&mut self, file: &Said, server: &Said) {
        let all = |said: &Said| -> Vec<String> {
            let text = format!("{}{}", said.out, said.err);
            let found = ID.find_iter(&text).map(|id| id.as_str().to_owned());
            found.collect()
        };
        for (one, other) in all(file).into_iter().zip(all(server)) {
            let is_known = self.keys.iter().any(|ids| ids[0] == one);
            if !is_known && other != self.actor {
                self.keys.push([one, other]);
            }
        }
    }
}

/// Returns the command for a server, through its gateway.
pub(crate) fn on_server(world: &World) -> Command {
    let mut command = keyward_support::command::command();
    command
        .env("KEYWARD_SERVER", format!("http://{}", world.gateway))
        .env("KEYWARD_API_KEY", &world.first)
        .current_dir(world.folder.path());
    command
}

/// Returns a text without what must differ.
fn plain(text: &str) -> String {
    static TIME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z(?: \([^)]*\))?").unwrap()
    });
    static LAST4: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"(last4"?:? +"?)[0-9A-Za-z]{4}"#).unwrap());
    // Two commands may run in two different seconds.
    static SECONDS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            "(?-u:\\b)(?:now|in [0-9]+ seconds?|[0-9]+ seconds? ago|with the next push)(?-u:\\b)",
        )
        .unwrap()
    });
    static LONGER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("(?-u:\\b)in [0-9]+ (minutes|hours|days)").unwrap());
    static BLANKS: LazyLock<Regex> = LazyLock::new(|| Regex::new("   +").unwrap());
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let text = ID.replace_all(text, |id: &Captures<'_>| {
        let next = numbers.len();
        format!("mk_{:016}", numbers.entry(id[0].to_owned()).or_insert(next))
    });
    let text = VALUE.replace_all(&text, "VALUE");
    let text = TIME.replace_all(&text, "TIME");
    let text = LAST4.replace_all(&text, "${1}LAST");
    let text = text
        .replace("it takes effect with the next `keyward push`", "NEXT")
        .replace("the server publishes it to its gateways by itself", "NEXT");
    let text = SECONDS.replace_all(&text, "SOON");
    let text = LONGER.replace_all(&text, "in N $1");
    let text = BLANKS.replace_all(&text, "  ");
    let mut plain = String::new();
    for line in text.lines() {
        // The place of a record, and the journal or the audit trail.
        let member = line.trim_start();
        let is_place = member.starts_with("\"file\":") || member.starts_with("\"command\":");
        if is_place || line.starts_with("file ") {
            continue;
        }
        if line == "history:" {
            break;
        }
        if line.contains("First key") {
            continue;
        }
        plain.push_str(line.trim_end());
        plain.push('\n');
    }
    plain
}
