SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# What is built once and kept outside the checkout: the test control plane, cargo-deny and, in CI, everything that cargo builds.
# A clean checkout then does not have to build it again.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/keyspaces-credential-operator
ifneq ($(CI),)
export CARGO_TARGET_DIR ?= $(CACHE)/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)

OPERATOR := $(TARGET)/debug/keyspaces-credential-operator
IMAGE_ROOT ?= $(TARGET)/image-root

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny

CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := $(CACHE)/tools/cargo-mutants-$(CARGO_MUTANTS_VERSION)/bin/cargo-mutants

.PHONY: help setup build quick test test-all soak model mutants demo crds lint deny image-root control-plane clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## check the tools and build the test control plane (ten minutes, once)
	@for tool in cargo cc; do \
	  command -v $$tool >/dev/null || { echo "$$tool is missing: install Rust (https://rustup.rs) and a C compiler" >&2; exit 1; }; \
	done
	@cargo --version
	tests/control-plane/build.sh

# The model checker is left out: it runs in tests only. It brings no features of its own, so nothing is compiled a second time.
build: ## build the operator and what runs it in tests
	cargo build --locked --workspace --exclude protocol-model --bins

quick: setup ## the fast loop: the core's tests and one test with a real API server; ONLY=part of a test's name
	cargo test --locked --package keyspaces-credential-protocol
	cargo test --locked --package keyspaces-credential-operator --test e2e $(or $(ONLY),a_resource_becomes_a_secret_that_logs_in)

# It does not need `build`: tests enable features of their own, so cargo would compile most of it again.
# The image is built first and alone: ten minutes of compiling would slow down the tests that wait for a cluster.
# More tests run at a time than there are cores, since a test mostly waits for times that the operator keeps.
test: setup image-root ## run every test, with short bounds
	RUST_TEST_THREADS=$(or $(RUST_TEST_THREADS),4) cargo test --locked --workspace --no-fail-fast

# What takes too long for every change: the end-to-end tests with the program of the image, all pairs of crashes, a thousand
# resources, chaos from another seed, the larger model. The program of the image is static, so the library that replaces the
# clock cannot be loaded into it: the tests that need that library are skipped.
test-all: test ## run every test, and the long ones too
	OPERATOR_UNDER_TEST=$(abspath $(IMAGE_ROOT))/keyspaces-credential-operator RUST_TEST_THREADS=$(or $(RUST_TEST_THREADS),4) \
	  cargo test --locked --workspace --test e2e -- --skip recovery::clock --skip recovery::panics
	CRASH_PAIRS=all cargo test --locked --workspace --test e2e crash:: -- --nocapture
	LOAD=1000 cargo test --locked --workspace --test e2e many_resources -- --nocapture
	$(MAKE) soak
	$(MAKE) model

soak: setup ## random faults, then none, then all has to be well; DURATION=seconds SEED=number
	SOAK_SECONDS=$(or $(DURATION),300) SOAK_SEED=$(or $(SEED),$(shell date +%s)) \
	  cargo test --locked --workspace --test e2e soak:: -- --nocapture

# At most 35 seconds per run. The largest runs are not complete then, and report that.
model: ## run the model with more faults than the tests do; LIMIT=seconds per run, by default 35
	cargo run --locked --package protocol-model -- --large $(or $(LIMIT),35)

# Not in CI: it compiles the core some hundred times. Survivors are listed in $(TARGET)/mutants.out/missed.txt.
mutants: $(CARGO_MUTANTS) ## change the core line by line, and list the changes that no test detects
	$(CARGO_MUTANTS) mutants --package keyspaces-credential-protocol --output $(TARGET) --timeout 120 $(MUTANTS)

$(CARGO_MUTANTS):
	@echo "installing cargo-mutants $(CARGO_MUTANTS_VERSION) into $(CACHE): a few minutes, once"
	env -u CARGO_TARGET_DIR cargo install cargo-mutants --locked --debug --version $(CARGO_MUTANTS_VERSION) --root $(CACHE)/tools/cargo-mutants-$(CARGO_MUTANTS_VERSION)

demo: setup build ## see the operator at work, with rotations and accidents; KEEP=1 leaves it running
	$(TARGET)/debug/demo --operator $(OPERATOR) $(if $(KEEP),--keep)

crds: build ## write crds/ from the types
	$(OPERATOR) crd > $(TARGET)/crd.yaml
	mv $(TARGET)/crd.yaml crds/keyspacescredentials.yaml

lint: ## check format and lints
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings

# It does not check advisories: that check asks a database on the network, so its result changes without a commit.
deny: $(CARGO_DENY) ## check licences, sources and duplicates of the dependencies
	$(CARGO_DENY) --locked --workspace check bans licenses sources

# Unoptimised: it runs for seconds and compiles in less than half the time.
$(CARGO_DENY):
	@echo "installing cargo-deny $(CARGO_DENY_VERSION) into $(CACHE): a few minutes, once"
	env -u CARGO_TARGET_DIR cargo install cargo-deny --locked --debug --version $(CARGO_DENY_VERSION) --root $(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)

image-root: ## make the root folder of the image without a container engine; IMAGE_ROOT=folder
	deploy/image-root.sh $(IMAGE_ROOT)

control-plane: ## run a control plane to try things with
	@tests/control-plane/build.sh >/dev/null
	@directory=$$(mktemp -d); \
	echo "once it is ready:  export KUBECONFIG=$$directory/kubeconfig PATH=$$directory:\$$PATH     (Ctrl-C ends it)"; \
	exec tests/control-plane/start.sh "$$directory"

clean: ## remove what cargo has built; the cache folder stays
	cargo clean
	@echo "kept: $(CACHE)"
