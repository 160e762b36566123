"""A report says the very figures that were found, in both languages, and names no patient."""

import csv
import dataclasses
import json
import re
import string
from dataclasses import asdict, replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from napari_glioma_density.density import PATCH_PX, Block, PatchState, Totals
from napari_glioma_density.errors import BadInput, StoreError
from napari_glioma_density.exchange.extras import (
    DrawnProfile,
    Extras,
    Intervals,
    References,
    RegionComparison,
)
from napari_glioma_density.exchange.report import write_report, writing
from napari_glioma_density.exchange.report.commands import commands
from napari_glioma_density.exchange.report.words import ReportWords, words_in
from napari_glioma_density.exchange.tables import write_tables
from napari_glioma_density.findings.comparison import Comparison
from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.field_hotspots import find_field_hotspots
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.interval import Interval
from napari_glioma_density.findings.profiles import Profile, ProfileKind
from napari_glioma_density.findings.sections import MeasuredSection, Section, measure_sections
from napari_glioma_density.findings.snapshot import Choices, take_snapshot
from napari_glioma_density.findings.validation import Basis
from napari_glioma_density.regions.measuring import RegionSums
from napari_glioma_density.slides import open_slide

ERROR = DensityError(0.05, 0.04, 9.0, 5, Basis(5, 5, ("G",)))
SUMS = RegionSums(nucleus_px=30, read_px=120, tissue_px=100, count=3, px_mm2=2.5e-7)
COMPARED = RegionComparison(
    "tumour", "cortex", SUMS, SUMS + SUMS, Comparison(0.5, 1.25, Interval(-1.0, 2.0), None, "model")
)
PIXELS = np.full((1, 8), 1000.0)
PROFILE = Profile(np.arange(50, 850, 100.0), 100.0, PIXELS / 5, PIXELS, PIXELS, 2.5e-7)
TOTALS = [field.name for field in dataclasses.fields(Totals)][:6]


class Figures(HTMLParser):
    """Figures of a page by the row or section that they stand in, texts, and what it loads."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.by_place: dict[str, dict[str, float | None]] = {}
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self._section = self._row = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.add(tag)
        values = dict(attrs)
        if tag == "section":
            self._section = self._row = values["id"]
        if tag == "tr":
            keys = [name for name in values if name.startswith("data-")]
            self._row = f"{keys[0]} {values[keys[0]]}" if keys else self._section
        if "data-value" in values:
            text = values["data-value"]
            figure = float(text) if text else None
            self.by_place.setdefault(self._row, {})[values["data-name"]] = figure
        self.loads += [values[name] for name in ("src", "href", "xlink:href") if name in values]


def halves(findings: Findings) -> tuple[MeasuredSection, ...]:
    """The slide taken for two sections, left and right."""
    patches = findings.snapshot.patches
    rows, columns = patches.state.shape
    blocks = Block(0, 0, rows, 2), Block(0, 2, rows, columns - 2)
    sections = []
    for name, block in zip(("S1", "S2"), blocks, strict=True):
        own = np.zeros((rows, columns), bool)
        own[block.patches] = True
        sections.append(Section(name, own, block, 1.0))
    return measure_sections(sections, patches)


def write(path: Path, findings: Findings, **options) -> str:
    write_report(path, findings, **options)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def extras(amended: Findings) -> Extras:
    return Extras(
        intervals=Intervals.of(amended, ERROR),
        field_hotspots=find_field_hotspots(amended.measured, 0.05, most=2),
        sections=halves(amended),
        references=References("white matter", {"A1": 1.25}),
        comparisons=(COMPARED,),
        profiles=(DrawnProfile("L1", ProfileKind.ALONG, PROFILE),),
        reviewed=("A1",),
        comments={"A1": "=1+1 <script>alert(1)</script>"},
    )


@pytest.fixture(scope="module")
def page(amended: Findings, extras, named_slide: Path, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    with open_slide(named_slide) as slide:
        frozen = replace(amended, specimen="frozen")
        return write(path, frozen, extras=extras, slide=slide, case_id="H <1951> & Co")


@pytest.fixture(scope="module")
def bare_page(found: Findings, tmp_path_factory) -> str:
    """A report without slide, intervals or anything else beside the findings."""
    return unescape(write(tmp_path_factory.mktemp("bare") / "report.html", found))


def test_a_report_names_its_model_as_the_dock_does_and_commands_as_they_take_it(bare_page):
    assert bare_page.count("<td>Fast</td>") == 2
    assert "<td>fast</td>" not in bare_page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_of_a_part_says_that_what_was_drawn_is_measured_whole(
    amended: Findings, extras, page, tmp_path: Path, language: str
):
    chosen = np.zeros(amended.snapshot.patches.state.shape, bool)
    chosen[0, 0] = True
    part = gather(amended.store, scope=chosen)
    said = words_in(language).regions_whole
    assert write(tmp_path / "r.html", part, extras=extras, language=language).count(said) == 2
    assert said not in page


def test_every_total_is_that_of_summary_json(page, amended, tmp_path: Path):
    write_tables(tmp_path, amended)
    summary = json.loads((tmp_path / "summary.json").read_text())
    shown = Figures(page).by_place["totals"]
    totals = amended.snapshot.totals
    assert {name: shown[name] for name in TOTALS} == {
        name: getattr(totals, name) for name in TOTALS
    }
    for name in TOTALS:
        assert shown[name] == pytest.approx(summary[name], abs=0.006)
    bands = Figures(page).by_place["map"]
    assert [bands[f"band_{band}"] for band in range(6)] == summary["bands"]


def test_every_cell_is_that_of_grid_csv(page, amended, tmp_path: Path):
    write_tables(tmp_path, amended)
    with (tmp_path / "grid.csv").open(newline="") as file:
        rows = {row["cell"]: row for row in csv.DictReader(file)}
    places = Figures(page).by_place
    cells = {place.split()[1]: places[place] for place in places if place.startswith("data-cell")}
    assert cells.keys() == rows.keys()
    for address, figures in cells.items():
        for name in ("density_percent", "tissue_density_percent", "nuclei_per_mm2", "tissue_mm2"):
            printed = rows[address][name]
            assert (
                figures[name] is None
                if not printed
                else (figures[name] == pytest.approx(float(printed), abs=0.006))
            )
    hotspots = [place.split()[1] for place in places if place.startswith("data-hotspot")]
    assert hotspots == [cell.address for cell in amended.snapshot.hotspots]
    for cell in amended.snapshot.hotspots:
        shown = places[f"data-hotspot {cell.address}"]
        assert shown.items() <= asdict(cell).items()


def test_what_is_left_out_is_told_by_reason(page, amended):
    places = Figures(page).by_place
    told = {
        place.split(maxsplit=1)[1]: figures["excluded_mm2"]
        for place, figures in places.items()
        if place.startswith("data-reason")
    }
    assert told == amended.excluded_mm2
    assert told


def test_both_values_are_told_where_a_person_corrected(page, amended):
    shown = Figures(page).by_place["corrections"]
    model = amended.snapshot.model_totals
    assert shown["model_tissue_density_percent"] == model.tissue_density_percent
    assert model.tissue_density_percent != amended.snapshot.totals.tissue_density_percent
    assert "✎" in page[page.index('id="cells"') :]


def test_sections_regions_and_references_are_told(page, amended):
    places = Figures(page).by_place
    for section in halves(amended):
        shown = places[f"data-section {section.section.name}"]
        assert shown["tissue_density_percent"] == section.totals.tissue_density_percent
    assert places["comparisons"]["difference_points"] == 0.5
    assert places["comparisons"]["tissue_density_percent"] == 30
    assert "−1.00 to 2.00" in page
    assert ">for what is unsure of</th>" in page
    assert "<td>model</td></tr>" in page
    assert places["data-cell A1"]["ratio"] == 1.25
    assert places["data-cell A2"]["ratio"] is None
    assert "Ratio to white matter" in page
    for field in find_field_hotspots(amended.measured, 0.05, most=2):
        shown = places[f"data-field {field.area_mm2} mm² {field.rank}"]
        assert shown["tissue_density_percent"] == field.sums.tissue_density_percent


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_table_of_hotspots_that_does_not_fall_says_why(found, tmp_path: Path, language: str):
    said = words_in(language).hotspots_by_model
    hotspots = found.snapshot.hotspots
    for order, is_told in ((hotspots, False), (hotspots[::-1], True)):
        snapshot = replace(found.snapshot, hotspots=order)
        page = write(tmp_path / "r.html", replace(found, snapshot=snapshot), language=language)
        assert (said in unescape(page)) is is_told


def test_what_could_not_be_read_is_told(found, tmp_path: Path):
    patches = found.snapshot.patches
    state, unread = patches.state.copy(), patches.unread_px.copy()
    state[0, 0], unread[0, 0] = PatchState.UNREAD, PATCH_PX**2
    state[1, 1] = PatchState.PENDING
    damaged = replace(patches, state=state, unread_px=unread)
    snapshot = replace(found.snapshot, patches=damaged, totals=damaged.totals())
    shown = Figures(write(tmp_path / "r.html", replace(found, snapshot=snapshot))).by_place
    a_patch_mm2 = (PATCH_PX * 0.5e-3) ** 2
    assert shown["data-state unread"]["state_mm2"] == shown["totals"]["unread_mm2"]
    assert shown["data-state unread"]["state_mm2"] == pytest.approx(a_patch_mm2)
    assert shown["data-state pending"]["state_mm2"] == pytest.approx(a_patch_mm2)
    page, words = (tmp_path / "r.html").read_text(encoding="utf-8"), words_in("en")
    assert f">{words.part_of_slide}<" in page
    assert f">{words.whole_slide}<" not in page


def test_intervals_stand_beside_total_and_cells(page, extras, amended):
    ends = re.findall(r'data-low="([^"]+)" data-high="([^"]+)"', page)
    total = extras.intervals.total.tissue_density
    assert (repr(float(total.low)), repr(float(total.high))) == ends[0]
    with_tissue = [cell for cell in amended.snapshot.cells if cell.tissue_mm2]
    of_a_comparison = 1
    expected = 1 + len(with_tissue) + len(amended.snapshot.hotspots) + of_a_comparison
    assert len(ends) == expected
    listed = [*amended.snapshot.cells, *amended.snapshot.hotspots]
    by_hand = [cell for cell in listed if extras.intervals.cells[cell.address].is_known]
    assert by_hand
    assert page.count(f">{words_in('en').by_hand}</span>") == len(by_hand)


def test_a_page_needs_nothing_else_and_runs_nothing(page):
    found = Figures(page)
    assert found.loads
    assert all(load.startswith("data:image/") for load in found.loads)
    assert not found.tags & {"script", "link", "iframe", "object"}
    assert "default-src 'none'" in page
    assert "H &lt;1951&gt; &amp; Co" in page
    assert "<script>alert" not in page
    assert len(page) < 5e6


def test_no_file_name_and_no_header_is_told(page):
    for secret in ("SMITH", "Smith", "1951.tif", str(Path.home()), "/tmp/"):
        assert secret not in page


def test_frozen_sections_carry_a_standing_line(page, bare_page):
    assert "not validated on frozen sections" in page
    assert "not validated" not in bare_page


def test_a_specimen_that_was_not_validated_is_why_there_is_no_interval(found, tmp_path: Path):
    page, words = write(tmp_path / "r.html", replace(found, specimen="smear")), words_in("en")
    assert words.no_interval_of_such in page
    assert words.no_interval not in page


def test_a_slide_sharper_than_what_was_checked_on_is_why_there_is_no_interval(
    found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Findings, "is_sharper", True)
    page, words = write(tmp_path / "r.html", found), words_in("en")
    assert words.no_interval_of_sharper in page
    assert words.no_interval not in page


def test_figures_of_glass_and_tissue_together_say_so(found, bare_page, tmp_path: Path):
    spec = replace(found.spec, tissue_mask=False)
    known = {"is_brightfield": True, "sharpness": None, "tuned_on": None}
    run = SimpleNamespace(spec=spec, folder=found.run.folder, **known)
    findings = replace(found, run=run)
    line = words_in("en").glass_too
    assert line in write(tmp_path / "r.html", findings)
    assert line not in bare_page


def test_it_says_so_when_slide_or_intervals_are_missing(bare_page):
    words = words_in("en")
    for line in (
        words.no_slide,
        words.map_without_slide,
        words.no_interval,
        words.no_corrections,
        words.nothing_left_out,
        words.no_scores,
    ):
        assert line in bare_page


def test_both_languages_tell_the_same_figures(page, amended, extras, named_slide, tmp_path: Path):
    with open_slide(named_slide) as slide:
        chinese = write(tmp_path / "r.html", amended, extras=extras, slide=slide, language="zh")
    assert Figures(chinese).by_place == Figures(page).by_place
    assert 'lang="zh-Hans"' in chinese
    assert "仅供科研使用" in chinese
    assert "Research use only" not in chinese
    assert "5 张切片的 5 个人工标注视野（G）" in chinese
    assert "与白质之比" in chinese


def texts(words: ReportWords) -> dict[str, str]:
    flat = {}
    for name, value in asdict(words).items():
        parts = (
            value.items()
            if isinstance(value, dict)
            else enumerate(value if isinstance(value, tuple) else (value,))
        )
        flat |= {f"{name} {key}": text for key, text in parts}
    return flat


def test_both_languages_fill_in_the_same_names():
    english, chinese = texts(words_in("en")), texts(words_in("zh"))
    assert {key for key in english if key not in chinese} == set()
    for key, text in english.items():
        names = [
            {part[1] for part in string.Formatter().parse(each)} - {None}
            for each in (text, chinese[key])
        ]
        assert names[0] == names[1], key


def test_the_commands_name_what_was_chosen(found, bare_page):
    assert f"--run {found.spec.run_id}" in bare_page
    assert f"--cell-mm {found.snapshot.grid.cell_mm:.4g}" in bare_page
    assert "--um-per-px" not in bare_page


def test_the_organ_is_told_and_named_where_it_is_not_the_brain(found, bare_page):
    assert "<tr><th>Organ</th><td>brain</td></tr>" in bare_page
    assert "--organ" not in commands(found, "en")[0]
    run = SimpleNamespace(spec=replace(found.spec, organ="other"), is_brightfield=True)
    assert "--organ other" in commands(replace(found, run=run), "en")[0]


def test_no_command_is_named_that_gives_other_figures(found):
    lattice = found.plane.lattice
    corner, rectangle = np.zeros((2, lattice.rows, lattice.columns), bool)
    rectangle[1:3, 1:3] = corner[1:3, 1:3] = True
    corner[1, 1] = False
    section = Section("S2", rectangle, Block(1, 1, 2, 2), 0.2)

    def told(choices: Choices, asked: Any = None) -> tuple[str, ...]:
        snapshot = take_snapshot(found.run.patches(), choices, asked)
        return commands(replace(found, snapshot=snapshot), "en")

    assert not told(Choices(section=section))
    assert not told(Choices(), corner)
    assert ["--region" in command for command in told(Choices(), rectangle)] == [True, True]
    assert ["--region" in command for command in told(Choices())] == [False, False]


def test_another_slide_or_language_is_refused(found, named_slide: Path, tmp_path: Path):
    with open_slide(named_slide) as slide, pytest.raises(BadInput, match="not the slide of these"):
        write_report(tmp_path / "r.html", replace(found, pseudonym="slide-0000"), slide=slide)
    with pytest.raises(BadInput, match="en or zh"):
        write_report(tmp_path / "r.html", found, language="de")
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_told_before_anything_is_drawn(
    found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    drawn: list[Any] = []
    monkeypatch.setattr(writing, "gather_contents", lambda *known: drawn.append(known))
    with pytest.raises(StoreError, match=r"r\.html: cannot be read or written"):
        write_report(tmp_path / "gone" / "r.html", found)
    assert not drawn
