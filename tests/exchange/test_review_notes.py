"""What was noted in review is told, whatever grid is on show."""

import csv
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pytest
import shapely

from napari_glioma_density.annotation.review import ReviewLog
from napari_glioma_density.density import Block, cell_grid
from napari_glioma_density.exchange import extras_gathering
from napari_glioma_density.exchange.csv_files import write_csv_folder
from napari_glioma_density.exchange.extras_gathering import gather_extras
from napari_glioma_density.exchange.report import write_report
from napari_glioma_density.exchange.report.words import words_in
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.sections import Section, section_grids
from napari_glioma_density.findings.snapshot import Choices
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile

ONE_PATCH, TWO_PATCHES = 0.24, 0.48


@pytest.fixture
def store(found: Findings, tmp_path: Path) -> Path:
    return shutil.copytree(found.store, tmp_path / "slide.glioma.zarr")


def review(store: Path) -> ReviewLog:
    return ReviewLog.open(store, gather(store).plane.lattice)


def rows(store: Path, findings: Findings, name: str) -> list[dict[str, str]]:
    folder = store.with_name("tables")
    write_csv_folder(folder, findings, extras=gather_extras(findings))
    with (folder / name).open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def report(store: Path, findings: Findings, language: str = "en") -> str:
    path = store.with_name("report.html")
    write_report(path, findings, extras=gather_extras(findings), language=language)
    return unescape(path.read_text(encoding="utf-8"))


@pytest.fixture
def sections(found: Findings, monkeypatch: pytest.MonkeyPatch) -> tuple[Section, ...]:
    """The slide taken for two sections, the second from its second column of patches on."""
    lattice = found.plane.lattice
    blocks = Block(0, 0, lattice.rows, 1), Block(0, 1, lattice.rows, lattice.columns - 1)
    sections = []
    for name, block in zip(("S1", "S2"), blocks, strict=True):
        own = np.zeros((lattice.rows, lattice.columns), bool)
        own[block.patches] = True
        sections.append(Section(name, own, block, 1.0))
    monkeypatch.setattr(extras_gathering, "find_sections", lambda *_: tuple(sections))
    return tuple(sections)


def test_notes_on_cells_of_a_section_are_told_with_the_slides_grid(
    store: Path, sections: tuple[Section, ...]
) -> None:
    RegionFile.open(store).put(
        Region.drawn(RegionKind.REFERENCE, shapely.box(100, 100, 900, 900), name="grey matter")
    )
    lattice = gather(store).plane.lattice
    (grid,) = section_grids(sections[1:], lattice, TWO_PATCHES)
    review(store).mark(grid.block(0, 0), comment="looked closely")
    findings = gather(store, choices=Choices(cell_mm=TWO_PATCHES))
    told = {row["cell"]: row for row in rows(store, findings, "cells.csv")}
    assert (told["S2 A1"]["reviewed"], told["S2 A1"]["comment"]) == ("1", "looked closely")
    assert float(told["S2 A1"]["ratio_to_reference"]) > 0
    assert {name for name, row in told.items() if row["reviewed"] == "1"} == {"S2 A1"}
    (note,) = rows(store, findings, "notes.csv")
    assert (note["section"], note["cell"], note["x_um"]) == ("S2", "S2 A1", "240.00")
    page = report(store, findings)
    assert words_in("en").reviewed.format(cells="S2 A1") in page
    assert words_in("en").elsewhere not in page


@pytest.mark.usefixtures("sections")
def test_a_cell_of_two_grids_is_noted_in_both_and_told_once(store: Path) -> None:
    review(store).mark(Block(1, 0, 1, 1), comment="pale")
    findings = gather(store, choices=Choices(cell_mm=ONE_PATCH))
    told = {row["cell"]: row["comment"] for row in rows(store, findings, "cells.csv")}
    assert told["B1"] == told["S1 B1"] == "pale"
    assert len(rows(store, findings, "notes.csv")) == 1
    page = report(store, findings)
    assert words_in("en").reviewed.format(cells="B1") in page
    assert page.count("pale") == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_notes_at_another_cell_size_are_told_by_their_place(store: Path, language: str) -> None:
    log = review(store)
    grid = cell_grid(gather(store).plane.lattice, TWO_PATCHES)
    log.mark(grid.block(0, 1), comment="=mitoses here", author="reader")
    log.mark(grid.block(1, 0), reviewed=False, excluded=Reason.PEN)
    log.mark(grid.block(1, 1), reviewed=False)
    findings = gather(store, choices=Choices(cell_mm=ONE_PATCH))
    seen, left_out = rows(store, findings, "notes.csv")
    place = [seen[name] for name in ("x_um", "y_um", "width_um", "height_um")]
    assert place == ["480.00", "0.00", "480.00", "480.00"]
    assert (seen["cell"], seen["reviewed"], seen["comment"]) == ("", "1", "'=mitoses here")
    assert (left_out["reviewed"], left_out["excluded"]) == ("0", "pen")
    assert not any(int(row["reviewed"]) for row in rows(store, findings, "cells.csv"))
    page = report(store, findings, language)
    assert words_in(language).elsewhere in page
    assert page.count("=mitoses here") == 1
    assert "0.48, 0.00; 0.48 × 0.48" in page


def test_notes_beyond_the_part_that_was_chosen_are_not_told(store: Path) -> None:
    log, lattice = review(store), gather(store).plane.lattice
    for column in (0, 3):
        log.mark(Block(0, column, 1, 1), comment=f"column {column}")
    chosen = np.zeros((lattice.rows, lattice.columns), bool)
    chosen[:, 2:] = True
    findings = gather(store, choices=Choices(cell_mm=ONE_PATCH), scope=chosen)
    assert [note.mark.comment for note in gather_extras(findings).notes] == ["column 3"]
