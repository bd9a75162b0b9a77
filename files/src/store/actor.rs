//! Who changes keys, for the journal. The journal is not proof: anyone who may write to the file
//! may write to the journal.

use std::fs;
use std::os::unix::fs::MetadataExt;

use keyward::mask::echo;
use keyward::profile::Profile;

/// Returns the user that this process runs as.
fn process_user() -> Option<u32> {
    Some(fs::metadata("/proc/self").ok()?.uid())
}

/// Returns the name of the user with this number.
fn named(user: u32, passwd: &str) -> Option<String> {
    let user = user.to_string();
    let mut lines = passwd.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let (name, number) = (fields.next()?, fields.nth(1)?);
        (number == user && !name.is_empty()).then(|| name.to_owned())
    })
}

/// Returns `KEYWARD_ACTOR`, or user and host: `ann@build-7`.
#[must_use]
pub fn actor() -> String {
    let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let actor = given("KEYWARD_ACTOR").unwrap_or_else(|| {
        let user = given("USER").or_else(|| given("LOGNAME"));
        let user =
            user.or_else(|| named(process_user()?, &fs::read_to_string("/etc/passwd").ok()?));
        let host = given("HOSTNAME")
            .or_else(|| fs::read_to_string("/proc/sys/kernel/hostname").ok())
            .or_else(|| fs::read_to_string("/etc/hostname").ok());
        let unknown = || "unknown".to_owned();
        format!(
            "{}@{}",
            user.unwrap_or_else(unknown),
            host.map_or_else(unknown, |host| host.trim().to_owned())
        )
    });
    // The environment may contain anything; the result is bounded, printable, and not a key.
    echo(actor.as_bytes(), Profile::stripe().known_prefixes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_environment_has_a_name() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/:/bin/sh\nbroken\n";
        assert_eq!(named(1000, passwd).as_deref(), Some("ann"));
        assert_eq!(named(0, passwd).as_deref(), Some("root"));
        assert_eq!(named(7, passwd), None);
        assert!(process_user().is_some());
    }
}
