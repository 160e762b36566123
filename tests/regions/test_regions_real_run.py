"""Regions of a run that was estimated obey the rules of the estimate."""

from dataclasses import astuple, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, PatchState
from napari_glioma_density.estimate import prepare
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.regions.measuring import Measured, sums_of
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.slides import open_slide
from napari_glioma_density.slides.organ import Organ

EDGE_OF_TISSUE = 1, 3
"""A patch that is part tissue, part glass."""


class DarkIsNucleus:
    """Calls dark pixels nucleus."""

    spec = ModelSpec(name="dark", title="", architecture="none")
    sha256, device, precision = "d" * 64, "cpu", "fp32"

    def learnt(self) -> frozenset[str]:
        return frozenset()

    def tuned_on(self) -> None:
        """Return nothing: it was not fine-tuned."""

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return (images[..., 0] < 150).astype(np.uint8)

    def on(self, *_: str) -> "DarkIsNucleus":
        return self

    def for_organ(self, _: Organ) -> "DarkIsNucleus":
        return self

    def fitted(self, statistics: Any) -> "DarkIsNucleus":
        return self


@pytest.fixture
def measured(slide_path: Path, tmp_path: Path) -> Measured:
    estimation = prepare(open_slide(slide_path), DarkIsNucleus(), tmp_path / "r")
    for _ in estimation.blocks():
        pass
    estimation.close()
    run = estimation.run
    return Measured(Plane.of(run.spec), run.patches(), run.mask(0), run.nuclei(), run.tissue)


def test_pixels_of_a_patch_add_up_to_what_the_estimate_counted(measured: Measured) -> None:
    table = measured.patches
    read = np.argwhere(table.is_read).tolist()
    assert len(read) > 10
    for row, column in read:
        pixels = measured.pixels_of(row, column)
        assert np.count_nonzero(pixels.nucleus) == table.nucleus_px[row, column]
        assert np.count_nonzero(pixels.tissue) == table.tissue_px[row, column]
        assert pixels.tissue.size == table.read_px[row, column]
        assert pixels.y.size == table.count[row, column]


def test_halves_of_the_slide_add_up_to_its_totals(measured: Measured) -> None:
    width = 2 * measured.plane.lattice.width_px
    left, right = (shapely.box(a, -9, b, 9999) for a, b in ((-9, 777), (777, width)))
    both = sums_of(left, measured) + sums_of(right, measured)
    totals = measured.patches.totals()
    assert both.density_percent == totals.density_percent
    assert both.tissue_density_percent == totals.tissue_density_percent
    assert both.nuclei_per_mm2 == pytest.approx(totals.nuclei_per_mm2)
    background = measured.patches.state == PatchState.BACKGROUND
    assert background.any(), "bare glass on the right holds nothing"


def test_a_part_of_a_patch_with_pixels_that_were_lost_keeps_their_share(
    measured: Measured,
) -> None:
    patches = replace(measured.patches, read_px=measured.patches.read_px.copy())
    row, column = EDGE_OF_TISSUE
    tissue, full = int(patches.tissue_px[row, column]), PATCH_PX**2
    assert 0.2 * full < tissue < 0.8 * full
    patches.read_px[row, column] = tissue + (full - tissue) // 3
    pixels = replace(measured, patches=patches).pixels_of(row, column)
    covered = np.zeros((PATCH_PX, PATCH_PX), bool)
    covered[100:377, 55:433] = True
    read_px, nucleus_px, tissue_px, _ = astuple(pixels.sums_in(covered))
    glass = np.count_nonzero(covered & ~pixels.tissue)
    assert tissue_px == np.count_nonzero(covered & pixels.tissue)
    assert nucleus_px == np.count_nonzero(covered & pixels.nucleus)
    assert read_px - tissue_px == glass * ((full - tissue) // 3) // (full - tissue)
