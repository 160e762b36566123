"""The regions of the slide on show: as drawn, and on disk."""

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from psygnal import Signal
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.errors import BadInput
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import ResultStore, find_store, store_path
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.session import Session

MOST_UNDONE = 50
NO_SLIDE = "No slide is open: open one with File > Open."

Change = Mapping[str, Region | None]
"""What regions are to be from now on, by id; None for one that is taken away."""


class _Disk(NamedTuple):
    """What the disk holds, and what it had to say."""

    regions: tuple[Region, ...]
    problem: str = ""


class RegionShelf:
    """The file of one slide's regions; writes happen in the order they were asked for.

    All but `ask` is slow; any thread may call.
    """

    def __init__(self, slide: Slide, store: Path | None) -> None:
        self.slide = slide
        self._store = store or find_store(slide.path)
        self._file: RegionFile | None = None
        self._asked: deque[Change] = deque()
        self._problem = ""
        self._guard = threading.RLock()

    def ask(self, change: Change) -> None:
        """Put a change in line; the next call of `save` or `flush` writes it."""
        self._asked.append(change)

    def save(self) -> None:
        """Bring to disk what was asked for; what went wrong is kept until `flush` tells it."""
        with self._guard:
            while self._asked:
                change = self._asked.popleft()
                try:
                    self._write(change)
                except BadInput as error:  # the next one may have better luck
                    self._problem = str(error)

    def flush(self) -> _Disk:
        """Bring to disk what was asked for, read what is there, and tell what went wrong."""
        with self._guard:
            self.save()
            problem, self._problem = self._problem, ""
            try:
                return _Disk(self._read(), problem)
            except BadInput as error:
                return _Disk((), problem or str(error))

    def _read(self) -> tuple[Region, ...]:
        if self._file is None:
            if self._store is None:
                return ()
            self._file = RegionFile.open(self._store)
        self._file.reload()
        return self._file.regions()

    def _write(self, change: Change) -> None:
        if self._store is None:
            self._store = store_path(self.slide.path)
        if self._file is None:
            slide = self.slide
            ResultStore.open(
                self._store, slide.fingerprint, slide.pseudonym, slide.width, slide.height
            )
            self._file = RegionFile.open(self._store)
        gone = [region_id for region_id, region in change.items() if region is None]
        kept = [region for region in change.values() if region is not None]
        if gone:  # at once, however many an import brought that is taken back
            self._file.remove(*gone)
        if kept:
            self._file.put(*kept)


class RegionDesk:
    """What the screen shows of the regions; on the window's thread, never blocking it.

    A change is seen at once and written elsewhere. What the disk holds afterwards is shown, so
    that regions of a second window appear and one that could not be written does not stay.
    """

    changed = Signal()
    """Other regions."""
    chosen_changed = Signal()
    """Another region is chosen, or none."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.shelf: RegionShelf | None = None
        self.chosen: Region | None = None
        self._regions: dict[str, Region] = {}
        self._undo: deque[Change] = deque(maxlen=MOST_UNDONE)
        self._left_out: list[tuple[BaseGeometry, Reason | None]] = []
        self._pending = 0
        session.savers.append(self._bring_to_disk)
        self._connections = Connections()
        self._connections.add(session.slides.changed, self._follow)
        self._connections.add(session.measured, self._follow)
        self._connections.add(session.exclusions.changed, self.reload)
        self._connections.add(session.hotspots.excluded, self._excluded)
        self._connections.add(session.hotspots.included, self._included)
        self._connections.add(session.imported, self._imported)
        self._follow()

    @property
    def regions(self) -> tuple[Region, ...]:
        """All of them, in the order they were drawn."""
        return tuple(self._regions.values())

    @property
    def um_per_px(self) -> float:
        """Of level 0; BadInput when there is no slide, or it states none."""
        slide = self.session.slides.slide
        if slide is None:
            raise BadInput(NO_SLIDE)
        if slide.um_per_px is None:
            raise BadInput(words.NO_RESOLUTION)
        return slide.um_per_px

    def region(self, region_id: str | None) -> Region | None:
        """Return the region of that id."""
        return self._regions.get(region_id or "")

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to take back."""
        return bool(self._undo)

    def put(self, *regions: Region) -> None:
        """Add regions, or put them in place of those with the same ids."""
        self.change({region.id: region for region in regions})

    def remove(self, *region_ids: str) -> None:
        """Take regions away."""
        self.change({each: None for each in region_ids if each in self._regions})

    def change(self, change: Change) -> None:
        """Make several changes that are undone together."""
        if self.shelf is not None and change:
            self._undo.append({each: self._regions.get(each) for each in change})
            self._apply(change)

    def undo(self) -> None:
        """Take the last change back."""
        if self._undo and self.shelf is not None:
            self._apply(self._undo.pop())
        else:
            self.session.problem.emit("No change of a region is left to take back.")

    def choose(self, region: Region | None) -> None:
        """Choose a region, or none."""
        if region != self.chosen:
            self.chosen = region
            self.chosen_changed.emit()

    def reload(self) -> None:
        """Show what is on disk, regions of other windows too."""
        self._to_disk()

    def close(self) -> None:
        """Bring to disk what is not there yet. Twice does no harm."""
        if self.shelf is not None:
            self._tell(self.shelf.flush())
            self.shelf = None
        if self._bring_to_disk in self.session.savers:
            self.session.savers.remove(self._bring_to_disk)
        self._connections.close()

    def _excluded(self, region_id: str) -> None:
        """A hotspot was left out: to be undone as what is drawn here."""
        self._undo.append({region_id: None})

    def _included(self, region_id: str) -> None:
        if {region_id: None} in self._undo:
            self._undo.remove({region_id: None})

    def _imported(self, before: Change) -> None:
        """Regions came from a file: to be undone together."""
        if before:
            self._undo.append(before)
            self.changed.emit()

    def _bring_to_disk(self) -> None:
        if self.shelf is not None:
            self.shelf.save()

    def _follow(self) -> None:
        """Turn to the regions of the slide on show, when it is another one."""
        slide, shown = self.session.slides.slide, self.session.shown
        if self.shelf is not None and self.shelf.slide is slide:
            return
        if self.shelf is not None:  # written even if the window closes before its turn comes
            self.session.background.write(self.shelf.flush, self._tell)
        self.shelf = None
        self._undo.clear()
        self._left_out = []
        self._show(())
        if slide is not None and slide.um_per_px is not None:
            self.shelf = RegionShelf(slide, shown.store if shown else None)
            self._to_disk()

    def _apply(self, change: Change) -> None:
        regions = dict(self._regions)
        for region_id, region in change.items():
            if region is None:
                regions.pop(region_id, None)
            else:
                regions[region_id] = region
        if self.shelf is not None:
            self.shelf.ask(change)
        self._show(regions.values())
        self._to_disk()

    def _to_disk(self) -> None:
        shelf = self.shelf
        if shelf is not None:
            self._pending += 1
            self.session.background.submit(shelf.flush, partial(self._take, shelf), self._arrived)

    def _arrived(self) -> None:
        self._pending -= 1

    def _take(self, shelf: RegionShelf, disk: _Disk) -> None:
        """Show what the disk holds, unless more is on its way there."""
        if shelf is not self.shelf:
            return
        self._tell(disk)
        if self._pending <= 1:  # this one
            self._show(disk.regions)
            self._leave_out()

    def _tell(self, disk: _Disk) -> None:
        if disk.problem:
            self.session.problem.emit(disk.problem)

    def _leave_out(self) -> None:
        """Have the session's numbers follow when exclusions have changed on disk."""
        drawn = [region for region in self.regions if region.kind is RegionKind.EXCLUSION]
        outlines = [(region.geometry, region.reason) for region in drawn]
        if outlines != self._left_out:
            self._left_out = outlines
            self.session.exclusions.refresh()

    def _show(self, regions: Iterable[Region]) -> None:
        shown = {region.id: region for region in regions}
        if shown == self._regions and list(shown) == list(self._regions):
            return
        self._regions = shown
        self.changed.emit()
        if self.chosen is not None:
            self.choose(self._regions.get(self.chosen.id))
