"""How far the model is known to be off on the slide on show."""

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_glioma_density.findings.density_error import DensityError
from napari_glioma_density.findings.known_error import holding, known_error
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.stored import ShownRun

if TYPE_CHECKING:
    from napari_glioma_density.density import Exclusions
    from napari_glioma_density.ui.session import Session


class Sureness:
    """What intervals on the screen are made from; follows finished fields and exclusions."""

    changed = Signal()
    """Intervals are others, or none."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._found: tuple[ShownRun, DensityError | None] | None = None
        self._left_out: Exclusions | None = None
        session.measured.connect(self._follow)
        session.slides.specimen_changed.connect(self._tell)
        session.estimating.phase_changed.connect(self._follow_estimate)

    @property
    def error(self) -> DensityError | None:
        """Of the model on the slide on show; None where nothing is known of it."""
        shown = self._session.shown
        if shown is None:
            return None
        error = self._found[1] if self._found and self._found[0] is shown else shown.error
        caution = self._session.slides.specimen.caution
        return holding(error, is_validated=not caution and not shown.is_sharper)

    def refresh(self) -> None:
        """Find it anew, in the background, once all edits are on disk."""
        session, shown, snapshot = self._session, self._session.shown, self._session.snapshot
        if shown is None or snapshot is None:
            return

        def find() -> DensityError | None:
            session.bring_to_disk()
            return known_error(shown.store, shown.spec, snapshot)

        session.background.submit(find, lambda error: self._take(shown, error))

    def _follow(self) -> None:
        """A field on patches that are left out tells nothing."""
        left_out = self._session.choices.amendments.exclusions
        if left_out is not self._left_out:
            self._left_out = left_out
            self.refresh()

    def _follow_estimate(self) -> None:
        """Fields tell of a run once it has read their patches."""
        if self._session.estimating.phase in (Phase.READY, Phase.WATCHING):
            self.refresh()

    def _take(self, shown: ShownRun, error: DensityError | None) -> None:
        changed = error != self.error
        self._found = shown, error
        if changed and shown is self._session.shown:
            self._tell()

    def _tell(self) -> None:
        self.changed.emit()
        self._session.measured.emit()
