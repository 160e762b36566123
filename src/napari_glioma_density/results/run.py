"""One run: the results of one model with one set of settings on one slide."""

import threading
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import zarr
from filelock import BaseFileLock
from numpy.typing import NDArray

from napari_glioma_density.density import Block, PatchTable
from napari_glioma_density.durable import sync_folder
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import layout
from napari_glioma_density.results.attributes import read_attributes, write_attributes
from napari_glioma_density.results.blocks import BlockRecord, BlockResult
from napari_glioma_density.results.failures import BLOCKS_ARE_KEPT, damage_named, explained
from napari_glioma_density.results.ledger import Ledger
from napari_glioma_density.results.masks import MaskPyramid, StoredLevel
from napari_glioma_density.results.nuclei import write_nucleus_table
from napari_glioma_density.results.recorded import (
    recorded_learnt,
    recorded_pending,
    recorded_sharpness,
    recorded_spec,
    recorded_tuned_on,
)
from napari_glioma_density.results.unread import UnreadMaps


class Run:
    """A run opened for reading or, by one program at a time, for writing.

    The journal is the truth: a block without a line never happened. Reading needs no lock and
    sees the blocks finished when the run was opened, and those committed through this object.
    All methods may be called from any thread; only one thread at a time may commit or record.

    Attributes
    ----------
    spec
        As recorded when the run began; a resumed run obeys it.
    lattice
        The patches of the slide.
    tissue
        uint8, one value per 16×16 working px: 0 is background, which is never looked at.
    """

    def __init__(self, folder: Path, lock: BaseFileLock | None = None) -> None:
        self.folder = folder
        self._lock = lock
        self._attributes = read_attributes(folder)
        self.spec = recorded_spec(folder, self._attributes)
        self.lattice = self.spec.lattice
        with explained(folder), damage_named(folder):
            self.tissue: NDArray[np.uint8] = zarr.open_array(folder / layout.TISSUE, mode="r")[:]
            layout.demand_tissue_of_plane(self.tissue, self.spec)
        layout.demand_tissue_as_written(folder, self.tissue, self._attributes)
        self._ledger = Ledger(folder, self.lattice, self.tissue, finished=self.is_finished)
        if self.is_finished and lock is None:  # a writer does again what is lost
            self._demand_all_blocks()
        with explained(folder), damage_named(folder):
            self._masks = MaskPyramid(
                folder / layout.MASKS, writable=lock is not None, holds=self._ledger.holds_nucleus
            )
        self._unrecorded: set[Block] = set()
        self._guard = threading.Lock()  # of `_unrecorded`
        if lock is not None:
            self._clear_up()

    @property
    def finished(self) -> frozenset[Block]:
        """The blocks on disk."""
        return self._ledger.finished

    @property
    def is_finished(self) -> bool:
        """Whether `finish` was called after the last block."""
        return self._attributes.get("finished") is True

    @property
    def is_brightfield(self) -> bool:
        """Whether the slide looked like brightfield H&E; on others somebody insisted."""
        return self._attributes.get("brightfield") is not False

    def note_brightfield(self, is_brightfield: bool) -> None:
        """Keep whether the slide looks like brightfield H&E.

        Raises
        ------
        StoreError
            When the disk is full or refuses.
        """
        self._demand_writing()
        if is_brightfield is not self.is_brightfield:
            with explained(self.folder, BLOCKS_ARE_KEPT):
                self._mark(brightfield=is_brightfield)

    @property
    def sharpness(self) -> float | None:
        """How sharp the slide is at the working resolution; None where that is not known."""
        return recorded_sharpness(self._attributes)

    def note_sharpness(self, sharpness: float | None) -> None:
        """Keep how sharp the slide is, see ``stain.sharpness``.

        Raises
        ------
        StoreError
            When the disk is full or refuses.
        """
        self._demand_writing()
        if sharpness != self.sharpness:
            with explained(self.folder, BLOCKS_ARE_KEPT):
                self._mark(sharpness=sharpness)

    def note_learnt(self, pictures: Iterable[str]) -> None:
        """Keep digests of pictures that the run's model learnt from: it may be gone one day.

        Raises
        ------
        StoreError
            When the disk is full or refuses.
        """
        self._demand_writing()
        known = recorded_learnt(self._attributes)
        if not known.issuperset(pictures):
            with explained(self.folder, BLOCKS_ARE_KEPT):
                self._mark(learnt=sorted(known.union(pictures)))

    @property
    def tuned_on(self) -> frozenset[str] | None:
        """Pseudonyms of the slides that its model was fine-tuned on; None where not known to be."""
        return recorded_tuned_on(self._attributes)

    def note_tuned_on(self, slides: frozenset[str] | None) -> None:
        """Keep which slides the run's model was fine-tuned on: it may lie where nobody looks.

        Raises
        ------
        StoreError
            When the disk is full or refuses.
        """
        self._demand_writing()
        known = self.tuned_on
        if slides is not None and (known is None or not known >= slides):
            with explained(self.folder, BLOCKS_ARE_KEPT):
                self._mark(tuned_on=sorted(slides | (known or frozenset())))

    def patches(self) -> PatchTable:
        """Return what is known of every patch, as arrays of the caller's own."""
        return self._ledger.patches()

    def unread_maps(self) -> UnreadMaps:
        """Return which px could not be read of patches that were read in part."""
        return self._ledger.unread_maps()

    def block_values(self, block: Block) -> dict[str, NDArray[np.int64]]:
        """Return the patch values of a finished block by name, as in `PatchTable`; only to read."""
        return self._ledger.values(block)

    def mask(self, level: int) -> StoredLevel:
        """Return the mask at 1 (level 0), 1/4 or 1/16 of the working plane: uint8, 0 or 1."""
        return self._masks.levels[level]

    def nuclei(self, block: Block | None = None) -> NDArray[np.void]:
        """Return the nuclei of finished blocks, or of a block, by patch, as `NUCLEUS_DTYPE`."""
        return self._ledger.nuclei(block)

    def commit(self, result: BlockResult) -> None:
        """Add a finished block; it is on disk when this returns.

        Raises
        ------
        StoreError
            When the disk is full or refuses. The blocks before stay, this one never happened
            unless `finished` holds it, and committing may go on.
        ValueError
            When the block was committed before, or its arrays do not fit it.
        """
        self.record(self.write_mask(result))

    def write_mask(self, result: BlockResult) -> BlockRecord:
        """Bring a block's mask to disk, the longer part of `commit`; `record` is to follow.

        Any number of threads may at once, each with a block of its own. Raises what `commit` does.
        """
        self.announce(result.block)
        with explained(self.folder, BLOCKS_ARE_KEPT):
            return BlockRecord.written(result, self.lattice, self._masks)

    def announce(self, block: Block) -> None:
        """Note that the mask of a block may be on disk before `record` is called for it."""
        self._demand_writing()
        if self._ledger.done[block.patches].any():
            raise ValueError(f"{block} holds patches that are finished")
        with self._guard:
            self._unrecorded.add(block)

    def record(self, record: BlockRecord) -> None:
        """Add a block whose mask is on disk; one thread at a time. Raises what `commit` does."""
        self._demand_writing()
        with explained(self.folder, BLOCKS_ARE_KEPT):
            if self.is_finished:
                self._mark(finished=False)
            self._ledger.add(record)
            self._masks.write_coarse(self.lattice.window(record.block), record.coarse)
        with self._guard:
            self._unrecorded.discard(record.block)

    def take_back(self, blocks: Iterable[Block]) -> None:
        """Have finished blocks done anew, as if they had never been committed.

        Raises
        ------
        StoreError
            When the disk is full or refuses.
        ValueError
            When a block is not finished.
        """
        self._demand_writing()
        back = tuple(blocks)
        if not back:
            return
        if not self.finished.issuperset(back):
            raise ValueError(f"not all of {back} are finished")
        with explained(self.folder, BLOCKS_ARE_KEPT):
            if self.is_finished:
                self._mark(finished=False)
            for block in back:
                self._ledger.take_back(block)
            self._masks.repair(self._ledger.done)

    def finish(self) -> None:
        """Write the nucleus table and the totals, and mark the run finished.

        After more blocks it is to be called again; with none since, it does nothing.
        """
        self._demand_writing()
        if self.is_finished:
            return
        with explained(self.folder, BLOCKS_ARE_KEPT):
            write_nucleus_table(self.folder / layout.TABLE, self.nuclei())
            self._mark(finished=True, totals=asdict(self.patches().totals()))

    def close(self) -> None:
        """Let another program write. Closing twice does no harm."""
        if self._lock is None or not self._lock.is_locked:
            return
        try:
            if not self._unrecorded:
                with explained(self.folder, BLOCKS_ARE_KEPT):
                    (self.folder / layout.UNCLOSED).unlink(missing_ok=True)
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _clear_up(self) -> None:
        """Take away what an interrupted writer left, and note that a writer is at work."""
        marker = self.folder / layout.UNCLOSED
        with explained(self.folder, BLOCKS_ARE_KEPT):
            self._ledger.cut_off_unfinished()
            if marker.exists():
                for part in self.folder.rglob("*.partial"):
                    part.unlink()
                self._masks.repair(self._ledger.done)
            marker.touch()
            sync_folder(self.folder)

    def _demand_all_blocks(self) -> None:
        """Raise StoreError where the journal of a finished run has lost lines at its end.

        Not where another program has begun to add to the run since its attributes were read.
        """
        pending = recorded_pending(self._attributes)
        if pending is None or self.patches().totals().pending <= pending:
            return
        latest = read_attributes(self.folder)
        if latest.get("finished") is True and latest.get("totals") == self._attributes["totals"]:
            raise StoreError(
                f"{self.folder / layout.JOURNAL}: cut short: estimate this slide again, which adds "
                "what is lost"
            )

    def _mark(self, **changes: Any) -> None:
        attributes = {**self._attributes, **changes}
        write_attributes(self.folder, attributes)
        self._attributes = attributes

    def _demand_writing(self) -> None:
        if self._lock is None or not self._lock.is_locked:
            raise StoreError(f"{self.folder}: opened for reading; begin the run to add to it")
