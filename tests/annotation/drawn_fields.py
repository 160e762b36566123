"""Fields with round nuclei that are drawn on, and what napari would tell of a stroke."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.annotation.document import AnnotatedField
from napari_glioma_density.annotation.field import (
    Choice,
    FieldGround,
    FieldRecord,
    FieldState,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.density import Block

UM_PER_PX = 0.5
BLOCK = Block(2, 3, 1, 1)


def drawn_record(height: int, width: int, block: Block = BLOCK) -> FieldRecord:
    return FieldRecord(
        block=block,
        height_px=height,
        width_px=width,
        working_um_per_px=UM_PER_PX,
        level=0,
        sixteenths=16,
        start=Start.MODEL,
        choice=Choice.BY_HAND,
        author="reader",
        created="2026-01-01T00:00:00+00:00",
        fingerprint="f" * 64,
        pseudonym="slide-1a2b3c4d",
        case="slide-1a2b3c4d",
    )


def drawn_ground(height: int, width: int) -> FieldGround:
    """A damaged tile at the top left, no tissue on the right."""
    read = np.ones((height, width), bool)
    read[: height // 8, : width // 8] = False
    tissue = np.ones((height, width), bool)
    tissue[:, 3 * width // 4 :] = False
    return FieldGround(read, tissue)


def disc(y: int, x: int, radius: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(shape, np.uint8)
    cv2.circle(mask, (x, y), radius, 1, -1)
    return mask > 0


def field_of(labels: NDArray[np.uint16], block: Block = BLOCK) -> AnnotatedField:
    nuclei = {int(number): Nucleus(Origin.MODEL) for number in np.unique(labels) if number}
    return AnnotatedField.from_state(
        drawn_record(*labels.shape, block),
        drawn_ground(*labels.shape),
        FieldState(labels, nuclei),
    )


def scattered(
    height: int, width: int, count: int, random: np.random.Generator
) -> NDArray[np.uint16]:
    """Discs that partly cover each other; those covered whole have no id."""
    labels = np.zeros((height, width), np.int32)
    for number in range(1, count + 1):
        place = int(random.integers(width)), int(random.integers(height))
        cv2.circle(labels, place, int(random.integers(4, 10)), number, -1)
    return labels.astype(np.uint16)


def brush(
    field: AnnotatedField, places: list[tuple[int, int]], radius: int, value: int
) -> list[tuple[object, ...]]:
    """Paint as napari does, one atom a place: it notes what was under the brush, then paints."""
    atoms: list[tuple[object, ...]] = []
    for y, x in places:
        down = slice(max(0, y - radius), y + radius + 1)
        across = slice(max(0, x - radius), x + radius + 1)
        part = field.labels[down, across]
        mask = disc(y - down.start, x - across.start, radius, part.shape) & (part != value)
        if mask.any():
            atoms.append(((down, across), mask, part[mask], value))
            part[mask] = value
    return atoms


@dataclass(frozen=True)
class StandInHint:
    id: int
    window: tuple[slice, slice]


@dataclass(frozen=True)
class StandInHints:
    labels: NDArray[np.int32]
    hints: tuple[StandInHint, ...]


def hints_of(*masks: NDArray[np.bool_]) -> StandInHints:
    """Hints 1, 2, … of masks; where they overlap the last has the px."""
    labels = np.zeros(masks[0].shape, np.int32)
    for number, mask in enumerate(masks, 1):
        labels[mask] = number
    hints = []
    for number, mask in enumerate(masks, 1):
        y, x = np.nonzero(mask)
        window = (slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1))
        hints.append(StandInHint(number, window))
    return StandInHints(labels, tuple(hints))
