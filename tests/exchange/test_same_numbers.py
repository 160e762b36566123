"""Wherever a number stands, it is the same number: tables, QuPath, images, report and screen."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import tifffile
import zarr
from made_up_case import FIELD, UM_PER_PX, amend, estimate, left_out_pixels, write_slide
from shapely.geometry import shape
from written_case import IN_QUPATH, ROUNDED, Row, Written

from napari_glioma_density.density import PATCH_PX, Totals
from napari_glioma_density.exchange import extras_gathering
from napari_glioma_density.exchange.exporting import Format, Wishes, export
from napari_glioma_density.exchange.extras_gathering import intervals, sections_of
from napari_glioma_density.exchange.report.commands import commands
from napari_glioma_density.exchange.tables import write_tables
from napari_glioma_density.findings.areas import square_mm
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.snapshot import Bands, Choices, take_snapshot
from napari_glioma_density.findings.uncertainty import (
    BY_HAND,
    cell_uncertainties,
    total_uncertainty,
)
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.slides import open_slide
from napari_glioma_density.ui import words
from napari_glioma_density.ui.stored import show_run
from napari_glioma_density.ui.tables import save_tables

PX_MM2 = 0.0005**2


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("case")
    run = estimate(write_slide(folder / "slide.tiff"))
    amend(run)
    findings = gather(run.folder.parent.parent)
    write_tables(folder / "estimate", findings)
    with open_slide(folder / "slide.tiff") as slide:
        names = ("slide.geojson", "slide.ome.tiff", "slide.ome.zarr", "csv", "report.html")
        for to, name in zip(Format, names, strict=True):
            export(findings, to, folder / name, Wishes(slide, case_id="case 1"))
    return Written(folder, findings, show_run(run, Choices()))


def test_what_a_person_went_through_whole_is_no_figure_of_the_models(
    written: Written, tmp_path: Path
) -> None:
    screen = written.findings.snapshot
    known = replace(written.findings, snapshot=replace(screen, known=screen.patches.is_read))
    figures = write_tables(tmp_path / "known", known)
    assert figures["intervals"]["basis"] == BY_HAND == words.sureness(intervals(known).total)
    assert BY_HAND not in str(write_tables(tmp_path / "not", written.findings)["intervals"])


def test_no_error_of_counts_is_told_of_specimens_that_were_not_validated(
    written: Written, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_slide = DensityError(0.1, 0.1, 2.0, 10, Basis(3, 1))
    monkeypatch.setattr(extras_gathering, "known_error", lambda *_: of_slide)
    assert intervals(written.findings).count_error is not None
    frozen = intervals(replace(written.findings, specimen="frozen"))
    assert (frozen.error, frozen.count_error) == (of_slide, None)


def assert_printed(row: Row, measured: Any) -> None:
    """A row of a table states the values of a place, rounded as its columns say."""
    for name, places in ROUNDED.items():
        value = getattr(measured, name)
        assert row[name] == ("" if value is None else f"{value:.{places}f}"), name


def summed(rows: list[Row], name: str) -> float:
    return sum(float(row[name] or 0) for row in rows)


def test_the_case_has_all_that_may_differ(written: Written) -> None:
    screen = written.screen
    assert screen.corrected[FIELD.patches].all()
    assert set(screen.exclusions.reasons) == {"necrosis", "pen", "not tumour"}
    assert [section.name for section in written.shown.sections] == ["S1", "S2"]
    assert written.shown.error is not None
    assert len(screen.hotspots) == 10
    assert written.findings.plane.level0_px_per_px == pytest.approx(0.5 / UM_PER_PX)


def test_totals_are_those_of_the_pixels(written: Written) -> None:
    mask = tifffile.imread(written.folder / "slide.ome.tiff", series=0, level=0) > 0
    counted = ~left_out_pixels(written.findings.run)
    read = written.screen.patches.read_px > 0
    on_slide = read.repeat(PATCH_PX, axis=0).repeat(PATCH_PX, axis=1)
    counted &= on_slide[: mask.shape[0], : mask.shape[1]]
    patches = written.rows("csv/patches.csv")
    assert summed(patches, "nucleus_px") == np.count_nonzero(mask & counted)
    assert summed(patches, "read_px") == np.count_nonzero(counted)
    percent = 100 * np.count_nonzero(mask & counted) / np.count_nonzero(counted)
    assert written.summary["density_percent"] == pytest.approx(percent, abs=5e-5)


def test_totals_are_the_same_everywhere(written: Written) -> None:
    totals, summary = written.screen.totals, written.summary
    assert totals == written.findings.snapshot.totals
    for name, places in {**ROUNDED, "unread_mm2": 6}.items():
        assert summary[name] == round(getattr(totals, name), places), name
        assert written.report_totals[name] == getattr(totals, name), name
    assert summary["bands"] == list(totals.bands)
    for name in ("csv/patches.csv", "estimate/patches.csv"):
        assert_sums(written.rows(name), totals)
    assert_adds_up(written.rows("estimate/grid.csv"), totals)
    cells = written.rows("csv/cells.csv")
    assert_adds_up([row for row in cells if not row["section"]], totals)
    assert_adds_up([row for row in cells if row["section"]], totals)
    qupath = [each["properties"]["measurements"] for each in written.features("Grid cell")]
    for name in ("tissue_mm2", "read_mm2"):
        added = sum(each[IN_QUPATH[name]] for each in qupath)
        assert added == pytest.approx(getattr(totals, name))


def assert_sums(patches: list[Row], totals: Totals) -> None:
    nucleus, read, tissue, count = (
        int(summed(patches, name)) for name in ("nucleus_px", "read_px", "tissue_px", "count")
    )
    assert 100 * nucleus / read == totals.density_percent
    assert 100 * nucleus / tissue == totals.tissue_density_percent
    assert count / (tissue * PX_MM2) == pytest.approx(totals.nuclei_per_mm2, rel=1e-12)
    assert (tissue * PX_MM2, read * PX_MM2) == pytest.approx((totals.tissue_mm2, totals.read_mm2))


def assert_adds_up(cells: list[Row], totals: Totals) -> None:
    """Cells, weighted by what was read in them, add up to the total."""
    read = summed(cells, "read_mm2")
    nucleus = sum(float(row["read_mm2"]) * float(row["density_percent"]) for row in cells)
    assert read == pytest.approx(totals.read_mm2, abs=1e-6 * len(cells))
    assert nucleus / read == pytest.approx(totals.density_percent, abs=1e-4)


def test_words_of_the_screen_are_the_rounded_numbers(written: Written) -> None:
    summary, screen = written.summary, written.screen
    said = words.totals_values(screen.totals).replace("\u2009", "")
    assert said == f"{summary['nuclei_per_mm2']:.0f} nuclei per mm² of tissue"
    for row in written.rows("csv/cells.csv"):
        if row["section"]:
            continue
        cell = next(each for each in screen.cells if each.address == row["cell"])
        first, second = words.cell_values(cell).replace("\u2009", "").splitlines()
        assert first == f"{float(row['tissue_density_percent']):.1f} % of tissue is nucleus"
        assert second.startswith(f"{float(row['nuclei_per_mm2']):.0f} nuclei/mm², ")
        assert f"tissue {square_mm(float(row['tissue_mm2']))} of " in second


def test_every_cell_is_the_same_everywhere(written: Written) -> None:
    cells = {cell.address: cell for cell in written.screen.cells}
    tables = [written.rows(name) for name in ("estimate/grid.csv", "csv/grid.csv")]
    tables.append([row for row in written.rows("csv/cells.csv") if not row["section"]])
    for table in tables:
        assert [row["cell"] for row in table] == list(cells)
        for row in table:
            assert_printed(row, cells[row["cell"]])
    report = written.report("cell")
    assert list(report) == list(cells)
    qupath = {each["properties"]["name"]: each for each in written.features("Grid cell")}
    assert list(qupath) == list(cells)
    for address, cell in cells.items():
        shown = report[address]
        assert {name: shown[name] for name in ROUNDED} == values_of(cell)
        assert qupath_values(qupath[address]) == values_of(cell)
        box = shape(qupath[address]["geometry"])
        assert box.bounds[0] * UM_PER_PX == pytest.approx(cell.x_um, abs=0.005)
        assert box.area * UM_PER_PX**2 == pytest.approx(cell.width_um * cell.height_um, rel=1e-4)


def values_of(measured: Any) -> dict[str, float | None]:
    return {name: getattr(measured, name) for name in ROUNDED}


def qupath_values(feature: dict[str, Any]) -> dict[str, float | None]:
    measured = feature["properties"]["measurements"]
    return {name: measured.get(named) for name, named in IN_QUPATH.items()}


def test_cells_of_sections_hold_the_patches_of_their_section(written: Written) -> None:
    rows = [row for row in written.rows("csv/cells.csv") if row["section"]]
    report = written.report("section")
    assert list(report) == ["S1", "S2"]
    patches = written.screen.patches
    for section in written.shown.sections:
        totals = patches.totals(section.patches)
        own = [row for row in rows if row["section"] == section.name]
        assert_adds_up(own, totals)
        assert all(row["cell"].startswith(f"{section.name} ") for row in own)
        figures = report[section.name]
        assert figures["tissue_density_percent"] == totals.tissue_density_percent
        assert figures["nuclei_per_mm2"] == totals.nuclei_per_mm2


def test_hotspots_are_the_same_places_in_the_same_order(written: Written) -> None:
    spots = written.screen.hotspots
    addresses = [cell.address for cell in spots]
    table = [row for row in written.rows("csv/hotspots.csv") if row["kind"] == "cell"]
    table = [row for row in table if not row["section"]]
    assert [row["cell"] for row in table] == addresses
    assert [row["rank"] for row in table] == [str(rank) for rank in range(1, 11)]
    assert [spot["cell"] for spot in written.summary["hotspots"]] == addresses
    assert list(written.report("hotspot")) == addresses
    named = [each["properties"]["name"] for each in written.features("Hotspot")]
    assert named[:10] == [f"Hotspot {rank}: {name}" for rank, name in enumerate(addresses, 1)]
    stated = zip(
        spots, table, written.summary["hotspots"], written.features("Hotspot"), strict=False
    )
    for cell, row, spot, feature in stated:
        assert_printed(row, cell)
        assert {name: spot[name] for name in ROUNDED} == {
            name: float(row[name]) for name in ROUNDED
        }
        assert qupath_values(feature) == values_of(cell)
        assert (
            written.report("hotspot")[cell.address].items()
            >= {
                name: value for name, value in values_of(cell).items() if name != "density_percent"
            }.items()
        )


@pytest.fixture(scope="module")
def of_section(written: Written) -> Findings:
    """What an export is made of where a section is chosen in the dock."""
    section, run = written.shown.sections[1], written.findings.run
    choices = Choices(Bands.SLIDE, section=section)
    return gather(written.findings.store, run, choices, section.patches)


def test_of_a_section_that_was_chosen_nothing_stands_twice_or_for_another(
    of_section: Findings, tmp_path: Path
) -> None:
    for to, name in ((Format.CSV, "csv"), (Format.REPORT, "r.html"), (Format.GEOJSON, "x.json")):
        export(of_section, to, tmp_path / name)
    alone = Written(tmp_path, of_section, None)
    table = [row for row in alone.rows("csv/hotspots.csv") if row["kind"] == "cell"]
    assert [row["cell"] for row in table] == [c.address for c in of_section.snapshot.hotspots]
    assert {row["section"] for row in table} == {"S2"}
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<td>Section S2</td>" in page
    assert 'data-section="S1"' not in page
    about = {row["name"]: row["value"] for row in alone.rows("csv/about.csv")}
    limits = " ".join(of_section.snapshot.scale.written_limits)
    expected = {"of": "S2", "bands": "this slide", "band_limits_percent": limits}
    assert about.items() >= expected.items()
    header = json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))["glioma-density"]
    assert header.items() >= expected.items()


def test_hotspots_of_sections_are_ranked_as_those_of_the_slide_are(written: Written) -> None:
    findings = written.findings
    for by_corrected in (False, True):
        snapshot = replace(findings.snapshot, rank_corrected=by_corrected)
        (section,) = (
            s
            for s in sections_of(replace(findings, snapshot=snapshot))
            if s.section.patches[FIELD.patches].all()
        )
        densities = [cell.tissue_density_percent for cell in section.hotspots]
        assert (densities == sorted(densities, reverse=True)) is by_corrected
        assert (commands(replace(findings, snapshot=snapshot), "en") == ()) is by_corrected


@pytest.mark.parametrize("by_corrected", [False, True])
def test_saved_tables_are_of_the_section_and_the_ranking_on_the_screen(
    written: Written, tmp_path: Path, by_corrected: bool
) -> None:
    shown = written.shown
    (section,) = (s for s in shown.sections if s.patches[FIELD.patches].all())
    choices = replace(Choices(section=section), rank_corrected=by_corrected)
    screen = take_snapshot(shown.snapshot.measured, replace(choices, amendments=shown.amendments))
    save_tables(tmp_path, shown, screen, choices)
    saved = Written(tmp_path, written.findings, shown)
    assert [row["cell"] for row in saved.rows("grid.csv")] == [c.address for c in screen.cells]
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert [spot["cell"] for spot in figures["hotspots"]] == [c.address for c in screen.hotspots]
    assert figures["tissue_density_percent"] == round(screen.totals.tissue_density_percent, 4)
    assert figures["of"] == section.name
    assert figures["hotspots_ranked_by"] == ("corrected" if by_corrected else "model")
    densities = [spot["tissue_density_percent"] for spot in figures["hotspots"]]
    assert (densities == sorted(densities, reverse=True)) is by_corrected


def test_dense_circles_are_the_same_in_table_qupath_and_report(written: Written) -> None:
    table = [row for row in written.rows("csv/hotspots.csv") if row["kind"] == "field"]
    circles = written.features("Hotspot")[10:]
    report = written.report("field")
    assert len(table) == len(circles) == len(report) > 1
    for row, feature, shown in zip(table, circles, report.values(), strict=True):
        area = f"{float(row['area_mm2']):g}"
        assert feature["properties"]["name"] == f"Hotspot {row['rank']} of {area} mm²"
        for name, value in qupath_values(feature).items():
            assert row[name] == f"{value:.{ROUNDED[name]}f}"
            assert shown.get(name, value) == value
        centre = shape(feature["geometry"]).centroid
        assert centre.x * UM_PER_PX == pytest.approx(float(row["centre_x_um"]), abs=0.02)


def test_what_is_left_out_is_the_same_by_reason(written: Written) -> None:
    left_out = written.screen.exclusions.read_mm2()
    assert written.findings.excluded_mm2 == left_out
    told = written.summary["excluded"]
    assert told["read_mm2_by_reason"] == {name: round(mm2, 6) for name, mm2 in left_out.items()}
    assert told["read_mm2"] == round(sum(left_out.values()), 6)
    table = {row["reason"]: row for row in written.rows("csv/exclusions.csv")}
    assert {name: row["excluded_mm2"] for name, row in table.items()} == {
        name: f"{mm2:.6f}" for name, mm2 in left_out.items()
    }
    report = written.report("reason")
    assert {name: row["excluded_mm2"] for name, row in report.items()} == left_out
    gone = np.count_nonzero(left_out_pixels(written.findings.run)[:, : 4 * PATCH_PX])
    in_first_cut = left_out["necrosis"]
    assert in_first_cut == pytest.approx(gone * PX_MM2)


def test_nuclei_are_as_many_everywhere(written: Written) -> None:
    rows, detections = written.rows("csv/nuclei.csv"), written.features("Nucleus")
    totals, patches = written.screen.totals, written.rows("estimate/patches.csv")
    count = int(summed(patches, "count"))
    assert len(rows) == len(detections) == len(written.findings.nuclei) == count
    assert count / totals.tissue_mm2 == pytest.approx(totals.nuclei_per_mm2)
    assert (
        sum(row["corrected"] == "1" for row in rows)
        == 12
        == sum(
            each["properties"]["measurements"]["Nucleus: Corrected by a person"]
            for each in detections
        )
    )
    in_cell = Counter(row["cell"] for row in rows)
    for cell in written.screen.cells:
        expected = (cell.nuclei_per_mm2 or 0) * cell.tissue_mm2
        assert in_cell.pop(cell.address, 0) == pytest.approx(expected, abs=1e-6), cell.address
    assert not in_cell
    area = sum(each["properties"]["measurements"]["Nucleus: Area µm^2"] for each in detections)
    assert summed(rows, "area_um2") == pytest.approx(area, rel=1e-5)


def test_no_nucleus_lies_in_what_is_left_out(written: Written) -> None:
    out = left_out_pixels(written.findings.run)
    nuclei = written.findings.nuclei
    y, x = (np.floor(nuclei[name]).astype(int) for name in ("y_px", "x_px"))
    assert not out[y, x].any()
    outlines = [shape(each["geometry"]) for each in written.features("Nucleus")]
    assert shapely.is_valid(outlines).all()


def test_images_hold_the_density_of_the_tables(written: Written) -> None:
    image = tifffile.imread(written.folder / "slide.ome.tiff", series=1)
    by_tissue, by_read = np.asarray(image, np.float64)
    stated = np.full(by_read.shape, np.nan)
    tissue = stated.copy()
    for row in written.rows("csv/patches.csv"):
        if row["density_percent"]:
            place = int(row["row"]), int(row["column"])
            stated[place] = float(row["density_percent"])
            if tissue_px := int(row["tissue_px"]):
                tissue[place] = 100 * int(row["nucleus_px"]) / tissue_px
    np.testing.assert_allclose(by_read, stated, atol=6e-5)
    np.testing.assert_allclose(by_tissue, tissue, rtol=1e-6)


def test_both_image_formats_hold_the_same(written: Written) -> None:
    root = zarr.open_group(written.folder / "slide.ome.zarr", mode="r")
    mask = tifffile.imread(written.folder / "slide.ome.tiff", series=0, level=0)
    density = tifffile.imread(written.folder / "slide.ome.tiff", series=1)
    held = [np.squeeze(array[:]) for array in _arrays(root)]
    assert any(each.shape == mask.shape and ((each > 0) == (mask > 0)).all() for each in held)
    assert any(
        each.shape == density.shape and np.array_equal(each, density, equal_nan=True)
        for each in held
        if each.dtype.kind == "f"
    )


def _arrays(group: zarr.Group) -> Iterator[zarr.Array]:
    for _, member in group.members():
        if isinstance(member, zarr.Group):
            yield from _arrays(member)
        else:
            yield member


def test_totals_of_the_table_are_those_of_the_screen(written: Written) -> None:
    (row,) = written.rows("csv/totals.csv")
    totals, shown = written.screen.totals, written.shown
    assert row["tissue_density_percent"] == f"{totals.tissue_density_percent:.4f}"
    assert row["nuclei_per_mm2"] == f"{totals.nuclei_per_mm2:.2f}"
    assert row["tissue_mm2"] == f"{totals.tissue_mm2:.6f}"
    screen = written.screen
    known = screen.patches, screen.known, shown.error, screen.scope, screen.corrected
    unsure = total_uncertainty(*known)
    assert unsure is not None
    assert row["tissue_density_low_percent"] == f"{unsure.tissue_density.low:.4f}"
    assert row["density_high_percent"] == f"{unsure.density.high:.4f}"


def test_intervals_of_the_screen_are_those_of_table_and_report(written: Written) -> None:
    shown, screen = written.shown, written.screen
    assert shown.error is not None
    known = screen.patches, screen.known, shown.error, screen.scope, screen.corrected
    html = (written.folder / "report.html").read_text(encoding="utf-8")
    ends = re.findall(r'data-low="([^"]+)" data-high="([^"]+)"', html)
    total = total_uncertainty(*known)
    assert total is not None
    assert tuple(map(float, ends[0])) == (total.tissue_density.low, total.tissue_density.high)
    rows = [row for row in written.rows("csv/cells.csv") if not row["section"]]
    for row, unsure in zip(rows, cell_uncertainties(screen.cells, *known), strict=True):
        low, high = row["tissue_density_low_percent"], row["tissue_density_high_percent"]
        if unsure is None:
            assert not low + high
            continue
        assert low == f"{unsure.tissue_density.low:.4f}"
        assert high == f"{unsure.tissue_density.high:.4f}"
        assert row["crosses_band_limit"] == str(int(unsure.crosses_limit(screen.scale)))


def test_what_was_noted_of_cells_is_told_in_table_and_report(written: Written) -> None:
    noted = [row for row in written.rows("csv/cells.csv") if row["reviewed"] == "1"]
    reviewed = [row["cell"] for row in noted if not row["section"]]
    assert "A1" in reviewed
    html = (written.folder / "report.html").read_text(encoding="utf-8")
    assert "=1+1, looked at" in html
    (comment,) = {row["comment"] for row in noted if row["comment"]}
    assert comment == "'=1+1, looked at"
