//! Reports settings that this command cannot interpret. Envoy's API grows, and an unknown setting
//! may do anything.

use std::collections::BTreeSet;

use serde_json::Value;

use super::dump::{Dump, Manager, at, collect, is_of, items};
use super::report::{Check, Level, Report};

const CHECK: Check = Check::Unread;

/// Known members of Envoy 1.40's `HttpConnectionManager`. Two are missing on purpose: with
/// `path_normalization_options` and `typed_header_validation_config`, filters and the upstream may
/// see different paths.
const MANAGER: &[&str] = &[
    "@type",
    "codec_type",
    "stat_prefix",
    "rds",
    "route_config",
    "scoped_routes",
    "http_filters",
    "add_user_agent",
    "tracing",
    "common_http_protocol_options",
    "http1_safe_max_connection_duration",
    "http_protocol_options",
    "http2_protocol_options",
    "http3_protocol_options",
    "server_name",
    "server_header_transformation",
    "scheme_header_transformation",
    "max_request_headers_kb",
    "stream_idle_timeout",
    "stream_flush_timeout",
    "request_timeout",
    "request_headers_timeout",
    "drain_timeout",
    "drain_timeout_jitter",
    "delayed_close_timeout",
    "access_log",
    "access_log_flush_interval",
    "flush_access_log_on_new_request",
    "access_log_options",
    "use_remote_address",
    "xff_num_trusted_hops",
    "original_ip_detection_extensions",
    "early_header_mutation_extensions",
    "internal_address_config",
    "skip_xff_append",
    "via",
    "generate_request_id",
    "preserve_external_request_id",
    "always_set_request_id_in_response",
    "forward_client_cert_details",
    "set_current_client_cert_details",
    "forward_client_cert_matcher",
    "proxy_100_continue",
    "represent_ipv4_remote_address_as_ipv4_mapped_ipv6",
    "upgrade_configs",
    "normalize_path",
    "merge_slashes",
    "path_with_escaped_slashes_action",
    "request_id_extension",
    "local_reply_config",
    "strip_matching_host_port",
    "strip_any_host_port",
    "stream_error_on_invalid_http_message",
    "strip_trailing_host_dot",
    "proxy_status_config",
    "append_x_forwarded_port",
    "append_local_overload",
    "add_proxy_protocol_connection_state",
    "forward_proto_config",
    "record_route_resolution_stats",
];

/// Known members of a route configuration. Two are missing on purpose: `vhds`, which loads virtual
/// hosts that a dump may not contain, and `route_specifiers`, which choose a route by code.
const ROUTES: &[&str] = &[
    "@type",
    "name",
    "virtual_hosts",
    "internal_only_headers",
    "response_headers_to_add",
    "response_headers_to_remove",
    "request_headers_to_add",
    "request_headers_to_remove",
    "most_specific_header_mutations_wins",
    "validate_clusters",
    "max_direct_response_body_size_bytes",
    "cluster_specifier_plugins",
    "request_mirror_policies",
    "ignore_port_in_host_matching",
    "vhost_header",
    "ignore_path_parameters_in_path_matching",
    "typed_per_filter_config",
    "metadata",
];

const VIRTUAL_HOST: &[&str] = &[
    "@type",
    "name",
    "domains",
    "routes",
    "matcher",
    "require_tls",
    "virtual_clusters",
    "rate_limits",
    "request_headers_to_add",
    "request_headers_to_remove",
    "response_headers_to_add",
    "response_headers_to_remove",
    "cors",
    "typed_per_filter_config",
    "include_request_attempt_count",
    "include_attempt_count_in_response",
    "retry_policy",
    "retry_policy_typed_config",
    "hedge_policy",
    "include_is_timeout_retry_header",
    "per_request_buffer_limit_bytes",
    "request_body_buffer_limit",
    "request_mirror_policies",
    "metadata",
];

const ROUTE: &[&str] = &[
    "@type",
    "name",
    "match",
    "route",
    "redirect",
    "direct_response",
    "non_forwarding_action",
    "metadata",
    "decorator",
    "typed_per_filter_config",
    "request_headers_to_add",
    "request_headers_to_remove",
    "response_headers_to_add",
    "response_headers_to_remove",
    "tracing",
    "per_request_buffer_limit_bytes",
    "stat_prefix",
    "request_body_buffer_limit",
];

const ACTION: &[&str] = &[
    "cluster",
    "cluster_header",
    "weighted_clusters",
    "cluster_specifier_plugin",
    "inline_cluster_specifier_plugin",
    "cluster_not_found_response_code",
    "metadata_match",
    "prefix_rewrite",
    "regex_rewrite",
    "path_rewrite_policy",
    "path_rewrite",
    "host_rewrite_literal",
    "auto_host_rewrite",
    "host_rewrite_header",
    "host_rewrite_path_regex",
    "host_rewrite",
    "append_x_forwarded_host",
    "timeout",
    "idle_timeout",
    "flush_timeout",
    "early_data_policy",
    "retry_policy",
    "retry_policy_typed_config",
    "request_mirror_policies",
    "priority",
    "rate_limits",
    "include_vh_rate_limits",
    "hash_policy",
    "cors",
    "max_grpc_timeout",
    "grpc_timeout_offset",
    "upgrade_configs",
    "internal_redirect_policy",
    "internal_redirect_action",
    "max_internal_redirects",
    "hedge_policy",
    "max_stream_duration",
];

const SHARE: &[&str] = &[
    "name",
    "cluster_header",
    "weight",
    "metadata_match",
    "request_headers_to_add",
    "request_headers_to_remove",
    "response_headers_to_add",
    "response_headers_to_remove",
    "typed_per_filter_config",
    "host_rewrite_literal",
];

/// Reports each `TypedStruct` in the dump: its type hides its content from this command.
pub(super) fn check_dump(dump: &Dump, report: &mut Report) {
    report.made(CHECK);
    let mut found = Vec::new();
    let mut is_struct = |value: &Value| is_of(value, ".TypedStruct");
    collect(dump.everything(), &mut is_struct, &mut found);
    // Everything in the bootstrap occurs a second time, in the listeners and clusters.
    let kinds = found
        .into_iter()
        .map(|message| at(message, "/type_url").as_str().unwrap_or(""));
    for kind in kinds.collect::<BTreeSet<_>>() {
        report.found(
            Level::Warn,
            CHECK,
            "the dump",
            format!("`{kind}` is written as a `TypedStruct`, and is not looked at"),
            "write it with its own type in `@type`",
        );
    }
}

pub(super) fn check_manager(manager: &Manager<'_>, report: &mut Report) {
    check_members(manager.value, MANAGER, &manager.place, report);
}

pub(super) fn check_routes(routes: &Value, place: &str, report: &mut Report) {
    check_members(routes, ROUTES, place, report);
    for host in items(at(routes, "/virtual_hosts")) {
        check_members(host, VIRTUAL_HOST, place, report);
        let mut all: Vec<&Value> = items(at(host, "/routes")).iter().collect();
        // The actions of a matcher are routes and lists of routes.
        collect(
            at(host, "/matcher"),
            &mut |value| value.get("match").is_some(),
            &mut all,
        );
        for route in all {
            check_members(route, ROUTE, place, report);
            let action = at(route, "/route");
            check_members(action, ACTION, place, report);
            for share in items(at(action, "/weighted_clusters/clusters")) {
                check_members(share, SHARE, place, report);
            }
        }
    }
}

fn check_members(message: &Value, known: &[&str], place: &str, report: &mut Report) {
    let members = message.as_object().into_iter().flatten();
    for (member, _) in members.filter(|(member, _)| !known.contains(&member.as_str())) {
        report.found(
            Level::Warn,
            CHECK,
            place,
            format!("`{member}` is a setting that this version of keyward cannot vouch for"),
            "take it away, or look at what it does",
        );
    }
}
