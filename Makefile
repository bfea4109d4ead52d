# `make demo` and `make test` need Python 3.11 or later and nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
PIECE := tegner-betlehems-stjarna
MORE := haydn-op1-no1-menuetto

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check serve bench bench-serve studio studio-check test-studio clean

demo: $(INSTALLED)
	@mkdir -p demo
	@$(BIN)/arranger arrange arranger/examples/$(PIECE).mid -o demo/$(PIECE).mid \
		--ensemble chorale --picture demo/$(PIECE).png --report demo/$(PIECE).json
	@$(BIN)/arranger arrange arranger/examples/$(PIECE).mid -o demo/$(PIECE).musicxml \
		--ensemble chorale
	@$(BIN)/arranger continue arranger/examples/$(MORE).mid -o demo/$(MORE)-continued.mid \
		--bars 8 --arrange quartet --picture demo/$(MORE)-continued.png

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

serve: $(INSTALLED)
	$(BIN)/arranger serve

bench: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m evaluation.bench

bench-serve: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m serve.bench

# The page is built with Node and committed, so that who only uses it needs no Node.
studio:
	cd serve/studio && npm ci --no-audit --no-fund && npm run --silent build

# Types, unit tests, and that what is committed is what the source gives.
studio-check: studio
	cd serve/studio && npm run --silent types && npm run --silent test
	git diff --exit-code --stat -- serve/studio/dist
	@test -z "$$(git status --porcelain -- serve/studio/dist)"

# In a browser: needs Debian's chromium, and for axe what `make studio` installs.
test-studio: $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt playwright
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m browser

clean:
	rm -rf $(VENV) demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The build backend is installed first, from the constraints too, and used without isolation: an
# isolated build would take whatever version of it is newest.
$(INSTALLED): pyproject.toml constraints.txt
	@echo "Installing into $(VENV) (a few minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet -c constraints.txt hatchling editables
	@$(BIN)/python -m pip install --quiet -c constraints.txt --no-build-isolation -e '.[serve,batch,dev]'
	@touch $@
