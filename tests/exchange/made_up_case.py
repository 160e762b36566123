"""A slide with two cuts that was estimated, corrected, looked through and partly left out."""

from contextlib import closing
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.field import (
    Choice,
    FieldGround,
    FieldRecord,
    FieldState,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.annotation.measurement import field_nuclei, measure_field
from napari_glioma_density.annotation.review import ReviewLog
from napari_glioma_density.density import PATCH_PX, Block
from napari_glioma_density.estimate import prepare
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import Run
from napari_glioma_density.slides import Slide, open_slide

UM_PER_PX = 0.4
"""A level-0 px is four fifths of a working px."""
HEIGHT, CUT_WIDTH, GLASS_WIDTH = 1690, 2100, 2700
FIELD = Block(1, 1, 1, 1)
LEFT_OUT_CELL = Block(1, 9, 1, 1)
REVIEWED_CELL = Block(0, 0, 1, 1)
NECROSIS = shapely.Point(1330, 620).buffer(470)
PEN = shapely.box(5300.5, 300.25, 5900, 800.75)


class DarkIsNucleus:
    """Calls dark pixels nucleus, with the known error of the shipped model."""

    spec = ModelSpec(name="fast", title="", architecture="none", halo_px=48)
    device, precision = "cpu", "fp32"

    def __init__(self) -> None:
        self.sha256 = find_model("fast").sha256

    def learnt(self) -> frozenset[str]:
        return frozenset()

    def tuned_on(self) -> None:
        """Return nothing: it was not fine-tuned."""

    def segment(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return (images[..., 0] < 150).astype(np.uint8)

    def on(self, *_: str) -> "DarkIsNucleus":
        return self

    def for_organ(self, _: Any) -> "DarkIsNucleus":
        return self

    def fitted(self, statistics: Any) -> "DarkIsNucleus":
        return self


def write_slide(path: Path) -> Path:
    """Draw two cuts with a mm of glass between them, denser towards the right of each."""
    random = np.random.default_rng(8)
    rgb = np.full((HEIGHT, 2 * CUT_WIDTH + GLASS_WIDTH, 3), 245, np.uint8)
    for left in (0, CUT_WIDTH + GLASS_WIDTH):
        cut = rgb[:, left : left + CUT_WIDTH]
        cut[:] = (225, 175, 205)
        for share in random.random((900, 3)):
            x, y = int(share[0] ** 0.7 * CUT_WIDTH), int(share[1] * HEIGHT)
            cv2.circle(cut, (x, y), 5 + int(5 * share[2]), (95, 60, 140), -1)
    stated = {"resolution": (1e4 / UM_PER_PX,) * 2, "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(path, rgb, tile=(256, 256), photometric="rgb", compression="deflate", **stated)
    return path


def estimate(path: Path) -> Run:
    """Estimate the slide; the store lies beside it."""
    with open_slide(path) as slide, closing(prepare(slide, DarkIsNucleus())) as estimation:
        list(estimation.blocks())
        return estimation.run


def amend(run: Run) -> None:
    """Correct a field, draw what is left out, and look through cells."""
    store = run.folder.parent.parent
    _correct(store, run)
    regions = RegionFile.open(store)
    for reason, outline in ((Reason.NECROSIS, NECROSIS), (Reason.PEN, PEN)):
        regions.put(Region.drawn(RegionKind.EXCLUSION, outline, reason=reason))
    log = ReviewLog.open(store, run.lattice)
    log.mark(LEFT_OUT_CELL, excluded=Reason.NOT_TUMOUR)
    log.mark(REVIEWED_CELL, comment="=1+1, looked at")


def _correct(store: Path, run: Run) -> None:
    """Put twelve hand-drawn nuclei in place of what the model found in a field."""
    labels = np.zeros((PATCH_PX, PATCH_PX), np.uint16)
    for number in range(1, 13):
        top = 36 * number
        labels[top : top + 18, 100 : 116 + number] = number
    begin_field(store, run, FIELD, labels)


def begin_field(
    store: Path,
    run: Run,
    block: Block,
    labels: NDArray[np.uint16],
    *,
    done: bool = True,
    start: Start = Start.MODEL,
) -> FieldState:
    """Begin a field in which a person has drawn what is labelled."""
    nuclei = {number: Nucleus(Origin.HAND) for number in np.unique(labels[labels > 0]).tolist()}
    spec, everywhere = run.spec, np.ones(labels.shape, bool)
    known = labels, nuclei, FieldGround(everywhere, everywhere), block
    record = FieldRecord(
        block, *labels.shape, spec.working_um_per_px, spec.level, spec.sixteenths, start,
        Choice.BY_HAND, "reader", "2026-01-01T00:00:00+00:00", "f" * 64, "slide-1a2b3c4d",
        "slide-1a2b3c4d",
    )  # fmt: skip
    state = FieldState(labels, nuclei, done=done, revision=1)
    with Corrections.open(store) as corrections:
        rgb = np.full((*labels.shape, 3), 200, np.uint8)
        corrections.begin(record, rgb, state, measure_field(*known), field_nuclei(*known))
    return state


def store_of(slide: Slide) -> Path:
    """Where the results of a slide lie."""
    return slide.path.with_name(f"{slide.path.name}.glioma.zarr")


def left_out_pixels(run: Run) -> NDArray[np.bool_]:
    """Tell which working px were left out, by asking of every px whether its centre is."""
    lattice, plane = run.lattice, Plane.of(run.spec)
    out = np.zeros((lattice.height_px, lattice.width_px), bool)
    out[lattice.window(LEFT_OUT_CELL)] = True
    for outline in (NECROSIS, PEN):
        left, top, right, bottom = (
            int(edge / plane.level0_px_per_px) + more
            for edge, more in zip(outline.bounds, (-1, -1, 2, 2), strict=True)
        )
        y, x = np.mgrid[max(top, 0) : min(bottom, len(out)), max(left, 0) : right]
        centres = (np.stack([x, y]) + 0.5) * plane.level0_px_per_px
        out[y, x] |= shapely.contains_xy(outline, *centres)
    return out
