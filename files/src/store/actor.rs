//! Who changes keys, as the journal tells it. The journal tells and does not prove: whoever may write the file may write the journal.

use std::fs;

use keyward::mask::echo;
use keyward::profile::Profile;

/// `KEYWARD_ACTOR`, or user and host: `ann@build-7`.
#[must_use]
pub fn actor() -> String {
    let given = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
    let actor = given("KEYWARD_ACTOR").unwrap_or_else(|| {
        let user = given("USER").or_else(|| given("LOGNAME"));
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
    // Whatever stands in the environment: bounded, printable, and no key.
    echo(actor.as_bytes(), Profile::stripe().known_prefixes())
}
