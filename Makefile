# What can be done here, one line of help a target. `make` alone prints them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
# Most tests over Kafka wait for something: three at a time fit on two cores.
WORKERS ?= 3
# Interleavings of each of the three machines of `make model`.
EXAMPLES ?= 700
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-annotate --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --resolver=backtracking

COMPILED := build/compiled
# Where cwd must not come first, so that what was compiled is found.
WITH_COMPILED := PYTHONSAFEPATH=1 PYTHONPATH=$(CURDIR)/$(COMPILED) TESTKIT_COMPILED=1
# Tests that drive the hot path: alone, and over Kafka with processes that are killed.
COMPILED_TESTS ?= tests/connectors tests/processor/avro tests/processor/engine tests/processor/http tests/processor/state \
	tests/integration/test_catalogue.py tests/integration/test_life_cycle.py tests/integration/test_model.py

EXTRAS := --extra registry --extra ingest --extra console --extra vault

.PHONY: help
help: ## these lines
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(STAMP) ## everything that the other targets need, in .venv; at once when it is there

$(STAMP): requirements-dev.txt pyproject.toml
	@bash .ci/make-venv $(PYTHON) $(VENV)
	@echo "Installing the locked packages into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: compiled
compiled: $(COMPILED)/.compiled ## the hot path as C, in build/compiled; needs a C compiler and Python's headers

$(COMPILED)/.compiled: $(STAMP) $(shell find connectors processor schemas config compiling -type f -not -name '*.pyc')
	@command -v cc >/dev/null || { echo "No C compiler. On Debian: apt-get install gcc python3-dev" >&2; exit 1; }
	@rm -rf $(COMPILED) && mkdir -p $(COMPILED) && cp -r connectors processor schemas config $(COMPILED)/
	@$(BIN)/python -m compiling $(COMPILED)
	@touch $@

.PHONY: demo
demo: setup ## see the main job at work, without an account or a broker; ARGS=--keep goes on, with the console
	@$(BIN)/prompt-actions demo $(ARGS)

.PHONY: test
test: setup ## all tests, against the best Kafka that this machine has
	@bash .ci/with-broker $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: test-compiled
test-compiled: compiled ## the tests of the hot path, over Kafka too, with what was compiled
	@$(WITH_COMPILED) bash .ci/with-broker $(BIN)/python -m pytest -q -m "not vendor and not trouble and not browser" -n $(WORKERS) --dist worksteal $(COMPILED_TESTS) $(ARGS)

.PHONY: test-quick
test-quick: setup ## the tests that need no broker; seconds
	@$(BIN)/python -m pytest -m "not broker and not trouble and not browser" -n $(WORKERS) --dist worksteal $(ARGS)

.PHONY: test-vendors
test-vendors: setup ## our requests beside those of vendors' own packages, secrets of a real Vault, signing in at a Keycloak; installed apart
	@test -d $(VENV)-vendors || $(PYTHON) -m venv $(VENV)-vendors
	@$(VENV)-vendors/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-vendors.txt
	@TESTKIT_VENDOR_PACKAGES="$$(echo $(VENV)-vendors/lib/python3*/site-packages)" $(BIN)/python -m pytest -q -m vendor tests/connectors tests/console/pages tests/processor/config $(ARGS)

.PHONY: test-browser
test-browser: setup ## the console in Chromium, over a real Kafka; ARGS=--pictures=docs/images keeps what was seen
	@bash .ci/with-broker $(BIN)/python -m pytest -q -m browser tests/browser $(ARGS)

.PHONY: bench
bench: setup compiled ## ceiling, processor, the usual ways and Parallel Consumer, measured against a real Kafka; below an hour
	@bash benchmarks/peers/environments.sh $(BIN)/python
	@$(BIN)/python -m benchmarks $(ARGS)

.PHONY: bench-quick
bench-quick: setup compiled ## the same for ceiling and processor in two cases; about eight minutes
	@$(BIN)/python -m benchmarks --quick $(ARGS)

.PHONY: bench-guard
bench-guard: setup compiled ## fails where an event costs twice the CPU that it did, as a ratio to the ceiling; below two minutes
	@$(BIN)/python -m benchmarks.guard $(ARGS)

.PHONY: bench-console
bench-console: setup ## the console's pages over a million dead letters: server time and weight; some minutes
	@$(BIN)/python -m benchmarks.console $(ARGS)

.PHONY: model
model: setup ## the engine against its model in thousands of random interleavings; EXAMPLES=700 of each of three; some minutes
	@ENGINE_MODEL_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -q -n $(WORKERS) tests/processor/engine/test_model.py $(ARGS)

.PHONY: crash
crash: setup ## a kill, then a zombie, at every step of a chain's life; some minutes
	@$(BIN)/python -m testkit.crash.rounds

.PHONY: trouble
trouble: setup ## brokers away, disks full, vendors without an end: some minutes
	@bash .ci/with-broker $(BIN)/python -m pytest -m trouble tests/integration $(ARGS)

.PHONY: chaos
chaos: setup ## a storm of 500 kills over 50,000 events, and its judgement; ARGS="--seed 7" repeats one
	@$(BIN)/python -m testkit.chaos $(ARGS)

.PHONY: chaos-short
chaos-short: setup ## the same with 50 kills, in two or three minutes
	@$(BIN)/python -m testkit.chaos --events 5000 --kills 50 --minutes 2 $(ARGS)

.PHONY: lint
lint: setup ## style, by ruff
	@$(BIN)/ruff check .

.PHONY: types
types: setup ## types, by mypy
	@$(BIN)/mypy

.PHONY: contracts
contracts: setup ## who may import whom
	@$(BIN)/lint-imports

.PHONY: schemas
schemas: setup ## Avro schemas against every earlier version
	@$(BIN)/python -m pytest -q tests/schemas

.PHONY: check
check: lint types contracts schemas ## all that is checked without running the product

.PHONY: kafka
kafka: setup ## a real Kafka in the foreground at port 9092, without Docker
	@$(BIN)/python -m testkit.kafka.local --port 9092

.PHONY: compose-test
compose-test: ## docker compose up: build, wait until all is healthy, take down
	@bash .ci/compose-test

.PHONY: deploy/emulators.env
deploy/emulators.env: setup
	@$(BIN)/python .ci/emulators-env.py > $@

.PHONY: lock
lock: setup ## new locked versions from pyproject.toml
	@$(COMPILE) --upgrade $(EXTRAS) -o requirements.txt pyproject.toml
	@$(BIN)/python .ci/requirements.py build dev > $(VENV)/dev.in
	@$(COMPILE) --upgrade $(EXTRAS) -c requirements.txt -o requirements-dev.txt pyproject.toml $(VENV)/dev.in
	@$(BIN)/python .ci/requirements.py build > $(VENV)/build.in
	@$(COMPILE) --upgrade -c requirements-dev.txt -o requirements-build.txt $(VENV)/build.in
	@$(BIN)/python .ci/requirements.py vendor > $(VENV)/vendor.in
	@$(COMPILE) --upgrade -o requirements-vendors.txt $(VENV)/vendor.in
	@sed -i '1i # Written by `make lock` from pyproject.toml: vendors'\'' own packages, for `make test-vendors`.' requirements-vendors.txt
	@sed -i '1i # Written by `make lock` from pyproject.toml: what the package runs on.' requirements.txt
	@sed -i '1i # Written by `make lock` from pyproject.toml: what the package is built with.' requirements-build.txt
	@sed -i '1i # Written by `make lock` from pyproject.toml: what development needs, the package included.' requirements-dev.txt
