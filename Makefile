# `make` without arguments lists the targets. Two commands are all a newcomer needs: `make demo` and `make test`.

.DEFAULT_GOAL := help
.PHONY: help announce pages portal asan build filter native native-release trap-door native-trap-door demo run server server-build server-image test test-all tools bench soak audit sbom image release reproducible check catalogue fuzz fmt clean toolchain

# The paths under target/ are part of what we promise (envoy/bootstrap.yaml names the .wasm), so a CARGO_TARGET_DIR from outside is overruled.
export CARGO_TARGET_DIR := $(CURDIR)/target

WASM := -p keyward --lib --target wasm32-wasip1
# Where Cargo puts the filter, below a target folder, and where users look for it.
BUILT := wasm32-wasip1/filter/keyward.wasm
PROMISED := wasm32-wasip1/release/keyward.wasm
# Panics name source files. Without the builder's folders, the same commit gives the same bytes everywhere.
CARGO_HOME_HERE := $(or $(CARGO_HOME),$(HOME)/.cargo)
ANYWHERE := CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="--remap-path-prefix=$(CARGO_HOME_HERE)=/cargo --remap-path-prefix=$(CURDIR)=/keyward"
# Arguments to `cargo test`, such as a name: make test TEST="--test it interlock"
TEST ?=
# The native module in the place of the filter in wasm, for `demo` and `run`: make demo NATIVE=1
NATIVE ?=
# In the dev profile, which `make test` uses too. It finds Envoy by itself (scripts/envoy.sh).
DEMO = $(if $(NATIVE),KEYWARD_HOST=native )cargo run $(Q) --locked -p keyward-demo --
# Cargo says what it compiles, but not among the lines of the demo.
Q :=
demo run server portal: Q := --quiet
# More arguments to Envoy: make run ENVOY_ARGS="--log-level info"
ENVOY_ARGS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# By a rename, so that an Envoy which reads the file just now reads all of the one or of the other.
promise = mkdir -p $(1)/$(dir $(PROMISED)) && cp $(1)/$(BUILT) $(1)/$(PROMISED).new && mv $(1)/$(PROMISED).new $(1)/$(PROMISED)

build: filter ## the filter (target/wasm32-wasip1/release/keyward.wasm) and the command (target/release/keyward)
	cargo build --locked --release -p keyward-cli --features object-store

filter: toolchain
	@$(if $(Q),echo "Building the filter (about a minute the first time) …")
	$(if $(Q),@)$(ANYWHERE) cargo rustc $(Q) --locked --profile filter $(WASM) --crate-type cdylib
	@$(call promise,target)

# A module that runs is never overwritten: Envoy would end. So the file has its version in its name, is put there by a rename, and the link
# is for an Envoy that starts later.
VERSION := $(shell sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
MODULE := libkeyward-$(VERSION).so
native: toolchain ## the filter as a native module of Envoy (target/release/libkeyward-VERSION.so, and a link libkeyward.so)
	cargo rustc $(Q) --locked --profile native -p keyward-native --lib --crate-type cdylib
	@mkdir -p target/release
	@cp target/native/libkeyward_native.so target/release/$(MODULE).new && mv target/release/$(MODULE).new target/release/$(MODULE)
	@ln -sfn $(MODULE) target/release/libkeyward.so

# The one that is released, against an old glibc. It needs Zig from PyPI, so it is not part of `native`. Files of an earlier commit must not get into a release.
# Other targets are built by the same script and tested by nothing: make release NATIVE_TARGETS="x86_64-unknown-linux-gnu aarch64-unknown-linux-gnu"
NATIVE_TARGETS ?= x86_64-unknown-linux-gnu
native-release: toolchain
	@rm -f target/native/libkeyward-*.so
	@for target in $(NATIVE_TARGETS); do scripts/native.sh "$$target" || exit; done

demo: $(if $(NATIVE),native,trap-door filter) ## start Envoy with keyward, play a tour of allowed and denied requests, stop (NATIVE=1: as a native module)
	@echo "Building the demo …"
	@$(DEMO)

server: filter ## start keyward-server and the Envoy before it, print a key and three commands to paste
	@echo "Building the server …"
	@cargo build $(Q) --locked -p keyward-server
	@exec $(DEMO) server

portal: filter ## the same with an application beside them, whose customers manage their keys in the portal; prints its address
	@echo "Building the server …"
	@cargo build $(Q) --locked -p keyward-server
	@exec $(DEMO) portal

# In its own profile, which unwinds. `build` leaves it out: who runs the filter and the command does not compile SQLite.
server-build: toolchain ## keyward-server (target/release/keyward-server)
	cargo build $(Q) --locked --profile server -p keyward-server --features object-store
	@mkdir -p target/release
	@cp target/server/keyward-server target/release/keyward-server.new && mv target/release/keyward-server.new target/release/keyward-server

run: $(if $(NATIVE),native,filter) ## the same Envoy in the foreground: 127.0.0.1:10000, admin 127.0.0.1:9901
	@exec $(DEMO) run $(ENVOY_ARGS)

# In the dev profile: the release profile's one codegen unit and fat LTO cost more time than they save here. The filter
# that runs in Envoy is the released one all the same.
# Four at a time: tests wait for an Envoy to start more than they compute.
TESTING = ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && export RUST_TEST_THREADS=$${RUST_TEST_THREADS:-4} && cargo test --locked
# As the released command has it: feeds in buckets. Not where TEST names a package, which may not know it.
FEATURES = $(if $(findstring -p ,$(TEST)),,--features keyward-cli/object-store$(comma)keyward-server/object-store)
comma := ,
# Tests that `make test` leaves to `make test-all`, by the beginnings of their names.
SLOW := docs::every_command docs::two the_picture soak:: cases::envoy mesh::gateway mesh::revoked mesh::istio::every_promise catalogue::near::random_paths \
	hostile::bytes::no_byte_in_a_header hostile::paths::no_path_reaches_more_than_was_granted_normalized \
	hostile::paths::no_path_reaches_more_than_was_granted_with fail_closed::every_reason fail_closed::amplification fail_closed::behind \
	fail_closed::exhaustion fail_closed::host_calls::a_call_that_only_tells fail_closed::restart fail_closed::streams::open_streams \
	fail_closed::skipped::an_unreadable_file fail_closed::thousand doctor::broken::the_interlock doctor::broken::the_filter doctor::broken::the_plugin doctor::counted audit::loggers \
	egress::failures egress::tricks key_file::concurrent::who_waits push::ecds::what_the_way push::limits push::watch::it_follows \
	publish::kills::a_killed pushes::alternating rollout::code image::hashes packed:: store::crash::many_kills \
	store::differential::a_key_file_and_the_store_agree_ten_thousand_times native::panics native::files native::memory native::remote native::versions \
	conformance::envoy_with doctor::variants::missing browser::page::behind browser::page::a_page_of fail_closed::neighbours::each fail_closed::neighbours::one_with \
	fail_closed::host_calls::a_call_that_the audit::rewritten audit::evidence::nor \
	agreement::over_many feed::over_many feed::everywhere feed::strangers feed::kills feed::latest feed::load feed::mirrors feed::rotation feed::volume feed::clock feed::socket feed::forget feed::beside feed::held feed::restart feed::an_open_poll feed::way feed::pushes::a_hundred doctor::feed publish::bucket publish::killed publish::token command::life::every_command_says \
	description::every_answer console::hidden console::check console::many console::try_it attacks::links command::policies::a_policy command::key_file portal:: pages::in_full api::tests::ceiling feed::publisher::tests::large feed::publisher::tests::left \
	feed::manners::whatever fail_closed::skipped::a_filter_that fail_closed::skipped::a_broken_first_configuration_without fail_closed::skipped::an_interlock_that \
	fail_closed::skipped::a_configuration_that_fails fail_closed::pushes::fifty fail_closed::traps fail_closed::neighbours::one_that fail_closed::twins \
	upstreams::headers::php upstreams::parameters::php verification::host pushes::malformed::cut_off pushes::packed browser::cors audit::privilege \
	monitoring::a_real_prometheus
# Every page of console and portal in every state, size and theme, and the flows.
PAGES := pages::in_full
# What `keyward doctor` says of chains, routes and logs is the same whatever runs the filter: these tests run with the native module only, before which an Envoy starts in a tenth of the time.
ONCE := doctor::broken::the_connection_manager doctor::broken::the_routes doctor::broken::the_access_log doctor::variants::arrives doctor::variants::strangers \
	doctor::variants::leaks doctor::server::an_edge doctor::server::a_route
# Tests of the filter in wasm that are run once more with the native module: one of each kind by `make test`, and all that such a module can pass by `make test-all`. The others are about VMs.
NATIVELY := gateway::a_known feed::what_is_published hostile::forgery::a_forged_identity_never_arrives_under fail_closed::skipped::a_filter_that fail_closed::pushes::a_bad \
	sdk::curl pushes::malformed::the_file verification::answers::a_good
NATIVELY_ALL := gateway::a_known cases::envoy hostile sdk:: egress conformance wait doctor verification rollout fail_closed feed:: pushes soak::
# About VMs, or about the file of a filter in wasm. By module:
# - fail_closed: `amplification`, `behind`, `exhaustion`, `streams::open_streams` and the neighbours and twins that stay behind are about a VM's 1 GiB, `traps` about a VM that ends
#   (`native::panics` is the counterpart), `host_calls` about calls of proxy-wasm (`native/tests/hooks.rs` has Envoy refuse each of the module's).
# - rollout: `funce` runs no filter.
# - feed: `held` has the polls of eleven VMs meet each place where an answer is cut; a process with the module has one follower. `too_little_room` is about a call of each VM.
IN_VMS := mesh:: image:: hostile::secrecy fail_closed::skipped::a_configuration_that_fails wait::refusals::several_keywards doctor::broken::the_plugin doctor::counted::workers_without_a_vm \
	doctor::counted::a_limit_on doctor::variants::missing::an_envoy_without_v8 verification::timing rollout::keys::an_older rollout::funce \
	fail_closed::amplification fail_closed::behind fail_closed::exhaustion fail_closed::traps fail_closed::host_calls fail_closed::streams::open_streams \
	fail_closed::neighbours::one_that fail_closed::twins::one_that feed::held doctor::feed::too_little_room

test: announce build native trap-door tools ## the tests: unit, cases, command, real Envoy, at most 10 minutes after `make build` (TEST="..." goes to cargo test)
	@$(TESTING) $(FEATURES) $(or $(TEST),-- $(addprefix --skip ,$(SLOW) $(ONCE)))
	@$(if $(TEST),,export KEYWARD_HOST=native && $(TESTING) $(FEATURES) --test it -- $(NATIVELY))

test-all: build native trap-door native-trap-door asan tools ## the tests that `make test` leaves out because they are slow, at most 25 minutes
	@$(TESTING) $(FEATURES) --lib --bins --test pure --test it --test server --test picture -- $(SLOW)
	@export KEYWARD_HOST=native && $(TESTING) $(FEATURES) --test it -- $(NATIVELY_ALL) $(addprefix --skip ,$(IN_VMS))

# Said first, because it touches the system. Everything else goes to target/.
announce:
	@echo "make test takes about 10 minutes on two cores, after a build of about 5."
	@if [ -n "$$KEYWARD_NO_INSTALL" ]; then echo "KEYWARD_NO_INSTALL is set: it installs no system packages, and skips the tests whose programs are missing."; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then echo "It installs these Debian packages if they are missing: chromium, php-fpm, php-symfony-http-foundation, caddy, lighttpd, skopeo, nginx, signify-openbsd. KEYWARD_NO_INSTALL=1 uses what is there."; \
	else echo "It installs no system packages, because it needs root and apt-get for that, and skips the tests whose programs are missing."; fi

pages: build tools ## every page of the console in every state, size and theme, in a real Chromium
	@$(TESTING) -p keyward-server --test server -- $(PAGES)

# The native module's tests with the memory of a fake Envoy watched: every name and value is a separate block, freed by the setter that removes it.
asan: toolchain ## the native module's tests under AddressSanitizer
	RUSTC_BOOTSTRAP=1 CARGO_TARGET_$(shell rustc -vV | sed -n 's/^host: //p' | tr a-z- A-Z_)_RUSTFLAGS="-Zsanitizer=address" \
		cargo test --locked -p keyward-native --lib --test hooks --target $(shell rustc -vV | sed -n 's/^host: //p') --target-dir target/asan

# What the tests run besides Envoy. Status 3: the machine has no tool to install it with, and the tests that need it are skipped.
tools:
	@scripts/chromium.sh
	@scripts/prometheus.sh >/dev/null || [ $$? -eq 3 ]
	@scripts/registry.sh >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh server python >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh moto python >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh openapi python >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh pages node >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh sdk python >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh sdk node >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh upstreams python >/dev/null || [ $$? -eq 3 ]
	@scripts/packages.sh upstreams node >/dev/null || [ $$? -eq 3 ]
	@scripts/debian.sh signify-openbsd signify-openbsd >/dev/null || [ $$? -eq 3 ]
	@scripts/debian.sh nginx nginx >/dev/null || [ $$? -eq 3 ]
	@scripts/php.sh >/dev/null || [ $$? -eq 3 ]
	@scripts/mesh.sh schemas >/dev/null || [ $$? -eq 3 ]
	@scripts/mesh.sh kubectl >/dev/null || [ $$? -eq 3 ]

soak: build server-build ## steady load, 1,000 pushes and a busy feed for half an hour (SOAK_SECONDS=...), 1,000 kills of the server's store, of the server with gateways, and of a publisher with gateways, 1,000 ends under load; `make test-all` has a short form of each
	@KEYWARD_PUBLISH_KILLS=$${KEYWARD_PUBLISH_KILLS:-1000} cargo test --locked -p keyward-cli --test pure publish::kills -- --nocapture
	@ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && KEYWARD_PUBLISH_KILLS=$${KEYWARD_PUBLISH_KILLS:-1000} cargo test --locked -p keyward-cli --test it publish::killed -- --nocapture
	@KEYWARD_CRASH_ROUNDS=$${KEYWARD_CRASH_ROUNDS:-1000} cargo test --locked -p keyward-server --lib store::crash::many_kills -- --nocapture
	@ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && KEYWARD_FLEET_KILLS=$${KEYWARD_FLEET_KILLS:-1000} KEYWARD_FLEET_ENDS=$${KEYWARD_FLEET_ENDS:-1000} KEYWARD_SERVER_BIN=$(CURDIR)/target/release/keyward-server cargo test --locked -p keyward-server --test server -- feed::kills feed::load --nocapture --test-threads 1
	@ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && SOAK_SECONDS=$${SOAK_SECONDS:-1800} cargo test --locked -p keyward-cli --test it -- soak:: feed::held::ten --nocapture

audit: ## look for what is locked in the RustSec advisory database (ADVISORY_DB=FOLDER: in a copy of it, offline)
	@scripts/audit.sh

sbom: toolchain ## what the filter, the command, the server and the native module are built of, as CycloneDX: target/*.cdx.json
	@scripts/sbom.sh

# The SBOM goes in as what refers to the image. `skopeo copy oci:target/image:VERSION docker://…` pushes it.
image: filter sbom ## the filter as an OCI image layout, with its SBOM and digests: target/image
	@scripts/image.py target/wasm32-wasip1/release/keyward.wasm target/image --sbom target/keyward.wasm.cdx.json

server-image: server-build ## keyward-server as an OCI image layout, with the libraries of this machine: target/server-image
	@scripts/server-image.py target/release/keyward-server target/server-image

release: build server-build native-release image ## what a release consists of, with checksums and provenance: target/release-VERSION (docs/releasing.md)
	@scripts/release.py

reproducible: toolchain ## build the filter in two folders, and compare
	@scripts/reproducible.sh

# With symbols, so that Valgrind finds what to count.
DECISION := CARGO_PROFILE_BENCH_STRIP=none KEYWARD_BENCH_WORLDS=$(CURDIR)/target/bench/worlds

# Each part writes its lines into a separate file, and the gateway's writes the page of them. The second filter knows no endpoint: the difference to the first is the catalogue. The code that drives Envoy need not be
# fast itself, so it is built without what the release profile takes minutes for.
bench: filter native ## what is promised of size and speed, measured: one table, docs/benchmarks.md (QUICK=1: a few minutes of it, docs left alone)
	@mkdir -p target/bench
	cargo build --release --locked --manifest-path benches/noop/Cargo.toml --target wasm32-wasip1 --target-dir target/noop
	cargo build --release --locked --manifest-path benches/noop/Cargo.toml --target wasm32-wasip1 --target-dir target/probe --features probe
	KEYWARD_WITHOUT_CATALOGUE=1 $(ANYWHERE) cargo rustc --locked --profile filter $(WASM) --crate-type cdylib --target-dir target/without-catalogue
	@scripts/bench/catalogue-size.sh target/wasm32-wasip1/release/keyward.wasm target/without-catalogue/$(BUILT) >target/bench/catalogue-size.tsv
	@rm -rf target/bench/worlds && mkdir -p target/bench/worlds
	$(DECISION) KEYWARD_BENCH_OUT=$(CURDIR)/target/bench/decision.tsv cargo bench --locked -p keyward-benches --bench decision
	@bench=$$($(DECISION) cargo bench --locked -p keyward-benches --bench decision --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))/\1/p') && $(DECISION) scripts/bench/instructions.sh "$$bench" target/bench/costs.tsv
	@rm -rf target/bench/worlds
	CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 KEYWARD_BENCH_DISK=$(CURDIR)/target/bench KEYWARD_BENCH_OUT=$(CURDIR)/target/bench/store.tsv cargo bench --locked -p keyward-benches --bench store
	@# The command without link-time optimization, so the released one is no slower.
	CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 cargo build --profile bench --locked -p keyward-cli
	@scripts/bench/edit.py target/release/keyward target/bench/edit target/bench/edit.tsv
	ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 KEYWARD_BENCH_OUT=$(CURDIR)/target/bench/publish.tsv cargo bench --locked -p keyward-benches --bench publish
	$(MAKE) server-build
	@scripts/bench/server-size.sh target/release/keyward-server >target/bench/server-size.tsv
	ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 KEYWARD_BENCH_DISK=$(CURDIR)/target/bench KEYWARD_BENCH_OUT=$(CURDIR)/target/bench/serve.tsv cargo bench --locked -p keyward-benches --bench serve
	@# The page has the lines of all parts before it.
	ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 cargo bench --locked -p keyward-benches --bench gateway
	@# A gigabyte of log, so not in the quick part.
	@rm -f target/bench/logs.tsv && touch target/bench/logs.tsv
	@[ -n "$$QUICK" ] || scripts/bench/logs.py target/release/keyward target/bench/logs target/bench/logs.tsv
	@scripts/bench/table.py target/bench/gateway.tsv target/bench/decision.tsv target/bench/catalogue-size.tsv target/bench/edit.tsv target/bench/logs.tsv target/bench/store.tsv target/bench/publish.tsv target/bench/server-size.tsv target/bench/serve.tsv

SOURCES := src build files cli server native tests benches examples fuzz

check: toolchain ## formatting, clippy for the host and for wasm, cargo-deny, docs
	cargo fmt --all --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	@# A file has one purpose. native/src/abi.rs is the exception: it holds all that is unsafe in the module, so that one file is to be read for it.
	@find $(SOURCES) -name '*.rs' -not -path '*/target/*' -exec wc -l {} + | awk '{ most = $$2 ~ /^(tests|benches|examples|fuzz|native\/tests)/ ? 500 : $$2 ~ /native\/src\/abi.rs/ ? 580 : 400 } $$1 > most && $$2 != "total" { print $$2 " has " $$1 " lines, more than " most; long = 1 } END { exit long }'
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked --all-targets -p keyward-cli -p keyward-server --features keyward-cli/object-store,keyward-server/object-store -- -D warnings
	@# What the core must not do (src/clippy.toml) besides.
	CLIPPY_CONF_DIR=src cargo clippy --locked $(WASM) -- -D warnings
	CLIPPY_CONF_DIR=src cargo clippy --locked $(WASM) --features trap-door -- -D warnings
	@deny=$$(scripts/cargo-deny.sh) && "$$deny" --locked --workspace check bans licenses sources
	@# The command and the library have one name, and so one folder of pages.
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --workspace --exclude keyward-cli
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps -p keyward-cli

fuzz: ## run the fuzz targets, FUZZ_SECONDS=60 each, or those in TARGETS="credential decide" (needs a nightly toolchain)
	@scripts/fuzz.sh $(TARGETS)

catalogue: ## read Stripe's operations and expandable fields off its SDK, compare (STRIPE_VERSION=x.y.z tries a newer one)
	@scripts/catalogue.sh

fmt: toolchain ## format the code
	cargo fmt --all
	cargo fmt --manifest-path fuzz/Cargo.toml

clean: ## remove target/, with the Envoy and the tools that were put there
	rm -rf target

# A build whose VM fails on demand. It goes to a separate folder, so that neither is ever taken for the other.
trap-door: toolchain
	@$(if $(Q),echo "Building the filter whose VM fails on demand …")
	$(if $(Q),@)cargo rustc $(Q) --locked --profile filter $(WASM) --features trap-door --crate-type cdylib --target-dir target/trap-door
	@$(call promise,target/trap-door)

# The native module with the same switches.
native-trap-door: toolchain
	cargo rustc $(Q) --locked --profile native -p keyward-native --features trap-door --lib --crate-type cdylib --target-dir target/trap-door
	@mkdir -p target/trap-door/release
	@cp target/trap-door/native/libkeyward_native.so target/trap-door/release/libkeyward.so.new && mv target/trap-door/release/libkeyward.so.new target/trap-door/release/libkeyward.so

toolchain:
	@scripts/toolchain.sh
