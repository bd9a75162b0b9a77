# `make` alone lists the targets. Two commands are all a newcomer needs: `make demo` and `make test`.

.DEFAULT_GOAL := help
.PHONY: help build filter trap-door demo run test bench soak audit sbom image release reproducible check catalogue fuzz fmt clean toolchain

# The paths under target/ are part of what we promise (envoy/bootstrap.yaml names the .wasm), so a CARGO_TARGET_DIR from outside is overruled.
export CARGO_TARGET_DIR := $(CURDIR)/target

WASM := --lib --no-default-features --target wasm32-wasip1
# The .wasm is bounded to 600 KiB. At opt-level s some 25 KB of that are left (docs/design.md, The request path).
SMALL := CARGO_PROFILE_RELEASE_OPT_LEVEL=s
# Panics name source files. Without the folders of whoever builds, the same commit gives the same bytes everywhere.
CARGO_HOME_HERE := $(or $(CARGO_HOME),$(HOME)/.cargo)
ANYWHERE := CARGO_TARGET_WASM32_WASIP1_RUSTFLAGS="--remap-path-prefix=$(CARGO_HOME_HERE)=/cargo --remap-path-prefix=$(CURDIR)=/keyward"
# Arguments to `cargo test`, such as a name: make test TEST="--test it interlock"
TEST ?=
# In the dev profile, which `make test` uses too. It finds Envoy by itself (scripts/envoy.sh).
DEMO := cargo run --locked --example demo --
# More arguments to Envoy: make run ENVOY_ARGS="--log-level info"
ENVOY_ARGS ?=

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: filter ## the filter (target/wasm32-wasip1/release/keyward.wasm) and the command (target/release/keyward)
	cargo build --locked --release --bin keyward

filter: toolchain
	$(SMALL) $(ANYWHERE) cargo rustc --locked --release $(WASM) --crate-type cdylib

demo: build trap-door ## start Envoy with keyward, play a tour of allowed and denied requests, stop
	@$(DEMO)

run: build ## the same Envoy in the foreground: 127.0.0.1:10000, admin 127.0.0.1:9901
	@exec $(DEMO) run $(ENVOY_ARGS)

# In the dev profile: the release profile's one codegen unit and fat LTO cost more time than they save here. The filter
# that runs in Envoy is the released one all the same.
test: build trap-door ## every test: unit, cases, command, real Envoy (TEST="..." goes to cargo test)
	@scripts/chromium.sh
	@scripts/prometheus.sh >/dev/null || [ $$? -eq 3 ]
	@scripts/registry.sh >/dev/null || [ $$? -eq 3 ]
	@scripts/sdk.sh python >/dev/null || [ $$? -eq 3 ]
	@scripts/sdk.sh node >/dev/null || [ $$? -eq 3 ]
	@scripts/upstreams.sh python >/dev/null || [ $$? -eq 3 ]
	@scripts/upstreams.sh node >/dev/null || [ $$? -eq 3 ]
	@scripts/upstreams.sh php >/dev/null || [ $$? -eq 3 ]
	@scripts/mesh.sh schemas >/dev/null || [ $$? -eq 3 ]
	@scripts/mesh.sh kubectl >/dev/null || [ $$? -eq 3 ]
	@ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && cargo test --locked $(TEST)

soak: build ## steady load and 1,000 pushes for half an hour (SOAK_SECONDS=...); the test suite has two minutes of it
	@ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && SOAK_SECONDS=$${SOAK_SECONDS:-1800} cargo test --locked --test it soak -- --nocapture

audit: ## look for what is locked in the RustSec advisory database (ADVISORY_DB=FOLDER: in a copy of it, offline)
	@scripts/audit.sh

sbom: toolchain ## what the filter and the command are built of, as CycloneDX: target/keyward.wasm.cdx.json, target/keyward.cdx.json
	@scripts/sbom.sh

# The SBOM goes in as what refers to the image. `skopeo copy oci:target/image:VERSION docker://…` pushes it.
image: filter sbom ## the filter as an OCI image layout, with its SBOM and digests: target/image
	@scripts/image.py target/wasm32-wasip1/release/keyward.wasm target/image --sbom target/keyward.wasm.cdx.json

release: build image ## what a release consists of, with checksums and provenance: target/release-VERSION (docs/releasing.md)
	@scripts/release.py

reproducible: toolchain ## build the filter in two folders, and compare
	@scripts/reproducible.sh

# With symbols, by which Valgrind finds what it is to count.
DECISION := CARGO_PROFILE_BENCH_STRIP=none KEYWARD_BENCH_WORLDS=$(CURDIR)/target/bench/worlds

# Each part writes its lines into a file of its own, and the last one the page. The second filter knows no endpoint: what is left of the first is the catalogue. What drives Envoy need not be
# fast itself, so it is built without what the release profile takes minutes for.
bench: filter ## what is promised of size and speed, measured: one table, docs/benchmarks.md (QUICK=1: a few minutes of it, docs left alone)
	@mkdir -p target/bench
	cargo build --release --locked --manifest-path benches/noop/Cargo.toml --target wasm32-wasip1 --target-dir target/noop
	KEYWARD_WITHOUT_CATALOGUE=1 $(SMALL) $(ANYWHERE) cargo rustc --locked --release $(WASM) --crate-type cdylib --target-dir target/without-catalogue
	@scripts/bench/catalogue-size.sh target/wasm32-wasip1/release/keyward.wasm target/without-catalogue/wasm32-wasip1/release/keyward.wasm >target/bench/catalogue-size.tsv
	@rm -rf target/bench/worlds && mkdir -p target/bench/worlds
	$(DECISION) KEYWARD_BENCH_OUT=$(CURDIR)/target/bench/decision.tsv cargo bench --locked --bench decision
	@bench=$$($(DECISION) cargo bench --locked --bench decision --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))/\1/p') && $(DECISION) scripts/bench/instructions.sh "$$bench" target/bench/costs.tsv
	@rm -rf target/bench/worlds
	ENVOY_BIN=$$(scripts/envoy.sh) && export ENVOY_BIN && CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 cargo bench --locked --bench gateway
	@# The command as the step before left it: without link-time optimization, so the released one is no slower. A gigabyte of log, so not in the quick part.
	CARGO_PROFILE_BENCH_LTO=off CARGO_PROFILE_BENCH_CODEGEN_UNITS=16 cargo build --profile bench --locked --bin keyward
	@rm -f target/bench/logs.tsv && touch target/bench/logs.tsv
	@[ -n "$$QUICK" ] || scripts/bench/logs.py target/release/keyward target/bench/logs target/bench/logs.tsv
	@scripts/bench/table.py target/bench/gateway.tsv target/bench/decision.tsv target/bench/catalogue-size.tsv target/bench/logs.tsv

check: toolchain ## formatting, clippy for the host and for wasm, cargo-deny, docs
	cargo fmt --check
	cargo fmt --check --manifest-path fuzz/Cargo.toml
	cargo clippy --locked --all-targets -- -D warnings
	cargo clippy --locked $(WASM) -- -D warnings
	cargo clippy --locked $(WASM) --features trap-door -- -D warnings
	@deny=$$(scripts/cargo-deny.sh) && "$$deny" --locked check bans licenses sources
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

fuzz: ## run the fuzz targets, FUZZ_SECONDS=60 each, or those in TARGETS="credential decide" (needs a nightly toolchain)
	@scripts/fuzz.sh $(TARGETS)

catalogue: ## read Stripe's operations and expandable fields off its SDK, compare (STRIPE_VERSION=x.y.z tries a newer one)
	@scripts/catalogue.sh

fmt: toolchain ## format the code
	cargo fmt
	cargo fmt --manifest-path fuzz/Cargo.toml

clean: ## remove target/, with the Envoy and the tools that were put there
	rm -rf target

# A build whose VM fails on demand. Apart from the released one, so that neither is ever taken for the other.
trap-door: toolchain
	$(SMALL) cargo rustc --locked --release $(WASM) --features trap-door --crate-type cdylib --target-dir target/trap-door

toolchain:
	@scripts/toolchain.sh
