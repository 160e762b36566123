"""The pieces of tissue on a slide, named, and what was measured in each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import (
    PAPER_BANDS,
    PATCH_PX,
    BandScale,
    Block,
    Cell,
    CellGrid,
    Lattice,
    PatchTable,
    Totals,
    cell_grid,
    measure_cells,
    rank_hotspots,
)
from napari_glioma_density.slides import TISSUE_PX, tissue_px

GAP_MM = 1.0
"""Bare glass that parts one section from the next."""
LEAST_MM2 = 0.5
"""Tissue below which a piece is a crumb and no section of its own."""

# Gaps are told to 0.04 mm at 0.5 µm/px, and the largest slide has 1.6 million bins.
_PLACES_PER_BIN = 5
_BINS_PER_PATCH = PATCH_PX // (TISSUE_PX * _PLACES_PER_BIN)

Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Section:
    """A piece of tissue: a cut, or a fragment of one, that glass parts from the others.

    Attributes
    ----------
    name
        `S1`, `S2` … in reading order.
    patches
        Those that belong to it: bool, (lattice rows, lattice columns). No patch is of two sections.
    block
        The smallest that holds them all.
    tissue_mm2
        Of its patches, as the tissue map has it, before anything was read.
    """

    name: str
    patches: NDArray[np.bool_]
    block: Block
    tissue_mm2: float


def find_sections(
    kinds: NDArray[np.uint8],
    lattice: Lattice,
    *,
    gap_mm: float = GAP_MM,
    least_mm2: float = LEAST_MM2,
) -> tuple[Section, ...]:
    """Find and name the sections of a slide.

    Pieces with less than `gap_mm` of glass between them are one section. Crumbs that near to a
    section belong to it but never join two sections; heaps of crumbs that are large enough are
    sections; other crumbs belong to none. If nothing is large enough, all tissue is one section.
    Sections are named row by row from the top, and from the left in each row.

    Parameters
    ----------
    kinds
        Tissue map, 16 working px a value: 0 is glass. Places that could not be looked at are taken
        for tissue, as in an estimate.
    lattice
        Its patches.
    gap_mm
        Glass that parts sections.
    least_mm2
        Tissue that a section has at least.
    """
    tissue = _bins(kinds > 0)
    place_mm2 = TISSUE_PX**2 * lattice.px_mm2
    gap_bins = gap_mm / (TISSUE_PX * _PLACES_PER_BIN * lattice.um_per_px / 1000)
    labels = _in_reading_order(_label(tissue, gap_bins, least_mm2 / place_mm2))
    owners = _owners(labels, tissue, lattice)
    px = tissue_px(kinds, lattice.height_px, lattice.width_px, PATCH_PX)
    return tuple(
        Section(f"S{number}", owned, _block_around(owned), float(px[owned].sum()) * lattice.px_mm2)
        for number in range(1, int(labels.max(initial=0)) + 1)
        if (owned := owners == number).any()
    )


def _bins(tissue: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Count the places of tissue in every bin."""
    side = (_PLACES_PER_BIN, _PLACES_PER_BIN)
    places = cv2.boxFilter(
        tissue.view(np.uint8),
        cv2.CV_8U,
        side,
        normalize=False,
        anchor=(0, 0),
        borderType=cv2.BORDER_CONSTANT,
    )
    return np.asarray(places[:: side[0], :: side[1]], np.int32)


def _label(tissue: NDArray[np.int32], gap: float, least: float) -> Labels:
    """Number the sections of a map of bins, in any order; 0 is glass and crumbs of none."""
    _, parts = cv2.connectedComponents((tissue > 0).astype(np.uint8))
    bodies = _large(parts, tissue, least)
    labels = np.asarray(_joined(bodies, gap) * bodies, np.int32)
    near = _nearest_label(labels, gap)
    adopted = _label_of_parts(parts, near)
    labels = np.where(bodies, labels, adopted)
    crumbs = (tissue > 0) & (labels == 0)
    heaps = _joined(crumbs, gap) * crumbs
    heaps = heaps * _large(heaps, tissue, least)
    labels = np.where(heaps > 0, heaps + labels.max(), labels)
    return labels if labels.any() else (tissue > 0).astype(np.int32)


def _large(labels: Labels, tissue: NDArray[np.int32], least: float) -> NDArray[np.bool_]:
    """Tell which bins are of a label with enough tissue; 0 is no label."""
    places = np.bincount(labels.ravel(), tissue.ravel())
    large = places >= least
    large[0] = False
    return np.asarray(large[labels])


def _joined(bins: NDArray[np.bool_], gap: float) -> Labels:
    """Label what hangs together when every bin reaches half a gap out."""
    if not bins.any():
        return np.zeros(bins.shape, np.int32)
    away = cv2.distanceTransform((~bins).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    _, labels = cv2.connectedComponents((away <= gap / 2).astype(np.uint8))
    return np.asarray(labels, np.int32)


def _nearest_label(labels: Labels, gap: float) -> Labels:
    """Carry labels out to bins with no more than a gap between; 0 beyond."""
    if not labels.any():
        return labels
    away, seeds = cv2.distanceTransformWithLabels(
        (labels == 0).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5
    )
    of_seed = np.zeros(int(seeds.max()) + 1, np.int32)
    of_seed[seeds[labels > 0]] = labels[labels > 0]
    return np.where(away <= gap + 1, of_seed[seeds], 0)


def _label_of_parts(parts: Labels, near: Labels) -> Labels:
    """Give every part as a whole the label that most of its bins are near to."""
    touched = (parts > 0) & (near > 0)
    labels = int(near.max()) + 1
    bins = np.bincount(parts[touched] * labels + near[touched])
    pairs = np.flatnonzero(bins)
    pairs = pairs[np.argsort(bins[pairs], kind="stable")]
    label_of = np.zeros(int(parts.max()) + 1, np.int32)
    label_of[pairs // labels] = pairs % labels
    return np.asarray(label_of[parts])


def _in_reading_order(labels: Labels) -> Labels:
    """Number labels anew: by rows of what lies side by side, in a row from the left."""
    boxes = _boxes(labels)
    number_of = np.zeros(int(labels.max()) + 1, np.int32)
    rows: list[list[_Box]] = []
    for box in sorted(boxes, key=lambda box: (box.top + box.bottom, box.left)):
        if rows and box.is_beside(rows[-1][0]):
            rows[-1].append(box)
        else:
            rows.append([box])
    in_order = (box for row in rows for box in sorted(row, key=lambda box: (box.left, box.top)))
    for number, box in enumerate(in_order, start=1):
        number_of[box.label] = number
    return np.asarray(number_of[labels])


@dataclass(frozen=True)
class _Box:
    """Extent of a label in bins."""

    label: int
    top: int
    bottom: int
    left: int

    def is_beside(self, other: "_Box") -> bool:
        """Whether the lower of two shares at least half its height with the other."""
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        return 2 * shared >= min(self.bottom - self.top, other.bottom - other.top)


def _boxes(labels: Labels) -> list[_Box]:
    y, x = np.nonzero(labels)
    found = labels[y, x]
    size = int(labels.max()) + 1
    top, left = np.full((2, size), max(labels.shape))
    bottom = np.zeros(size, np.int64)
    np.minimum.at(top, found, y)
    np.minimum.at(left, found, x)
    np.maximum.at(bottom, found, y + 1)
    present = np.flatnonzero(bottom)
    return [_Box(*(int(v) for v in (i, top[i], bottom[i], left[i]))) for i in present]


def _owners(labels: Labels, tissue: NDArray[np.int32], lattice: Lattice) -> Labels:
    """Return the section of every patch, that with most of its tissue: (rows, columns)."""
    y, x = np.nonzero(labels)
    sections = int(labels.max()) + 1
    patch = y // _BINS_PER_PATCH * lattice.columns + x // _BINS_PER_PATCH
    places = np.bincount(
        patch * sections + labels[y, x],
        tissue[y, x],
        minlength=lattice.rows * lattice.columns * sections,
    )
    owners = places.reshape(lattice.rows, lattice.columns, sections).argmax(axis=2)
    return np.asarray(owners, np.int32)


def _block_around(patches: NDArray[np.bool_]) -> Block:
    rows, columns = (np.flatnonzero(patches.any(axis=axis)) for axis in (1, 0))
    top, left = int(rows[0]), int(columns[0])
    return Block(top, left, int(rows[-1]) - top + 1, int(columns[-1]) - left + 1)


def section_grids(
    sections: Iterable[Section], lattice: Lattice, cell_mm: float | None = None
) -> tuple[CellGrid, ...]:
    """Lay a grid over each section, from its own corner, with cells of one size on the slide.

    Without `cell_mm` the size is what suits the longest section. BadInput when it is no size.
    """
    found = tuple(sections)
    if not found:
        return ()
    longest = max((section.block for section in found), key=lambda b: max(b.rows, b.columns))
    side = cell_grid(lattice, cell_mm, extent=longest).patches_per_cell
    return tuple(CellGrid(lattice, side, section.block, section.name) for section in found)


@dataclass(frozen=True, eq=False)
class MeasuredSection:
    """A section with its own grid, cells, hotspots (densest first) and totals."""

    section: Section
    grid: CellGrid
    cells: tuple[Cell, ...]
    hotspots: tuple[Cell, ...]
    totals: Totals


def measure_sections(
    sections: Sequence[Section],
    patches: PatchTable,
    *,
    cell_mm: float | None = None,
    scope: NDArray[np.bool_] | None = None,
    scale: BandScale = PAPER_BANDS,
    ranked_by: PatchTable | None = None,
) -> tuple[MeasuredSection, ...]:
    """Measure every section by itself.

    Parameters
    ----------
    sections
        Of the slide.
    patches
        The values to return.
    cell_mm
        Side of a cell; what suits the longest section when None.
    scope
        Patches that count, bool of shape (lattice rows, lattice columns); all by default.
    scale
        Bands of cells and totals.
    ranked_by
        The table whose values rank the hotspots: the model's, where `patches` are corrected.

    Raises
    ------
    BadInput
        When `cell_mm` is no size.
    """
    measured = []
    grids = section_grids(sections, patches.lattice, cell_mm)
    for section, grid in zip(sections, grids, strict=True):
        asked = section.patches if scope is None else section.patches & scope
        cells = measure_cells(patches, grid, asked, scale)
        deciding = cells if ranked_by is None else measure_cells(ranked_by, grid, asked, scale)
        hotspots = rank_hotspots(cells, ranked_by=deciding)
        totals = patches.totals(asked, scale)
        measured.append(MeasuredSection(section, grid, cells, hotspots, totals))
    return tuple(measured)
