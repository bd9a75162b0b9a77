//! The data files are well formed and agree with each other, according to `catalogue/check.py`.

use crate::support::find::root;
use std::process::Command;

#[test]
fn the_checker_finds_no_problem() {
    let checker = root().join("catalogue/check.py");
    let output = Command::new("python3").arg(checker).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    assert!(told.ends_with("\nok\n"), "{told}");
}
