.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs pictures clean chromium

# The newest Python is not always the best one: wheels of heavy packages lag behind. The system's own comes first.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
# pinned CPU-sized build; pyproject.toml keeps only a lower bound
TORCH ?= torch==2.13.0

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input
MODELS := gemma-3-270m qwen2.5-coder-1.5b-instruct

help:  ## show this
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## set up .venv and run the whole chain on the example company, in demo/
	$(BIN)/allotment demo demo

test: $(VENV)/.dev chromium  ## set up .venv, fetch the models, run all tests
	$(BIN)/allotment models pull $(MODELS)
	$(BIN)/python -m pytest -m "not heavy and not alone" -n auto --dist loadfile
	$(BIN)/python -m pytest -m "heavy or alone"

lint: $(VENV)/.dev  ## style, types, package order, generated pages, known vulnerabilities
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/docs.py --check
	$(BIN)/python scripts/translations.py --check
	$(BIN)/python scripts/guard_curves.py --check
	$(BIN)/python scripts/audit_dependencies.py

bench: $(VENV)/.dev  ## run every benchmark; each writes JSON beside it
	@set -e; for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python "$$file"; done

docs: $(VENV)/.installed  ## write the generated pages of docs/ anew
	$(BIN)/python scripts/docs.py

pictures: $(VENV)/.dev chromium  ## take the pictures of the pages in docs/images anew, with the tests that look at them
	ALLOTMENT_PICTURES=docs/images $(BIN)/python -m pytest -q -k "picture or test_admin_browser" tests/gateway tests/evaluation

clean:  ## remove the demo, test results and caches; models and .venv stay
	rm -rf demo test-results build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# Installing groups needs pip 25.1, newer than what many a Python brings.
$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) --upgrade pip
	$(PIP) '$(TORCH)'
	$(PIP) --editable '.[train]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.installed
	$(PIP) --group dev
	@touch $@

# The page tests drive a real browser.
chromium:
	@command -v chromium >/dev/null || \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		export DEBIAN_FRONTEND=noninteractive; apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	else \
		echo "The browser tests need chromium on PATH: install your system's package of that name." >&2; \
	fi
