# One word per chore. A fresh machine needs Python 3.11 or newer and make; everything else goes into .venv.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
JOBS ?= 2
ARGS ?=
NAME = all

# The first interpreter that is new enough and can make a virtual environment; PYTHON=... chooses another.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; \
	done)

.DEFAULT_GOAL := help
.PHONY: help demo test test-train lint format benchmark benchmark-core benchmark-frontier benchmark-auto benchmark-null experiment experiment-sater dev-env train-env clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.installed  ## the whole system on embedded models, offline, in well under two minutes
	$(BIN)/penstock demo $(ARGS)

test: $(VENV)/.installed-dev  ## every test; ARGS="-k name" for some
	$(BIN)/python -m pytest -n $(JOBS) -rs $(ARGS)

test-train: $(VENV)/.installed-train  ## the tests that train for real, miniatures on the CPU; installs torch
	$(BIN)/python -m pytest -n $(JOBS) -rs tests/training tests/lab tests/experiments $(ARGS)

lint: $(VENV)/.installed-dev  ## ruff, mypy --strict and the import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: $(VENV)/.installed-dev  ## the numbers of docs/benchmarks.md, from the real outcome tables
	$(BIN)/python benchmarks/run.py $(ARGS)

benchmark-core: $(VENV)/.installed-dev  ## the speed of the decision kernels, on one core
	$(BIN)/python benchmarks/core.py $(ARGS)

benchmark-frontier: $(VENV)/.installed-dev  ## a whole frontier tuned and replayed: seconds and memory
	$(BIN)/python benchmarks/frontier.py $(ARGS)

benchmark-auto: $(VENV)/.installed-dev  ## fit --estimator auto on a large table: seconds and memory
	$(BIN)/python benchmarks/auto.py $(ARGS)

benchmark-null: $(VENV)/.installed-dev  ## how often a table without signal leaves the mix: at most 5% of fits
	$(BIN)/python benchmarks/null_tables.py $(ARGS)

experiment: $(VENV)/.installed-dev  ## NAME=routerbench and so on, or NAME=all: the protocols of docs/experiments
	$(BIN)/python benchmarks/experiment.py $(NAME) $(ARGS)

experiment-sater: $(VENV)/.installed-train  ## SATER on the embedded models: three trainings, twenty minutes, docs/experiments/sater.md
	$(BIN)/python benchmarks/sater.py $(ARGS)

dev-env: $(VENV)/.installed-dev  ## only set up .venv, for work on penstock

train-env: $(VENV)/.installed-train  ## add what training the embedded models needs (torch)

clean:  ## remove .venv and everything that was built
	rm -rf $(VENV) build dist demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is written last, so an interrupted installation is done again, and a finished one costs nothing.

$(VENV)/.created:
	@test -n "$(PYTHON)" || { \
		echo "penstock needs Python 3.11 or newer with venv, and found none on PATH."; \
		echo "Install one (Debian and Ubuntu: python3-venv too), or name it: make PYTHON=/path/to/python3 ..."; \
		exit 1; } >&2
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	@echo "installing penstock into $(VENV) (once; a minute or two)"
	$(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.created pyproject.toml
	@echo "installing penstock and its development tools into $(VENV) (once; a minute or two)"
	$(PIP) install --editable '.[dev]'
	@touch $@

$(VENV)/.installed-train: $(VENV)/.installed-dev
	@echo "installing what training needs into $(VENV) (once; torch is large)"
	$(PIP) install --editable '.[dev,train]'
	@touch $@
