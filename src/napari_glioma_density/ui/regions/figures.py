"""What regions measure, computed away from the window's thread."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather, open_run
from napari_glioma_density.regions.exclusion import exclusions_of, left_out_geometry
from napari_glioma_density.regions.measuring import SUMS, RegionSums, sums_of
from napari_glioma_density.regions.region import Origin, RegionKind
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.identity import same_objects
from napari_glioma_density.ui.regions.desk import RegionDesk
from napari_glioma_density.ui.stored import ShownRun

PAUSE_S, PAUSE_RUNNING_S = 0.3, 5.0
"""At least this long between two looks at the store, the second while it grows."""


@dataclass(frozen=True)
class Figures:
    """What was measured at one moment.

    Attributes
    ----------
    findings
        Of the run on show.
    left_out
        What is in no sum, in level-0 px.
    sums
        By the id of a region: of exclusions what they hold, of others what counts of it.
    automatic_mm2
        Read mm² that the quality check alone leaves out, by reason.
    """

    findings: Findings
    left_out: BaseGeometry
    sums: dict[str, RegionSums]
    automatic_mm2: dict[str, float]

    def sums_of(self, geometry: BaseGeometry) -> RegionSums:
        """Sum up what counts of a geometry in level-0 px; slow."""
        findings = self.findings
        return sums_of(geometry, findings.measured, findings.exclusions, self.left_out)

    def sum_up(self, parts: NDArray[np.void]) -> RegionSums:
        """Add up the parts of a place (`regions.measuring.parts_of`)."""
        sums = {name: int(parts[name].sum()) for name in SUMS}
        return RegionSums(**sums, px_mm2=self.findings.plane.lattice.px_mm2)


class RegionFigures:
    """Measures the regions of a desk again after they, or the run, have changed.

    `tick` has to be called a few times a second.
    """

    changed = Signal()
    """Other figures, or none."""

    def __init__(self, desk: RegionDesk) -> None:
        self._desk = desk
        self._session = desk.session
        self.latest: Figures | None = None
        self._measurer = _Measurer()
        self._due = self._busy = False
        self._began = 0.0
        self._seen: tuple[object, ...] = ()
        desk.changed.connect(self._want)
        self._session.exclusions.changed.connect(self._want)
        self._session.measured.connect(self._look)
        self._look()

    def tick(self) -> None:
        """Begin to measure when it is due."""
        pause = PAUSE_S if self._session.estimating.phase is Phase.READY else PAUSE_RUNNING_S
        shown = self._session.shown
        if shown is None or self._session.snapshot is None or self._desk.shelf is None:
            return
        if self._due and not self._busy and time.monotonic() >= self._began + pause:
            self._due, self._busy, self._began = False, True, time.monotonic()
            self._measure(shown)

    def close(self) -> None:
        """Listen no more. Twice does no harm."""
        self._desk.changed.disconnect(self._want, missing_ok=True)
        self._session.exclusions.changed.disconnect(self._want, missing_ok=True)
        self._session.measured.disconnect(self._look, missing_ok=True)

    def _measure(self, shown: ShownRun) -> None:
        session, measurer, seen = self._session, self._measurer, self._seen
        choices = session.choices
        scope = session.snapshot.scope if session.snapshot else None

        def measured() -> Figures:
            session.bring_to_disk()
            run = open_run(shown.store, shown.spec.run_id)
            findings = gather(shown.store, run, choices, scope)
            return measurer.measure(findings, seen)

        def take(figures: Figures) -> None:
            if shown is session.shown:
                self.latest = figures
                self.changed.emit()

        session.background.submit(measured, take, self._free)

    def _free(self) -> None:
        self._busy = False

    def _want(self) -> None:
        self._due = True

    def _look(self) -> None:
        """Want new figures when the run has grown or was corrected, not when it is drawn anew."""
        snapshot, fields = self._session.snapshot, self._session.choices.amendments.fields
        if snapshot is None:
            self._seen = ()
            if self.latest is not None:
                self.latest = None
                self.changed.emit()
            return
        seen = (self._session.shown, snapshot.measured, fields)
        if not same_objects(seen, self._seen):
            self._seen = seen
            self._due = True


class _Measurer:
    """Measures regions, each anew only when it or what lies under it has changed."""

    def __init__(self) -> None:
        self._seen: tuple[object, ...] = ()
        self._known: dict[tuple[bytes, bytes], RegionSums] = {}

    def measure(self, findings: Findings, seen: tuple[object, ...]) -> Figures:
        """Sum up every region that has an area; `seen` is what they lie on."""
        known = self._known if same_objects(seen, self._seen) else {}
        left_out = left_out_geometry(findings.left_out)
        automatic = [r for r in findings.left_out if r.origin is Origin.AUTOMATIC]
        alone = exclusions_of(automatic, findings.measured).read_mm2(findings.snapshot.scope)
        figures = Figures(findings, left_out, {}, alone)
        used: dict[tuple[bytes, bytes], RegionSums] = {}
        for region in findings.regions:
            if region.kind.is_line:
                continue
            excluded = region.kind is RegionKind.EXCLUSION
            key = (region.geometry.wkb, b"" if excluded else left_out.wkb)
            if (found := known.get(key)) is None:
                geometry, measured = region.geometry, findings.measured
                found = sums_of(geometry, measured) if excluded else figures.sums_of(geometry)
            used[key] = figures.sums[region.id] = found
        self._known, self._seen = used, seen
        return figures
