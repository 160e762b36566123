"""The *Export* box: results leave, drawings come in, and a line says so."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from napari.layers import Layer
from painted_slide import write_slide
from qtpy.QtWidgets import QApplication

from napari_glioma_density.exchange.exporting import Format
from napari_glioma_density.exchange.report.words import words_in
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.ui.dock import export_box
from napari_glioma_density.ui.dock.export_box import ExportBox
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.reader import read_slide
from napari_glioma_density.ui.region import Scope

pytestmark = pytest.mark.window
LONG = 60_000
WORDS = words_in("en")


@pytest.fixture
def box(open_dock: Callable[..., Any], estimated_slide: Path, qtbot: Any) -> ExportBox:
    dock = open_dock(estimated_slide)
    qtbot.waitUntil(lambda: dock.session.snapshot is not None, timeout=LONG)
    return next(each for each in dock.boxes if isinstance(each, ExportBox))


def finished(box: ExportBox, qtbot: Any) -> str:
    qtbot.waitUntil(lambda: not box._at_work, timeout=LONG)
    return str(box._said.text())


def test_nuclei_go_to_qupath_and_the_line_names_the_place(
    box: ExportBox, qtbot: Any, tmp_path: Path
) -> None:
    path = tmp_path / "slide.geojson"
    box._kind.value = Format.GEOJSON
    box.write(path)
    assert box._said.text() == "Writing slide.geojson …"
    assert not box._go.isEnabled()
    said = finished(box, qtbot)
    assert said.startswith(f"Written: {path} (")
    features = json.loads(path.read_text())["features"]
    nuclei = [f for f in features if f["properties"]["objectType"] == "detection"]
    assert f"({len(nuclei)} nuclei, " in said
    assert box._go.isEnabled()


def test_an_export_of_what_is_half_read_says_so(
    box: ExportBox, qtbot: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half_read(*asked: Any, **more: Any) -> Findings:
        findings = gather(*asked, **more)
        totals = replace(findings.snapshot.totals, complete=False)
        return replace(findings, snapshot=replace(findings.snapshot, totals=totals))

    monkeypatch.setattr(export_box, "gather", half_read)
    box._kind.value = Format.GEOJSON
    box.write(tmp_path / "slide.geojson")
    assert finished(box, qtbot).endswith("; as far as is read)")
    assert '"complete": "no"' in (tmp_path / "slide.geojson").read_text()


def test_what_cannot_be_written_is_told_as_a_problem(
    box: ExportBox, qtbot: Any, tmp_path: Path
) -> None:
    told: list[str] = []
    box._session.problem.connect(told.append)
    (tmp_path / "file").write_text("in the way")
    box._kind.value = Format.GEOJSON
    box.write(tmp_path / "file" / "slide.geojson")
    assert finished(box, qtbot) == ""
    assert "file" in told[-1]


def test_an_annotation_of_qupath_is_left_out_once_it_is_read(
    box: ExportBox, qtbot: Any, tmp_path: Path
) -> None:
    session = box._session
    before = session.snapshot.totals.read_mm2
    corners = [[200, 200], [600, 200], [600, 600], [200, 600], [200, 200]]
    annotation = {
        "type": "Feature",
        "id": "5b3f3c2e-62d4-4d0f-8c0e-1d1f6a1b2c3d",
        "geometry": {"type": "Polygon", "coordinates": [corners]},
        "properties": {"objectType": "annotation", "classification": {"name": "Necrosis"}},
    }
    path = tmp_path / "drawn.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [annotation]}))
    box.read(path)
    assert finished(box, qtbot) == "Read from drawn.geojson: 1 region"
    (region,) = RegionFile.open(session.shown.store).regions()
    assert region.title == "necrosis"
    qtbot.waitUntil(lambda: session.snapshot.totals.read_mm2 < before, timeout=LONG)
    assert before - session.snapshot.totals.read_mm2 == pytest.approx(0.04)


def test_language_and_case_are_asked_for_a_report_alone(box: ExportBox) -> None:
    shown = {}
    for kind in Format:
        box._kind.value = kind
        QApplication.processEvents()
        shown[kind] = not box._case.isHidden(), not box._language.native.isHidden()
    assert shown.pop(Format.REPORT) == (True, True)
    assert set(shown.values()) == {(False, False)}


def test_what_was_written_of_one_slide_is_not_said_of_another(
    box: ExportBox, qtbot: Any, tmp_path: Path
) -> None:
    session = box._session
    box._kind.value = Format.REPORT
    box._case.setText("Case 12/7")
    box._said.setText("Written: report.html")
    other = write_slide(tmp_path / "other.tiff")
    session.viewer.add_layer(Layer.create(*read_slide(str(other))[0]))
    assert box._case.text() == ""
    assert box._said.text() == ""


def test_a_report_of_a_whole_slide_says_so(box: ExportBox, qtbot: Any, tmp_path: Path) -> None:
    session = box._session
    session.estimating.begin("dark", "auto", Scope.SLIDE)
    qtbot.waitUntil(lambda: session.estimating.phase is Phase.READY, timeout=LONG)
    box._kind.value = Format.REPORT
    box.write(tmp_path / "report.html")
    assert finished(box, qtbot).startswith("Written")
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert WORDS.whole_slide in report
    assert WORDS.part_of_slide not in report
