"""What can be done for an estimate before it is asked for."""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple
from weakref import WeakKeyDictionary, ref

from napari_glioma_density.density import Lattice, PatchTable
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.snapshot import Snapshot, take_snapshot
from napari_glioma_density.ui.background import OneAtATime
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.readiness import Asked
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.stored import tissue_mm2


def get_ready(session: Session, model: str, device: str) -> None:
    """Load a model, look the current slide over and put the overlays in place, still empty.

    Problems are told only when an estimate is asked for. A newer call replaces one that has not
    begun.
    """
    _ahead.setdefault(session, _Ahead(session)).ask(model, device)


class _Seen(NamedTuple):
    """A slide that was looked over: its patches, nothing measured of them, and its tissue."""

    lattice: Lattice
    nothing: Snapshot
    tissue_mm2: float


class _Ahead:
    """Gets a session ready for what was asked for last.

    One at a time, because each waits for a model; the other background threads are kept free for
    what a person is waiting for.
    """

    def __init__(self, session: Session) -> None:
        self._session = ref(session)
        self._asked: Asked | None = None
        self._work = OneAtATime(self._begin)

    def ask(self, model: str, device: str) -> None:
        session = self._session()
        slide = session.slides.slide if session else None
        if slide is not None:
            self._asked = Asked(slide, model, device)
            self._work.ask()

    def _begin(self, end: Callable[[], None]) -> None:
        session, asked = self._session(), self._asked
        self._asked = None  # or a slide that was left would be kept
        if session is None or asked is None or not _is_wanted(session, asked):
            end()
            return
        choices = session.choices

        def look() -> _Seen | None:
            with suppress(BadInput):
                survey = session.readiness.get(asked, ahead=True).survey
                plane, kinds = survey.plane, survey.tissue.kinds
                lattice = Lattice.over(plane.height, plane.width, plane.um_per_px)
                nothing = take_snapshot(PatchTable.pending(lattice), choices)
                return _Seen(lattice, nothing, tissue_mm2(kinds, lattice))
            return None

        def looked(found: _Seen | None) -> None:
            if found is not None and _is_wanted(session, asked):
                session.overlays.expect(found.lattice, found.nothing)
                session.see_tissue(found.tissue_mm2)

        session.background.submit(look, looked, end)


def _is_wanted(session: Session, asked: Asked) -> bool:
    """Whether an estimate of the slide on show may come, and nothing of it is shown yet."""
    slide = session.slides.slide
    is_measurable = slide is not None and slide.um_per_px is not None
    is_idle = session.shown is None and session.estimating.phase is Phase.READY
    return slide is asked.slide and is_measurable and is_idle


_ahead: WeakKeyDictionary[Session, _Ahead] = WeakKeyDictionary()
