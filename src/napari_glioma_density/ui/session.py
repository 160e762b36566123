"""One viewer's slide, its run and its overlays, tied together."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any

from napari.utils.notifications import show_info
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.snapshot import Amendments, Choices, Snapshot, take_snapshot
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.camera import (
    CameraWatch,
    fly_to,
    layer_view,
    show_scale_bar,
    visible_part,
)
from napari_glioma_density.ui.cells import Cells
from napari_glioma_density.ui.exclusions import ExclusionDesk
from napari_glioma_density.ui.hotspots import Hotspots
from napari_glioma_density.ui.job import (
    Advanced,
    Begun,
    CaughtUp,
    Ended,
    EstimateJob,
    Measured,
    Report,
    Task,
)
from napari_glioma_density.ui.open_slides import OpenSlides
from napari_glioma_density.ui.overlays.stack import OverlayStack
from napari_glioma_density.ui.readiness import LoadSegmenter, Readiness, load_segmenter
from napari_glioma_density.ui.region import Scope, region_of
from napari_glioma_density.ui.stored import ShownRun, stored_results
from napari_glioma_density.ui.sureness import Sureness

TICK_MS = 120
STOPPED_FOR_ANOTHER = (
    "Estimate stopped; what is done is kept. "
    "Come back to that slide and press Estimate density to go on."
)
"""napari's notification shows about the first sentence until it is unfolded."""


class Phase(Enum):
    """What a session is doing."""

    READY = "ready"
    OPENING = "opening slide and model"
    RUNNING = "estimating"
    WATCHING = "all in view is estimated, move on"
    STOPPING = "finishing the blocks begun"


class Session:
    """What the dock shows and commands; lives on the window's thread and never blocks it.

    Slow work goes to the background or to the job; a timer brings their news back.
    """

    phase_changed = Signal()
    progressed = Signal(object)
    """A `Progress`."""
    measured = Signal()
    """There is another snapshot, or none any more."""
    blinded_changed = Signal(bool)
    """Numbers are to be hidden, or shown again."""
    models_changed = Signal()
    """There are other models to choose from."""
    models_listed = Signal()
    """The models there are can be chosen."""
    nothing_stored = Signal()
    """The current slide has no results of the model asked for: an estimate may follow."""
    importing = Signal()
    """An import will write to fields on disk: an open one is to be put away."""
    imported = Signal()
    """Regions or fields on disk were changed by an import."""
    problem = Signal(str)
    """One line to show; empty when all is well again."""

    def __init__(self, viewer: Any, load: LoadSegmenter = load_segmenter) -> None:
        self.viewer = viewer
        self.readiness = Readiness(load)
        self.models_changed.connect(self.readiness.forget)
        self.phase = Phase.READY
        self.choices = Choices()
        self.shown: ShownRun | None = None
        self.snapshot: Snapshot | None = None
        self.slides = OpenSlides(viewer)
        self.background = Background(self.problem.emit)
        self.overlays = OverlayStack(viewer, self.background)
        self.cells = Cells(viewer, self.overlays, lambda: self.snapshot)
        self.cells.problem.connect(self.problem.emit)
        self.blinded = False
        self.refused: Task | None = None
        self.savers: list[Callable[[], None]] = []
        """Each waits, in any thread, until what people have edited with it is on disk."""
        self.corrections: Callable[[], Corrections | None] = lambda: None
        """The first reader's corrections, where this window holds them open for writing."""
        self.exclusions = ExclusionDesk(self)
        self.hotspots = Hotspots(self)
        self.sureness = Sureness(self)
        self._insisted: set[str] = set()
        self._framing = False
        self._asked: tuple[Slide, str | None] | None = None
        self._job: EstimateJob | None = None
        self._camera = CameraWatch(viewer, settled=self._look, moved=self._stir)
        show_scale_bar(viewer)
        self._timer = QTimer()
        self._timer.timeout.connect(self.tick)
        self._timer.start(TICK_MS)
        self.slides.changed.connect(self._change_slide)

    @property
    def is_live(self) -> bool:
        """Whether an estimate follows the view."""
        return self._job is not None and self._job.alive and self._job.task.follows

    def open_stored(self, model: str | None = None) -> None:
        """Bring back what the current slide's store holds: the latest run, or that of a model."""
        slide, choices = self.slides.slide, self.choices
        if slide is None:
            return
        asked = self._asked = (slide, model)

        def opened(shown: ShownRun | None) -> None:
            if self._asked is not asked or self.shown is not None:
                return
            if shown is None:
                self.nothing_stored.emit()
            else:
                self._restore(shown)

        self.background.submit(lambda: stored_results(slide, choices, model), opened)

    def choose_model(self, model: str) -> None:
        """Show what a model has found on this slide before, and nothing of another model."""
        if self.phase is not Phase.READY or (self.shown and self.shown.spec.model == model):
            return
        self._clear()
        self.open_stored(model)

    def _clear(self) -> None:
        self.overlays.clear()
        self.shown = None
        self._choose_without_redrawing(replace(self.choices, amendments=Amendments(), section=None))
        self._show_snapshot(None)

    def _restore(self, shown: ShownRun) -> None:
        slide = self.slides.slide
        if slide is not None and slide.um_per_px != shown.spec.um_per_px:
            if slide.um_per_px is not None:
                return
            self.slides.set_um_per_px(shown.spec.um_per_px, shown.spec.um_per_px_source)
        self._show(shown)

    def _change_slide(self) -> None:
        if self._is_left():
            show_info(STOPPED_FOR_ANOTHER)
        self.stop()
        self._enter(Phase.READY)
        self._asked = self.refused = None
        self._clear()
        self.problem.emit("")
        self._frame_slide()
        self._framing = True
        self.open_stored()

    def _is_left(self) -> bool:
        """Whether another slide is on show than the one that is being estimated."""
        slide, job = self.slides.slide, self._job
        if slide is None or job is None or self.phase not in (Phase.OPENING, Phase.RUNNING):
            return False
        return slide.fingerprint != job.task.slide.fingerprint

    def _frame_slide(self) -> None:
        """Show the whole slide."""
        self._framing = False
        if self.slides.current is not None:
            fly_to(self.viewer, layer_view(self.slides.current), margin=1.05)

    def bring_to_disk(self) -> None:
        """Wait, in any thread, until all that people have edited is on disk."""
        for save in tuple(self.savers):
            save()

    def estimate(self, model: str, device: str, scope: Scope) -> None:
        """Start estimating; what stands in the way is told as a problem."""
        try:
            task = self._task(model, device, scope)
        except BadInput as error:
            self.problem.emit(str(error))
        else:
            self._begin_job(task)

    def estimate_anyway(self) -> None:
        """Estimate a slide that was refused because it does not look like brightfield."""
        if self.refused is not None:
            self._insisted.add(self.refused.slide.fingerprint)
            self._begin_job(replace(self.refused, force=True))

    def _begin_job(self, task: Task) -> None:
        self.refused = None
        self.problem.emit("")
        self._job = EstimateJob(task, self.choices, self.readiness, after=self._job)
        self._look()
        self._job.start()
        self._enter(Phase.OPENING)

    def _task(self, model: str, device: str, scope: Scope) -> Task:
        slide = self.slides.slide
        if slide is None:
            raise BadInput("No slide is open: open one with File > Open.")
        if slide.um_per_px is None:
            raise BadInput("This slide states no µm/px: give it under Slide.")
        insisted = slide.fingerprint in self._insisted
        region, follows = region_of(self.viewer, slide, scope), scope is Scope.LIVE
        return Task(slide, model, device, region, insisted, follows)

    def stop(self) -> None:
        """Stop after the blocks in flight; all that is done is kept."""
        if self._job is not None and self._job.alive:
            self._job.stop()
            self._enter(Phase.STOPPING)

    def tick(self) -> None:
        """Take in what happened in other threads since the last tick."""
        if self._framing:  # again: with its first layer napari laid out the window anew
            self._frame_slide()
        self.background.deliver()
        if self._job is not None:
            self._take_in(self._job, list(self._job.reports()))
        self.exclusions.tick()
        self.overlays.tick()
        self.hotspots.follow_zoom(self.viewer.scene.camera.zoom)

    def _take_in(self, job: EstimateJob, reports: list[Report]) -> None:
        """Draw once for all reports; those of a slide no longer current are dropped."""
        if job.task.slide is not self.slides.slide:
            return
        for report in reports:
            if isinstance(report, Begun):
                self._begin(report.shown)
        progress = [r.progress for r in reports if isinstance(r, Advanced)]
        if progress:
            self._follow_phase(Phase.WATCHING, Phase.RUNNING)
            self.overlays.show_blocks([each.block for each in progress])
            self.progressed.emit(progress[-1])
        measured = [r.snapshot for r in reports if isinstance(r, Measured)]
        if measured:
            self._show_snapshot(measured[-1])
        if reports and isinstance(reports[-1], CaughtUp):
            self._follow_phase(Phase.RUNNING, Phase.WATCHING)
        for report in reports:
            if isinstance(report, Ended):
                self._end(report)

    def _follow_phase(self, earlier: Phase, later: Phase) -> None:
        """Go from one phase to the next; a job that is being stopped stays in its own."""
        if self.phase is earlier:
            self._enter(later)

    def _begin(self, shown: ShownRun) -> None:
        self._follow_phase(Phase.OPENING, Phase.RUNNING)
        if self.shown is None or self.shown.spec != shown.spec:
            self._show(shown)

    def _end(self, ended: Ended) -> None:
        self._enter(Phase.READY)
        if ended.refused and self._job is not None:
            self.refused = self._job.task
        if ended.problem:
            self.problem.emit(ended.problem)

    def _enter(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.phase_changed.emit()

    def _stir(self) -> None:
        if self._job is not None:
            self._job.stir()

    def _look(self) -> None:
        job, slide = self._job, self.slides.slide
        if job is None:
            return
        job.look_at(visible_part(self.viewer).centre)
        if job.task.follows and job.task.slide is slide:
            with suppress(BadInput):  # beyond the slide: what was looked at last goes on
                if job.follow(region_of(self.viewer, slide, Scope.LIVE)):
                    self._follow_phase(Phase.WATCHING, Phase.RUNNING)

    def choose(self, choices: Choices) -> None:
        """Sum up and draw the results in another way; nothing is computed anew by the network."""
        self._choose_without_redrawing(choices)
        if self.snapshot is None:
            return
        measured, asked = self.snapshot.measured, self.snapshot.asked
        self.background.submit(lambda: take_snapshot(measured, choices, asked), self._show_choice)

    def amend(self, amendments: Amendments) -> None:
        """Let corrected fields and exclusions count from now on."""
        self.choose(replace(self.choices, amendments=amendments))

    def blind(self, blinded: bool) -> None:
        """Hide what was found, for a reader who is not to know it, or show it again."""
        self.blinded = blinded
        self.overlays.set_hidden(blinded)
        self.blinded_changed.emit(blinded)

    def _choose_without_redrawing(self, choices: Choices) -> None:
        self.choices = choices
        if self._job is not None:
            self._job.choices = choices

    def _show_choice(self, snapshot: Snapshot) -> None:
        if self.snapshot is not None and self.snapshot.patches.lattice == snapshot.patches.lattice:
            self._show_snapshot(snapshot)

    def _show(self, shown: ShownRun) -> None:
        self.shown = shown
        self._choose_without_redrawing(replace(self.choices, amendments=shown.amendments))
        self.overlays.show(shown)
        self._show_snapshot(shown.snapshot)

    def _show_snapshot(self, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            self.overlays.paint(snapshot)
        moved = (snapshot and snapshot.grid) != (self.snapshot and self.snapshot.grid)
        self.snapshot = snapshot
        if moved:
            self.cells.forget()
        self.measured.emit()

    def close(self) -> None:
        """Stop, wait for the blocks in flight, and let go of the viewer. Twice does no harm."""
        self.slides.close()
        if self._job is not None:
            self._job.stop()
            self._job.join()
            self._job = None
        self.background.close()
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted its timers
            self._timer.stop()
            self._camera.close()
