SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Built once, kept outside the checkout: the test control plane, cargo-deny and, in CI, everything that cargo builds.
# The next clean checkout then does not build the world again.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/keyspaces-credential-operator
ifneq ($(CI),)
export CARGO_TARGET_DIR ?= $(CACHE)/target
endif
TARGET := $(or $(CARGO_TARGET_DIR),target)

OPERATOR := $(TARGET)/debug/keyspaces-credential-operator
IMAGE_ROOT ?= $(TARGET)/image-root

CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny

.PHONY: help setup build test test-all soak model demo crds lint deny image-root control-plane clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## check the tools and build the test control plane (ten minutes, once)
	@for tool in cargo cc; do \
	  command -v $$tool >/dev/null || { echo "$$tool is missing: install Rust (https://rustup.rs) and a C compiler" >&2; exit 1; }; \
	done
	@cargo --version
	tests/control-plane/build.sh

# Always the whole workspace: cargo unites the features of what is built together, so building one package alone
# would compile most dependencies a second time.
build: ## build the operator and what tests it
	cargo build --locked --workspace --bins

# Without `build`: tests bring features of their own, so what that has compiled would mostly be compiled again.
# The image first, and alone: the tests that wait for a cluster should not compete with ten minutes of compiling.
# More tests at a time than cores, for most of a test is waiting for times that the operator keeps.
test: setup image-root ## run every test, with short bounds
	RUST_TEST_THREADS=$(or $(RUST_TEST_THREADS),4) cargo test --locked --workspace --no-fail-fast

# What takes too long for every change: the end-to-end tests with the program of the image, all pairs of crashes, a thousand
# resources, chaos from another seed, the larger model. The program of the image is static, so the library that stands in for
# the clock cannot be loaded into it.
test-all: test ## run every test, and the long ones too
	OPERATOR_UNDER_TEST=$(abspath $(IMAGE_ROOT))/keyspaces-credential-operator RUST_TEST_THREADS=$(or $(RUST_TEST_THREADS),4) \
	  cargo test --locked --workspace --test e2e -- --skip recovery::clock --skip recovery::panics
	CRASH_PAIRS=all cargo test --locked --workspace --test e2e crash:: -- --nocapture
	LOAD=1000 cargo test --locked --workspace --test e2e many_resources -- --nocapture
	$(MAKE) soak
	$(MAKE) model

soak: setup ## chaos, then quiet, then all has to be well; DURATION=seconds SEED=number
	SOAK_SECONDS=$(or $(DURATION),300) SOAK_SEED=$(or $(SEED),$(shell date +%s)) \
	  cargo test --locked --workspace --test e2e soak:: -- --nocapture

# At most 35 seconds a run: the largest ones are not complete then, and say so.
model: build ## run the model with more faults than the tests do; LIMIT=seconds a run, 35 unless told
	$(TARGET)/debug/protocol-model --large $(or $(LIMIT),35)

demo: setup build ## see it work: a life with its rotations and accidents; KEEP=1 leaves it running
	$(TARGET)/debug/demo --operator $(OPERATOR) $(if $(KEEP),--keep)

crds: build ## write crds/ from the types
	$(OPERATOR) crd > $(TARGET)/crd.yaml
	mv $(TARGET)/crd.yaml crds/keyspacescredentials.yaml

lint: ## check format and lints
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings

# Without the check of advisories: that one asks a database on the network, and what it says changes without a commit.
deny: $(CARGO_DENY) ## check licences, sources and duplicates of the dependencies
	$(CARGO_DENY) --locked --workspace check bans licenses sources

# Unoptimised: it runs for seconds and compiles in less than half the time.
$(CARGO_DENY):
	@echo "installing cargo-deny $(CARGO_DENY_VERSION) into $(CACHE): a few minutes, once"
	env -u CARGO_TARGET_DIR cargo install cargo-deny --locked --debug --version $(CARGO_DENY_VERSION) --root $(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)

image-root: ## make the root folder of the image without a container engine; IMAGE_ROOT=folder
	deploy/image-root.sh $(IMAGE_ROOT)

control-plane: ## run a control plane to play with
	@tests/control-plane/build.sh >/dev/null
	@directory=$$(mktemp -d); \
	echo "once it is ready:  export KUBECONFIG=$$directory/kubeconfig PATH=$$directory:\$$PATH     (Ctrl-C ends it)"; \
	exec tests/control-plane/start.sh "$$directory"

clean: ## remove what cargo has built; the cache folder stays
	cargo clean
	@echo "kept: $(CACHE)"
