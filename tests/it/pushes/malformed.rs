//! Pushes that were cut off, damaged or made to cause harm. The library decides whether each is
//! valid, and Envoy must agree. Meanwhile a stranger does not pass, and every key that worked
//! before works after.

use keyward::configuration::Configuration;
use serde_json::{Value, json};

use crate::fail_closed::{ALICE, BOB, STRANGER, Watch, configuration, digest, everywhere, status};
use crate::support::sample;
use crate::support::{Ecds, Envoy, Push, Wrapper, pb};

/// An Envoy that serves Alice, and a stranger who sends requests continuously.
struct Target {
    envoy: Envoy,
    stranger: Watch,
    pushes: usize,
}

impl Target {
    fn start(form: Ecds) -> Self {
        let start = configuration(1, &[ALICE]).to_string();
        let envoy = Envoy::builder().ecds(form).config(start).start();
        everywhere(&envoy, ALICE, 200);
        let stranger = Watch::start(envoy.address(), STRANGER);
        Self {
            envoy,
            stranger,
            pushes: 0,
        }
    }

    /// Pushes a configuration. Envoy must accept it exactly if the library does.
    #[track_caller]
    fn push(&mut self, what: &str, text: &str) -> bool {
        let is_good = Configuration::from_json(text.as_bytes()).is_ok();
        let verdict = self.envoy.push_and_wait(text);
        let expected = if is_good {
            Push::Accepted
        } else {
            Push::Rejected
        };
        assert_eq!(verdict, expected, "{what}");
        if !is_good {
            assert_eq!(status(&self.envoy, ALICE), 200, "{what}");
        }
        self.pushes += 1;
        is_good
    }

    #[track_caller]
    fn refused(&mut self, what: &str, text: &str) {
        assert!(!self.push(what, text), "{what} is taken");
    }

    /// Asserts that Envoy still accepts a good push, and that the stranger never passed.
    #[track_caller]
    fn end(self) {
        let last = configuration(9_000, &[BOB]).to_string();
        assert_eq!(self.envoy.push_and_wait(&last), Push::Accepted);
        everywhere(&self.envoy, BOB, 200);
        assert_eq!(status(&self.envoy, ALICE), 401);
        let answers = self.stranger.stop();
        assert_eq!(answers.into_keys().collect::<Vec<_>>(), [401]);
        assert!(!self.envoy.logs().contains("panicked"));
        let name = "http.gateway.rbac.keyward_interlock.denied";
        assert_eq!(self.envoy.stat(name), 0);
        println!("{} pushes", self.pushes);
    }
}

/// A sequence that looks random and is the same each time.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

#[test]
fn cut_off_and_bits_flipped() {
    let mut target = Target::start(Ecds::Json);
    let text = configuration(5, &[ALICE, BOB]).to_string();
    for end in (1..text.len()).step_by(11) {
        target.refused(&format!("the first {end} bytes"), &text[..end]);
    }
    let mut dice = Dice(7);
    let mut taken = 0;
    for _ in 0..200 {
        let mut bytes = text.clone().into_bytes();
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(7);
        // The string in Envoy's file is UTF-8, and remains so if only the lower seven bits are
        // flipped.
        let Ok(flipped) = String::from_utf8(bytes) else {
            continue;
        };
        if target.push(&format!("a bit of byte {at}"), &flipped) {
            taken += 1;
            let back = target
                .envoy
                .push_and_wait(&configuration(1, &[ALICE]).to_string());
            assert_eq!(back, Push::Accepted);
            everywhere(&target.envoy, ALICE, 200);
        }
    }
    assert!(taken < 120, "{taken}");
    target.end();
}

/// Damages Envoy's own file around the configuration.
#[test]
fn the_file_cut_off_and_bits_flipped() {
    let target = Target::start(Ecds::Pb);
    let text = configuration(1, &[ALICE]).to_string();
    let host = target.envoy.host();
    let filter = host.filter();
    let whole = pb::claiming(
        "2",
        (host, &filter),
        Wrapper::String,
        text.len(),
        text.as_bytes(),
    );
    let mut dice = Dice(11);
    let mut verdicts = std::collections::BTreeMap::new();
    let mut push = |file: &[u8]| {
        let verdict = target.envoy.push_file_and_wait(file);
        *verdicts.entry(format!("{verdict:?}")).or_insert(0) += 1;
        verdict
    };
    for end in (1..whole.len()).step_by(23) {
        assert_ne!(push(&whole[..end]), Push::Accepted, "{end}");
    }
    for _ in 0..120 {
        let mut file = whole.clone();
        let at = dice.below(file.len());
        file[at] ^= 1 << dice.below(8);
        push(&file);
    }
    assert_eq!(push(&whole), Push::Accepted);
    everywhere(&target.envoy, ALICE, 200);
    // Lengths that no content follows, up to more than a gigabyte.
    for claimed in [text.len() + 1, 1 << 20, 1 << 30, (1 << 31) - 1, 1 << 33] {
        for wrapper in [Wrapper::String, Wrapper::Bytes] {
            let file = pb::claiming("3", (host, &filter), wrapper, claimed, text.as_bytes());
            assert_ne!(push(&file), Push::Accepted, "{claimed}");
            assert_eq!(status(&target.envoy, ALICE), 200, "{claimed}");
        }
    }
    println!("{verdicts:?}");
    target.end();
}

#[test]
fn wrong_versions_numbers_and_shapes() {
    let mut target = Target::start(Ecds::Json);
    let good = || configuration(5, &[ALICE, BOB]);
    let with = |pointer: &str, value: Value| {
        let mut all = good();
        let (owner, member) = pointer.rsplit_once('/').unwrap();
        all.pointer_mut(owner).unwrap()[member] = value;
        all.to_string()
    };
    for format in [
        json!("keyward.snapshot/v2"),
        json!("keyward.snapshot/v0"),
        json!("keyward.snapshot/v1 "),
        json!("KEYWARD.SNAPSHOT/V1"),
        json!("keyward.snapshot/v99999999999"),
        json!(""),
        json!(1),
        json!(null),
    ] {
        target.refused(&format!("{format}"), &with("/snapshot/format", format));
    }
    for number in [
        "-1",
        "1e300",
        "1e999",
        "0.5",
        "18446744073709551616",
        "999999999999999999999999999999999999999",
        "1000000000000000",
        "0x10",
        "NaN",
        "\"5\"",
    ] {
        for member in ["revision", "issued_at"] {
            let text = with(&format!("/snapshot/{member}"), json!("NUMBER"));
            let text = text.replace("\"NUMBER\"", number);
            target.refused(&format!("{member}: {number}"), &text);
        }
    }
    // Cycles of one, two, three and a thousand accounts.
    for length in [1, 2, 3, 1_000] {
        let accounts: Vec<_> = (0..length)
            .map(|it| json!({"id": format!("acct_{it}"), "parent": format!("acct_{}", (it + 1) % length)}))
            .collect();
        let text = with("/snapshot/accounts", json!(accounts));
        target.refused(&format!("a cycle of {length}"), &text);
    }
    // A tree is not a cycle, however deep.
    let accounts: Vec<_> = (0..1_000)
        .map(|it| match it {
            0 => json!({"id": "acct_0"}),
            _ => json!({"id": format!("acct_{it}"), "parent": format!("acct_{}", it - 1)}),
        })
        .collect();
    let mut deep = good();
    deep["snapshot"]["accounts"] = json!(accounts);
    assert!(target.push("a deep tree", &deep.to_string()));
    target.push("back", &configuration(6, &[ALICE]).to_string());
    everywhere(&target.envoy, ALICE, 200);
    target.end();
}

#[test]
fn nesting_and_counts_without_end() {
    let mut target = Target::start(Ecds::Json);
    for depth in [129, 1_000, 100_000] {
        for (open, close) in [("[", "]"), ("{\"snapshot\":", "}"), ("{\"a\":[", "]}")] {
            target.refused("open", &open.repeat(depth));
            let closed = [open.repeat(depth), close.repeat(depth)].concat();
            target.refused("closed", &closed);
            let inside = configuration(5, &[ALICE]).to_string().replacen(
                "\"mk_0\"",
                &format!("{}1{}", open.repeat(depth), close.repeat(depth)),
                1,
            );
            target.refused("inside", &inside);
            // A value of any type is ignored there, and must not overflow the stack.
            let mut free = configuration(5, &[ALICE]);
            free["snapshot"]["keys"][0]["annotations"] = json!("DEEP");
            let free = free.to_string().replacen(
                "\"DEEP\"",
                &format!("{}1{}", open.repeat(depth), close.repeat(depth)),
                1,
            );
            if target.push("annotations", &free) {
                everywhere(&target.envoy, ALICE, 200);
            }
        }
    }
    for (what, item) in [
        ("versions", "\"2026-10-28.endive\""),
        ("null", "null"),
        ("objects", "{}"),
    ] {
        let mut all = configuration(5, &[ALICE]);
        all["snapshot"]["accounts"] = json!("LIST");
        let list = format!("[{item}{}]", format!(",{item}").repeat(200_000));
        target.refused(what, &all.to_string().replacen("\"LIST\"", &list, 1));
    }
    target.end();
}

/// Repeats every member of every object with the same value.
#[test]
fn members_twice() {
    let mut target = Target::start(Ecds::Json);
    let mut twice = Vec::new();
    let full = sample::full();
    duplicates(&full, &mut |text| twice.push(text), &full);
    assert!(twice.len() > 90, "{}", twice.len());
    for text in &twice {
        // Free-form members are ignored, and everything else is rejected.
        let refusal = Configuration::from_json(text.as_bytes());
        assert!(refusal.is_err() || text.contains("\"team\""), "{text}");
    }
    for text in twice.iter().step_by(6) {
        if target.push("a member twice", text) {
            let back = configuration(1, &[ALICE]).to_string();
            assert_eq!(target.envoy.push_and_wait(&back), Push::Accepted);
            everywhere(&target.envoy, ALICE, 200);
        }
    }
    let name = digest(ALICE);
    let text = configuration(5, &[ALICE]).to_string();
    let member = format!("\"sha256\":\"{name}\"");
    let other = format!("\"sha256\":\"{}\",{member}", digest(STRANGER));
    target.refused("two digests", &text.replacen(&member, &other, 1));
    target.end();
}

/// Calls `found` with a copy of `whole` for each member of each object in `value`, with this member
/// repeated.
fn duplicates(value: &Value, found: &mut dyn FnMut(String), whole: &Value) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let once = format!("{}:{member}", json!(name));
                let own = value.to_string();
                let own_twice = own.replacen(&once, &format!("{once},{once}"), 1);
                found(whole.to_string().replacen(&own, &own_twice, 1));
                duplicates(member, found, whole);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| duplicates(item, found, whole)),
        _ => {}
    }
}

/// An empty snapshot lets no client in. One that is empty by mistake locks no client out.
#[test]
fn an_empty_snapshot_is_taken_only_where_it_says_so() {
    let mut target = Target::start(Ecds::Json);
    let with = |keys: Value, empty: Option<Value>| {
        let mut all = configuration(5, &[]);
        let snapshot = all["snapshot"].as_object_mut().unwrap();
        snapshot.remove("empty");
        snapshot.insert("keys".to_owned(), keys);
        if let Some(empty) = empty {
            snapshot.insert("empty".to_owned(), empty);
        }
        all.to_string()
    };
    let some = configuration(5, &[ALICE])["snapshot"]["keys"].clone();
    target.refused("no word of it", &with(json!([]), None));
    target.refused("false", &with(json!([]), Some(json!(false))));
    target.refused("a text", &with(json!([]), Some(json!("true"))));
    target.refused("keys and empty", &with(some, Some(json!(true))));
    assert!(target.push("empty", &with(json!([]), Some(json!(true)))));
    everywhere(&target.envoy, ALICE, 401);
    assert!(target.push("back", &configuration(6, &[ALICE]).to_string()));
    everywhere(&target.envoy, ALICE, 200);
    target.end();
}
