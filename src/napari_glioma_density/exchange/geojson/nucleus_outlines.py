"""The outline of every nucleus that counts, found again in the mask it was measured on."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.annotation.stored import fitting
from napari_glioma_density.density import PATCH_PX, Block, partition
from napari_glioma_density.exchange.geojson.outlines import trace_outlines
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.nuclei.centres import REACH_UM, match_centres
from napari_glioma_density.nuclei.table import NUCLEUS_MARGIN_PX, measure_nuclei, separate_nuclei
from napari_glioma_density.regions.patch_nuclei import PatchNuclei
from napari_glioma_density.results.masks import MaskLevel

_DISC_SEGMENTS = 8


class OutlinedNuclei(NamedTuple):
    """Some nuclei, one element each."""

    nuclei: NDArray[np.void]
    """As `NUCLEUS_DTYPE`."""
    outlines: NDArray[np.object_]
    """Polygon or MultiPolygon each, (x, y) in working px of the slide."""
    found: NDArray[np.bool_]
    """Where False, the mask does not show the nucleus apart: a disc of its area stands in."""


def outline_nuclei(
    findings: Findings, on_progress: Progress | None = None
) -> Iterator[OutlinedNuclei]:
    """Outline the nuclei of the findings, a part of the slide at a time; each comes once.

    The model's are told apart again in the mask, in the blocks of the run, as they were when they
    were counted. Those of corrected patches are outlined as the reader has drawn them.
    `on_progress` is told of every block.

    Raises
    ------
    StoreError
        When a corrected field is damaged.
    """
    lattice = findings.plane.lattice
    by_patch = PatchNuclei.of(findings.nuclei, lattice)
    corrected = findings.snapshot.corrected.ravel()[by_patch.patch]
    blocks = partition(lattice, findings.spec.block_patches, findings.spec.split)
    for done, block in enumerate(blocks, start=1):
        if on_progress is not None:
            on_progress(done, len(blocks))
        there = by_patch.of_block(block)
        here = findings.nuclei[there[~corrected[there]]]
        if len(here):
            yield _outlined_by_model(findings, block, here)
    yield from _outlined_by_reader(findings, by_patch)


def _outlined_by_model(
    findings: Findings, block: Block, nuclei: NDArray[np.void]
) -> OutlinedNuclei:
    um_per_px = findings.plane.lattice.um_per_px
    mask, corner = _mask_around(findings.run.mask(0), block)
    return _outlined(nuclei, separate_nuclei(mask, um_per_px), corner, um_per_px)


def _mask_around(mask: MaskLevel, block: Block) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """A block's mask with the margin that nuclei were counted with, and its corner (y, x).

    Beyond the slide it is empty, as it was then: where a mask ends decides on how clumps part.
    """
    top, left = (start * PATCH_PX - NUCLEUS_MARGIN_PX for start in (block.row, block.column))
    height, width = (n * PATCH_PX + 2 * NUCLEUS_MARGIN_PX for n in (block.rows, block.columns))
    y, x = max(top, 0), max(left, 0)
    there = np.asarray(mask[y : top + height, x : left + width])
    around = np.zeros((height, width), np.uint8)
    around[y - top : y - top + there.shape[0], x - left : x - left + there.shape[1]] = there
    return around, (top, left)


def _outlined_by_reader(findings: Findings, by_patch: PatchNuclei) -> Iterator[OutlinedNuclei]:
    if findings.corrected is None:
        return
    lattice, used = findings.plane.lattice, frozenset(findings.corrected.fields)
    corrected = findings.snapshot.corrected.ravel()[by_patch.patch]
    drawn = Corrections.open(findings.store, findings.corrected.reader, writable=False)
    for record in fitting(drawn, findings.spec):
        there = by_patch.of_block(record.block)
        here = findings.nuclei[there[corrected[there]]]
        if record.block in used and len(here):
            labels, _ = drawn.read(record.name)
            down, across = lattice.window(record.block)
            corner = down.start, across.start
            yield _outlined(here, labels.astype(np.int32), corner, lattice.um_per_px)


def _outlined(
    nuclei: NDArray[np.void],
    labels: NDArray[np.int32],
    corner: tuple[int, int],
    um_per_px: float,
) -> OutlinedNuclei:
    """Outline nuclei by the labels whose centres they have; `corner` is y, x of the labels."""
    measured = measure_nuclei(labels)
    ids = np.flatnonzero(np.bincount(labels.ravel()))
    ids = ids[ids > 0]
    wanted = np.stack([nuclei["y_px"], nuclei["x_px"]], axis=1) - corner
    there = np.stack([measured.y_px, measured.x_px], axis=1)
    label = match_centres(wanted, there, REACH_UM / um_per_px)
    found = label >= 0
    outlines = _discs(nuclei)
    traced = trace_outlines(labels, ids[label[found]])
    outlines[found] = shapely.transform(traced, lambda xy: xy + corner[::-1])
    return OutlinedNuclei(nuclei, outlines, found)


def _discs(nuclei: NDArray[np.void]) -> NDArray[np.object_]:
    """Regular polygons of the nuclei's area at their centres."""
    corners = 4 * _DISC_SEGMENTS
    share = corners / 2 * np.sin(2 * np.pi / corners)  # of the square of the radius
    radius = np.sqrt(nuclei["area_px"] / share)
    centres = shapely.points(nuclei["x_px"].astype(float), nuclei["y_px"].astype(float))
    return np.asarray(shapely.buffer(centres, radius, quad_segs=_DISC_SEGMENTS))
