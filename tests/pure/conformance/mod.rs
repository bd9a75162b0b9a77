//! The files of `conformance/`, made from the corpus, and the files that `keyward conformance`
//! cannot run.

mod generate;

use crate::support::command::command;
use crate::support::find::root;

#[test]
fn what_cannot_be_run_is_said() {
    for (arguments, message, code) in [
        (
            &["--url", "http://127.0.0.1:1"][..],
            "name it with --file: addresses, ",
            4,
        ),
        (
            &["--url", "http://127.0.0.1:1", "--file", "x"],
            "has no file of that name; there are addresses, ",
            4,
        ),
        (
            &[
                "--url",
                "http://127.0.0.1:1",
                "--file",
                "x",
                "--dir",
                "nowhere",
            ],
            "`nowhere` cannot be read",
            4,
        ),
        (
            &["--url", "https://127.0.0.1:1", "--file", "x"],
            "where TLS is needed, put a proxy in between",
            2,
        ),
        (&["--file", "x"], "--url", 2),
    ] {
        let output = command()
            .current_dir(root())
            .arg("conformance")
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains(message), "{text}");
        assert_eq!(output.status.code(), Some(code), "{text}");
    }
    // No server listens there.
    let silent = command()
        .current_dir(root())
        .args([
            "conformance",
            "--url",
            "http://127.0.0.1:1",
            "--file",
            "modes-live",
        ])
        .output()
        .unwrap();
    assert_eq!(silent.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&silent.stdout).contains("no answer: "),
        "{}",
        String::from_utf8_lossy(&silent.stdout)
    );
}
