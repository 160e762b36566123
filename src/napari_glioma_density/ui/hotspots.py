"""The densest places of a slide: cells of the grid, or circles of a given area."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from napari.layers import Layer
from psygnal import Signal

from napari_glioma_density.density import PatchTable
from napari_glioma_density.findings.field_hotspots import FieldHotspot, field_hotspots
from napari_glioma_density.findings.gathering import gather, open_run
from napari_glioma_density.findings.snapshot import Choices, Snapshot
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.ui.camera import fly_to
from napari_glioma_density.ui.hotspot import Hotspot, of_cell, of_circle
from napari_glioma_density.ui.overlays.lines import LineOverlay, outline_segments
from napari_glioma_density.ui.stored import ShownRun

CIRCLE_COLOUR = "#00E5FF"
CIRCLE_WIDTH_PX = 2.0
NOT_YET = "There is no hotspot yet: estimate the density first."
SEARCHING = "The circles are still being placed: a moment."
FAILED = "The circles could not be placed; choose them again to try once more."
NOWHERE = "The tissue of this slide is too small for a circle of {:g} mm²."
HIDDEN = "Hotspots are hidden while the second reader works."
CHOOSE_FIRST = "Fly to a hotspot (N) or click one first; then leave it out."


@dataclass(frozen=True)
class LeftOut:
    """A place that was left out: its name then, and the region that does it."""

    name: str
    store: Path
    region_id: str


class Hotspots:
    """The ranked places of a session, the one that was flown to, and a way to leave it out.

    Circles are searched for in the background, once all that was asked for is read.
    """

    changed = Signal()
    """Other places, or another kind of them; or one was left out, or taken back."""
    excluded, included = Signal(str), Signal(str)
    """The id of a region that leaves a place out, or did: the change is on disk."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.area_mm2: float | None = None
        """Of circles; None for cells of the grid."""
        self.spots: tuple[Hotspot, ...] = ()
        self.chosen: Hotspot | None = None
        self.searching = self._told_to_wait = False
        self._is_searched = False
        """Whether the circles asked for were searched for to the end."""
        self.left_out: LeftOut | None = None
        """The last one, until it is taken back, here or as a region, or another slide is shown."""
        self._left_at: int | None = None
        """Rank of the place that was left out last, where the next one moves up to."""
        self._of: PatchTable | None = None
        self._circles = LineOverlay("hotspots", np.zeros((0, 2, 2)), CIRCLE_COLOUR, CIRCLE_WIDTH_PX)
        session.overlays.companions.append(self._layers)
        session.measured.connect(self._follow)
        session.blinded_changed.connect(self._draw)
        session.exclusions.changed.connect(self._look_after)

    def choose_kind(self, area_mm2: float | None) -> None:
        """Rank cells (None) or circles of an area."""
        self.area_mm2 = area_mm2
        self.chosen = None
        self._is_searched = False
        self._set(())
        self._of = None
        self._follow()

    def next(self) -> None:
        """Fly to the place that follows the one flown to last; from the last to the first."""
        if self._session.blinded:
            self._session.problem.emit(HIDDEN)
            return
        if not self.spots:
            self._told_to_wait = self.searching
            self._session.problem.emit(self._why_none())
            return
        self.fly(self._rank_to_come() % len(self.spots))

    def fly(self, rank: int) -> None:
        """Fly to a place by its rank, from 0."""
        spot = self.chosen = self.spots[rank]
        self._left_at = None
        self._session.problem.emit("")
        fly_to(self._session.viewer, spot.view)
        if spot.cell is None:
            self._session.cells.forget()  # its figures are not those of the circle
        else:
            self._session.cells.choose(*spot.cell)

    @property
    def marked(self) -> Hotspot | None:
        """The place that is seen as chosen: flown to last, or clicked since; None where neither."""
        cell = self._session.cells.chosen
        if self.chosen is not None and self.chosen.cell == cell:
            return self.chosen
        return next((spot for spot in self.spots if cell is not None and spot.cell == cell), None)

    def leave_out(self, reason: Reason) -> None:
        """Leave the place marked out of every number; it is on disk before it counts."""
        spot, shown = self.marked, self._session.shown
        if spot is None or shown is None:
            self._session.problem.emit(CHOOSE_FIRST)
            return
        self._left_at = self.spots.index(spot) if spot in self.spots else None
        region = Region.drawn(
            RegionKind.EXCLUSION, spot.outline, reason=reason, comment=f"hotspot {spot.name}"
        )
        left_out = LeftOut(spot.name, shown.store, region.id)

        def written() -> None:
            self.left_out = left_out
            self.excluded.emit(region.id)

        self._write(shown.store, lambda file: file.put(region), written)

    def take_back(self) -> None:
        """Let the place that was left out last count again."""
        last = self.left_out
        if last is None:
            return

        def written() -> None:
            self._forget(last)
            self.included.emit(last.region_id)

        self._write(last.store, lambda file: file.remove(last.region_id), written)

    def _forget(self, left_out: LeftOut) -> None:
        if self.left_out == left_out:
            self.left_out = None
            self.changed.emit()

    def _write(
        self, store: Path, change: Callable[[RegionFile], None], then: Callable[[], None]
    ) -> None:
        def written(_: None) -> None:
            then()
            self.changed.emit()
            self._session.exclusions.refresh()

        self._session.background.write(lambda: change(RegionFile.open(store)), written)

    def _look_after(self) -> None:
        """Offer to take a place back no longer where its region is gone from the disk."""
        last = self.left_out
        if last is None:
            return

        def ids() -> set[str]:
            return {region.id for region in RegionFile.open(last.store).regions()}

        def read(left: set[str]) -> None:
            if last.region_id not in left:
                self._forget(last)

        self._session.background.submit(ids, read)

    def follow_zoom(self, zoom: float) -> None:
        """Keep the circles' lines as wide on the screen as they are."""
        self._circles.follow_zoom(zoom)

    @property
    def fits_nowhere(self) -> bool:
        """Whether the whole slide was searched and holds no circle of the area asked for."""
        snapshot = self._session.snapshot
        is_read = snapshot is not None and snapshot.totals.complete
        return not self.spots and self._is_searched and is_read and self.area_mm2 is not None

    def _why_none(self) -> str:
        if self.searching:
            return SEARCHING
        if self.fits_nowhere:
            return NOWHERE.format(self.area_mm2)
        has_failed = self._of is not None and not self._is_searched
        return FAILED if has_failed else NOT_YET

    def _rank_to_come(self) -> int:
        """Rank after the place flown to, or after a cell chosen some other way; else the first."""
        if self._left_at is not None:
            return self._left_at
        if self.chosen in self.spots:
            return self.spots.index(self.chosen) + 1
        places = [spot.cell for spot in self.spots]
        chosen = self._session.cells.chosen
        return places.index(chosen) + 1 if chosen is not None and chosen in places else 0

    def _follow(self) -> None:
        snapshot: Snapshot | None = self._session.snapshot
        if snapshot is None:
            self._of = self.left_out = self.chosen = None  # a place of one slide is none of another
            self._set(())
        elif self.area_mm2 is None:
            plane = Plane.of(self._session.shown.spec)
            self._set(tuple(of_cell(cell, snapshot, plane) for cell in snapshot.hotspots))
        elif snapshot.totals.complete and not self.searching and _differs(self._of, snapshot):
            self._search(snapshot, self.area_mm2)

    def _search(self, snapshot: Snapshot, area_mm2: float) -> None:
        shown, choices = self._session.shown, self._session.choices
        self._of, self.searching, self._is_searched = snapshot.patches, True, False
        self.changed.emit()
        search = _searching(shown, choices, snapshot, area_mm2, self._session.bring_to_disk)

        def found(spots: tuple[FieldHotspot, ...]) -> None:
            if self._session.shown is shown and self.area_mm2 == area_mm2:
                self._is_searched = True
                self._set(tuple(of_circle(spot) for spot in spots))

        self._session.background.submit(search, found, self._end_search)

    def _end_search(self) -> None:
        self.searching = False
        if self._told_to_wait and self._is_searched:  # or why it failed would be wiped out
            self._session.problem.emit("")
        self._told_to_wait = False
        self.changed.emit()
        self._follow()

    def _set(self, spots: tuple[Hotspot, ...]) -> None:
        if spots == self.spots:
            return
        self.spots = spots
        self._draw()
        self.changed.emit()

    def clear(self) -> None:
        """Take the circles off the slide."""
        self._circles.put(self._session.viewer.layers, there=False)

    def _layers(self) -> tuple[Layer, ...]:
        """The circles, where they are seen."""
        layer = self._circles.layer
        return (layer,) if layer in self._session.viewer.layers else ()

    def _draw(self) -> None:
        """Circles have a layer of their own while there are any; cells are framed by the grid.

        A second reader is not to see them.
        """
        circles = [spot for spot in self.spots if spot.cell is None]
        um_per_px = self._session.shown.spec.um_per_px if circles else 1.0
        self._circles.draw(outline_segments([spot.outline for spot in circles], um_per_px))
        is_seen = bool(circles) and not self._session.blinded
        self._circles.put(self._session.viewer.layers, there=is_seen)


def _differs(before: PatchTable | None, now: Snapshot) -> bool:
    """Whether patches have other values than those that were searched; equal ones cost nothing."""
    if before is None:
        return True
    return before is not now.patches and not (
        np.array_equal(before.state, now.patches.state)
        and np.array_equal(before.nucleus_px, now.patches.nucleus_px)
    )


def _searching(
    shown: ShownRun,
    choices: Choices,
    snapshot: Snapshot,
    area_mm2: float,
    bring_to_disk: Callable[[], None],
) -> Callable[[], tuple[FieldHotspot, ...]]:
    def search() -> tuple[FieldHotspot, ...]:
        bring_to_disk()
        run = open_run(shown.store, shown.spec.run_id)
        findings = gather(shown.store, run, choices, snapshot.asked)
        return field_hotspots(findings, area_mm2)

    return search
