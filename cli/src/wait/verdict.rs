//! Decides by an Envoy's statistics whether it serves a revision on every worker, and if not,
//! describes why. If the page leaves a doubt, the answer is no.

use super::page::{Page, Plugin};
use keyward::snapshot::Revision;

/// The state of one Envoy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Every thread serves this revision: the wanted one or a later one.
    Serves(u64),
    /// It does not serve the revision yet, and why.
    Waiting(String),
    /// It will never serve the revision: the push was rejected, and the previous configuration
    /// stays in use.
    Refused(String),
}

/// What to wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) revision: Revision,
    /// The name of one plugin. `None` for all plugins.
    pub(super) plugin: Option<&'a str>,
    /// Whether to ignore old connections of replaced listeners.
    pub(super) ignore_draining: bool,
}

impl Wanted<'_> {
    fn is_meant(&self, plugin: &str) -> bool {
        self.plugin.is_none_or(|wanted| {
            // The root id and direction follow the plugin's name.
            plugin == wanted || plugin.split('/').next() == Some(wanted)
        })
    }
}

/// Judges one page.
pub(super) fn judge(page: &Page, wanted: Wanted<'_>) -> Verdict {
    let Some(concurrency) = page.concurrency else {
        let why = "the page does not say `server.concurrency`, so it is unknown whether every worker is counted; let Envoy's stats matcher pass it";
        return Verdict::Waiting(why.to_owned());
    };
    // The main thread has a VM as well as every worker.
    let threads = concurrency.saturating_add(1);
    let meant: Vec<_> = page
        .plugins
        .iter()
        .filter(|(name, _)| wanted.is_meant(name))
        .collect();
    if meant.is_empty() {
        return Verdict::Waiting(no_plugin(page, wanted));
    }
    let number = wanted.revision.number();
    let mut lowest = u64::MAX;
    for (name, plugin) in &meant {
        match served(plugin, threads) {
            Ok(revision) if revision >= number => lowest = lowest.min(revision),
            _ if plugin.refused_revision == number && plugin.is_refused => {
                return Verdict::Refused(format!(
                    "`{name}` refused revision {number}; Envoy's log has the place, after `configuration refused`"
                ));
            }
            result => return Verdict::Waiting(not_served(name, plugin, page, result)),
        }
    }
    if page.warming > 0 {
        let warming = page.warming;
        return Verdict::Waiting(format!("{warming} of its listeners are still warming"));
    }
    if page.draining > 0 && !wanted.ignore_draining {
        let draining = page.draining;
        return Verdict::Waiting(format!(
            "{draining} replaced listeners or filter chains are being drained, and their old connections may hold on to an older revision (--ignore-draining does not wait for them)"
        ));
    }
    Verdict::Serves(lowest)
}

/// Why the threads do not all serve one revision.
enum Unserved {
    /// No thread has a snapshot.
    Nothing,
    /// Only this many of the threads have loaded a configuration.
    Threads(u64, u64),
    /// They serve different revisions.
    Mixed,
}

/// Returns the revision that every thread serves.
fn served(plugin: &Plugin, threads: u64) -> Result<u64, Unserved> {
    if plugin.vms != threads {
        return Err(Unserved::Threads(plugin.vms, threads));
    }
    if plugin.revision_sum == 0 && plugin.fingerprint_sum == 0 {
        return Err(Unserved::Nothing);
    }
    let mean = plugin.revision_sum / threads;
    let is_mean_of_equals = Revision::new(mean).is_some_and(|revision| {
        mean.checked_mul(threads) == Some(plugin.revision_sum)
            && revision.fingerprint().checked_mul(threads) == Some(plugin.fingerprint_sum)
    });
    if is_mean_of_equals {
        Ok(mean)
    } else {
        Err(Unserved::Mixed)
    }
}

fn not_served(name: &str, plugin: &Plugin, page: &Page, result: Result<u64, Unserved>) -> String {
    let mut words = match result {
        Ok(revision) => format!("`{name}` serves revision {revision}"),
        Err(Unserved::Nothing) => format!("`{name}` has no snapshot"),
        Err(Unserved::Threads(vms, threads)) if vms < threads => {
            format!("`{name}` is loaded on {vms} of {threads} threads")
        }
        Err(Unserved::Threads(vms, threads)) => format!(
            "`{name}` counts {vms} VMs where {threads} threads are: a VM has failed since this Envoy started, or two plugins have this name; give each its own, or restart this Envoy"
        ),
        Err(Unserved::Mixed) => format!("the workers of `{name}` serve different revisions"),
    };
    if page.behind > 0 {
        let behind = page.behind;
        words += &format!(
            "; {behind} workers could not load the configuration, and serve the previous one: Envoy's log has the reason, after `configuration not loaded`"
        );
    }
    if plugin.is_refused {
        words += "; the last push there was refused: Envoy's log has the place, after `configuration refused`";
    }
    words
}

fn no_plugin(page: &Page, wanted: Wanted<'_>) -> String {
    let Some(plugin) = wanted.plugin.filter(|_| !page.plugins.is_empty()) else {
        return "no keyward has loaded a configuration there".to_owned();
    };
    let names: Vec<_> = page
        .plugins
        .keys()
        .map(|name| format!("`{name}`"))
        .collect();
    format!("there is no `{plugin}` there, but {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn page(revisions: &[u64]) -> Page {
        let revision = |number: &u64| Revision::new(*number).unwrap();
        let plugin = Plugin {
            vms: u64::try_from(revisions.len()).unwrap(),
            revision_sum: revisions.iter().sum(),
            fingerprint_sum: revisions
                .iter()
                .filter(|number| **number > 0)
                .map(|number| revision(number).fingerprint())
                .sum(),
            ..Plugin::default()
        };
        Page {
            concurrency: Some(2),
            plugins: BTreeMap::from([("keyward".to_owned(), plugin)]),
            ..Page::default()
        }
    }

    fn wanted() -> Wanted<'static> {
        Wanted {
            revision: Revision::new(8).unwrap(),
            plugin: None,
            ignore_draining: false,
        }
    }

    #[track_caller]
    fn assert_waits(page: &Page, expected: &str) {
        match judge(page, wanted()) {
            Verdict::Waiting(why) => assert!(why.contains(expected), "{why}"),
            verdict @ (Verdict::Serves(_) | Verdict::Refused(_)) => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn every_thread_must_serve_it() {
        assert_eq!(judge(&page(&[8, 8, 8]), wanted()), Verdict::Serves(8));
        assert_waits(&page(&[7, 8, 8]), "different revisions");
        assert_waits(&page(&[0, 8, 8]), "different revisions");
        assert_waits(&page(&[7, 7, 7]), "serves revision 7");
        assert_waits(&page(&[0, 0, 0]), "no snapshot");
        assert_waits(&page(&[8, 8]), "2 of 3 threads");
        assert_waits(&page(&[8, 8, 8, 8]), "4 VMs where 3 threads are");
    }

    #[test]
    fn a_later_one_will_do_where_every_thread_has_it() {
        assert_eq!(judge(&page(&[9, 9, 9]), wanted()), Verdict::Serves(9));
        assert_waits(&page(&[9, 9, 8]), "different revisions");
    }

    #[test]
    fn no_mean_is_mistaken_for_agreement() {
        // Each of these has the same sum as 8, 8 and 8.
        for revisions in [[7, 8, 9], [0, 12, 12], [0, 0, 24], [6, 9, 9], [8, 7, 9]] {
            assert_waits(&page(&revisions), "different revisions");
        }
    }

    #[test]
    fn without_the_number_of_workers_there_is_no_verdict() {
        let mut page = page(&[8, 8, 8]);
        page.concurrency = None;
        assert_waits(&page, "`server.concurrency`");
    }

    #[test]
    fn a_refusal_of_another_revision_is_no_refusal_of_this_one() {
        let mut page = page(&[7, 7, 7]);
        let plugin = page.plugins.get_mut("keyward").unwrap();
        plugin.is_refused = true;
        plugin.refused_revision = 6;
        assert_waits(&page, "the last push there was refused");
        page.plugins.get_mut("keyward").unwrap().refused_revision = 8;
        assert!(matches!(judge(&page, wanted()), Verdict::Refused(_)));
    }

    #[test]
    fn listeners_that_warm_or_drain_may_serve_an_older_one() {
        let mut page = page(&[8, 8, 8]);
        page.draining = 1;
        assert_waits(&page, "drained");
        let ignoring = Wanted {
            ignore_draining: true,
            ..wanted()
        };
        assert_eq!(judge(&page, ignoring), Verdict::Serves(8));
        page.warming = 1;
        assert!(matches!(judge(&page, ignoring), Verdict::Waiting(_)));
    }

    #[test]
    fn every_plugin_must_serve_it_but_for_those_that_are_not_meant() {
        let mut page = page(&[8, 8, 8]);
        let other = super::tests::page(&[3, 3, 3])
            .plugins
            .remove("keyward")
            .unwrap();
        page.plugins.insert("other/inbound".to_owned(), other);
        assert_waits(&page, "`other/inbound` serves revision 3");
        let only = |plugin| Wanted {
            plugin: Some(plugin),
            ..wanted()
        };
        assert_eq!(judge(&page, only("keyward")), Verdict::Serves(8));
        assert!(matches!(judge(&page, only("other")), Verdict::Waiting(_)));
        let nobody = judge(&page, only("stranger"));
        assert_eq!(
            nobody,
            Verdict::Waiting(
                "there is no `stranger` there, but `keyward`, `other/inbound`".to_owned()
            )
        );
    }
}
