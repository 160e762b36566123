"""Neither the size of blocks nor where on the slide the tissue lies changes what is measured."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import tifffile
from numpy.typing import NDArray
from shapely.affinity import translate

from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.estimate import prepare
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.regions.measuring import Measured, RegionSums, sums_of
from napari_glioma_density.slides import open_slide

HEIGHT, WIDTH = 960, 1200
ROOM = 240
"""White right of and below the tissue, into which it can be moved."""
MOST_POINTS, MOST_OF_COUNT = 0.1, 0.001
Estimated = Callable[..., Measured]


@pytest.fixture(scope="module")
def estimated(tissue_rgb: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Estimated:
    """Estimate the tissue, moved right and down on its slide, in blocks of so many patches."""
    made: dict[tuple[str, int, int], Measured] = {}

    def measured(segmenter: Any, shift_px: int = 0, block_patches: int = 2) -> Measured:
        key = segmenter.spec.name, shift_px, block_patches
        if key not in made:
            folder = tmp_path_factory.mktemp("seams")
            write_moved(folder / "slide.tiff", tissue_rgb[:HEIGHT, :WIDTH], shift_px)
            with open_slide(folder / "slide.tiff") as slide:
                estimation = prepare(slide, segmenter, folder, block_patches=block_patches)
                list(estimation.blocks())
                estimation.close()
            made[key] = gather(estimation.run.folder.parent.parent).measured
        return made[key]

    return measured


def write_moved(path: Path, rgb: NDArray[np.uint8], shift_px: int) -> None:
    page = np.full((HEIGHT + ROOM, WIDTH + ROOM, 3), 255, np.uint8)
    page[shift_px : shift_px + HEIGHT, shift_px : shift_px + WIDTH] = rgb
    stated = {"resolution": (20_000, 20_000), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, page, tile=(256, 256), photometric="rgb", **stated)


def cells(measured: Measured, shift_px: int = 0) -> list[RegionSums]:
    """Measure the patches of the slide that was not moved, wherever they have gone to."""
    lattice = measured.plane.lattice
    windows = [
        lattice.window(Block(row, column, 1, 1))
        for row in range(HEIGHT // PATCH_PX)
        for column in range(-(-WIDTH // PATCH_PX))
    ]
    outlines = [shapely.box(x.start, y.start, min(x.stop, WIDTH), y.stop) for y, x in windows]
    moved = [translate(outline, shift_px, shift_px) for outline in outlines]
    return [sums_of(measured.plane.to_level0(outline), measured) for outline in moved]


def assert_alike(one: list[RegionSums], other: list[RegionSums]) -> None:
    for before, after in zip(one, other, strict=True):
        assert before.tissue_density_percent is not None
        assert after.tissue_density_percent == pytest.approx(
            before.tissue_density_percent, abs=MOST_POINTS
        )
        assert after.nucleus_px == pytest.approx(
            before.nucleus_px, abs=MOST_POINTS / 100 * PATCH_PX**2
        )


@pytest.mark.parametrize("block_patches", [1, 3])
def test_block_size_changes_no_cell(
    estimated: Estimated, segmenter: Any, block_patches: int
) -> None:
    base, other = estimated(segmenter), estimated(segmenter, block_patches=block_patches)
    assert_alike(cells(base), cells(other))
    assert np.array_equal(base.patches.nucleus_px, other.patches.nucleus_px)


@pytest.mark.parametrize("shift_px", [16, 48, 240])
def test_tissue_lying_elsewhere_on_the_slide_measures_the_same(
    estimated: Estimated, segmenter: Any, shift_px: int
) -> None:
    base, moved = estimated(segmenter), estimated(segmenter, shift_px)
    assert_alike(cells(base), cells(moved, shift_px))
    shifted = moved.mask[shift_px : shift_px + HEIGHT, shift_px : shift_px + WIDTH]
    assert np.mean(shifted != base.mask[:HEIGHT, :WIDTH]) < 1e-4


@pytest.mark.parametrize(
    ("shift_px", "block_patches"), [(0, 1), (0, 3), (16, 2), (48, 1), (240, 3)]
)
def test_every_nucleus_is_counted_once_wherever_edges_of_blocks_fall(
    estimated: Estimated, dark: Any, shift_px: int, block_patches: int
) -> None:
    base, other = estimated(dark), estimated(dark, shift_px, block_patches)
    counted = int(base.patches.count.sum())
    assert counted > 300
    assert int(other.patches.count.sum()) == pytest.approx(counted, rel=MOST_OF_COUNT)
    assert_alike(cells(base), cells(other, shift_px))


def test_a_cell_that_is_not_moved_along_measures_otherwise(estimated: Estimated, dark: Any) -> None:
    base, moved = cells(estimated(dark)), cells(estimated(dark, 48))
    apart = [abs(one.nucleus_px - two.nucleus_px) for one, two in zip(base, moved, strict=True)]
    assert max(apart) > MOST_POINTS / 100 * PATCH_PX**2
