//! The filter's file is replaced by one with another name, while requests arrive.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use super::*;
use crate::support::bootstrap::{at, hcm};
use crate::support::http::Connection;
use crate::support::upstream::Reply;
use crate::support::{Host, LONG};
use crate::wait::serves;

/// The released filter with something that nothing reads, so that it is another file that does the same.
pub fn another(number: u8, folder: &Path) -> String {
    let (mut code, ending) = match Host::chosen() {
        Host::Wasm => {
            let mut wasm = fs::read(find::wasm()).unwrap();
            // A custom section: 0, its length, the length of its name, its name.
            wasm.extend([0, 2, 1]);
            (wasm, "wasm")
        }
        // At the end, after everything that an ELF file's headers refer to.
        Host::Native => (fs::read(find::native()).unwrap(), "so"),
    };
    code.push(b'a' + number);
    let path = folder.join(format!("keyward-{number}.{ending}"));
    fs::write(&path, code).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The file that Envoy watches, naming this code.
pub fn naming(envoy: &Envoy, code: &str, configuration: &Value) -> Vec<u8> {
    let mut response: Value =
        serde_json::from_slice(&fs::read(envoy.ecds_file()).unwrap()).unwrap();
    let host = Host::chosen();
    *at(&mut response, host.code()) = json!(code);
    *at(&mut response, host.configuration()) = json!(configuration.to_string());
    response.to_string().into_bytes()
}

/// Starts four clients with a good key and four without one.
fn load(envoy: &Envoy) -> Vec<(u16, Watch)> {
    let kinds = [(200, ALICE), (401, STRANGER)];
    let each = kinds.into_iter().cycle().take(8);
    each.map(|(status, key)| (status, Watch::start(envoy.address(), key)))
        .collect()
}

/// Asserts that every request got the right answer.
#[track_caller]
fn assert_nothing_lost(load: Vec<(u16, Watch)>) {
    for (status, watch) in load {
        let answers = watch.stop();
        assert_eq!(answers.keys().copied().collect::<Vec<_>>(), [status]);
        assert!(answers[&status] > 0);
    }
}

#[test]
fn the_filter_is_exchanged_under_load_without_a_request_lost() {
    let upstream = Upstream::start();
    let envoy = Envoy::builder()
        .concurrency(2)
        .upstream(upstream.address())
        .config(configuration(1, &[ALICE, BOB]).to_string())
        .start();
    everywhere(&envoy, BOB, 200);
    let load = load(&envoy);
    let mut before = String::new();
    for number in 0..6 {
        let code = another(number, envoy.directory());
        // Each exchange adds or removes BOB, so his status shows that the new code decides.
        let (keys, answer): (&[_], _) = if number % 2 == 0 {
            (&[ALICE], 401)
        } else {
            (&[ALICE, BOB], 200)
        };
        let pushed = naming(&envoy, &code, &configuration(u64::from(number) + 2, keys));
        assert_eq!(envoy.push_file_and_wait(&pushed), Push::Accepted);
        everywhere(&envoy, BOB, answer);
        // The old VMs have withdrawn what they counted about themselves.
        serves(&envoy, u64::from(number) + 2);
        // Envoy has the code in memory, and does not need the previous file.
        if number > 0 {
            fs::remove_file(&before).unwrap();
        }
        before = code;
    }
    assert_nothing_lost(load);
    assert_eq!(envoy.stat("http.gateway.downstream_rq_5xx"), 0);
    assert_eq!(envoy.stat("http.gateway.rbac.keyward_interlock.denied"), 0);
}

#[test]
fn a_request_that_is_under_way_ends_as_it_began() {
    // The upstream sends a message when it has the request, and waits for one before it answers.
    let (arrived, arrives) = channel();
    let (answer, answers) = channel::<()>();
    let ends = Mutex::new((arrived, answers));
    let upstream = Upstream::answering(move |seen| {
        if seen.path == b"/v1/charges" {
            let (arrived, answers) = &*ends.lock().unwrap();
            arrived.send(()).unwrap();
            let _ = answers.recv_timeout(LONG);
        }
        Reply::echo(seen)
    });
    let envoy = Envoy::builder()
        .upstream(upstream.address())
        .config(configuration(1, &[ALICE]).to_string())
        .edit(|bootstrap| {
            let route = "/route_config/virtual_hosts/0/routes/0/route";
            at(hcm(bootstrap), route)["timeout"] = json!("0s");
        })
        .start();
    everywhere(&envoy, ALICE, 200);
    let mut connection = Connection::open(envoy.address());
    let head =
        format!("GET /v1/charges HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALICE}\r\n\r\n");
    connection.send_raw(head.as_bytes()).unwrap();
    arrives.recv_timeout(BOUND).unwrap();
    // The new code comes with a snapshot that no longer contains the key.
    let code = another(0, envoy.directory());
    let pushed = naming(&envoy, &code, &configuration(2, &[BOB]));
    assert_eq!(envoy.push_file_and_wait(&pushed), Push::Accepted);
    everywhere(&envoy, ALICE, 401);
    answer.send(()).unwrap();
    assert_eq!(connection.read_response(false).unwrap().status, 200);
}

#[test]
fn code_that_does_not_load_is_refused_and_the_old_goes_on() {
    let envoy = Envoy::builder()
        .concurrency(2)
        .config(configuration(1, &[ALICE]).to_string())
        .start();
    everywhere(&envoy, ALICE, 200);
    let load = load(&envoy);
    let write = |name: &str, content: &[u8]| {
        let path = envoy.directory().join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let mut codes = vec![
        envoy
            .directory()
            .join("absent")
            .to_str()
            .unwrap()
            .to_owned(),
        write("empty", b""),
        write("text", b"no module"),
    ];
    // Envoy ends if it loads a damaged file natively: `native::files` tests that.
    if Host::chosen() == Host::Wasm {
        let wasm = fs::read(find::wasm()).unwrap();
        codes.push(write("half.wasm", &wasm[..wasm.len() / 2]));
        codes.push(write("nothing.wasm", b"\0asm\x01\0\0\0"));
    }
    for (number, code) in codes.iter().enumerate() {
        let next = configuration(number as u64 + 2, &[BOB]);
        let verdict = envoy.push_file_and_wait(&naming(&envoy, code, &next));
        assert_eq!(verdict, Push::Rejected, "{code}");
    }
    assert_nothing_lost(load);
    assert_eq!(status(&envoy, BOB), 401);
    // A good file is accepted after that.
    let code = another(0, envoy.directory());
    let pushed = naming(&envoy, &code, &configuration(9, &[BOB]));
    assert_eq!(envoy.push_file_and_wait(&pushed), Push::Accepted);
    everywhere(&envoy, BOB, 200);
}
