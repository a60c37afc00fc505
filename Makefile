# `make demo` shows the whole job on this machine; `make test` proves it. Both make their own environments.

PYTHON ?= python3
VENV ?= .venv
VENV_32 ?= .venv-airflow-3.2
# DEMO=once: end by itself instead of leaving the UI open.
DEMO ?=
# Each PORT has a folder of its own below .demo, so that demos can run side by side.
# How many days before today the demo backfills.
DAYS ?= 7
PORT ?= 8080
OKTA_PORT ?= 8091
NETSKOPE_PORT ?= 8092

export UV_LINK_MODE ?= copy
BIN := $(VENV)/bin

.PHONY: help demo test lint types package bench sandbox pictures constraints audit clean

help:
	@echo "make demo            sandbox and Airflow: backfill a week (DAYS=7), sync today, show what happened (DEMO=once: then end)"
	@echo "make test            lint, types, package, all tests on Airflow 3.3, those of what touches Airflow on 3.2"
	@echo "make sandbox         only the pretend Okta org and Netskope tenant; prints their tokens (OKTA_PORT=8091 NETSKOPE_PORT=8092)"
	@echo "make bench           the numbers in docs/benchmarks.md"
	@echo "make pictures        the pictures of README.md, from a demo that is running"
	@echo "make constraints     write the versions and hashes of everything that is installed anew (UPGRADE=1: the newest ones)"
	@echo "make audit           look for known vulnerabilities in these versions; needs a way to an advisory source"
	@echo "make clean           remove the environments and what the demo left"

demo: $(VENV)/.demo
	@$(BIN)/python -m demo $(if $(DEMO),--$(DEMO)) --days $(DAYS) --port $(PORT) --okta-port $(OKTA_PORT) --netskope-port $(NETSKOPE_PORT)

# The last line printed is pytest's own summary of all tests on the newest Airflow.
test: lint types package $(VENV_32)/.test
	@sh .ci/test-both.sh $(VENV) $(VENV_32)

lint: $(VENV)/.test
	@echo "==> ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.test
	@echo "==> mypy --strict"
	@$(BIN)/mypy

package: $(VENV)/.test
	@echo "==> wheel and sdist"
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist . >dist.log 2>&1 || { cat dist.log; exit 1; }
	@rm -f dist.log
	@$(BIN)/twine check --strict dist/*
	@sh .ci/check-wheel.sh $(abspath $(BIN)/uv) $(abspath requirements.txt) $(abspath dist)/*.whl

bench: $(VENV)/.test
	@for bench in $(basename $(notdir $(wildcard tests/bench/bench_*.py))); do \
		echo "==> $$bench"; $(BIN)/python -m tests.bench.$$bench || exit 1; done

sandbox: $(VENV)/.demo
	@$(BIN)/okta-ure-sandbox --okta-port $(OKTA_PORT) --netskope-port $(NETSKOPE_PORT) --log-requests --ready-file .sandbox.json

# With a demo running in another terminal, on the same PORT.
pictures: $(VENV)/.test
	@$(BIN)/python -m demo.pictures --port $(PORT)

constraints: $(VENV)/.made
	@UV=$(abspath $(BIN)/uv) sh .ci/constraints.sh $(if $(UPGRADE),--upgrade)

audit: $(VENV)/.test
	@for pinned in constraints.txt tests/constraints-airflow-3.2.txt; do \
		echo "==> $$pinned"; $(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement $$pinned || exit 1; done

clean:
	rm -rf $(VENV) $(VENV_32) .demo .sandbox.json dist build test-results

$(VENV)/.made $(VENV_32)/.made: .ci/uv.txt
	@sh .ci/make-venv.sh "$(PYTHON)" "$(@D)"
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml requirements.txt
	@sh .ci/install.sh $(VENV) requirements.txt
	@touch $@

$(VENV)/.test: $(VENV)/.demo constraints.txt
	@sh .ci/install.sh $(VENV) constraints.txt
	@touch $@

$(VENV_32)/.test: $(VENV_32)/.made pyproject.toml tests/constraints-airflow-3.2.txt
	@sh .ci/install.sh $(VENV_32) tests/constraints-airflow-3.2.txt
	@touch $@
