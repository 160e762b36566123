"""What is printed arrives, or it is said that it does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-m", "napari_glioma_density.cli"]
FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("command", [["models"], ["models", "--json"], ["--version"]], ids=str)
def test_a_full_disk_under_standard_output_is_told(command: list[str]) -> None:
    with FULL.open("wb") as full:
        ended = subprocess.run(
            [*PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    (line,) = ended.stderr.splitlines()
    assert line.startswith("glioma-density: standard output: cannot be written (No space left")
    assert ended.returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes end otherwise elsewhere")
def test_a_reader_that_has_seen_enough_ends_it_quietly() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    ended = subprocess.run([*PROGRAM, "models"], stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_json_is_json_where_the_terminal_knows_ascii_alone() -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    printed = subprocess.check_output([*PROGRAM, "models", "--json"], env=environment)
    assert printed.isascii()
    assert "µm/px" in json.dumps(json.loads(printed), ensure_ascii=False)
