"""The journal of a run: one line for every finished block, and nothing is finished without one.

A block that is to be done anew has a line that undoes its earlier one.
"""

import json
import zlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Block, Lattice, PatchState, PatchTable
from napari_glioma_density.errors import StoreError
from napari_glioma_density.json_object import json_object
from napari_glioma_density.results.failures import COMPUTE_ANEW
from napari_glioma_density.results.unread import PackedMaps, unpacked

_CHECK: Final = "crc32"
"""Name of a line's checksum, of all that stands before it; early journals have none."""
_UNREAD: Final = "unread"
"""Name of the maps in a line, [row, column, map] each; most lines have none, and early ones."""
_NUCLEI_CHECK: Final = "nuclei_crc32"
"""Name of the checksum of a block's nuclei in `nuclei.bin`; early lines have none."""
PATCH_VALUES = ("state", "nucleus_px", "read_px", "tissue_px", "unread_px", "count")


@dataclass(frozen=True)
class JournalEntry:
    """One finished block: the values of its patches, and where its nuclei lie in `nuclei.bin`.

    `unread` maps what could not be read of patches that were read in part; `nuclei_crc32` is the
    checksum of the nuclei as they lie in the file, None where an early line does not tell.
    """

    block: Block
    values: dict[str, NDArray[np.int64]]
    first_nucleus: int
    nuclei: int
    unread: PackedMaps = field(default_factory=dict)
    nuclei_crc32: int | None = None

    @classmethod
    def taken_back(cls, block: Block, state: NDArray[np.uint8]) -> Self:
        """Return the entry that undoes a block's earlier one; `state` is that of before it."""
        nothing = {name: np.zeros(state.shape, np.int64) for name in PATCH_VALUES}
        return cls(block, {**nothing, "state": state.astype(np.int64)}, 0, 0)

    @property
    def is_taken_back(self) -> bool:
        """Whether the block is to be done anew: of a finished one no patch is pending."""
        return bool((self.values["state"] == PatchState.PENDING).any())

    @property
    def of_nuclei(self) -> slice:
        """Where its nuclei lie, by number."""
        return slice(self.first_nucleus, self.first_nucleus + self.nuclei)

    def wrote(self, records: NDArray[np.void]) -> bool:
        """Whether the nuclei of the file, all of them, hold this block's as it wrote them."""
        own = np.ascontiguousarray(records[self.of_nuclei])
        return self.nuclei_crc32 in (None, zlib.crc32(own.tobytes()))

    def to_line(self) -> bytes:
        """Return the entry as one line of JSON."""
        fields: dict[str, Any] = {
            "block": astuple(self.block),
            **{name: self.values[name].ravel().tolist() for name in PATCH_VALUES},
            "nuclei": (self.first_nucleus, self.nuclei),
        }
        if self.nuclei_crc32 is not None:
            fields[_NUCLEI_CHECK] = self.nuclei_crc32
        if self.unread:
            fields[_UNREAD] = [(*patch, unread) for patch, unread in self.unread.items()]
        return _as_line({**fields, _CHECK: zlib.crc32(_as_line(fields))})

    @classmethod
    def from_line(cls, line: bytes, lattice: Lattice) -> Self:
        """Return the entry in a line; ValueError, TypeError, KeyError or OverflowError when not."""
        fields = json_object(line)
        if fields.pop(_CHECK, None) not in (None, zlib.crc32(_as_line(fields))):
            raise ValueError("its checksum is another")
        block = Block(*fields["block"])
        if not lattice.holds(block):
            raise ValueError(f"{block} lies outside {lattice}")
        shape = block.rows, block.columns
        values = {name: np.array(fields[name], np.int64).reshape(shape) for name in PATCH_VALUES}
        first, nuclei = fields["nuclei"]
        unread = _maps(fields.get(_UNREAD, ()), lattice)
        written = fields.get(_NUCLEI_CHECK)
        return cls(block, values, int(first), int(nuclei), unread, written)

    def write_into(self, patches: PatchTable) -> None:
        """Put the block's values into the arrays of a table."""
        for name in PATCH_VALUES:
            getattr(patches, name)[self.block.patches] = self.values[name]


def _maps(stored: Iterable[tuple[int, int, str]], lattice: Lattice) -> PackedMaps:
    maps = {(row, column): unread for row, column, unread in stored}
    for patch, unread in maps.items():
        down, across = lattice.window(Block(*patch, 1, 1))
        unpacked(unread, (down.stop - down.start, across.stop - across.start))
    return maps


def _as_line(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class Journal:
    """The finished blocks of a run, and how many bytes of the file tell of them."""

    entries: tuple[JournalEntry, ...]
    length: int

    @property
    def nuclei(self) -> int:
        """Number of nuclei that belong to finished blocks."""
        return max((entry.first_nucleus + entry.nuclei for entry in self.entries), default=0)


def read_journal(path: Path, lattice: Lattice, *, finished: bool) -> Journal:
    """Read a journal; a torn last line, left by a crash, is passed over.

    Parameters
    ----------
    path
        The file.
    lattice
        The patches of the slide.
    finished
        Whether the run was finished: then no crash has torn its last line.

    Raises
    ------
    StoreError
        When a line that is not torn cannot be understood.
    """
    lines = path.read_bytes().split(b"\n")[:-1]
    entries: list[JournalEntry] = []
    length = 0
    for number, line in enumerate(lines, start=1):
        try:
            entry = JournalEntry.from_line(line, lattice)
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            if number == len(lines) and not finished:
                break
            raise StoreError(f"{path}: line {number} is damaged: {COMPUTE_ANEW}") from error
        entries.append(entry)
        length += len(line) + 1
    return Journal(tuple(entries), length)
