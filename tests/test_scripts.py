"""Scripts beside the package, which nothing else runs, keep up with it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("docs", "benchmarks")
IMPORT_ALL = """
import importlib, json, sys
failed = {}
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except Exception as error:
        # What an extra brings need not be installed.
        ours = str(getattr(error, "name", None) or name).split(".")[0] in (
            "napari_glioma_density", *sys.argv[1:])
        if ours or not isinstance(error, ModuleNotFoundError):
            failed[name] = repr(error)
print(json.dumps(failed))
"""


def scripts() -> list[Path]:
    return [*ROOT.glob("docs/make_*.py"), *ROOT.glob("benchmarks/*.py")]


def test_every_script_can_be_imported() -> None:
    """In a process of their own: their names are common words."""
    places = [str(ROOT / folder) for folder in FOLDERS]
    path = os.pathsep.join([*places, os.environ.get("PYTHONPATH", "")])
    names = sorted(script.stem for script in scripts())
    assert names
    printed = subprocess.check_output(
        [sys.executable, "-c", IMPORT_ALL, *names],
        env={**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"},
        text=True,
    )
    assert json.loads(printed.splitlines()[-1]) == {}
