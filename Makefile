# Everything a checkout needs: `make demo` shows the main job, `make test` proves the house sound.
# Both set themselves up in .venv; on Debian and Ubuntu system libraries included.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
  BIN := .venv/Scripts
else
  BIN := .venv/bin
endif
INSTALLED := .venv/installed

# A window needs a display; without one a virtual screen stands in.
ifeq ($(OS)$(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname -s)),)
  SCREEN := xvfb-run -a -s "-screen 0 1600x1000x24"
  DEMO := GLIOMA_DENSITY_DEMO=screenshot
endif

.PHONY: demo test lint bench clean system

demo: $(INSTALLED)
	$(DEMO) $(SCREEN) $(BIN)/python -m napari_glioma_density.ui.demo

test: $(INSTALLED) lint
	OMP_NUM_THREADS=1 $(SCREEN) $(BIN)/python -m pytest -n 2 --dist loadfile

# BENCH="--quick" for a minute's run; `-m benchmarks.speed --help` names the rest.
bench: $(INSTALLED)
	@mkdir -p build/speed
	$(BIN)/python -m benchmarks.speed build/speed -o build/speed/speed.json $(BENCH)

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m npe2 validate napari-glioma-density

$(INSTALLED): pyproject.toml .ci/constraints.txt | system
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint .ci/constraints.txt --editable ".[all,test]"
	@$(BIN)/python -c "import pathlib; pathlib.Path('$(INSTALLED)').touch()"

system:
	@bash .ci/system-libraries

clean:
	rm -rf .venv dist build
