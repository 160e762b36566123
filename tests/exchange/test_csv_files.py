"""The folder of tables: the same numbers as everywhere else, and safe to open."""

import csv
import dataclasses
import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shapely
from made_up_findings import draw_nuclei
from skimage.color import hed_from_rgb, separate_stains
from skimage.measure import label, regionprops_table

from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput, StoreError
from napari_glioma_density.exchange import haematoxylin, nucleus_table
from napari_glioma_density.exchange.cell_tables import write_cells_csv, write_totals_csv
from napari_glioma_density.exchange.csv_files import TABLES, write_csv_folder
from napari_glioma_density.exchange.csv_text import safe_text
from napari_glioma_density.exchange.exporting import REGIONS_WHOLE, Format, export
from napari_glioma_density.exchange.extras import Extras, Intervals, References
from napari_glioma_density.exchange.haematoxylin import mean_haematoxylin
from napari_glioma_density.exchange.nucleus_table import write_nuclei_csv
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.field_hotspots import find_field_hotspots
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.sections import Section, find_sections, measure_sections
from napari_glioma_density.findings.snapshot import Choices, take_snapshot
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import write_grid_csv, write_patches_csv
from napari_glioma_density.slides import open_slide

FILES = "about cells exclusions grid hotspots notes nuclei patches regions totals"


@pytest.fixture(scope="module")
def tables(
    found: Findings, named_slide: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, pd.DataFrame]:
    folder = tmp_path_factory.mktemp("csv")
    with open_slide(named_slide) as slide:
        write_csv_folder(folder, found, slide=slide)
    return {path.stem: pd.read_csv(path) for path in folder.iterdir()}


def test_there_is_a_table_of_everything(tables: dict[str, pd.DataFrame]) -> None:
    assert sorted(tables) == FILES.split()


def test_nuclei_are_those_that_another_program_measures(tables: dict[str, pd.DataFrame]) -> None:
    drawn = label(draw_nuclei(), connectivity=2)
    named = ["area", "centroid", "equivalent_diameter_area"]
    expected = pd.DataFrame(regionprops_table(drawn, properties=named))
    expected["patch"] = expected["centroid-0"] // 480 * 100 + expected["centroid-1"] // 480
    expected = expected.sort_values(["patch", "centroid-0", "centroid-1"]).reset_index(drop=True)
    nuclei = tables["nuclei"]
    assert len(nuclei) == len(expected) > 900
    assert nuclei["id"].tolist() == list(range(1, len(nuclei) + 1))
    # The middle of the first px is 0 there and a quarter of a µm here.
    for name, axis in (("centroid_y", "centroid-0"), ("centroid_x", "centroid-1")):
        um = (expected[axis] + 0.5) * 0.5
        np.testing.assert_allclose(nuclei[f"{name}_um"], um, atol=0.006)
        np.testing.assert_allclose(nuclei[f"{name}_px"], um / 0.25, atol=0.006)
    np.testing.assert_allclose(nuclei["area_um2"], expected["area"] * 0.25, atol=0.006)
    diameter = expected["equivalent_diameter_area"] * 0.5
    np.testing.assert_allclose(nuclei["equivalent_diameter_um"], diameter, atol=0.006)
    assert set(nuclei["origin"]) == {"model"}


def test_haematoxylin_is_that_of_another_program(tables: dict[str, pd.DataFrame]) -> None:
    nuclei = tables["nuclei"]
    depth = np.linspace(40, 110, 2101).astype(np.uint8)
    left = depth[(nuclei["centroid_x_um"] / 0.5).astype(int)].astype(float)
    rgb = np.stack([left + 30, left, left + 60], axis=1)[None] / 255
    # skimage counts in units of ln(10⁻⁶); discs of one shade each, but for the slope across them.
    stains = separate_stains(rgb, hed_from_rgb)[0, :, 0] * -np.log(1e-6) / np.log(10)
    seen = nuclei["mean_haematoxylin_od"]
    np.testing.assert_allclose(seen, stains, atol=0.02)
    assert np.corrcoef(seen, stains)[0, 1] > 0.998
    assert seen.max() - seen.min() > 0.2


def test_counts_and_areas_agree_across_tables(
    tables: dict[str, pd.DataFrame], found: Findings
) -> None:
    grid, patches, nuclei = tables["grid"], tables["patches"], tables["nuclei"]
    counts = nuclei.groupby("cell").size()
    per_cell = (grid["nuclei_per_mm2"] * grid["tissue_mm2"]).round().astype(int)
    assert counts.to_dict() == {k: v for k, v in zip(grid["cell"], per_cell, strict=True) if v}
    assert len(nuclei) == patches["count"].sum() == len(found.nuclei)
    totals = found.snapshot.totals
    density = 100 * patches["nucleus_px"].sum() / patches["read_px"].sum()
    assert density == pytest.approx(totals.density_percent)
    assert nuclei["area_um2"].sum() / 1e6 / totals.read_mm2 == pytest.approx(
        density / 100, rel=1e-4
    )
    cells = tables["cells"]
    shared = [name for name in grid.columns if name in cells.columns]
    assert len(shared) == 11
    pd.testing.assert_frame_equal(cells[shared], grid[shared])


def test_patches_and_grid_are_those_of_an_estimate(found: Findings, tmp_path: Path) -> None:
    write_csv_folder(tmp_path / "export", found)
    shown = found.snapshot
    write_patches_csv(tmp_path / "patches.csv", shown.patches)
    write_grid_csv(tmp_path / "grid.csv", shown.cells)
    for name in ("patches.csv", "grid.csv"):
        assert (tmp_path / "export" / name).read_bytes() == (tmp_path / name).read_bytes()


def test_without_the_slide_haematoxylin_stays_empty(found: Findings, tmp_path: Path) -> None:
    write_csv_folder(tmp_path, found)
    nuclei = pd.read_csv(tmp_path / "nuclei.csv")
    assert nuclei["mean_haematoxylin_od"].isna().all()
    assert nuclei["area_um2"].notna().all()


def test_another_slide_is_refused(found: Findings, slide_path: Path) -> None:
    with open_slide(slide_path) as other, pytest.raises(BadInput, match="2100×1500 px"):
        mean_haematoxylin(found, other)


def test_a_damaged_place_has_no_haematoxylin(
    found: Findings, named_slide: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nucleus of which no pixel was read has none; its neighbours keep theirs."""
    read = haematoxylin.WorkingPlane.read

    def with_a_gap(plane: object, y: int, x: int, height: int, width: int) -> object:
        pixels = read(plane, y, x, height, width)
        pixels.read[max(0, 500 - y) : max(0, 700 - y)] = False
        return pixels

    monkeypatch.setattr(haematoxylin.WorkingPlane, "read", with_a_gap)
    with open_slide(named_slide) as slide:
        means = mean_haematoxylin(found, slide)
    y = found.nuclei["y_px"]
    assert np.isnan(means[(y > 512) & (y < 688)]).all()
    assert not np.isnan(means[(y < 488) | (y > 712)]).any()


def test_nuclei_of_a_person_and_of_sections_are_told(found: Findings, tmp_path: Path) -> None:
    nuclei, corrected = found.nuclei.copy(), np.zeros((4, 5), bool)
    corrected[0, 0] = True
    nuclei["origin"][:4] = [0, 1, 2, 3]
    changed = dataclasses.replace(
        found, nuclei=nuclei, snapshot=dataclasses.replace(found.snapshot, corrected=corrected)
    )
    sections = find_sections(found.run.tissue, found.plane.lattice, least_mm2=0.1)
    write_nuclei_csv(tmp_path / "nuclei.csv", changed, sections=sections)
    table = pd.read_csv(tmp_path / "nuclei.csv")
    assert table["origin"].tolist() == ["model", "hint", "grown", "hand", *["model"] * 1052]
    there = (table["centroid_x_um"] < 240) & (table["centroid_y_um"] < 240)
    assert table["corrected"].tolist() == there.astype(int).tolist()
    assert 50 < there.sum() < 150
    assert set(table["section"]) == {"S1"}


def test_cells_of_a_chosen_section_are_named_alike_in_every_table(
    found: Findings, tmp_path: Path
) -> None:
    lattice = found.plane.lattice
    patches = np.zeros((lattice.rows, lattice.columns), bool)
    patches[1:3, 2:4] = True
    section = Section("S2", patches, Block(1, 2, 2, 2), 0.2)
    snapshot = take_snapshot(found.run.patches(), Choices(cell_mm=0.24, section=section))
    chosen = dataclasses.replace(found, snapshot=snapshot)
    write_nuclei_csv(tmp_path / "nuclei.csv", chosen, sections=[section])
    write_cells_csv(tmp_path / "cells.csv", chosen, Extras())
    write_totals_csv(tmp_path / "totals.csv", chosen, Extras())
    nuclei, cells = (pd.read_csv(tmp_path / f"{name}.csv") for name in ("nuclei", "cells"))
    assert cells["cell"].tolist() == ["S2 A1", "S2 A2", "S2 B1", "S2 B2"]
    assert set(cells["section"]) == {"S2"}
    here = nuclei[nuclei["section"] == "S2"]
    counts = here["cell"].value_counts()
    density = counts[cells["cell"]].to_numpy() / cells["tissue_mm2"]
    np.testing.assert_allclose(density, cells["nuclei_per_mm2"], rtol=1e-3)
    assert nuclei["cell"][nuclei["section"] != "S2"].isna().all()
    assert pd.read_csv(tmp_path / "totals.csv")["of"].tolist() == ["S2"]


def test_corrected_patches_are_those_of_the_part_that_was_chosen(
    amended: Findings, tmp_path: Path
) -> None:
    chosen = np.zeros(amended.snapshot.patches.state.shape, bool)
    chosen[1:3, :2] = True  # beside the field
    for scope, corrected in ((None, 1), (chosen, 0), (~chosen, 1)):
        write_csv_folder(tmp_path, gather(amended.store, scope=scope))
        assert pd.read_csv(tmp_path / "totals.csv")["corrected_patches"].tolist() == [corrected]
        about = pd.read_csv(tmp_path / "about.csv", index_col="name")["value"]
        assert int(about["corrected_patches"]) == corrected


def test_what_was_drawn_is_measured_whole_in_tables_of_a_part_which_say_so(
    amended: Findings, tmp_path: Path
) -> None:
    chosen = np.zeros(amended.snapshot.patches.state.shape, bool)
    chosen[0, 0] = True
    told = {}
    for name, scope in (("whole", None), ("part", chosen)):
        findings = gather(amended.store, scope=scope)
        assert findings.regions
        told[name] = export(findings, Format.CSV, tmp_path / name)
        about = pd.read_csv(tmp_path / name / "about.csv", index_col="name")["value"]
        assert about["regions_of"] == "slide"
    assert told["part"] == f"{told['whole']}; {REGIONS_WHOLE}"
    whole, part = ((tmp_path / name / "regions.csv").read_bytes() for name in ("whole", "part"))
    assert whole == part


def test_many_nuclei_are_written_a_part_at_a_time(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_nuclei_csv(tmp_path / "at_once.csv", found)
    monkeypatch.setattr(nucleus_table, "_AT_ONCE", 100)
    write_nuclei_csv(tmp_path / "in_parts.csv", found)
    assert (tmp_path / "in_parts.csv").read_bytes() == (tmp_path / "at_once.csv").read_bytes()


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r1", "\n=1", " =1+1", "＝1+1"]
)
def test_words_that_begin_like_a_formula_are_made_safe(text: str) -> None:
    assert safe_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "A", "B6", "a=1", "'=1", "胶质瘤", "3 mm"])
def test_other_words_stay_as_they_are(text: str) -> None:
    assert safe_text(text) == text


@pytest.fixture
def drawn(found: Findings) -> list[Region]:
    """Left out: 200 × 300 working px; measured: 400 × 400, half of the first in it; a line."""
    square = shapely.box(600, 600, 1400, 1400)
    return [
        Region.drawn(
            RegionKind.EXCLUSION,
            shapely.box(400, 800, 1000, 1200),
            reason=Reason.NECROSIS,
            comment="=HYPERLINK(A1)",
        ),
        Region.drawn(RegionKind.AREA, square, name="-A", author="王医生"),
        Region.drawn(RegionKind.LINE, shapely.LineString([(0, 0), (300, 400)]), name="+B"),
    ]


def test_regions_and_what_is_left_out(
    found: Findings, drawn: list[Region], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RegionFile, "regions", lambda _: tuple(drawn))
    write_csv_folder(tmp_path, gather(found.store))
    assert (tmp_path / "regions.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    left, area, line = pd.read_csv(tmp_path / "regions.csv").to_dict("records")
    assert left["comment"] == "'=HYPERLINK(A1)"
    assert (area["name"], area["author"], line["name"]) == ("'-A", "王医生", "'+B")
    assert left["read_mm2"] == left["area_mm2"] == pytest.approx(300 * 200 * 0.25e-6)
    mask = draw_nuclei()
    inside = np.zeros(mask.shape, bool)
    inside[300:700, 300:700] = True
    inside[400:600, 200:500] = False
    assert area["area_mm2"] == pytest.approx(400 * 400 * 0.25e-6)
    assert area["read_mm2"] == pytest.approx(inside.sum() * 0.25e-6)
    assert area["density_percent"] == pytest.approx(100 * mask[inside].mean(), abs=1e-4)
    assert line["length_um"] == pytest.approx(125)
    assert np.isnan(line["density_percent"])
    (reason,) = pd.read_csv(tmp_path / "exclusions.csv").to_dict("records")
    assert reason == {"reason": "necrosis", "excluded_mm2": pytest.approx(0.015), "regions": 1}
    y, x = (found.nuclei[name].astype(int) for name in ("y_px", "x_px"))
    gone = ((y >= 400) & (y < 600) & (x >= 200) & (x < 500)).sum()
    assert len(pd.read_csv(tmp_path / "nuclei.csv")) == len(found.nuclei) - gone


def test_cells_of_sections_and_what_is_noted_of_cells(found: Findings, tmp_path: Path) -> None:
    pieces = find_sections(found.run.tissue, found.plane.lattice, least_mm2=0.1)
    (section,) = measure_sections(pieces, found.snapshot.patches)
    circles = find_field_hotspots(found.measured, 0.02, most=3)
    first = found.snapshot.hotspots[0]
    intervals = Intervals.of(found, DensityError(0.1, 0.1, 2.0, 5, Basis(9, 3, ("made up",))))
    extras = Extras(
        intervals=intervals,
        sections=[section],
        field_hotspots=circles,
        references=References("white matter", {first.address: 1.5}),
        reviewed={first.address},
        comments={first.address: "@looked"},
    )
    write_csv_folder(tmp_path, found, extras=extras)
    cells = pd.read_csv(tmp_path / "cells.csv").set_index("cell")
    noted = cells.loc[first.address, ["ratio_to_reference", "reviewed", "comment"]]
    assert noted.tolist() == [1.5, 1, "'@looked"]
    ends = ["low", "high"]
    for name in ("density", "tissue_density"):
        printed = cells.loc[first.address, [f"{name}_{end}_percent" for end in ends]]
        expected = getattr(intervals.cells[first.address], name)
        np.testing.assert_allclose(printed.tolist(), expected, atol=5e-5)
        assert expected.low < getattr(first, f"{name}_percent") < expected.high
    marked = cells[cells["section"].isna()]["crosses_band_limit"]
    scale = found.snapshot.scale
    assert marked.dropna().to_dict() == {
        address: unsure.crosses_limit(scale) for address, unsure in intervals.cells.items()
    }
    of_section = cells[cells["section"] == "S1"]
    assert list(of_section.index) == [cell.address for cell in section.cells]
    hotspots = pd.read_csv(tmp_path / "hotspots.csv")
    cell_rows = hotspots[hotspots["kind"] == "cell"]
    ranked = [*found.snapshot.hotspots, *section.hotspots]
    assert list(cell_rows["cell"]) == [cell.address for cell in ranked]
    fields = hotspots[hotspots["kind"] == "field"]
    assert list(fields["rank"]) == [1, 2, 3]
    assert set(fields["area_mm2"]) == {0.02}
    best = circles[0].sums.tissue_density_percent
    assert fields["tissue_density_percent"].iloc[0] == pytest.approx(best, abs=1e-4)


def test_a_disk_that_fills_is_told_and_leaves_no_half_table(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "nuclei.csv").write_text("before")
    monkeypatch.setattr(nucleus_table, "_lines", full)
    with pytest.raises(StoreError, match=r"nuclei.csv: the disk is full"):
        write_nuclei_csv(tmp_path / "nuclei.csv", found)
    assert [entry.name for entry in tmp_path.iterdir()] == ["nuclei.csv"]
    assert (tmp_path / "nuclei.csv").read_text() == "before"


@pytest.mark.parametrize("is_new", [True, False])
def test_a_disk_that_fills_changes_no_table_of_a_folder(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_new: bool
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = tmp_path / "tables"
    if not is_new:
        folder.mkdir()
        for name in ("cells.csv", "mine.txt"):
            (folder / name).write_text("before")
    monkeypatch.setattr(nucleus_table, "_lines", full)
    with pytest.raises(StoreError, match=r"tables/nuclei.csv: the disk is full; what was there"):
        write_csv_folder(folder, found)
    left = {path.name: path.read_text() for path in folder.glob("*")}
    assert left == ({} if is_new else {"cells.csv": "before", "mine.txt": "before"})
    assert folder.exists() != is_new


def test_tables_replace_those_before_and_nothing_else(found: Findings, tmp_path: Path) -> None:
    for name in ("cells.csv", "mine.txt"):
        (tmp_path / name).write_text("before")
    write_csv_folder(tmp_path, found)
    assert {path.name for path in tmp_path.iterdir()} == {*TABLES, "mine.txt"}
    assert (tmp_path / "cells.csv").read_text() != "before"
    assert (tmp_path / "mine.txt").read_text() == "before"


def test_a_file_in_the_place_of_the_folder_is_named(found: Findings, tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    with pytest.raises(StoreError, match="taken"):
        write_csv_folder(tmp_path / "taken", found)


def test_every_row_has_as_many_fields_as_the_header(found: Findings, tmp_path: Path) -> None:
    write_csv_folder(tmp_path, found)
    for path in tmp_path.iterdir():
        with path.open(newline="", encoding="utf-8-sig") as file:
            widths = {len(row) for row in csv.reader(file)}
        assert len(widths) == 1, path.name
