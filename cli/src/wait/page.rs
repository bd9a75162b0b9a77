//! What a page of Envoy's statistics contains about keyward. The page is the admin interface's own
//! (`/stats`) or the one for Prometheus.

use std::collections::BTreeMap;

/// The relevant numbers on a page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The number of Envoy's workers.
    pub(crate) concurrency: Option<u64>,
    /// The plugins by their names.
    pub(crate) plugins: BTreeMap<String, Plugin>,
    /// The number of workers that could not load what they were given.
    pub(crate) behind: u64,
    /// The number of pushes, for any filter or listener, that Envoy rejected.
    pub(crate) rejected: u64,
    /// The number of pushes that Envoy could not read.
    pub(crate) unreadable: u64,
    /// The number of listeners that are loaded but do not serve yet.
    pub(crate) warming: u64,
    /// The number of replaced listeners and filter chains that still serve old connections.
    pub(crate) draining: u64,
}

/// What the VMs of one plugin report together; see `src/filter/census.rs`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plugin {
    pub(crate) vms: u64,
    pub(crate) revision_sum: u64,
    pub(crate) fingerprint_sum: u64,
    pub(crate) refused_revision: u64,
    pub(crate) is_refused: bool,
}

/// The regex that is sent to `/stats`, for only the metrics that [`Page`] needs.
pub(crate) const FILTER: &str = "keyward_snapshot_|^(keyward|dynamicmodulescustom)\\.snapshot_|^server\\.concurrency$|\\.update_(rejected|failure)$|^listener_manager\\.total_";

impl Page {
    /// Parses lines such as `server.concurrency: 2`.
    pub(crate) fn of_stats(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            // The same page also contains histograms and texts.
            if let Some((name, value)) = line.rsplit_once(": ") {
                page.take(name, "", value);
            }
        }
        page
    }

    /// Parses lines such as `envoy_server_concurrency{} 2`, which may end with the sample's time.
    pub(crate) fn of_prometheus(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let (name, labels, rest) = match line.split_once('{') {
                Some((name, rest)) => match rest.rsplit_once('}') {
                    Some((labels, rest)) => (name, labels, rest),
                    None => continue,
                },
                None => match line.split_once(' ') {
                    Some((name, rest)) => (name, "", rest),
                    None => continue,
                },
            };
            let value = rest.split_ascii_whitespace().next().unwrap_or("");
            page.take(name, labels, value);
        }
        page
    }

    fn take(&mut self, name: &str, labels: &str, value: &str) {
        let Some(value) = number(value) else { return };
        let native = native(name, labels);
        let (name, labels) = native
            .as_ref()
            .map_or((name, labels), |(name, labels)| (name, labels));
        let ends = |end: &str| -> Option<&str> {
            // Envoy joins names with dots and Prometheus with `_`; tags end in `;`.
            let start = name.strip_suffix(end)?;
            (start.is_empty() || start.ends_with(['.', '_', ';'])).then_some(start)
        };
        if let Some(start) = ends("keyward_snapshot_vms") {
            add(&mut self.plugin(start, labels).vms, value);
        } else if let Some(start) = ends("keyward_snapshot_vms_revision_sum") {
            add(&mut self.plugin(start, labels).revision_sum, value);
        } else if let Some(start) = ends("keyward_snapshot_vms_fingerprint_sum") {
            add(&mut self.plugin(start, labels).fingerprint_sum, value);
        } else if let Some(start) = ends("keyward_snapshot_refused_revision") {
            self.plugin(start, labels).refused_revision = value;
        } else if let Some(start) = ends("keyward_snapshot_push_refused") {
            self.plugin(start, labels).is_refused |= value != 0;
        } else if ends("keyward_snapshot_workers_behind").is_some() {
            add(&mut self.behind, value);
        } else if name == "server.concurrency" || name == "envoy_server_concurrency" {
            self.concurrency = Some(value);
        } else if is_of(name, "listener_manager", "total_listeners_warming") {
            add(&mut self.warming, value);
        } else if is_of(name, "listener_manager", "total_listeners_draining")
            || is_of(name, "listener_manager", "total_filter_chains_draining")
        {
            add(&mut self.draining, value);
        } else if is_push(name, "update_rejected") {
            add(&mut self.rejected, value);
        } else if is_push(name, "update_failure") {
            add(&mut self.unreadable, value);
        }
    }

    fn plugin(&mut self, start: &str, labels: &str) -> &mut Plugin {
        self.plugins.entry(plugin_name(start, labels)).or_default()
    }
}

/// The prefixes of a native module's metrics: the first is set in the shipped configuration, the
/// second is Envoy's default.
const NAMESPACES: [&str; 2] = ["keyward", "dynamicmodulescustom"];

/// Returns the wasm name of a native module's metric, and its labels in Prometheus' form. `name` is
/// `keyward.snapshot_vms.plugin.NAME` on Envoy's own page, or `envoy_keyward_snapshot_vms` on
/// Prometheus'.
fn native(name: &str, labels: &str) -> Option<(String, String)> {
    let (rest, is_own_page) = NAMESPACES.iter().find_map(|namespace| {
        let own = name
            .strip_prefix(namespace)
            .and_then(|rest| rest.strip_prefix('.'));
        let rest = name
            .strip_prefix("envoy_")
            .and_then(|rest| rest.strip_prefix(namespace));
        let prometheus = rest.and_then(|rest| rest.strip_prefix('_'));
        own.map(|own| (own, true))
            .or(prometheus.map(|rest| (rest, false)))
    })?;
    if !rest.starts_with("snapshot_") {
        return None;
    }
    Some(match rest.split_once(".plugin.") {
        Some((metric, plugin)) if is_own_page => {
            (format!("keyward_{metric}"), format!("plugin=\"{plugin}\""))
        }
        _ => (format!("keyward_{rest}"), labels.to_owned()),
    })
}

/// Adds without overflow, so that a nonsensical page cannot end the command.
fn add(sum: &mut u64, value: u64) {
    *sum = sum.saturating_add(value);
}

/// Returns the plugin's name from a label, from a tag that is still in the name
/// (`plugin=.=NAME;.;`), or from that tag as Prometheus spells it (`plugin___NAME____`).
fn plugin_name(start: &str, labels: &str) -> String {
    let in_labels = labels
        .split(',')
        .find_map(|label| label.strip_prefix("plugin=\"")?.strip_suffix('"'));
    let in_name = start
        .split_once("plugin=.=")
        .and_then(|(_, rest)| Some(rest.split_once(";.;")?.0));
    in_labels
        .or(in_name)
        .or_else(|| Some(start.split_once("plugin___")?.1.trim_end_matches('_')))
        .unwrap_or(start)
        .to_owned()
}

fn is_of(name: &str, source: &str, what: &str) -> bool {
    name.strip_suffix(what).is_some_and(|start| {
        start
            .trim_start_matches("envoy_")
            .trim_end_matches(['.', '_'])
            == source
    })
}

/// Whether this counts pushes of filters (`extension_config_discovery.…`) or of listeners
/// (`listener_manager.lds.…`).
fn is_push(name: &str, what: &str) -> bool {
    let name = name.trim_start_matches("envoy_");
    name.ends_with(what)
        && (name.starts_with("extension_config_discovery")
            || name.starts_with("listener_manager.lds")
            || name.starts_with("listener_manager_lds"))
}

/// Parses an integer. A program in between may have written it as a floating-point number, which is
/// exact below 2^53.
fn number(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let float: f64 = text.parse().ok()?;
    let is_whole = float.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&float);
    is_whole.then(|| format!("{float:.0}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyward() -> Page {
        let plugin = Plugin {
            vms: 3,
            revision_sum: 24,
            fingerprint_sum: 780_977_478,
            refused_revision: 7,
            is_refused: true,
        };
        Page {
            concurrency: Some(2),
            plugins: BTreeMap::from([("keyward".to_owned(), plugin)]),
            behind: 1,
            rejected: 4,
            unreadable: 1,
            warming: 2,
            draining: 5,
        }
    }

    #[test]
    fn the_admin_page_is_read() {
        let page = "extension_config_discovery.http_filter.keyward.version_text: \"8\"
extension_config_discovery.http_filter.keyward.update_rejected: 3
extension_config_discovery.http_filter.keyward.update_failure: 1
listener_manager.lds.update_rejected: 1
cluster_manager.cds.update_rejected: 9
listener_manager.total_filter_chains_draining: 3
listener_manager.total_listeners_draining: 2
listener_manager.total_listeners_warming: 2
server.concurrency: 2
wasmcustom.keyward_snapshot_workers_behind: 1
wasmcustom.keyward_snapshot_revision: 8
wasmcustom.plugin=.=keyward;.;keyward_snapshot_push_refused: 1
wasmcustom.plugin=.=keyward;.;keyward_snapshot_refused_revision: 7
wasmcustom.plugin=.=keyward;.;keyward_snapshot_vms: 3
wasmcustom.plugin=.=keyward;.;keyward_snapshot_vms_fingerprint_sum: 780977478
wasmcustom.plugin=.=keyward;.;keyward_snapshot_vms_revision_sum: 24
extension_config_discovery.http_filter.keyward.update_duration: P0(nan,1.0) P25(nan,1.0)
";
        assert_eq!(Page::of_stats(page), keyward());
    }

    #[test]
    fn the_prometheus_page_is_read_with_tags_and_without() {
        let page = "# TYPE envoy_server_concurrency gauge
envoy_server_concurrency{} 2
envoy_extension_config_discovery_http_filter_keyward_update_rejected{} 3
envoy_extension_config_discovery_http_filter_keyward_update_failure 1
envoy_listener_manager_lds_update_rejected{} 1
envoy_cluster_manager_cds_update_rejected{} 9
envoy_listener_manager_total_filter_chains_draining{} 3
envoy_listener_manager_total_listeners_draining{} 2
envoy_listener_manager_total_listeners_warming{} 2
keyward_snapshot_workers_behind{} 1
";
        let tagged = "keyward_snapshot_push_refused{plugin=\"keyward\"} 1
keyward_snapshot_refused_revision{plugin=\"keyward\"} 7
keyward_snapshot_vms{plugin=\"keyward\"} 3 1795194529000
keyward_snapshot_vms_fingerprint_sum{plugin=\"keyward\"} 7.80977478e+08
keyward_snapshot_vms_revision_sum{plugin=\"keyward\"} 24
";
        let plain = tagged
            .replace("{plugin=\"keyward\"}", "{}")
            .replace("keyward_snapshot", "plugin___keyward___keyward_snapshot");
        for plugin in [tagged, &plain] {
            assert_eq!(Page::of_prometheus(&format!("{page}{plugin}")), keyward());
        }
    }

    #[test]
    fn a_native_modules_metrics_are_read_on_both_pages() {
        for namespace in NAMESPACES {
            let own = format!(
                "{namespace}.snapshot_workers_behind: 1
{namespace}.snapshot_push_refused.plugin.keyward: 1
{namespace}.snapshot_refused_revision.plugin.keyward: 7
{namespace}.snapshot_vms.plugin.keyward: 3
{namespace}.snapshot_vms_fingerprint_sum.plugin.keyward: 780977478
{namespace}.snapshot_vms_revision_sum.plugin.keyward: 24
"
            );
            let prometheus = format!(
                "envoy_{namespace}_snapshot_workers_behind{{}} 1
envoy_{namespace}_snapshot_push_refused{{plugin=\"keyward\"}} 1
envoy_{namespace}_snapshot_refused_revision{{plugin=\"keyward\"}} 7
envoy_{namespace}_snapshot_vms{{plugin=\"keyward\"}} 3
envoy_{namespace}_snapshot_vms_fingerprint_sum{{plugin=\"keyward\"}} 780977478
envoy_{namespace}_snapshot_vms_revision_sum{{plugin=\"keyward\"}} 24
"
            );
            let expected = Page {
                plugins: keyward().plugins,
                behind: 1,
                ..Page::default()
            };
            assert_eq!(Page::of_stats(&own), expected, "{own}");
            assert_eq!(Page::of_prometheus(&prometheus), expected, "{prometheus}");
        }
    }

    #[test]
    fn plugins_are_told_apart() {
        let page = "wasmcustom.plugin=.=a;.;keyward_snapshot_vms: 1
wasmcustom.plugin=.=b/inbound;.;keyward_snapshot_vms: 2
wasmcustom.my_keyward_snapshot_vmsx: 7
";
        let names: Vec<_> = Page::of_stats(page).plugins.into_keys().collect();
        assert_eq!(names, ["a", "b/inbound"]);
    }

    #[test]
    fn what_is_no_whole_number_is_none() {
        for text in ["", "-1", "0.5", "NaN", "+Inf", "9007199254740993.0", "x"] {
            assert_eq!(number(text), None, "{text}");
        }
        assert_eq!(number("18446744073709551615"), Some(u64::MAX));
        assert_eq!(number("1.795194529e+09"), Some(1_795_194_529));
    }
}
