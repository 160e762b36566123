"""Reference tissue of the slide on show: what people drew of it, measured for every box alike."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakValueDictionary

from psygnal import Signal

from napari_glioma_density.findings.gathering import gather, open_run
from napari_glioma_density.findings.reference import Reference, reference_of
from napari_glioma_density.findings.snapshot import Choices
from napari_glioma_density.regions.region import Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.ui.background import OneAtATime
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.identity import same_objects
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.stored import ShownRun

PATIENCE_S = 5.0
"""At least this long between two looks at the store while it grows."""


@dataclass(frozen=True)
class _Known:
    """What was measured, of which regions, and lying on what."""

    reference: Reference | None = None
    regions: tuple[Region, ...] = ()
    lying_on: tuple[object, ...] = ()

    def holds_for(self, regions: tuple[Region, ...], lying_on: tuple[object, ...]) -> bool:
        return not regions or (same_objects(lying_on, self.lying_on) and regions == self.regions)


class ReferenceTissue:
    """Measures reference tissue, in the background, as it lies on disk.

    Whoever changes regions calls `refresh`. On the window's thread.
    """

    changed = Signal()
    """Other reference tissue, or none any more."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known = _Known()
        self._work = OneAtATime(self._measure_drawn)
        self._next = 0.0
        session.measured.connect(self._follow)
        session.estimating.phase_changed.connect(self._follow)
        session.exclusions.changed.connect(self.refresh)
        session.imported.connect(self.refresh)
        self.refresh()

    @property
    def current(self) -> Reference | None:
        """What cells are compared with; None when nobody drew any."""
        return self._known.reference

    def refresh(self) -> None:
        """Read again what was drawn; it is measured when it, or what lies under it, is new."""
        if self._session.shown is None or self._session.snapshot is None:
            self._take(_Known())
        else:
            self._work.ask()

    def _measure_drawn(self, end: Callable[[], None]) -> None:
        session = self._session
        shown, snapshot = session.shown, session.snapshot
        if shown is None or snapshot is None:
            end()
            return
        self._next = time.monotonic() + PATIENCE_S
        amendments = session.choices.amendments
        lying_on = (shown, snapshot.measured, amendments.fields, amendments.exclusions)
        known, choices = self._known, session.choices

        def measured() -> _Known:
            session.bring_to_disk()
            regions = reference_regions(shown.store)
            if known.holds_for(regions, lying_on):
                return known if regions else _Known()
            return _Known(_measure(shown, choices), regions, lying_on)

        def take(new: _Known) -> None:
            if session.shown is shown:
                self._take(new)

        session.background.submit(measured, take, end)

    def _follow(self) -> None:
        session = self._session
        if session.estimating.phase is Phase.READY or time.monotonic() >= self._next:
            self.refresh()

    def _take(self, known: _Known) -> None:
        before, self._known = self._known.reference, known
        if known.reference != before:
            self.changed.emit()


_shared: WeakValueDictionary[int, ReferenceTissue] = WeakValueDictionary()
"""By the identity of the session, which each of them keeps alive."""


def reference_tissue(session: Session) -> ReferenceTissue:
    """Return the reference tissue of a session, the same for all who ask while anyone keeps it."""
    found = _shared.get(id(session))
    if found is None:
        found = _shared[id(session)] = ReferenceTissue(session)
    return found


def reference_regions(store: Path) -> tuple[Region, ...]:
    """Return the reference regions of a store; StoreError when they cannot be read."""
    regions = RegionFile.open(store).regions()
    return tuple(region for region in regions if region.kind is RegionKind.REFERENCE)


def times_reference(ratio: float, reference: Reference) -> str:
    """Return how many times as dense as reference tissue, as in 1.8 × reference (grey matter)."""
    return f"{ratio:.1f} × reference ({reference.names})"


def _measure(shown: ShownRun, choices: Choices) -> Reference | None:
    return reference_of(gather(shown.store, open_run(shown.store, shown.spec.run_id), choices))
