"""What is written beside a made-up slide: all of it, and nothing of anyone else's is lost."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from napari_glioma_density.errors import BadInput
from napari_glioma_density.synthesis import synthesize
from napari_glioma_density.synthesis.traps import traps_path

OTHERS = [("slide.truth.csv", "case,truth\n1,2\n"), ("slide.traps.geojson", '{"features": []}')]


def draw(path: Path, *, seed: int = 0, traps: bool = False) -> None:
    synthesize(path, 480, 480, 0.5, seed, traps=traps)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(("name", "content"), OTHERS)
def test_files_of_other_people_are_refused_and_stay(
    tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(
        BadInput, match=rf"{name}: is there already and does not say .*move it away, or choose"
    ):
        draw(tmp_path / "slide.tiff", traps=True)
    assert (tmp_path / name).read_text() == content
    assert names(tmp_path) == [name]


def test_a_folder_where_the_truth_would_go_is_refused_before_anything_is_drawn(
    tmp_path: Path,
) -> None:
    (tmp_path / "slide.truth.csv").mkdir()
    with pytest.raises(BadInput, match=r"slide\.truth\.csv: cannot be written"):
        draw(tmp_path / "slide.tiff")
    assert names(tmp_path) == ["slide.truth.csv"]


def test_files_of_an_earlier_slide_are_replaced_and_its_traps_go(tmp_path: Path) -> None:
    slide = tmp_path / "slide.tiff"
    for seed in range(2):
        draw(slide, seed=seed, traps=True)
    assert json.loads(traps_path(slide).read_text())["type"] == "FeatureCollection"
    draw(slide)
    assert names(tmp_path) == ["slide.tiff", "slide.truth.csv"]


def test_traps_that_someone_else_wrote_stay_where_none_are_drawn(tmp_path: Path) -> None:
    (tmp_path / "slide.traps.geojson").write_text("mine")
    draw(tmp_path / "slide.tiff")
    assert (tmp_path / "slide.traps.geojson").read_text() == "mine"


def test_a_slide_that_cannot_be_finished_leaves_the_earlier_files_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "slide.tiff", traps=True)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys.modules[synthesize.__module__], "write_traps", full)
    with pytest.raises(BadInput, match="No space left"):
        draw(tmp_path / "slide.tiff", seed=1, traps=True)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.skipif(os.name != "posix", reason="SIGTERM ends a process at once elsewhere")
def test_a_drawing_that_is_told_to_end_leaves_nothing(tmp_path: Path) -> None:
    size = ("--width", "20000", "--height", "20000", "--um-per-px", "0.5")
    program = (sys.executable, "-m", "napari_glioma_density.cli")
    drawing = subprocess.Popen(
        [*program, "synthesize", str(tmp_path / "s.tiff"), *size], stderr=subprocess.PIPE
    )
    began = time.monotonic()
    while not names(tmp_path) and time.monotonic() - began < 60:
        time.sleep(0.05)
    assert names(tmp_path)
    drawing.send_signal(signal.SIGTERM)
    _, said = drawing.communicate(timeout=60)
    assert (drawing.returncode, said) == (130, b"stopped; what was finished is kept\n")
    assert names(tmp_path) == []
