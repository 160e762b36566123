"""How a field begins: its picture, the ground under it, and the model's outlines or none."""

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.field import (
    Choice,
    FieldGround,
    FieldRecord,
    FieldState,
    Nucleus,
    Start,
)
from napari_glioma_density.annotation.model_nuclei import model_nuclei
from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState
from napari_glioma_density.errors import BadInput
from napari_glioma_density.estimate.measurement import Ground
from napari_glioma_density.nuclei.kept_metrics import title_of
from napari_glioma_density.results import Run
from napari_glioma_density.slides import Pixels, WorkingPlane

MOST_PATCHES_A_SIDE = 4
"""A larger field is more than a reader looks at nucleus by nucleus."""


class BegunField(NamedTuple):
    """A new field."""

    record: FieldRecord
    rgb: NDArray[np.uint8]
    """(height, width, 3); white where nothing was read."""
    ground: FieldGround
    state: FieldState


def begin_field(
    plane: WorkingPlane,
    block: Block,
    run: Run,
    *,
    author: str,
    start: Start = Start.MODEL,
    choice: Choice = Choice.BY_HAND,
) -> BegunField:
    """Begin a field on the patches of a run.

    Parameters
    ----------
    plane
        The slide at its working resolution.
    block
        The patches of the field, at most 4×4.
    run
        The run whose tissue and bare glass it takes over, and its outlines unless it begins blank.
    author, start, choice
        As in `FieldRecord`.

    Raises
    ------
    BadInput
        When the block is too large or off the slide; when the run was made on another plane; when
        the model's outlines are asked for and the run has not come here yet.
    """
    lattice = Lattice.over(plane.height, plane.width, plane.um_per_px)
    _demand_block(plane, lattice, block)
    _demand_same_plane(plane, run)
    pixels = _read(plane, lattice, block)
    record = _record(plane, block, run, pixels, author, start, choice)
    ground = field_ground(pixels.read, run.tissue, lattice, block)
    labels, nuclei = np.zeros(pixels.read.shape, np.uint16), dict[int, Nucleus]()
    if start is Start.MODEL:
        _demand_looked_at(record, run)
        labels, nuclei = model_nuclei(run, block)
    return BegunField(record, pixels.rgb, ground, FieldState(labels, nuclei))


def read_ground(plane: WorkingPlane, block: Block, kinds: NDArray[np.uint8]) -> FieldGround:
    """Return the ground of a field that was begun before.

    Parameters
    ----------
    plane
        The slide at the field's working resolution.
    block
        The field's patches.
    kinds
        The slide's tissue, `TissueKind` values: of a run (``run.tissue``) or ``find_tissue``.
    """
    lattice = Lattice.over(plane.height, plane.width, plane.um_per_px)
    return field_ground(_read(plane, lattice, block).read, kinds, lattice, block)


def field_ground(
    read: NDArray[np.bool_], kinds: NDArray[np.uint8], lattice: Lattice, block: Block
) -> FieldGround:
    """Return the ground of a field by the rules of an estimate.

    Parameters
    ----------
    read
        (height, width) which px of the field could be read.
    kinds
        The slide's tissue, `TissueKind` values. A patch without tissue or unknown places is
        bare glass.
    lattice, block
        The slide's patches, and those of the field.
    """
    slide = Ground(lattice, kinds)
    return FieldGround(read & ~slide.glass_of(block), slide.tissue_of(block))


def _demand_looked_at(record: FieldRecord, run: Run) -> None:
    if (run.patches().state[record.block.patches] == PatchState.PENDING).any():
        raise BadInput(
            f"{record.name}: no model has outlined nuclei here yet; "
            "estimate its density first, or begin with a blank field"
        )


def _read(plane: WorkingPlane, lattice: Lattice, block: Block) -> Pixels:
    """The pixels of a block, clipped at the slide's edge."""
    down, across = lattice.window(block)
    whole = plane.read(down.start, across.start, block.rows * PATCH_PX, block.columns * PATCH_PX)
    there = np.s_[: down.stop - down.start, : across.stop - across.start]
    return Pixels(np.ascontiguousarray(whole.rgb[there]), whole.read[there].copy())


def _demand_block(plane: WorkingPlane, lattice: Lattice, block: Block) -> None:
    name = plane.slide.pseudonym
    if not lattice.holds(block):
        raise BadInput(f"{name}: {block} lies off the slide; choose a field on it")
    if max(block.rows, block.columns) > MOST_PATCHES_A_SIDE:
        raise BadInput(
            f"{name}: a field of {block.rows}×{block.columns} patches is too large; "
            f"choose at most {MOST_PATCHES_A_SIDE}×{MOST_PATCHES_A_SIDE}"
        )


def _demand_same_plane(plane: WorkingPlane, run: Run) -> None:
    spec = run.spec
    theirs = spec.level, spec.sixteenths, spec.height_px, spec.width_px
    if theirs != (plane.level, plane.sixteenths, plane.height, plane.width):
        raise BadInput(
            f"{plane.slide.pseudonym}: the run of model {title_of(spec.model)} reads the slide at "
            f"{spec.working_um_per_px:g} µm/px, not {plane.um_per_px:g}; begin the field at that"
        )


def _record(
    plane: WorkingPlane,
    block: Block,
    run: Run,
    pixels: Pixels,
    author: str,
    start: Start,
    choice: Choice,
) -> FieldRecord:
    height_px, width_px = pixels.read.shape
    return FieldRecord(
        block=block,
        height_px=height_px,
        width_px=width_px,
        working_um_per_px=plane.um_per_px,
        level=plane.level,
        sixteenths=plane.sixteenths,
        start=start,
        choice=choice,
        author=author,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=plane.slide.fingerprint,
        pseudonym=plane.slide.pseudonym,
        case=plane.slide.pseudonym,
        model=run.spec.model,
        weights_sha256=run.spec.weights_sha256,
        run_id=run.spec.run_id,
        threshold=run.spec.threshold,
        organ=run.spec.organ,
    )
