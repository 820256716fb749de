# make run    set up and open the studio at http://127.0.0.1:6006 (another port: make run PORT=7007;
#             without the training part, which can follow from the page: make run LIGHT=1)
# make demo   walk the whole corridor without a browser
# make test   set up and run every test
# make quick  the tests that need no browser and no training and take no minutes
# make families  take a base of every known family from its folder to the sweep
# make check  lint, imports, types and every test; continuous integration runs lint, quick and families
# make lock   refresh requirements*.txt from pyproject.toml (the newest it allows: make lock UPGRADE=1)
# make release  wheel, sdist, bill of materials, checksums and notes of this commit in dist/VERSION
# make bench  the benchmarks; each prints one JSON object as its last line

# Compiling what is imported takes 9 s of each process that trains, where nothing keeps the result.
unexport PYTHONDONTWRITEBYTECODE
PORT ?= 6006
WORKSPACE ?= $(or $(TIANJI_HOME),workspace)
VENV := .venv/bin/python
# Whole files go to the workers, in the order of collection: browser tests must come last in each.
# A test that fails is tried once more and then reported as RERUN: a defect to mend, but no reason to refuse a change.
# Two workers more than processors: a third of the time a test waits for a browser, a server or another process.
PYTEST := $(VENV) -m pytest -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2) --maxprocesses 4 --dist loadfile --no-loadscope-reorder --reruns 1

.PHONY: install run demo test quick families check lint format lock bench docs release all-lint all-tests

install:
	@scripts/setup $(if $(LIGHT),light)

run: install
	@$(VENV) -m tianji_core studio --port $(PORT) --workspace $(WORKSPACE)

demo: install
	@$(VENV) -m tianji_core demo --workspace $(WORKSPACE)

test:
	@scripts/setup test
	@$(PYTEST)

quick:
	@scripts/setup test
	@$(PYTEST) -m "not browser and not training and not slow"

families:
	@scripts/setup test
	@$(VENV) -m pytest -q -m families

lint:
	@scripts/setup test
	@$(MAKE) --no-print-directory all-lint

# Both at once: mypy is one process, and beside it the tests have a processor to themselves.
check:
	@scripts/setup test
	@$(MAKE) --no-print-directory -j2 all-lint all-tests

all-lint:
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check .
	@$(VENV) -m mypy
	@.venv/bin/lint-imports --no-logo

all-tests:
	@$(PYTEST)

format:
	@scripts/setup test
	@$(VENV) -m ruff check --fix .
	@$(VENV) -m ruff format .
	@scripts/architecture

docs:
	@scripts/setup test
	@$(VENV) scripts/manual.py site

release:
	@scripts/setup test
	@$(VENV) scripts/release.py dist

lock:
	@scripts/setup test
	@scripts/lock $(if $(UPGRADE),--upgrade)

bench: install
	@set -e; for script in benchmarks/*.py; do echo "== $$script"; $(VENV) $$script; done
