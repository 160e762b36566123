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
from napari_glioma_density.results import Run
from napari_glioma_density.slides import (
    Pixels,
    TissueMap,
    WorkingPlane,
    find_tissue,
)

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
    run: Run | None = None,
    *,
    author: str,
    start: Start = Start.MODEL,
    choice: Choice = Choice.BY_HAND,
    case: str = "",
    tissue: TissueMap | None = None,
) -> BegunField:
    """Begin a field.

    Parameters
    ----------
    plane
        The slide at its working resolution.
    block
        The patches of the field, at most 4×4.
    run
        The run whose outlines it starts from, and whose tissue and bare glass it takes over.
    author, start, choice, case
        As in `FieldRecord`; the slide's pseudonym stands in for a case that is not given.
    tissue
        The slide's tissue where there is no run; found anew, which takes its time, when missing.

    Raises
    ------
    BadInput
        When the block is too large or off the slide; when the run was made on another plane; when
        the model's outlines are asked for and there is no run, or it has not come here yet.
    """
    lattice = Lattice.over(plane.height, plane.width, plane.um_per_px)
    _demand_block(plane, lattice, block)
    if run is not None:
        _demand_same_plane(plane, run)
    record = _record(plane, lattice, block, run, author, start, choice, case)
    pixels = _read(plane, lattice, block)
    kinds = (tissue or find_tissue(plane)).kinds if run is None else run.tissue
    ground = field_ground(pixels.read, kinds, lattice, block)
    labels, nuclei = np.zeros(pixels.read.shape, np.uint16), dict[int, Nucleus]()
    if start is Start.MODEL:
        labels, nuclei = model_nuclei(_demand_looked_at(record, run), block)
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


def _demand_looked_at(record: FieldRecord, run: Run | None) -> Run:
    if run is None or (run.patches().state[record.block.patches] == PatchState.PENDING).any():
        raise BadInput(
            f"{record.name}: no model has outlined nuclei here yet; "
            "estimate its density first, or begin with a blank field"
        )
    return run


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
            f"{plane.slide.pseudonym}: the run of model {spec.model} reads the slide at "
            f"{spec.working_um_per_px:g} µm/px, not {plane.um_per_px:g}; begin the field at that"
        )


def _record(
    plane: WorkingPlane,
    lattice: Lattice,
    block: Block,
    run: Run | None,
    author: str,
    start: Start,
    choice: Choice,
    case: str,
) -> FieldRecord:
    down, across = lattice.window(block)
    spec = None if run is None else run.spec
    return FieldRecord(
        block=block,
        height_px=down.stop - down.start,
        width_px=across.stop - across.start,
        working_um_per_px=plane.um_per_px,
        level=plane.level,
        sixteenths=plane.sixteenths,
        start=start,
        choice=choice,
        author=author,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        fingerprint=plane.slide.fingerprint,
        pseudonym=plane.slide.pseudonym,
        case=case or plane.slide.pseudonym,
        model=spec.model if spec else "",
        weights_sha256=spec.weights_sha256 if spec else "",
        run_id=spec.run_id if spec else "",
        threshold=spec.threshold if spec else 0.0,
    )
