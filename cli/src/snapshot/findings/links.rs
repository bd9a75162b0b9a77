//! Broken links between keys that a rotation left. Only the key file has them; a gateway does not
//! use them.

use super::{Finding, Subject};
use keyward_files::key_file::KeyFile;

pub(super) fn check(subject: &Subject<'_>, file: &KeyFile, findings: &mut Vec<Finding>) {
    for link in file.dangling_links() {
        let place = subject.place.then("keys").at(link.number).then(link.member);
        let text = format!(
            "{} names {}, {}; take the member out, or rotate the key again",
            subject.shown(&link.key.id),
            subject.shown(link.names),
            link.why
        );
        findings.push(Finding::warning(place, text));
    }
}
