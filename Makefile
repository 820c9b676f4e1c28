# Needs Python 3.11 or newer, and make. Everything else is set up below .venv and var.
PYTHON ?= python3
BIN := .venv/bin
# Tests that wait leave a core to others: so one more at once than there are cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)')
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
SOURCES := dashboard repos tests bench manage.py

.DEFAULT_GOAL := help
.PHONY: help install demo serve test faults screenshots bench-check lint format audit messages

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F '\t' '{printf "  make %-12s %s\n", $$1, $$2}'

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Millrace needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run: .venv/made requirements.txt
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: .venv/run requirements-dev.txt
	$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

install: .venv/run ## Install what Millrace needs to run

demo: .venv/run ## Mirror a real upstream, verify every byte, leave the dashboard up (DEMO_EXIT=1: end then)
	$(BIN)/python bench/demo.py

serve: .venv/run ## Start Millrace at http://127.0.0.1:8000/
	$(BIN)/python manage.py serve

# Tests start hundreds of commands and servers, which need not compile all of the code each time.
test: export PYTHONDONTWRITEBYTECODE =
test: .venv/dev ## Run all tests: on PostgreSQL where one answers, and on SQLite
	TEST_DATABASE=postgresql $(PYTEST) -q -m "not browser and not tools"
	$(PYTEST)

faults: .venv/dev ## Kill it hundreds of times, crowd it, feed it nonsense (about an hour)
	@echo "This takes about an hour."
	$(BIN)/python -m pytest -m faults -s
	MILLRACE_FUZZ=20 $(BIN)/python -m pytest tests/faults/test_rules.py tests/test_content_fuzz.py tests/test_paths.py tests/test_manifest.py

screenshots: .venv/dev ## Make pictures of every page for docs/screenshots (needs chromium)
	$(BIN)/python -m tests.screenshots --small docs/screenshots

bench-check: .venv/run ## Compare speed and costs with what they were (needs nginx-light, curl, wrk, strace)
	$(BIN)/python -m bench.check

lint: .venv/dev ## Check style, types, migrations and the settings for production
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	MILLRACE_DATA=.venv/lint $(BIN)/python manage.py makemigrations --check --dry-run
	MILLRACE_DATA=.venv/lint $(BIN)/python -W error manage.py check --deploy --fail-level WARNING
	MILLRACE_DATA=.venv/lint MILLRACE_URL=https://mirror.example $(BIN)/python -W error manage.py check --deploy --fail-level WARNING

audit: .venv/dev ## Check what we depend on: pinned by digest, not withdrawn, not known to be unsafe
	$(BIN)/python bench/audit.py

messages: .venv/dev ## Write the catalogs of what can be translated, and compile them
	$(BIN)/python -m tests.messages

format: .venv/dev ## Format the code
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)
