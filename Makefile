# make demo      the whole chain in Nepali on embedded parts; make demo lang=te for another language
# make test      lint, types and tests
# make viz       the lineage of a few languages in the browser; make viz languages=ne+ta
# make lineage-site   the same as a static site in build/, for any web server
# make notebooks      Jupyter with the notebooks on data quality, training and results
# make clean     removes what runs have made (not .venv, not data/01_raw)

PYTHON ?= python3
lang ?= ne
languages ?= ne+vi
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --constraint constraints.txt

.PHONY: setup demo test viz lineage-site notebooks clean

setup: .venv/ready

# torch first and pinned: without a version, pip would bring the newest build with gigabytes of CUDA packages.
.venv/ready: constraints.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "okapi-kedro needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(PIP) torch
	$(PIP) --editable .
	touch $@

.venv/ready-dev: .venv/ready
	$(PIP) --editable '.[dev]'
	touch $@

.venv/ready-viz: .venv/ready
	$(PIP) --editable '.[viz]'
	touch $@

.venv/ready-notebooks: .venv/ready
	$(PIP) --editable '.[notebooks]'
	touch $@

demo: setup
	$(BIN)/kedro run --params lang=$(lang)

test: .venv/ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile

viz: .venv/ready-viz
	OKAPI_LANGUAGES=$(languages) $(BIN)/kedro viz run

lineage-site: .venv/ready-viz
	OKAPI_LANGUAGES=$(languages) $(BIN)/kedro viz build --include-previews

notebooks: .venv/ready-notebooks
	$(BIN)/jupyter lab notebooks

clean:
	rm -rf data/02_intermediate/* data/06_models/* data/08_reporting/* sessions .viz
