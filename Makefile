# SPDX-License-Identifier: Apache-2.0 OR MIT
# What one types while working on Landfall. `make` alone says what there is.

CARGO ?= cargo
BUILD := $(or $(CARGO_TARGET_DIR),target)
CACHE := $(or $(LANDFALL_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/landfall)
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint deny bench bench-import fuzz fuzz-smoke e2e-list e2e e2e-all image

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: ## install what is missing on a Debian 12 machine with a Rust toolchain
	@tests/setup

demo: setup ## build, install a test image by the manual's kickstart, boot it on this terminal
	$(CARGO) build --package landfall --package landfall-harness
	$(BUILD)/debug/landfall-harness demo --landfall $(BUILD)/debug/landfall --dir $(BUILD)/demo

test: setup lint fuzz-smoke ## everything: format, lints, all tests, fuzzing, guests too; what CI runs
	$(CARGO) test --workspace

check: lint ## the inner loop: format, lints and the tests that need no guest
	$(CARGO) test --workspace --lib --bins
	$(CARGO) test --package kickstart-parser --package landfall-installer --tests
	$(CARGO) test --package landfall --test dependency_law --test schemas --test language

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) check --package landfall-installer --no-default-features
	$(CARGO) clippy --release --locked --manifest-path tests/oracle/Cargo.toml --target-dir $(BUILD)/oracle -- -D warnings
	@kickstart-parser/fuzz/run 0
	@installer/fuzz/run 0

deny: ## licences, bans and sources of the dependencies (needs cargo-deny)
	@$(CARGO) deny --version > /dev/null 2>&1 || { echo 'error: cargo-deny is missing: `cargo install cargo-deny --locked`' >&2; exit 1; }
	$(CARGO) deny check bans licenses sources

# With the corpus of the reference beside the checkout, its runner and its kickstart take part, too.
CORPUS := $(abspath $(wildcard ../shared/corpus))
REPLAY := $(or $(wildcard $(CORPUS)/replay.py),$(abspath kickstart-parser/benches/reference.py))

bench: ## time the parser beside pykickstart, the import beside others; reports in target/bench
	@tests/setup python3-venv
	$(MAKE) bench-import
	$(CARGO) build --release --package landfall
	@test -x $(BUILD)/bench/venv/bin/ksvalidator || \
	    { python3 -m venv $(BUILD)/bench/venv && $(BUILD)/bench/venv/bin/pip --quiet install pykickstart==3.78; }
	$(CARGO) bench --package kickstart-parser --bench kickstart -- $(abspath $(BUILD)/bench $(BUILD)/release/landfall) \
	    $(abspath $(BUILD)/bench/venv/bin)/python $(REPLAY) $(wildcard $(CORPUS)/bench100.ks)

# As a program of its own, made as fast as the compiler can; it is in another workspace, as its tests have it.
ORACLE := $(wildcard tests/oracle/Cargo.toml)

bench-import: # the second half of it, as root; images of this machine's files are made once, in the cache
	@test -z "$(ORACLE)" || CARGO_PROFILE_RELEASE_OPT_LEVEL=3 \
	    $(CARGO) build --release --locked --manifest-path $(ORACLE) --target-dir $(BUILD)/bench/oracle
	@mkdir -p $(BUILD)/bench
	$(CARGO) bench --package landfall-installer --bench import -- $(abspath $(BUILD)/bench $(CACHE) \
	    $(if $(ORACLE),$(BUILD)/bench/oracle/release/oracle))

fuzz: setup ## fuzz what reads foreign input: make fuzz [TARGET=name] [SECONDS=1200]; findings in target/fuzz
	@test -z "$(TARGET)" || test -n "$(wildcard */fuzz/fuzz_targets/$(TARGET).rs)" || { echo 'error: there is no target `$(TARGET)`' >&2; exit 2; }
	@set -e; for crate in $(if $(TARGET),$(patsubst %/fuzz/fuzz_targets/$(TARGET).rs,%,$(wildcard */fuzz/fuzz_targets/$(TARGET).rs)),kickstart-parser installer); do \
	    $$crate/fuzz/run $(or $(SECONDS),1200) $(TARGET); \
	done

fuzz-smoke: setup # 15 seconds a target
	@kickstart-parser/fuzz/run 15
	@installer/fuzz/run 15

image: setup ## build the test image, print the directory of its OCI layout
	@$(CARGO) run --quiet --package landfall-harness -- image plain

e2e-list: ## the end-to-end cases
	@$(CARGO) test --quiet --test e2e -- --list

e2e: setup ## one case: make e2e CASE=name
	@test -n "$(CASE)" || { echo 'error: which? `make e2e CASE=name`; `make e2e-list` lists them' >&2; exit 2; }
	@$(CARGO) test --quiet --test e2e -- --list 2> /dev/null | grep -qx '$(CASE): test' || { echo 'error: there is no case `$(CASE)`' >&2; exit 2; }
	$(CARGO) test --test e2e -- --include-ignored --exact $(CASE)
	@echo 'serial log: $(BUILD)/e2e/$(CASE)/serial.log'

e2e-all: setup ## every case that has not passed at this commit yet; report in target/e2e/report.md
	LANDFALL_E2E_RESUME=1 $(CARGO) test --test e2e -- --include-ignored
