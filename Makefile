# Two commands need nothing but Python 3.11+, make and git:  make demo  and  make test
PYTHON ?= python3
VENV := .venv
PEERS := .venv-bench
TOOLS := .venv-release
BIN := $(VENV)/bin
DEMO := demo-study
FIND_BROWSER = command -v chromium >/dev/null && command -v chromedriver >/dev/null \
  || { apt-get update -qq && apt-get install -y -qq chromium chromium-driver; } \
  || { echo "install chromium and chromedriver first" >&2; exit 1; }

.PHONY: demo test browser-test validate validate-magnesium validate-preprocess validate-nasty validate-real validate-cohort fuzz bench \
  bench-quick dist dist-check lint types layers format clean

demo: $(VENV)/.installed
	$(BIN)/p31mg demo --output $(DEMO) --force

test: $(VENV)/.installed-test lint types layers
	$(BIN)/python -m pytest -n auto

# The tests of the report in a real browser, none skipped; they are part of make test too, skipped where there is no chromium
browser-test: $(VENV)/.installed-test
	@$(FIND_BROWSER)
	P31MG_NEEDS_BROWSER=1 $(BIN)/python -m pytest -n 0 tests/report/test_browser.py

.PHONY: docs docs-check clean-site

# The site in docs/_build/html: nothing is downloaded, every warning is an error
docs: clean-site $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

# Every page of the site in a real browser: links, pictures, console, network, width of a phone
docs-check: docs $(VENV)/.installed-test
	@$(FIND_BROWSER)
	P31MG_SITE=docs/_build/html $(BIN)/python -m pytest -n 0 tests/docs

clean: clean-site
clean-site:
	rm -rf docs/_build docs/gallery docs/reference/generated docs/reference/backreferences

validate: $(VENV)/.installed
	$(BIN)/python validation/fit_statistics.py

validate-magnesium: $(VENV)/.installed
	$(BIN)/python validation/magnesium.py

# With pyAMARES beside it where $(PEERS) is there: make $(PEERS)/.installed
validate-nasty: $(VENV)/.installed
	$(BIN)/python validation/nasty_spectra.py
	$(BIN)/python validation/nasty_spectra.py --page

validate-real: $(VENV)/.installed
	$(BIN)/python validation/real_spectra.py
	$(BIN)/python validation/real_spectra.py --page

validate-preprocess: $(VENV)/.installed
	$(BIN)/python validation/preprocess.py

validate-cohort: $(VENV)/.installed-test
	$(BIN)/python validation/cohort.py

fuzz: $(VENV)/.installed-test
	$(BIN)/python validation/worst_files.py --write
	$(BIN)/python validation/fuzz_readers.py --write

bench: $(VENV)/.installed $(PEERS)/.installed
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/run.py --table docs/performance.md

bench-quick: $(VENV)/.installed
	$(BIN)/python benchmarks/run.py --quick
	$(BIN)/python benchmarks/run.py --table docs/performance.md

# What is published: wheel and sdist in dist/, with metadata that the index takes
dist: $(TOOLS)/.installed
	rm -rf dist
	$(TOOLS)/bin/python -m build --outdir dist .
	$(TOOLS)/bin/python -m twine check --strict dist/*

# Installed elsewhere: the tests by each Python that is here, by the lowest versions that pyproject.toml states, and without extras
dist-check: dist
	$(TOOLS)/bin/python release/check_dist.py dist

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-test
	$(BIN)/mypy

layers: $(VENV)/.installed-test
	$(BIN)/lint-imports

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(PEERS) $(TOOLS) $(DEMO) build dist .mypy_cache .ruff_cache .pytest_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "p31mg needs Python 3.11 or newer; name one with: make PYTHON=python3.12 demo" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $(VENV)/.installed $@

# The programs that benchmarks compare with need versions of their own; without them their rows are skipped
$(PEERS)/.installed: benchmarks/requirements-peers.txt | $(BIN)/python
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< && touch $@ \
	  || echo "the peers were not installed; their rows are skipped" >&2

$(TOOLS)/.installed: release/requirements.txt | $(BIN)/python
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@
