"""What a run writes down of its blocks: the journal, the nuclei, and what they come to."""

import copy
import threading
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Block, Lattice, PatchTable
from napari_glioma_density.durable import write_tail
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import layout
from napari_glioma_density.results.blocks import BlockRecord
from napari_glioma_density.results.failures import COMPUTE_ANEW, explained
from napari_glioma_density.results.finished import FinishedWork
from napari_glioma_density.results.journal import JournalEntry, read_journal
from napari_glioma_density.results.nuclei import (
    NUCLEUS_DTYPE,
    are_sound,
    as_records,
    in_slide_order,
    within,
)
from napari_glioma_density.results.unread import UnreadMaps


class Ledger:
    """The journal and the nuclei of a run on disk, and in memory what they come to.

    Any thread may read; one at a time may write.

    Parameters
    ----------
    folder
        The run's.
    lattice
        The patches of the slide.
    tissue
        uint8, one value per 16×16 working px, 0 for background.
    finished
        Whether the run was finished: then no crash has torn the journal's last line.

    Raises
    ------
    StoreError
        When one of the files is damaged, cut short or cannot be read.
    """

    def __init__(
        self, folder: Path, lattice: Lattice, tissue: NDArray[np.uint8], *, finished: bool
    ) -> None:
        self._folder, self._lattice = folder, lattice
        self._guard = threading.Lock()
        with explained(folder):
            journal = read_journal(folder / layout.JOURNAL, lattice, finished=finished)
            stored = (folder / layout.NUCLEI).stat().st_size
        if stored < journal.nuclei * NUCLEUS_DTYPE.itemsize:
            raise StoreError(f"{folder / layout.NUCLEI}: cut short: {COMPUTE_ANEW}")
        self._journal_length, self._nuclei_count = journal.length, journal.nuclei
        self._work = FinishedWork(lattice, tissue, journal.entries)

    @property
    def finished(self) -> frozenset[Block]:
        """The blocks on disk."""
        with self._guard:
            return frozenset(self._work.blocks)

    @property
    def done(self) -> NDArray[np.bool_]:
        """The patches of these blocks: bool, (lattice rows, lattice columns); only to read."""
        return self._work.done

    def patches(self) -> PatchTable:
        """Return what is known of every patch, as arrays of the caller's own."""
        with self._guard:
            return copy.deepcopy(self._work.patches)

    def unread_maps(self) -> UnreadMaps:
        """Return which px could not be read of patches that were read in part."""
        with self._guard:
            return UnreadMaps(dict(self._work.unread))

    def values(self, block: Block) -> dict[str, NDArray[np.int64]]:
        """Return the patch values of a finished block by name; only to read."""
        with self._guard:
            return self._work.blocks[block].values

    def holds_nucleus(self, row: int, column: int) -> bool:
        """Whether there is any nucleus in the mask of a patch."""
        with self._guard:
            return bool(self._work.patches.nucleus_px[row, column])

    def nuclei(self, block: Block | None = None) -> NDArray[np.void]:
        """Return the nuclei of finished blocks, or of a block, by patch, as `NUCLEUS_DTYPE`.

        Raises
        ------
        StoreError
            When the file is damaged, cannot be read, or was begun anew by another program.
        """
        file = self._folder / layout.NUCLEI
        with self._guard:
            count, gone = self._nuclei_count, list(self._work.gone)
            blocks = list(self._work.blocks.values())
        with explained(self._folder):
            records = np.fromfile(file, NUCLEUS_DTYPE, count)
        if len(records) < count:
            raise StoreError(
                f"{file}: another program has begun this run anew: open the slide again"
            )
        if not all(entry.wrote(records) for entry in blocks):
            raise StoreError(
                f"{file}: is damaged, or another program has begun this run anew: open the slide "
                f"again; if that is of no use, {COMPUTE_ANEW}"
            )
        if not are_sound(self._lattice, records):
            raise StoreError(f"{file}: is damaged: {COMPUTE_ANEW}")
        counts = np.ones(count, bool)
        for part in gone:
            counts[part] = False
        return in_slide_order(within(records[counts], block))

    def cut_off_unfinished(self) -> None:
        """Cut off what an interrupted writer left after the last whole line; OSError if refused."""
        write_tail(self._folder / layout.JOURNAL, self._journal_length)
        write_tail(self._folder / layout.NUCLEI, self._nuclei_count * NUCLEUS_DTYPE.itemsize)

    def add(self, record: BlockRecord) -> None:
        """Write down a block, nuclei first; on disk when this returns. OSError if refused."""
        records = as_records(record.nuclei)
        first, nuclei = self._nuclei_count, len(records)
        data, offset = records.tobytes(), self._nuclei_count * NUCLEUS_DTYPE.itemsize
        entry = JournalEntry(
            record.block, record.values, first, nuclei, record.unread, zlib.crc32(data)
        )
        write_tail(self._folder / layout.NUCLEI, offset, data)
        self._append(entry)

    def take_back(self, block: Block) -> None:
        """Undo a block's line with another one; on disk when this returns. OSError if refused."""
        self._append(JournalEntry.taken_back(block, self._work.untouched(block)))

    def _append(self, entry: JournalEntry) -> None:
        line = entry.to_line()
        write_tail(self._folder / layout.JOURNAL, self._journal_length, line)
        with self._guard:
            self._journal_length += len(line)
            self._nuclei_count += entry.nuclei
            self._work.take_in(entry)
