"""Scripts beside the package, which nothing else runs, keep up with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("docs", "benchmarks", ".")
ASK_ALL = """
import contextlib, importlib, io, json, sys
modules, failed = sys.argv[1:], {}
for name in modules:
    try:
        main = getattr(importlib.import_module(name), "main", None)
    except Exception as error:
        # What an extra brings need not be installed.
        ours = str(getattr(error, "name", None) or name).split(".")[0] in (
            "napari_glioma_density", *modules)
        if ours or not isinstance(error, ModuleNotFoundError):
            failed[name] = repr(error)
        continue
    sys.argv = [name, "--help"]
    try:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            ended = main() if main else None
        failed[name] = f"--help ended with {ended!r}" if main else None
    except SystemExit as end:
        told = said.getvalue().startswith("usage: ")
        failed[name] = None if told and not end.code else f"--help ended with {end.code!r}"
print(json.dumps({name: why for name, why in failed.items() if why}))
"""


def scripts() -> list[str]:
    files = [*ROOT.glob("docs/make_*.py"), *ROOT.glob("benchmarks/*.py")]
    return sorted([*(file.stem for file in files), "benchmarks.speed.__main__"])


def test_every_script_can_be_imported_and_asked_for_help(tmp_path: Path) -> None:
    """In a process of their own: their names are common words. Nothing is left behind."""
    places = [str(ROOT / folder) for folder in FOLDERS]
    path = os.pathsep.join([*places, os.environ.get("PYTHONPATH", "")])
    printed = subprocess.check_output(
        [sys.executable, "-c", ASK_ALL, *scripts()],
        env={**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"},
        cwd=tmp_path,
        text=True,
    )
    assert json.loads(printed.splitlines()[-1]) == {}
    assert not list(tmp_path.iterdir())
