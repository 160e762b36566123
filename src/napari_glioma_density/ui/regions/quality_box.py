"""The quality check: blur, pen, folds and empty places found by themselves."""

import threading

from qtpy.QtWidgets import QProgressBar, QPushButton

from napari_glioma_density.regions.plane import plane_of_run
from napari_glioma_density.regions.quality_check import check_quality
from napari_glioma_density.regions.region import Origin, Region
from napari_glioma_density.results import ResultStore
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.regions.desk import RegionDesk
from napari_glioma_density.ui.regions.figures import RegionFigures
from napari_glioma_density.ui.regions.words import left_out
from napari_glioma_density.ui.stored import ShownRun

FINDS = (
    "Finds blur, pen, folds and empty places. What it leaves out is listed above; edit or delete "
    "it like any other region."
)
NO_RUN = "Estimate the density first: the check looks at the tissue that was found."
NOTHING = "Nothing to leave out was found."
STOPPED = "Stopped; nothing was changed."


class QualityBox(Box):
    """Runs the check in the background; `tick` shows how far it is.

    What a check finds takes the place of what an earlier one found and nobody has changed since.
    """

    def __init__(self, desk: RegionDesk, figures: RegionFigures) -> None:
        super().__init__("Quality check")
        self._desk, self._figures = desk, figures
        self._stop: threading.Event | None = None
        self._done = (0, 0)
        self._start = QPushButton("Check quality")
        self._end = QPushButton("Stop")
        self._bar = QProgressBar()
        self._result = text(FINDS, quiet=True)
        self.body.addLayout(row([self._start, self._bar, self._end], stretch=1))
        self.body.addWidget(self._result)
        self.connections = Connections()
        self.connections.add(self._start.clicked, self.check)
        self.connections.add(self._end.clicked, self.stop)
        self.connections.add(figures.changed, self._show_figures)
        self.connections.add(desk.session.slides.changed, self._leave_slide)
        self._show_running()

    def check(self) -> None:
        """Begin."""
        session = self._desk.session
        slide, shown = session.slides.slide, session.shown
        if slide is None or shown is None:
            session.problem.emit(NO_RUN)
            return
        if self._stop is not None:
            return
        session.problem.emit("")
        stop = self._stop = threading.Event()
        self._done = (0, 0)
        session.background.submit(
            lambda: self._found(slide, shown, stop),
            lambda found: self._take(slide, found, stop),
            lambda: self._finish(stop),
        )
        self._show_running()

    def stop(self) -> None:
        """Stop soon."""
        if self._stop is not None:
            self._stop.set()

    def tick(self) -> None:
        """Show how far the check is."""
        done, total = self._done
        if self._stop is not None and total:
            self._bar.setRange(0, total)
            self._bar.setValue(done)

    def _found(self, slide: Slide, shown: ShownRun, stop: threading.Event) -> tuple[Region, ...]:
        plane = plane_of_run(slide, shown.spec)
        tissue = ResultStore(shown.store).run(shown.spec.run_id).tissue
        return check_quality(plane, tissue, on_progress=self._advance, stop=stop.is_set)

    def _advance(self, done: int, total: int) -> None:
        self._done = done, total

    def _take(self, slide: Slide, found: tuple[Region, ...], stop: threading.Event) -> None:
        if stop.is_set() or slide is not self._desk.session.slides.slide:
            self._result.setText(STOPPED)
            return
        change: dict[str, Region | None] = {
            region.id: None for region in self._desk.regions if region.origin is Origin.AUTOMATIC
        }
        change |= {region.id: region for region in found}
        self._desk.change(change)
        self._result.setText("Measuring …" if found else NOTHING)

    def _finish(self, stop: threading.Event) -> None:
        if stop is self._stop:
            self._stop = None
            self._show_running()

    def _leave_slide(self) -> None:
        self.stop()
        self._result.setText(FINDS)

    def _show_running(self) -> None:
        running = self._stop is not None
        self._start.setEnabled(not running)
        self._end.setEnabled(running)
        self._bar.setVisible(running)
        self._bar.setRange(0, 0)  # until the first part is done

    def _show_figures(self) -> None:
        latest = self._figures.latest
        if latest is not None and latest.automatic_mm2:
            said = left_out(latest.automatic_mm2)
            self._result.setText(f"The check {said}.")
