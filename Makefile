# make demo | test are all that a newcomer needs; each does its own set-up.
PYTHON ?= python3.11
BIN := .venv/bin
# The tests start hundreds of our commands; without bytecode each would compile the sources again.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq --no-input

.PHONY: install demo test lint attacks bench bench-quality mutants fuzz soak lock wheels clean
.DELETE_ON_ERROR:

install: .venv/.run

.venv/.run: requirements/run.txt pyproject.toml packaging/escrow/pyproject.toml
	@echo "Setting up .venv (once; about a minute)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e . -e packaging/escrow
	@-$(BIN)/python -m cleanroom.kernel
	@touch $@

.venv/.test: .venv/.run requirements/test.txt
	@echo "Adding what the tests need"
	@$(PIP) install --require-hashes -r requirements/test.txt
	@touch $@

demo: .venv/.run
	@$(BIN)/python -m examples.demo $(DEMO)

lint: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest -n 2 --dist worksteal $(TEST)

soak: .venv/.test
	$(BIN)/python -m pytest -m soak $(TEST)

# Every attack on counts, with many redraws of the noise and a year on the real escrow each, as docs/privacy.md quotes and
# docs/pictures/attacks.svg shows it. ATTACKS="--redraws 200 --without-years" for less.
attacks: .venv/.test
	PYTHONPATH=tests OPENBLAS_NUM_THREADS=1 $(BIN)/python -m tests.attacks.attack_report $(ATTACKS)

bench: .venv/.run
	$(BIN)/python -m bench

# Match quality, ours beside the peers, as bench/quality.md. QUALITY="FOLDER ..." for other folders with left.csv,
# right.csv and truth.csv. The peers' environments are made on first use, which needs network.
QUALITY ?= ../shared/data/pairs/brands ../shared/data/pairs/listed
bench-quality: .venv/.run
	$(BIN)/python -m bench.quality.report $(QUALITY)

# Mutation testing of the evaluator and of P8, on a copy (docs/mutants.md). MUTANTS="p8 --minutes 10" for less.
mutants: .venv/.test .venvs/mutants/.ready
	$(BIN)/python -m bench.mutants $(MUTANTS)

.venvs/mutants/.ready: requirements/mutants.txt
	@$(PYTHON) -m venv --clear .venvs/mutants
	@.venvs/mutants/bin/pip install --disable-pip-version-check -qq --require-hashes -r requirements/mutants.txt
	@touch $@

# Coverage-guided fuzzing of the fast kernel beside libsodium. FUZZ="--seconds 600" for longer.
fuzz: .venvs/fuzz/.ready
	.venvs/fuzz/bin/python -m bench.fuzz_group $(FUZZ)

.venvs/fuzz/.ready: requirements/fuzz.txt
	@$(PYTHON) -m venv --clear .venvs/fuzz
	@.venvs/fuzz/bin/pip install --disable-pip-version-check -qq --require-hashes -r requirements/fuzz.txt
	@touch $@

# Rewrites the lock files. Needs network; review the diff.
lock: .venv/.run
	@$(PYTHON) -m venv .venvs/lock && .venvs/lock/bin/pip install -q --require-hashes -r requirements/lock.txt
	cd requirements && for name in run test lock mutants fuzz bench-linkers bench-anonlink; do \
	  ../.venvs/lock/bin/uv pip compile $$name.in --upgrade --python-version 3.11 --universal --generate-hashes --no-header -q -o $$name.txt; done

# dist/: the partner's wheel (no server) and the operator's.
wheels: .venv/.run
	@$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation -w dist . ./packaging/escrow
	@ls dist

clean:
	rm -rf .venv .venvs dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
