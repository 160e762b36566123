"""The program as a terminal sees it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest


@dataclass(frozen=True)
class Outcome:
    """What a command left behind."""

    status: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        """Its one JSON object."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def is_one_helpful_line(self, *words: str) -> bool:
        """Whether it ended as bad input should: status 2, nothing printed, one line said."""
        lines = self.stderr.strip().splitlines()
        return (
            self.status == 2
            and not self.stdout
            and len(lines) == 1
            and all(word in lines[0] for word in words)
        )


Program = Callable[..., Outcome]


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    """Run a command in this process, as `main` would."""
    from napari_glioma_density.cli.app import run

    def call(*arguments: object) -> Outcome:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        seen = capsys.readouterr()
        return Outcome(status, seen.out, seen.err)

    return call


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[bytes]]:
    """Start a command in a process of its own, to be killed."""

    def call(*arguments: object) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "napari_glioma_density.cli", *map(str, arguments)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )

    return call


@pytest.fixture
def real_slides(data_folder: Path) -> Path:
    """Folder of real slide files."""
    return data_folder / "slides"
