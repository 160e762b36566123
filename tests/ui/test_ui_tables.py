"""What the dock saves is what the command line writes."""

import json
from pathlib import Path
from typing import Any

import pytest
from painted_slide import write_slide
from quick_segmenter import DarkPixels

from napari_glioma_density.errors import StoreError
from napari_glioma_density.estimate import prepare
from napari_glioma_density.exchange.tables import write_tables
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.snapshot import Bands, Choices
from napari_glioma_density.results import Run
from napari_glioma_density.slides import open_slide
from napari_glioma_density.ui.stored import show_run
from napari_glioma_density.ui.tables import save_tables

OF_THE_JOB = {"folder", "seconds", "patches_reused"}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    with open_slide(write_slide(tmp_path / "slide.tiff")) as slide:
        estimation = prepare(slide, DarkPixels())
        for _ in estimation.blocks():
            pass
        estimation.close()
        return estimation.run


def figures(folder: Path) -> dict[str, Any]:
    summary = json.loads((folder / "summary.json").read_text())
    return {name: value for name, value in summary.items() if name not in OF_THE_JOB}


@pytest.mark.parametrize("cell_mm", [None, 0.5])
@pytest.mark.parametrize("bands", [Bands.PAPER, Bands.SLIDE])
def test_dock_and_command_line_write_the_same(
    run: Run, tmp_path: Path, cell_mm: float | None, bands: Bands
) -> None:
    shown = show_run(run, Choices(bands, cell_mm))
    save_tables(tmp_path / "dock", shown, shown.snapshot, Choices(bands, cell_mm))
    everything = run.patches().is_read | True
    found = gather(shown.store, run, Choices(cell_mm=cell_mm), everything)
    write_tables(tmp_path / "cli", found)
    for table in ("patches.csv", "grid.csv", "heatmap.png"):
        written = (tmp_path / "dock" / table).read_bytes()
        assert written == (tmp_path / "cli" / table).read_bytes()
    assert figures(tmp_path / "dock") == figures(tmp_path / "cli")


def test_the_specimen_of_the_dock_stands_in_the_tables(run: Run, tmp_path: Path) -> None:
    shown = show_run(run, Choices())
    save_tables(tmp_path / "dock", shown, shown.snapshot, Choices(), specimen="smear")
    assert figures(tmp_path / "dock")["specimen"] == "smear"


def test_folder_that_cannot_be_written_is_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    shown = show_run(run, Choices())
    with pytest.raises(StoreError, match="cannot be made"):
        save_tables(tmp_path / "file", shown, shown.snapshot, Choices())
