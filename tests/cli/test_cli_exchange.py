"""Results leave by `export` and drawings come back by `import`, each as a terminal sees it."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import shapely
import tifffile
from shapely.geometry import mapping, shape

from napari_glioma_density.annotation.review import ReviewLog
from napari_glioma_density.density import Block
from napari_glioma_density.findings.gathering import open_run
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import ResultStore

Program = Callable[..., Any]
FORMATS = {
    "geojson": "out.geojson",
    "ome-tiff": "out.ome.tiff",
    "ome-zarr": "out.ome.zarr",
    "csv": "tables",
    "report": "report.html",
}
SIDE = 960
UM = 0.5
PX_MM2 = 0.0005**2
NEW_ID = "5b3f3c2e-62d4-4d0f-8c0e-1d1f6a1b2c3d"


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the program in a process of its own."""
    call = [sys.executable, "-m", "napari_glioma_density.cli", *map(str, arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(call, capture_output=True, text=True, env=environment, check=False)


def write_slide(path: Path, seed: int) -> Path:
    random = np.random.default_rng(seed)
    rgb = np.full((SIDE, SIDE, 3), (225, 175, 205), np.uint8)
    for x, y, size in random.integers((0, 0, 6), (SIDE, SIDE, 12), (400, 3)).tolist():
        cv2.circle(rgb, (x, y), size, (95, 60, 140), -1)
    stated = {"resolution": (1e4 / UM,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, rgb, tile=(256, 256), photometric="rgb", **stated)
    return path


@pytest.fixture(scope="module")
def estimated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a slide, another one, and what `estimate` wrote of the first."""
    folder = tmp_path_factory.mktemp("case")
    (folder / "slides").mkdir()
    slide = write_slide(folder / "slides" / "slide.tiff", 1)
    write_slide(folder / "slides" / "other.tiff", 2)
    done = command("estimate", slide, "-o", folder, "--device", "cpu", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["nuclei_per_mm2"] > 100
    return folder


@pytest.fixture
def case(estimated: Path, tmp_path: Path) -> Path:
    """A copy of the test's own."""
    return Path(shutil.copytree(estimated, tmp_path / "case"))


def store_of(case: Path) -> Path:
    return case / "slide.tiff" / "slide.tiff.glioma.zarr"


def test_a_backend_that_matplotlib_does_not_know_does_not_matter_to_a_report(
    case: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    done = command("export", store_of(case), "--to", "report", "-o", case / "report.html")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("to", FORMATS)
def test_every_format_is_written_from_the_folder_of_an_estimate(
    program: Program, case: Path, to: str
) -> None:
    path = case / FORMATS[to]
    slide = case / "slides" / "slide.tiff"
    done = program(
        "export", case / "slide.tiff", "--to", to, "-o", path, "--slide", slide, "--json"
    )
    assert done.status == 0, done.stderr
    assert done.json["written"] == str(path)
    assert path.exists()
    assert not list(case.glob(".*")), "nothing is left beside it"


def test_the_run_that_was_estimated_last_is_exported_and_named(
    program: Program, case: Path
) -> None:
    slide, tables = case / "slides" / "slide.tiff", case / "tables"
    for um_per_px in (0.25, UM):
        again = program("estimate", slide, "-o", case, "--um-per-px", um_per_px, "--device", "cpu")
        assert again.status == 0, again.stderr
    done = program("export", case / "slide.tiff", "--to", "csv", "-o", tables)
    assert done.status == 0
    run_id = ResultStore(store_of(case)).runs()[-1].run_id
    assert f"of 2 runs the one last estimated: {run_id}" in done.stderr
    for name in ("patches.csv", "grid.csv"):
        assert (tables / name).read_bytes() == (case / "slide.tiff" / name).read_bytes()


def test_the_organ_of_the_run_that_is_exported_is_told(program: Program, case: Path) -> None:
    slide = case / "slides" / "slide.tiff"
    again = ("estimate", slide, "-o", case, "--um-per-px", UM, "--device", "cpu")
    for organ, told in (("other", "as an organ other than the brain"), ("brain", "as the brain")):
        assert program(*again, "--organ", organ).status == 0
        done = program("export", case / "slide.tiff", "--to", "csv", "-o", case / organ)
        assert f", {told}, {UM:g} µm/px" in done.stderr
        assert f"organ,{organ}" in (case / organ / "about.csv").read_text().splitlines()


def test_what_the_dock_was_told_of_the_specimen_holds_on_the_command_line(
    program: Program, case: Path
) -> None:
    slide, said = case / "slides" / "slide.tiff", "not validated on frozen sections"
    summary = case / "slide.tiff" / "summary.json"
    before = json.loads(summary.read_text())
    assert before["specimen"] == "unknown"
    assert before["intervals"]["basis"]
    (store_of(case) / "asked.json").write_text('{"specimen": "frozen"}')
    again = ("estimate", slide, "-o", case, "--device", "cpu")
    frozen = program(*again)
    assert frozen.status == 0
    assert "not validated on specimens of this kind: frozen" in frozen.stdout
    after = json.loads(summary.read_text())
    assert (after["specimen"], after["intervals"]) == ("frozen", None)
    report = ("export", case / "slide.tiff", "--to", "report", "--slide", slide, "-o")
    assert program(*report, case / "dock.html").status == 0
    assert said in (case / "dock.html").read_text()
    assert "--specimen frozen" in (case / "dock.html").read_text()
    assert program(*report, case / "ffpe.html", "--specimen", "ffpe").status == 0
    assert said not in (case / "ffpe.html").read_text()
    ffpe = program(*again, "--specimen", "ffpe")
    assert json.loads((store_of(case) / "asked.json").read_text()) == {"specimen": "ffpe"}
    low, high = before["intervals"]["tissue_density_percent"]
    assert (
        f"95 % interval {low:.1f} to {high:.1f} %, by {before['intervals']['basis']}" in ffpe.stdout
    )


def test_a_slide_that_somebody_insisted_on_is_told_to_be_such(
    program: Program, tmp_path: Path
) -> None:
    slide, said = tmp_path / "slide.tiff", "does not look like a brightfield H&E slide"
    glow = np.zeros((600, 600, 3), np.uint8)
    glow[200:300, 200:300, 1] = 200
    stated = {"resolution": (1e4 / UM,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(slide, glow, tile=(256, 256), photometric="rgb", **stated)
    again = ("estimate", slide, "-o", tmp_path / "r", "--device", "cpu")
    assert program(*again).status == 2
    assert said in program(*again, "--force").stdout
    folder, page = tmp_path / "r" / "slide.tiff", tmp_path / "r.html"
    assert json.loads((folder / "summary.json").read_text())["brightfield"] is False
    assert program("export", folder, "--to", "report", "-o", page).status == 0
    assert said in unescape(page.read_text(encoding="utf-8"))
    assert " --force " in page.read_text(encoding="utf-8")
    assert program("export", folder, "--to", "csv", "-o", tmp_path / "csv").status == 0
    assert "brightfield,no\n" in (tmp_path / "csv" / "about.csv").read_text()


def test_a_slide_sharper_than_what_the_model_was_checked_on_has_no_interval(
    program: Program, case: Path, tmp_path: Path
) -> None:
    said = "sharper than any field the model was checked on"
    plain = json.loads((case / "slide.tiff" / "summary.json").read_text())
    assert plain["sharper_than_checked"] is False
    rgb = tifffile.imread(case / "slides" / "slide.tiff")
    smooth = cv2.GaussianBlur(rgb, (0, 0), 1)
    sharp = np.asarray(cv2.addWeighted(rgb, 5, smooth, -4, 0), np.uint8)
    slide, page = tmp_path / "slide.tiff", tmp_path / "r.html"
    stated = {"resolution": (1e4 / UM,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(slide, sharp, tile=(256, 256), photometric="rgb", **stated)
    done = program("estimate", slide, "-o", tmp_path / "r", "--device", "cpu")
    assert said in done.stdout
    assert "95 % interval" not in done.stdout
    folder = tmp_path / "r" / "slide.tiff"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["sharpness"] > 1.2 * plain["sharpness"]
    assert summary["sharper_than_checked"] is True
    assert summary["intervals"] is None
    assert program("export", folder, "--to", "report", "-o", page).status == 0
    assert said in page.read_text(encoding="utf-8")


def test_tissue_of_which_nothing_can_be_read_has_no_count(program: Program, tmp_path: Path) -> None:
    slide = write_slide(tmp_path / "slide.tiff", 1)
    with tifffile.TiffFile(slide) as file:
        page = file.pages[0]
        assert isinstance(page, tifffile.TiffPage)
        glass, *tissue = zip(page.dataoffsets, page.databytecounts, strict=True)
    with slide.open("r+b") as file:
        file.seek(glass[0])
        file.write(bytes([243]) * glass[1])
    os.truncate(slide, min(offset for offset, _ in tissue) + 100)
    done = program("estimate", slide, "-o", tmp_path / "r", "--device", "cpu")
    assert "nothing that counts is tissue: all that may be tissue is unreadable" in done.stdout
    assert "nuclei/mm²" not in done.stdout
    store = tmp_path / "r" / "slide.tiff"
    assert program("export", store, "--to", "report", "-o", tmp_path / "r.html").status == 0
    page_text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "all tissue of the slide that can be read: its file is damaged" in page_text
    assert "They rest on" not in page_text


def test_figures_of_glass_and_tissue_together_say_so(program: Program, case: Path) -> None:
    slide, said = case / "slides" / "slide.tiff", "Bare glass counts as tissue"
    again = ("estimate", slide, "-o", case, "--device", "cpu")
    assert said not in program(*again).stdout
    assert said in program(*again, "--no-tissue-mask").stdout
    assert json.loads((case / "slide.tiff" / "summary.json").read_text())["tissue_mask"] is False
    written = program("export", case / "slide.tiff", "--to", "csv", "-o", case / "csv")
    assert "µm/px, without a tissue mask; --run names another" in written.stderr
    assert "tissue_mask,no\n" in (case / "csv" / "about.csv").read_text()
    assert "specimen,unknown\n" in (case / "csv" / "about.csv").read_text()


def refused(outcome: Any, *words: str) -> None:
    assert outcome.is_one_helpful_line(*words), (outcome.status, outcome.stdout, outcome.stderr)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "--to", "csv"), ("nowhere", "no such result store")),
        (("slide.tiff", "--to", "pdf"), ("pdf", "geojson")),
        (("slide.tiff", "--to", "csv", "--slide", "nowhere.tiff"), ("nowhere.tiff",)),
        (("slide.tiff", "--to", "csv", "--slide", "slides/other.tiff"), ("not the slide",)),
        (("slide.tiff", "--to", "report", "--language", "de"), ("en or zh",)),
        (("slide.tiff", "--to", "report", "--specimen", "fresh"), ("fresh", "ffpe")),
        (("slide.tiff", "--to", "report", "--bands", "rainbow"), ("rainbow", "paper")),
        (("slide.tiff", "--to", "csv", "--run", "accurate-1"), ("accurate-1", "name one of: ")),
        (("slide.tiff", "--to", "csv", "--cell-mm", "0"), ("cell size",)),
        (("slide.tiff", "--to", "csv", "--region", "1,2,3"), ("--region", "X,Y,W,H")),
        (("slide.tiff", "--to", "csv", "--region", "9000,0,10,10"), ("outside the slide",)),
        (("slide.tiff", "--to", "csv", "--regoin", "0,0,1,1"), ("--regoin",)),
        (("slide.tiff",), ("--to",)),
    ],
)
def test_an_export_that_cannot_be_is_refused_in_a_line(
    program: Program,
    case: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(case)
    refused(program("export", *arguments, "-o", "out"), *words)
    assert not (case / "out").exists()


def test_a_file_in_the_way_is_told_in_a_line(program: Program, case: Path) -> None:
    (case / "file").write_text("in the way")
    for to, name in FORMATS.items():
        path = case / "file" / name
        refused(program("export", case / "slide.tiff", "--to", to, "-o", path), "file")


@contextmanager
def full_disk(bytes_left: int) -> Iterator[None]:
    """Let no file grow beyond a few bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("to", FORMATS)
def test_a_full_disk_keeps_what_was_there_and_says_so(
    program: Program, case: Path, to: str
) -> None:
    path = case / FORMATS[to]
    earlier = path / "nuclei.csv" if to == "csv" else path
    if to != "ome-zarr":
        earlier.parent.mkdir(exist_ok=True)
        earlier.write_text("an earlier export")
    with full_disk(4_000):
        outcome = program("export", case / "slide.tiff", "--to", to, "-o", path)
    refused(outcome, str(path))
    if to != "ome-zarr":
        assert earlier.read_text() == "an earlier export"
    else:
        assert not path.exists()
    assert not [each.name for each in case.iterdir() if each.name.startswith(".")]


def geojson(*features: dict[str, Any]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})


def drawn(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": NEW_ID,
        "geometry": mapping(geometry),
        "properties": {"objectType": "annotation", **properties},
    }


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ("No such file", "drawn.geojson")),
        ("", ("drawn.geojson",)),
        ("<html></html>", ("drawn.geojson",)),
        ('{"type": "FeatureCollection", "features": [', ("drawn.geojson",)),
        ('{"a": 1}', ("drawn.geojson",)),
        (geojson({"type": "Feature", "geometry": {"type": "Polygon"}}), ("object 1",)),
        (geojson(drawn(shapely.box(5000, 0, 5100, 100))), ("beyond the slide", "960×960")),
    ],
)
def test_a_file_that_is_no_drawing_of_this_slide_changes_nothing(
    program: Program, case: Path, content: str | None, words: tuple[str, ...]
) -> None:
    path = case / "drawn.geojson"
    if content is not None:
        path.write_text(content)
    refused(program("import", case / "slide.tiff", path), *words)
    assert RegionFile.open(store_of(case)).regions() == ()


def test_an_import_into_no_store_is_refused(program: Program, case: Path) -> None:
    (case / "drawn.geojson").write_text(geojson(drawn(shapely.box(0, 0, 90, 90))))
    refused(program("import", case / "nowhere", case / "drawn.geojson"), "no such result store")


def test_what_is_edited_in_qupath_comes_back_as_edited(program: Program, case: Path) -> None:
    store, path = store_of(case), case / "out.geojson"
    necrosis = Region.drawn(
        RegionKind.EXCLUSION, shapely.box(60.5, 60.25, 300, 300), reason=Reason.NECROSIS,
        author="reader", comment="pale",
    )  # fmt: skip
    grey = Region.drawn(RegionKind.REFERENCE, shapely.box(500, 500, 700, 800), name="grey matter")
    area = Region.drawn(RegionKind.AREA, shapely.box(400, 50, 600, 200), name="A")
    for region in (necrosis, grey, area):
        RegionFile.open(store).put(region)
    assert command("export", store, "--to", "geojson", "-o", path).returncode == 0

    collection = json.loads(path.read_text())
    by_id = {each["id"]: each for each in collection["features"]}
    by_id[necrosis.id]["properties"]["classification"] = {"name": "Tumor", "color": [200, 0, 0]}
    moved = shapely.affinity.translate(shape(by_id[grey.id]["geometry"]), 40, -20)
    by_id[grey.id]["geometry"] = mapping(moved)
    del by_id[area.id]
    new = drawn(shapely.box(700, 100, 900, 300), classification={"name": "Necrosis"})
    path.write_text(json.dumps({**collection, "features": [*by_id.values(), new]}))

    brought = command("import", store, path, "--author", "Q", "--json")
    assert (brought.returncode, json.loads(brought.stdout)["regions"]) == (0, 3), brought.stderr
    regions = {region.id: region for region in RegionFile.open(store).regions()}
    assert list(regions) == [necrosis.id, grey.id, area.id, NEW_ID]
    changed = regions[necrosis.id]
    assert (changed.kind, changed.reason) == (RegionKind.AREA, None)
    assert (changed.author, changed.comment, changed.time) == ("reader", "pale", necrosis.time)
    assert changed.geometry.equals_exact(necrosis.geometry, 0.011)
    assert regions[grey.id].with_(geometry=None) == grey.with_(geometry=None)
    assert regions[grey.id].geometry.equals_exact(moved, 0.011)
    assert regions[area.id] == area, "what is deleted in QuPath stays here"
    added = regions[NEW_ID]
    assert (added.kind, added.reason) == (RegionKind.EXCLUSION, Reason.NECROSIS)
    assert (added.origin, added.author) == (Origin.IMPORTED, "Q")

    assert program("export", store, "--to", "csv", "-o", case / "tables").status == 0
    told = (case / "tables" / "exclusions.csv").read_text().splitlines()
    assert told[1:] == [f"necrosis,{200 * 200 * PX_MM2:.6f},1"]


def test_an_import_of_what_was_exported_changes_nothing(program: Program, case: Path) -> None:
    """Also where corners are rounded in the file, and of cells that were left out in review."""
    store, path = store_of(case), case / "out.geojson"
    outline = shapely.Polygon([(60.1234, 60), (300, 61.0051), (222.7777, 300)])
    region = Region.drawn(RegionKind.EXCLUSION, outline, reason=Reason.PEN)
    RegionFile.open(store).put(region)
    ReviewLog.open(store, open_run(store).lattice).mark(Block(1, 1, 1, 1), excluded=Reason.FOLD)
    program("export", store, "--to", "geojson", "-o", path)
    assert program("import", store, path, "--json").json["regions"] == 0
    assert RegionFile.open(store).regions() == (region,)
    said = program("import", store, path).stderr
    assert "no region and no nucleus is new" in said
    assert "begin one under Annotation assist" in " ".join(said.split())


def test_an_import_with_another_slide_is_refused(program: Program, case: Path) -> None:
    (case / "drawn.geojson").write_text(geojson(drawn(shapely.box(0, 0, 90, 90))))
    other = case / "slides" / "other.tiff"
    arguments = (case / "slide.tiff", case / "drawn.geojson", "--slide", other)
    refused(program("import", *arguments), "not the slide")
    assert RegionFile.open(store_of(case)).regions() == ()


@pytest.mark.parametrize("to", ["geojson", "ome-tiff", "report"])
def test_only_an_earlier_export_of_its_kind_is_replaced(
    program: Program, case: Path, to: str
) -> None:
    call = ("export", store_of(case), "--to", to, "--slide", case / "slides" / "slide.tiff")
    slide = case / "slides" / "slide.tiff"
    before = slide.read_bytes()
    assert program(*call, "-o", slide).is_one_helpful_line("slide.tiff", "is there already")
    assert slide.read_bytes() == before
    path = case / FORMATS[to]
    for _ in range(2):
        assert program(*call, "-o", path).status == 0


def test_tables_of_others_are_not_replaced(program: Program, case: Path) -> None:
    folder = case / "mine"
    folder.mkdir()
    (folder / "regions.csv").write_text("county,inhabitants\n")
    call = ("export", store_of(case), "--to", "csv", "-o", folder)
    assert program(*call).is_one_helpful_line("regions.csv", "is there already")
    assert [path.name for path in folder.iterdir()] == ["regions.csv"]
    (folder / "regions.csv").rename(folder / "counties.csv")
    for _ in range(2):
        assert program(*call).status == 0
    assert (folder / "counties.csv").exists()
    into_results = ("export", store_of(case), "--to", "csv", "-o", store_of(case).parent)
    assert program(*into_results).status == 0, "patches.csv and grid.csv of the estimate"
