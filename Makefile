# Every target does its own set-up first and is quick when nothing changed. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)
# Some hundred interpreters start in a run of the tests: each would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE

SETUP := .local/setup/venv .local/setup/node_modules .local/setup/python_modules .local/setup/bundle .local/interpreter/snapshot.bin
SDK_SETUP := .local/setup/venv .local/setup/sdk-previous .local/setup/sdk-typescript

.PHONY: help setup demo test test-fast test-sdk clients official-suites up down dev bench deploy-check lint clean-state

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(SETUP) ## Install everything the other targets need
demo: setup ## The main job end to end: an agent loop until its budget stops it
	@$(PY) -m local demo
up: setup ## Start the local stack in the background (PORT=8787)
	@$(PY) -m local up
down: .local/setup/venv ## Stop the stack that `make up` started
	@$(PY) -m local down
dev: setup ## Run the stack in the foreground, restarting the Workers on changes
	@$(PY) -m local serve --reload
test: setup test-fast .local/setup/clients-light .local/setup/sdk-typescript ## Every test
	@# Two stacks side by side: their tests wait more than they work. In order, for the longest files are not those of most tests.
	@$(PY) -m pytest tests -m "stack and not clients" -n 2 --dist loadfile --no-loadscope-reorder
test-fast: test-sdk ## What needs no Worker and no database
	@$(PY) -m pytest tests -m "not stack" -n auto --dist worksteal
test-sdk: $(SDK_SETUP) ## The SDKs, with the present and the previous majors of the clients they watch
	@cd sdk/python && $(CURDIR)/$(PY) -m pytest -q -n auto --dist worksteal
	@cd sdk/python && PYTHONPATH=$(CURDIR)/.local/sdk-previous $(CURDIR)/$(PY) -m pytest -q -n auto --dist worksteal --ignore=tests/cli
	@cd sdk/typescript && npm test --silent
clients: setup .local/setup/clients .local/setup/clients-light ## The pages of docs/clients, run with the real clients; others' mocks as providers
	@$(PY) -m pytest tests/clients tests/runtime/test_aimock.py -m clients
official-suites: setup $(SDK_SETUP) ## The official clients' own tests: with the watched clients in place, and through AgentWatch
	@$(PY) -m tests.official; $(PY) -m tests.official --previous
bench: setup ## The benchmarks: a table, and JSON under bench/results/
	@$(PY) -m bench
deploy-check: setup ## Dry runs of both deployments, and their memory snapshots taken and loaded
	@$(PY) -m local.deploy_check
lint: $(SDK_SETUP) ## ruff, mypy --strict on the Workers and the SDK, tsc, the architecture test
	@ruff check .
	@mypy
	@cd sdk/python && mypy
	@cd sdk/typescript && npm run --silent check
	@$(PY) -m pytest -q tests/test_tidy.py
clean-state: ## Forget the local stack's data
	rm -rf .local/state .local/demo

.local/setup/venv: requirements/dev.txt
	@echo "installing the Python packages into $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV) .local/virtualenv; \
		$(PYTHON) -m pip install -q --target .local/virtualenv virtualenv && \
		PYTHONPATH=.local/virtualenv $(PYTHON) -m virtualenv -q $(VENV); }
	@# --no-deps: the lock is complete, and a resolver asked for `name[extra]` may leave the pinned version for a newer one.
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@$(PY) -m pip check -q
	@# The Python SDK is used from where it stands, as an editable installation would have it.
	@$(PY) -c 'import pathlib, site; pathlib.Path(site.getsitepackages()[0], "agentwatch.pth").write_text("$(CURDIR)/sdk/python/src\n")'
	@mkdir -p $(@D) && touch $@

.local/setup/sdk-previous: requirements/sdk-previous.txt .local/setup/venv
	@echo "installing the previous majors of the watched clients into .local/sdk-previous"
	@rm -rf .local/sdk-previous && $(PY) -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
		--target .local/sdk-previous -r requirements/sdk-previous.txt
	@mkdir -p $(@D) && touch $@

.local/setup/sdk-typescript: sdk/typescript/package-lock.json sdk/typescript/package.json .local/setup/venv
	@echo "installing the npm packages of the TypeScript SDK"
	@cd sdk/typescript && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && touch $@

.local/setup/clients: requirements/clients.txt requirements/clients-older.txt
	@echo "installing the agent frameworks into .local/clients"
	@rm -rf .local/clients && mkdir -p .local/clients
	@$(PYTHON) -m venv .local/clients/python && $(PYTHON) -m venv .local/clients/older
	@.local/clients/python/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
		-r requirements/clients.txt
	@.local/clients/older/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
		-r requirements/clients-older.txt
	@mkdir -p $(@D) && touch $@

.local/setup/clients-light: requirements/clients-light.txt tests/clients/node/package-lock.json .local/setup/venv
	@echo "installing the clients that the tests run into .local/clients-light"
	@rm -rf .local/clients-light && mkdir -p .local/clients-light
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes --no-deps --no-compile \
		--target .local/clients-light/python -r requirements/clients-light.txt
	@cp -r tests/clients/node .local/clients-light/node && cd .local/clients-light/node && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && touch $@

.local/setup/node_modules: package-lock.json package.json .local/setup/venv
	@echo "installing the npm packages"
	@npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && touch $@

.local/setup/python_modules: requirements/worker.txt .local/setup/venv
	@echo "installing the Workers' packages into python_modules"
	@rm -rf python_modules
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes --no-deps --target python_modules --no-compile \
		--platform pyemscripten_2026_0_wasm32 --python-version 3.14 --implementation cp --abi cp314 \
		--only-binary :all: -r requirements/worker.txt
	@test -e queue_consumer/python_modules || ln -s ../python_modules queue_consumer/python_modules
	@mkdir -p $(@D) && touch $@

.local/setup/bundle: local/pyodide_bundle.py local/pyodide_bundle.capnp .local/setup/node_modules
	@$(PY) -m local pack
	@mkdir -p $(@D) && touch $@

.local/interpreter/snapshot.bin: local/snapshots.py local/worker_config.py wrangler.toml .local/setup/bundle .local/setup/python_modules
	@$(PY) -m local snapshot

clients: .local/setup/coding-agents

.local/setup/coding-agents: requirements/clients-aider.txt tests/clients/agents/package-lock.json | .local/setup/venv
	@echo "installing the coding agents into .local/coding-agents"
	@rm -rf .local/coding-agents && mkdir -p .local/coding-agents
	@if $(PYTHON) -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then \
		$(PYTHON) -m venv .local/coding-agents/aider && \
		.local/coding-agents/aider/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps \
			-r requirements/clients-aider.txt; \
	else echo "left out: aider needs Python 3.12 or older; name one with PYTHON=..."; fi
	@# Not `npm ci`, which insists on the packages of every other platform being in the lock: not every mirror has Cline's.
	@cp -r tests/clients/agents .local/coding-agents/node && \
		cd .local/coding-agents/node && npm install --no-audit --no-fund --loglevel=error
	@mkdir -p $(@D) && touch $@
