"""Haematoxylin in every nucleus, from the slide's own pixels."""

from collections.abc import Iterator
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, partition
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.nuclei.table import NUCLEUS_MARGIN_PX, separate_nuclei
from napari_glioma_density.regions.plane import plane_of_run
from napari_glioma_density.slides import Slide, WorkingPlane
from napari_glioma_density.stain import UNMIX, optical_density

_BLOCK_PATCHES: Final = 4
_HAEMATOXYLIN: Final = (UNMIX[:, 0] / log(10)).astype(np.float32)
"""What each channel's −ln(I / 255) adds to the optical density of haematoxylin, to base ten."""


def mean_haematoxylin(
    findings: Findings, slide: Slide, on_progress: Progress | None = None
) -> NDArray[np.float64]:
    """Mean optical density of haematoxylin in every nucleus.

    By colour deconvolution with the stain vectors of Ruifrok & Johnston (2001) of −log10(I / 255),
    at the working resolution. The pixels of a nucleus are those of the mask that belong to it when
    touching nuclei are split as for the count. Nuclei that a person painted so that they touch may
    share their pixels.

    Parameters
    ----------
    findings
        Whose nuclei, of shape (n,).
    slide
        The slide that was measured.
    on_progress
        Told after every block.

    Returns
    -------
    ndarray
        float64 (n,); nan where no pixel could be read, or none of the mask is at the centre, as in
        a crescent.

    Raises
    ------
    BadInput
        When the slide is not of the size that was measured.
    """
    plane = _plane(findings, slide)
    means = np.full(len(findings.nuclei), np.nan)
    blocks = list(_blocks(findings))
    for done, (block, members) in enumerate(blocks, start=1):
        means[members] = _means_in(block, findings, plane, findings.nuclei[members])
        if on_progress is not None:
            on_progress(done, len(blocks))
    return means


def _plane(findings: Findings, slide: Slide) -> WorkingPlane:
    if (slide.width, slide.height) != (findings.slide_width, findings.slide_height):
        raise BadInput(
            f"{slide.path.name}: is {slide.width}×{slide.height} px, what was measured is "
            f"{findings.slide_width}×{findings.slide_height} px: give the slide of this store"
        )
    return plane_of_run(slide, findings.spec)


def _blocks(findings: Findings) -> Iterator[tuple[Block, NDArray[np.intp]]]:
    """Give the blocks that hold nuclei, and which."""
    lattice = findings.plane.lattice
    side = PATCH_PX * _BLOCK_PATCHES
    row, column = (np.floor(findings.nuclei[name] / side) for name in ("y_px", "x_px"))
    across = -(-lattice.columns // _BLOCK_PATCHES)
    number = (row * across + column).astype(np.int64)
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number[order], np.arange(across * -(-lattice.rows // _BLOCK_PATCHES)))
    groups = np.split(order, ends[1:])
    for block, members in zip(partition(lattice, _BLOCK_PATCHES), groups, strict=True):
        if len(members):
            yield block, members


def _means_in(
    block: Block, findings: Findings, plane: WorkingPlane, nuclei: NDArray[np.void]
) -> NDArray[np.float64]:
    lattice = findings.plane.lattice
    down, across = lattice.window(block)
    top, left = max(0, down.start - NUCLEUS_MARGIN_PX), max(0, across.start - NUCLEUS_MARGIN_PX)
    mask = np.asarray(
        findings.mask[top : down.stop + NUCLEUS_MARGIN_PX, left : across.stop + NUCLEUS_MARGIN_PX]
    )
    labels = separate_nuclei(np.ascontiguousarray(mask), lattice.um_per_px)
    means = _means_of_labels(labels, *_density_of(plane, top, left, *mask.shape))
    y, x = (np.floor(nuclei[name]).astype(np.int64) for name in ("y_px", "x_px"))
    return np.asarray(means[labels[y - top, x - left]])


def _density_of(
    plane: WorkingPlane, top: int, left: int, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Haematoxylin of a window whose corner lies on the 16 px lattice, and what was read."""
    pixels = plane.read(top, left, height + -height % 16, width + -width % 16)
    density = optical_density(pixels.rgb[:height, :width]) @ _HAEMATOXYLIN
    return density, pixels.read[:height, :width]


def _means_of_labels(
    labels: NDArray[np.int32], density: NDArray[np.float32], read: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Mean by label, nan of what was not read and of label 0: (largest label + 1,)."""
    seen, most = labels[read], int(labels.max()) + 1
    sums = np.bincount(seen, density[read], minlength=most)
    px = np.bincount(seen, minlength=most)
    means = np.full(most, np.nan)
    np.divide(sums, px, out=means, where=px > 0)
    means[0] = np.nan
    return means
