# Every target does its own set-up first and is quick when nothing changed. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

SETUP := .local/setup/venv .local/setup/node_modules .local/setup/python_modules .local/setup/bundle

.PHONY: help setup demo test test-fast up down dev bench deploy-check lint clean-state

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
test: setup ## Every test
	@$(PY) -m pytest tests -m "not stack" -n auto
	@$(PY) -m pytest tests -m stack
test-fast: .local/setup/venv ## What needs no Worker and no database
	@$(PY) -m pytest tests -m "not stack" -n auto
bench: setup ## The benchmarks: a table, and JSON under bench/results/
	@$(PY) -m bench
deploy-check: setup ## Dry runs of both deployments, and their memory snapshots taken and loaded
	@$(PY) -m local.deploy_check
lint: .local/setup/venv ## ruff, mypy --strict on the Workers, the architecture test
	@ruff check .
	@mypy
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
