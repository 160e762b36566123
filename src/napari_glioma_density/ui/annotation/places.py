"""Where a field may be taken: the patches under a view, a cell, a drawing, a die."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from napari_glioma_density.annotation.sampling import draw_fields
from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.known_error import beside_fields
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.annotation.shelved import ShelvedField
from napari_glioma_density.ui.camera import visible_part
from napari_glioma_density.ui.region import NOTHING_DRAWN, Scope, region_of

LARGEST = 4
"""Patches a side: more nuclei than a person looks through in one go."""


def block_at_centre(viewer: Any, lattice: Lattice) -> Block:
    """Return the patch at the centre of the view; BadInput beyond the slide."""
    side_um = PATCH_PX * lattice.um_per_px
    row, column = (int(place // side_um) for place in visible_part(viewer).centre)
    block = Block(row, column, 1, 1)
    if not lattice.holds(block):
        raise BadInput("The view's centre is beyond the slide: move the view.")
    return block


def block_of_cell(snapshot: Snapshot, chosen: tuple[int, int] | None) -> Block:
    """Return the patches of the chosen cell; BadInput when it is too large, or none is chosen."""
    if chosen is None:
        raise BadInput("No cell is chosen: click one on the slide.")
    return _small_enough(snapshot.grid.block(*chosen), "This cell", "choose smaller cells")


def block_drawn(viewer: Any, slide: Slide, lattice: Lattice) -> Block:
    """Return the patches that the region drawn last touches; BadInput when there are too many."""
    region = region_of(viewer, slide, Scope.DRAWN)
    if region is None or slide.um_per_px is None:
        raise BadInput(NOTHING_DRAWN)
    patch = PATCH_PX * lattice.um_per_px / slide.um_per_px
    x, y, width, height = region.rectangle
    top, left = int(y // patch), int(x // patch)
    bottom = min(int(np.ceil((y + height) / patch)), lattice.rows)
    right = min(int(np.ceil((x + width) / patch)), lattice.columns)
    block = Block(top, left, bottom - top, right - left)
    return _small_enough(block, "This rectangle", "draw a smaller one")


def random_blocks(
    snapshot: Snapshot, fields: tuple[ShelvedField, ...], number: int
) -> tuple[Block, ...]:
    """Draw patches of the tissue that counts and belong to no field yet.

    Raises
    ------
    BadInput
        When none is left, or patches are still to be estimated: what was looked at first is no
        sample of the slide.
    """
    if (snapshot.measured.state == PatchState.PENDING).any():
        raise BadInput(
            "Random fields stand for the whole slide: estimate all of it first, or begin fields "
            "one by one."
        )
    taken = np.zeros(snapshot.measured.state.shape, bool)
    for field in fields:
        taken[field.record.block.patches] = True
    # The draw is to be random but not another one at each click: it goes on from what is taken.
    blocks = draw_fields(beside_fields(snapshot), taken, number, seed=int(taken.sum()))
    if not blocks:
        raise BadInput("No patch is left that counts, is half tissue and belongs to no field.")
    return blocks


def demand_tissue(snapshot: Snapshot, blocks: Iterable[Block]) -> None:
    """Raise BadInput when one of the blocks is nothing but glass."""
    state = snapshot.measured.state
    if any((state[block.patches] == PatchState.BACKGROUND).all() for block in blocks):
        raise BadInput("This is bare glass: choose a place with tissue.")


def _small_enough(block: Block, what: str, remedy: str) -> Block:
    if max(block.rows, block.columns) > LARGEST:
        raise BadInput(
            f"{what} is {block.rows} × {block.columns} patches, too much for one field "
            f"(at most {LARGEST} × {LARGEST}): {remedy}."
        )
    return block
