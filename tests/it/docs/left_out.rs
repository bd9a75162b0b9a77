//! Commands of the pages that `every_command_of_the_pages_runs` leaves out.

/// Why a command is not run with the others.
pub(super) enum Why {
    /// This test runs it, or checks that the page shows what it runs.
    Test(&'static str),
    /// No test runs it.
    Because(&'static str),
}

/// All commands of a page that begin with this text.
pub(super) struct LeftOut {
    pub(super) page: &'static str,
    pub(super) command: &'static str,
    pub(super) why: Why,
}

const fn out(page: &'static str, command: &'static str, why: Why) -> LeftOut {
    LeftOut { page, command, why }
}

use Why::{Because, Test};

const BUILD: Why = Because("a build of some minutes, which comes before every run of the tests");
const CLUSTER: Why = Because("it needs a Kubernetes cluster, and the tests have none");
const ROOT: Why = Because("it makes users and services of the machine, as root");

pub(super) const LEFT_OUT: &[LeftOut] = &[
    out("README.md", "make demo", Test("tests/picture.rs")),
    out("README.md", "make build", BUILD),
    out("deploy-envoy.md", "make build", BUILD),
    out("native.md", "make native", BUILD),
    out(
        "native.md",
        "envoy -c envoy/native.yaml",
        Test("tests/it/native/shipped.rs"),
    ),
    out(
        "deploy-envoy.md",
        "func-e run",
        Test("tests/it/rollout/funce.rs"),
    ),
    out(
        "deploy-envoy.md",
        "$ENVOY -c bootstrap.yaml",
        Test("tests/it/fail_closed/shipped.rs"),
    ),
    out(
        "deploy-envoy.md",
        "skopeo copy",
        Test("tests/it/image/registry.rs"),
    ),
    out(
        "egress.md",
        "$(scripts/envoy.sh) -c envoy/egress.yaml",
        Test("tests/it/egress/mod.rs"),
    ),
    out(
        "console.md",
        "keyward-server link",
        Test("tests/server/console/sign_in.rs"),
    ),
    out(
        "keys.md",
        "export KEYWARD_SERVER",
        Test("tests/server/command/places.rs"),
    ),
    out(
        "keys.md",
        "keyward keys list --server",
        Test("tests/server/command/places.rs"),
    ),
    out(
        "keys.md",
        "keyward keys create",
        Test("tests/server/command/life.rs"),
    ),
    out(
        "feed-bucket.md",
        "keyward publish",
        Test("tests/it/publish/bucket.rs"),
    ),
    out(
        "feed-bucket.md",
        "export AWS",
        Test("tests/it/publish/bucket.rs"),
    ),
    out(
        "portal.md",
        "curl -u $ADMIN_KEY:",
        Test("tests/server/portal/application.rs"),
    ),
    out(
        "portal.md",
        "export KEYWARD_SERVER",
        Test("tests/server/command/policies.rs"),
    ),
    out(
        "portal.md",
        "keyward policies",
        Test("tests/server/command/policies.rs"),
    ),
    out(
        "portal.md",
        "keyward accounts add",
        Test("tests/server/command/life.rs"),
    ),
    out(
        "server.md",
        "export KEYWARD_SERVER",
        Test("tests/server/command/places.rs"),
    ),
    out(
        "server.md",
        "keyward policies",
        Test("tests/server/command/policies.rs"),
    ),
    out(
        "server.md",
        "curl -s https://keys",
        Test("tests/server/feed/mod.rs"),
    ),
    out(
        "server.md",
        "curl -s -X PUT https://keys",
        Test("tests/server/own_api.rs"),
    ),
    out(
        "api.md",
        "keyward key-file apply",
        Test("tests/server/command/key_file.rs"),
    ),
    out(
        "api.md",
        "keyward key-file apply",
        Test("tests/server/command/key_file.rs"),
    ),
    out("server.md", "useradd", ROOT),
    out("server.md", "install", ROOT),
    out("server.md", "runuser", ROOT),
    out("server.md", "systemctl", ROOT),
    out(
        "server.md",
        "curl --unix-socket",
        Test("tests/server/local.rs"),
    ),
    out(
        "server-store.md",
        "$ keyward-server",
        Test("server/src/commands/tests.rs"),
    ),
    out(
        "server-store.md",
        "18234:",
        Because("it is what the command before it prints"),
    ),
    out(
        "server-store.md",
        "the trail",
        Because("it is what the command before it prints"),
    ),
    out("your-own-api.md", "keyward", Test("tests/it/own_api.rs")),
    out("your-own-api.md", "KEY=", Test("tests/it/own_api.rs")),
    out("your-own-api.md", "printf", Test("tests/it/own_api.rs")),
    out("your-own-api.md", "mkdir ecds", Test("tests/it/own_api.rs")),
    out("your-own-api.md", "sed ", Test("tests/it/own_api.rs")),
    out("your-own-api.md", "curl", Test("tests/it/own_api.rs")),
    out("usage.md", "curl", Test("tests/it/verification/usage.rs")),
    out(
        "usage.md",
        "keyward keys list --usage",
        Test("tests/it/verification/usage.rs"),
    ),
    out(
        "logs.md",
        "keyward logs --decision deny --follow",
        Test("tests/pure/terminal/logs.rs"),
    ),
    out("logs.md", "tail -F", Test("tests/pure/terminal/logs.rs")),
    out(
        "feed-publish.md",
        "keyward publish --feed prod --to /srv/feed --watch",
        Test("tests/it/publish/mod.rs"),
    ),
    out(
        "feed-publish.md",
        "keyward feed serve",
        Test("tests/pure/publish/serve.rs"),
    ),
    out(
        "releasing.md",
        "for reference",
        Test("tests/it/image/registry.rs"),
    ),
    out("deploy-istio.md", "kubectl apply", CLUSTER),
    out("deploy-istio.md", "kubectl -n", CLUSTER),
    out("deploy-envoy-gateway.md", "kubectl apply", CLUSTER),
    out("deploy-envoy-gateway.md", "kubectl get", CLUSTER),
    out("deploy-envoy-gateway.md", "kubectl -n", CLUSTER),
];
