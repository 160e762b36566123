"""How a field begins: its picture, the ground under it, and the model's outlines or none."""

from datetime import UTC, datetime
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.boxes import HIGHEST_ID, grown
from napari_glioma_density.annotation.field import (
    Choice,
    FieldGround,
    FieldRecord,
    FieldState,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.annotation.pixels import Window
from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState
from napari_glioma_density.errors import BadInput
from napari_glioma_density.estimate.measurement import Ground
from napari_glioma_density.nuclei.table import (
    NUCLEUS_MARGIN_PX,
    centred_on,
    measure_nuclei,
    separate_nuclei,
)
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
        labels, nuclei = _outlined(record, run, ground)
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


def outline_nuclei(
    mask: NDArray[np.uint8], inner: Window, read: NDArray[np.bool_], um_per_px: float
) -> tuple[NDArray[np.uint16], dict[int, Nucleus]]:
    """Tell the nuclei of a field's mask apart, as an estimate does.

    Parameters
    ----------
    mask
        0/1: the field and what is known around it.
    inner
        Where the field lies in the mask.
    read
        (height, width) of the field: px that count.
    um_per_px
        Resolution of the mask.

    Returns
    -------
    labels, nuclei
        (height, width) ids, and what is known of each. No px of the field's mask is left out:
        specks too small for a nucleus have ids as well, but are not counted.

    Raises
    ------
    BadInput
        When there are more than 65 535.
    """
    apart = separate_nuclei(np.ascontiguousarray(mask), um_per_px)
    found = measure_nuclei(apart)
    top, left = (part.start for part in inner)
    is_counted = centred_on(read, found.y_px - top, found.x_px - left)
    counted = dict(zip(_ids(apart), is_counted, strict=True))
    here = apart[inner]
    outlined = _ids(here)
    number_of = np.zeros(int(apart.max()) + 1, np.int32)
    number_of[outlined] = np.arange(1, len(outlined) + 1)
    _, specks = cv2.connectedComponents(
        ((mask[inner] > 0) & (here == 0)).astype(np.uint8), connectivity=8, ltype=cv2.CV_32S
    )
    labels = number_of[here] + np.where(specks > 0, specks + len(outlined), 0)
    total = len(outlined) + int(specks.max())
    if total > HIGHEST_ID:
        raise BadInput(f"a field of {total} nuclei is too much; choose fewer patches")
    flags = [bool(counted[number]) for number in outlined] + [False] * (total - len(outlined))
    nuclei = {number: Nucleus(Origin.MODEL, flag) for number, flag in enumerate(flags, 1)}
    return labels.astype(np.uint16), nuclei


def _outlined(
    record: FieldRecord, run: Run | None, ground: FieldGround
) -> tuple[NDArray[np.uint16], dict[int, Nucleus]]:
    """The nuclei of a run's mask in a field."""
    if run is None or (run.patches().state[record.block.patches] == PatchState.PENDING).any():
        raise BadInput(
            f"{record.name}: no model has outlined nuclei here yet; "
            "estimate its density first, or begin with a blank field"
        )
    window = run.lattice.window(record.block)
    around = grown(window, NUCLEUS_MARGIN_PX, (run.lattice.height_px, run.lattice.width_px))
    mask = np.asarray(run.mask(0)[around])
    return outline_nuclei(mask, _within(window, around), ground.read, record.working_um_per_px)


def _within(window: Window, outer: Window) -> Window:
    """Where a window lies in what an outer one cuts out."""
    down, across = (
        slice(part.start - whole.start, part.stop - whole.start)
        for part, whole in zip(window, outer, strict=True)
    )
    return down, across


def _ids(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Ids among labels, rising, without 0."""
    counts = np.bincount(labels.ravel())
    counts[0] = 0
    return np.flatnonzero(counts)


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
