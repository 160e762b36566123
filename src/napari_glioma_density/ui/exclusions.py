"""What is left out of a session's numbers, measured in the background as it lies on disk."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from psygnal import Signal

from napari_glioma_density.density import Exclusions
from napari_glioma_density.findings.gathering import LeftOut, open_run, stored_left_out
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.background import OneAtATime
from napari_glioma_density.ui.stored import ShownRun

PATIENCE_S = 1.0
"""How often at most exclusions are measured again while an estimate goes on."""


class ExclusionDesk:
    """Keeps the exclusions of a session up to date with regions, marks, fields and new patches.

    Callers of `refresh` have already written regions and marks to disk; edits of fields are brought
    there first.
    """

    changed = Signal()
    """Other parts of the slide are left out."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._work = OneAtATime(self._measure)
        self._seen: Snapshot | None = None
        self._next = 0.0
        self._waiting = False
        session.measured.connect(self._follow)

    @property
    def current(self) -> Exclusions | None:
        """What is left out of the numbers on show; None when nothing is."""
        snapshot = self._session.snapshot
        return snapshot.exclusions if snapshot and len(snapshot.exclusions.parts) else None

    def refresh(self) -> None:
        """Measure anew, in the background, what lies in all that is left out."""
        if self._session.shown is not None:
            self._work.ask()

    def _measure(self, end: Callable[[], None]) -> None:
        shown: ShownRun | None = self._session.shown
        if shown is None:
            end()
            return
        self._next = time.monotonic() + PATIENCE_S
        reader = None if self._session.blinded else "first"
        measure = _measuring(shown, reader, self._session.bring_to_disk)
        self._session.background.submit(measure, lambda new: self._take(shown, new), end)

    def _take(self, shown: ShownRun, left_out: LeftOut) -> None:
        session = self._session
        if session.shown is shown:
            amendments = replace(session.choices.amendments, lattice=shown.lattice)
            session.amend(replace(amendments, exclusions=left_out.exclusions))
            session.outline_left_out(left_out.regions)
            self.changed.emit()

    def _follow(self) -> None:
        """Measure again when patches were read since, or corrected where something is left out."""
        snapshot, seen = self._session.snapshot, self._seen
        if snapshot is None or seen is None or self._session.choices.amendments.exclusions is None:
            self._seen = snapshot
        elif _is_stale(seen, snapshot):
            self._waiting = True
            self.tick()

    def tick(self) -> None:
        """Measure again what is known to be stale, once the last time is long enough ago."""
        if self._waiting and time.monotonic() >= self._next:
            self._waiting = False
            self._seen = self._session.snapshot
            self.refresh()


def _is_stale(seen: Snapshot, now: Snapshot) -> bool:
    """Whether patches that exclusions touch may have other values than when these were measured."""
    if not np.array_equal(seen.measured.state, now.measured.state):
        return True
    parts = now.exclusions.parts
    places = parts["row"], parts["column"]
    corrected = now.corrected[places] | seen.corrected[places]
    return not np.array_equal(
        seen.patches.nucleus_px[places][corrected], now.patches.nucleus_px[places][corrected]
    )


def _measuring(
    shown: ShownRun, reader: str | None, bring_to_disk: Callable[[], None]
) -> Callable[[], LeftOut]:
    def measure() -> LeftOut:
        bring_to_disk()
        run = open_run(shown.store, shown.spec.run_id)
        return stored_left_out(shown.store, run, reader=reader)

    return measure
