"""A field: a rectangle of whole patches whose nuclei a person has looked at, one by one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Block
from napari_glioma_density.slides.organ import BRAIN, Organ


class Origin(IntEnum):
    """Where a nucleus of a field comes from; stored in nucleus tables, so values stay."""

    MODEL = 0
    """Outlined by the model."""
    HINT = 1
    """A hint that was accepted."""
    GROWN = 2
    """Grown from a click."""
    HAND = 3
    """Drawn, or redrawn, by hand."""


class Start(StrEnum):
    """What a field showed when it was begun; a mask that is there already anchors the eye."""

    MODEL = "model"
    BLANK = "blank"


class Choice(StrEnum):
    """How a field was chosen; only random ones say anything of the rest of the slide."""

    BY_HAND = "by hand"
    RANDOM = "random"


@dataclass(frozen=True)
class Nucleus:
    """What is known of one nucleus of a field besides its pixels.

    Attributes
    ----------
    origin
        Where it comes from.
    counted
        Whether it counts. A nucleus counts where its centre lies; for one that the model outlined
        across the field's edge, the part beyond the edge is known too and helps to find that
        centre. Specks of the model's mask are too small to count.
    """

    origin: Origin
    counted: bool = True


def count_nuclei(nuclei: Iterable[Nucleus]) -> int:
    """Return how many of them count, as an estimate counts."""
    return sum(nucleus.counted for nucleus in nuclei)


@dataclass(frozen=True)
class FieldRecord:
    """What a field is of; written once, when it is begun.

    Attributes
    ----------
    block
        Its patches; fields of one reader share none.
    height_px, width_px
        Its size in working px, clipped at the slide's edge.
    working_um_per_px
        Resolution of its picture and labels.
    level, sixteenths
        How the working plane is read; a run on another plane cannot be corrected by it.
    start, choice
        How it was begun and chosen.
    author, created
        Who began it, and when (ISO 8601, UTC).
    fingerprint, pseudonym
        The slide.
    case
        Whom the slide is of, as far as the user has said; the pseudonym otherwise.
    model, weights_sha256, run_id, threshold
        The run that the field was begun on, whose model's outlines it may have begun with.
    apart
        Sets its name apart from those of the same patches on other planes; 0 for the first.
    organ
        What the run took the slide to be of.
    """

    block: Block
    height_px: int
    width_px: int
    working_um_per_px: float
    level: int
    sixteenths: int
    start: Start
    choice: Choice
    author: str
    created: str
    fingerprint: str
    pseudonym: str
    case: str
    model: str = ""
    weights_sha256: str = ""
    run_id: str = ""
    threshold: float = 0.0
    apart: int = 0
    organ: Organ = BRAIN

    @property
    def name(self) -> str:
        """Name of the field and stem of its files: ``slide-1a2b3c4d-r12-c34-1x1``."""
        block = self.block
        place = f"r{block.row}-c{block.column}-{block.rows}x{block.columns}"
        return f"{self.pseudonym}-{place}" + (f"-{self.apart}" if self.apart else "")

    def meets(self, other: Self) -> bool:
        """Tell whether both have a patch of one plane; patches of two planes are not the same."""
        planes = ((each.level, each.sixteenths) for each in (self, other))
        return len(set(planes)) == 1 and self.block.meets(other.block)


class FieldGround(NamedTuple):
    """What lies under a field: (height, width) bool of working px each."""

    read: NDArray[np.bool_]
    """Pixels that could be read and whose patch is not bare glass."""
    tissue: NDArray[np.bool_]


@dataclass(frozen=True)
class FieldValues:
    """What a field measures, patch by patch: int64 of shape (block rows, block columns)."""

    block: Block
    nucleus_px: NDArray[np.int64]
    tissue_px: NDArray[np.int64]
    count: NDArray[np.int64]
    done: bool = False
    """Whether somebody has said that every nucleus was looked at: else it is as unsure as the
    model's, however much was edited."""
    read_px: NDArray[np.int64] | None = None
    """What could be read of it when it was measured; None in files from before that was noted."""

    def saw_all(self, read_px: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell in which patches no more was read than the person saw: bool, (block rows, columns).

        More is read after the slide's file was repaired; nobody has looked at that part.

        Parameters
        ----------
        read_px
            What a run has read of the field's patches, or whoever measures it now.
        """
        if self.read_px is None:
            return np.ones(read_px.shape, bool)
        return read_px <= self.read_px


@dataclass(frozen=True)
class FieldState:
    """A field at one moment, as it goes to disk.

    Attributes
    ----------
    labels
        (height, width) uint16 ids, 0 background; not to be changed.
    nuclei
        By id; holds every id of `labels`.
    rejected
        Points (y, x) in field px, each inside a hint that was turned down.
    done
        Whether the reader has called it finished.
    revision
        Counts the steps; grows with every one, also with one taken back.
    edits
        How many steps in it changed its nuclei: one that was taken back is none.
    seconds
        Time spent on it.
    hints
        Settings of the hint layer in use, as JSON knows them.
    """

    labels: NDArray[np.uint16]
    nuclei: Mapping[int, Nucleus]
    rejected: tuple[tuple[int, int], ...] = ()
    done: bool = False
    revision: int = 0
    edits: int = 0
    seconds: float = 0.0
    hints: Mapping[str, object] = field(default_factory=dict)
