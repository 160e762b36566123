import csv
from pathlib import Path

import numpy as np
import openslide
import psutil
import pytest
import tifffile

from napari_glioma_density.density.lattice import Lattice
from napari_glioma_density.density.patches import PatchState
from napari_glioma_density.errors import BadInput
from napari_glioma_density.slides.opening import open_slide
from napari_glioma_density.slides.working import working_plane
from napari_glioma_density.synthesis import Layout, Truth, draw_region, synthesize

COLUMNS = "row,column,x_px,y_px,state,density_percent,nucleus_px,read_px,tissue_px,count,band"


def rows_of(truth: Truth) -> list[dict[str, str]]:
    with truth.csv.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_seed_gives_the_same_bytes(
    small_slide: Truth, layout: Layout, tmp_path: Path
) -> None:
    size = (layout.width, layout.height, layout.um_per_px, layout.seed)
    again = synthesize(tmp_path / "again.tiff", *size)
    assert again.slide.read_bytes() == small_slide.slide.read_bytes()
    assert again.csv.read_bytes() == small_slide.csv.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.tiff", "again.truth.csv"]


def test_openslide_and_tifffile_read_the_same_pyramid(small_slide: Truth, layout: Layout) -> None:
    with (
        openslide.OpenSlide(small_slide.slide) as slide,
        tifffile.TiffFile(small_slide.slide) as tiff,
    ):
        levels = tiff.series[0].levels
        assert [level.shape[1::-1] for level in levels] == list(slide.level_dimensions)
        assert slide.level_dimensions[0] == (layout.width, layout.height)
        for number, level in enumerate(levels):
            seen = slide.read_region((0, 0), number, slide.level_dimensions[number])
            # The two use decoders that may round chroma differently.
            apart = np.abs(np.asarray(seen)[..., :3].astype(int) - level.asarray())
            assert apart.max() <= 12
            assert apart.mean() < 0.5


def test_resolution_is_in_the_tags_of_every_level(small_slide: Truth, layout: Layout) -> None:
    with openslide.OpenSlide(small_slide.slide) as slide:
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(layout.um_per_px)
    with tifffile.TiffFile(small_slide.slide) as tiff:
        for number, page in enumerate(tiff.pages):
            um_per_px = 1e4 / page.get_resolution("CENTIMETER")[0]
            assert um_per_px == pytest.approx(layout.um_per_px * 4**number, rel=1e-3)
            assert page.tile == (256, 256)
        assert "MPP = 0.5" in tiff.pages[0].description


def test_the_file_shows_what_is_drawn(small_slide: Truth, layout: Layout) -> None:
    drawn = draw_region(layout, 640, 900, 300, 320).rgb.astype(int)
    written = tifffile.imread(small_slide.slide, series=0, level=0)[640:940, 900:1220]
    assert np.abs(drawn - written).mean() < 6


def test_truth_counts_the_drawn_mask(small_slide: Truth, layout: Layout) -> None:
    mask = draw_region(layout, 0, 0, layout.height, layout.width).labels > 0
    for row in rows_of(small_slide):
        y, x = int(row["y_px"]), int(row["x_px"])
        patch = mask[y : y + 480, x : x + 480]
        assert int(row["nucleus_px"]) == patch.sum()
        assert int(row["read_px"]) == patch.size
        assert float(row["density_percent"]) == pytest.approx(100 * patch.mean(), abs=1e-3)


def test_truth_has_the_columns_of_patches_csv_and_only_patches_with_tissue(
    small_slide: Truth,
) -> None:
    assert small_slide.csv.name == "small.truth.csv"
    assert small_slide.csv.read_text().splitlines()[0] == COLUMNS
    rows = rows_of(small_slide)
    assert len(rows) == np.count_nonzero(small_slide.patches.state == PatchState.READ)
    for row in rows:
        assert int(row["nucleus_px"]) <= int(row["tissue_px"]) <= int(row["read_px"])
        assert row["state"] == "read"
        assert row["band"] in set("012345")


def test_counts_add_up_to_the_nuclei_on_the_slide(small_slide: Truth, layout: Layout) -> None:
    seen = len(np.unique(draw_region(layout, 0, 0, layout.height, layout.width).labels)) - 1
    # Some nuclei lie wholly under another and are counted but not seen.
    assert seen <= small_slide.patches.count.sum() <= 1.02 * seen


@pytest.mark.parametrize(("um_per_px", "patch_px"), [(0.25, 960), (0.3, 810), (0.8, 300)])
def test_truth_lies_on_the_working_lattice_at_any_resolution(
    tmp_path: Path, um_per_px: float, patch_px: int
) -> None:
    truth = synthesize(tmp_path / "slide.tif", 900, 1000, um_per_px, 2)
    layout = Layout(900, 1000, um_per_px, 2)
    with open_slide(truth.slide) as slide:
        plane = working_plane(slide, 0.5)
    assert truth.patches.lattice == Lattice.over(plane.height, plane.width, plane.um_per_px)
    for row in rows_of(truth):
        y, x = int(row["row"]) * patch_px, int(row["column"]) * patch_px
        height, width = min(patch_px, 1000 - y), min(patch_px, 900 - x)
        expected = 100 * np.mean(draw_region(layout, y, x, height, width).labels > 0)
        assert float(row["density_percent"]) == pytest.approx(expected, abs=0.15)


def test_a_mostly_empty_slide_is_written_without_holding_it(tmp_path: Path) -> None:
    process, highest = psutil.Process(), 0

    def watch(done: int, total: int) -> None:
        nonlocal highest
        highest = max(highest, process.memory_info().rss)

    before = process.memory_info().rss
    truth = synthesize(
        tmp_path / "giant.tiff", 24_000, 20_000, 0.5, 3, tissue_mm=0.6, on_progress=watch
    )
    assert highest - before < 400e6  # level 0 alone would take 1.4 GB
    assert truth.slide.stat().st_size < 20e6
    assert 2 <= len(rows_of(truth)) < 60


def test_progress_tells_every_cell(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    report = lambda done, total: told.append((done, total))  # noqa: E731
    synthesize(tmp_path / "s.tiff", 1100, 600, 0.5, 1, on_progress=report)
    assert told == [(1, 2), (2, 2)]


def test_a_folder_that_is_not_there_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"slide\.tiff: cannot be written .*No such file") as refusal:
        synthesize(tmp_path / "absent" / "slide.tiff", 600, 600, 0.5, 1)
    assert "\n" not in str(refusal.value)


def test_a_name_that_is_no_tiff_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"slide\.svs: .*\.tiff"):
        synthesize(tmp_path / "slide.svs", 600, 600, 0.5, 1)


def test_an_interrupted_run_leaves_the_slide_that_was_there(tmp_path: Path) -> None:
    target = tmp_path / "slide.tiff"
    before = b"napari-glioma-density synthetic H&E, an earlier one"
    target.write_bytes(before)

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        synthesize(target, 600, 600, 0.5, 1, on_progress=stop)
    assert target.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["slide.tiff"]


def test_a_slide_that_was_not_drawn_here_is_not_replaced(tmp_path: Path) -> None:
    slide = tmp_path / "slide.tiff"
    tifffile.imwrite(slide, np.zeros((600, 600, 3), np.uint8), photometric="rgb")
    before = slide.read_bytes()
    with pytest.raises(BadInput, match=r"slide\.tiff: is there already"):
        synthesize(slide, 480, 480, 0.5, 0)
    assert slide.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["slide.tiff"]
    drawn = tmp_path / "drawn.tiff"
    for seed in range(2):
        synthesize(drawn, 480, 480, 0.5, seed)
