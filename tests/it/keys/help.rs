//! The tour in the first help text works exactly as printed.

use std::env;
use std::process::Command;

use crate::support::Envoy;
use crate::support::command::program;
use crate::support::key_file::Folder;

#[test]
fn the_tour_in_the_help_can_be_walked() {
    let folder = Folder::empty("tour");
    let envoy = Envoy::builder().start();
    let help = folder.good(&["--help"]);
    let binaries = program();
    let path = format!(
        "{}:{}",
        binaries.parent().unwrap().display(),
        env::var("PATH").unwrap()
    );
    let tour = help
        .lines()
        .skip_while(|line| !line.starts_with("From nothing"))
        .skip(1)
        .take_while(|line| !line.is_empty());
    let (mut revision, mut key) = (String::new(), String::new());
    let mut walked = 0;
    for line in tour {
        let line = line
            .replace(
                "envoy/ecds/keyward.yaml",
                envoy.ecds_file().to_str().unwrap(),
            )
            .replace(
                "http://127.0.0.1:9901",
                &format!("http://{}", envoy.admin_address()),
            )
            .replace(
                "http://127.0.0.1:10000",
                &format!("http://{}", envoy.address()),
            )
            .replace("REVISION ", &format!("{revision} "))
            .replace("curl ", "curl -sS --fail ");
        let makes_key = line.contains("KEY=$(");
        let line = if makes_key {
            format!("{line}\nprintf %s \"$KEY\"")
        } else {
            line
        };
        let output = Command::new("sh")
            .args(["-e", "-c", &line])
            .current_dir(&folder.path)
            .env("PATH", &path)
            .env("KEY", &key)
            .env_remove("KEYWARD_KEYS")
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        // The doctor reports what it finds in a test's Envoy.
        let is_doctor = line.contains(" doctor ");
        let is_good = output.status.success() || (is_doctor && output.status.code() == Some(1));
        assert!(is_good, "{line}: {said}{errors}");
        if makes_key {
            key.clone_from(&said);
        }
        if let Some(pushed) = said.strip_prefix("pushed revision ") {
            revision = pushed.split(' ').next().unwrap().to_owned();
        }
        walked += 1;
    }
    assert_eq!(walked, 9);
}
