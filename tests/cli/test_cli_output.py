"""What is printed arrives, or it is said that it does not."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_glioma_density.cli import calibrating, console, fine_tuning, training

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


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("command", [["--help"], ["estimate", "--help"], []], ids=str)
def test_help_on_a_full_disk_is_told(command: list[str]) -> None:
    with FULL.open("wb") as full:
        ended = subprocess.run(
            [*PROGRAM, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert len(ended.stderr.splitlines()) == 1
    assert ended.returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes end otherwise elsewhere")
def test_help_for_a_reader_that_has_seen_enough_ends_quietly() -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    ended = subprocess.run([*PROGRAM, "--help"], stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.skipif(not FULL.exists(), reason="this system has no shell that closes streams")
@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", ">&- 2>&-"])
def test_bad_input_keeps_its_status_where_nobody_can_be_told(redirected: str) -> None:
    shell = ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh"]
    ended = subprocess.run([*shell, *PROGRAM, "info", "nosuch"], check=False)
    assert ended.returncode == 2


class Unwritable:
    """A stream on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")

    def fileno(self) -> int:
        raise ValueError("no file")


def test_fine_tuning_says_of_its_last_epoch_that_it_is_scored(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Be it that all are learnt, or that the time is over."""
    for epoch, seconds in ((1, 60.0), (2, 0.0)):
        entry = {"epoch": epoch, "epochs": 3, "loss": 0.5, "seconds_left": seconds}
        fine_tuning._print_epoch(entry)
    first, last = capsys.readouterr().err.splitlines()
    assert first.endswith("60 s left")
    assert last.endswith("scoring it now")


@pytest.mark.parametrize("stream", [None, Unwritable()], ids=["closed", "full"])
def test_what_nobody_can_read_ends_no_work(
    monkeypatch: pytest.MonkeyPatch, stream: Unwritable | None
) -> None:
    epoch = {"epoch": 1, "epochs": 2, "loss": 0.5, "seconds_left": 60.0}
    monkeypatch.setattr(sys, "stderr", stream)
    training._print_epoch(epoch)
    fine_tuning._print_epoch(epoch)
    fine_tuning._print_json_line(epoch)
    calibrating._warn_at_the_end(0.3)
    console.complain("nothing")
