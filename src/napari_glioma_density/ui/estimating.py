"""The estimate of a session: begun, followed and stopped."""

from contextlib import suppress
from dataclasses import replace
from enum import Enum
from typing import Any

from napari.utils.notifications import show_info
from psygnal import Signal

from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.snapshot import Choices
from napari_glioma_density.slides import Slide
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.ui import words
from napari_glioma_density.ui.camera import CameraWatch, visible_part
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
from napari_glioma_density.ui.region import Scope, put_down, region_of
from napari_glioma_density.ui.stored import ShownRun

STOPPED_FOR_ANOTHER = (
    "Estimate stopped; what is done is kept. "
    "Come back to that slide and press Estimate density to go on."
)
"""napari's notification shows about the first sentence until it is unfolded."""


class Phase(Enum):
    """What a session's estimate is doing."""

    READY = "ready"
    OPENING = "opening slide and model"
    RUNNING = "estimating"
    WATCHING = "all in view is estimated, move on"
    STOPPING = "finishing the blocks begun"


class Estimating:
    """Has the slide on show estimated, one job after the other, and shows what comes of it.

    On the window's thread; the jobs have threads of their own.
    """

    phase_changed = Signal()
    progressed = Signal(object)
    """A `Progress`."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self.phase = Phase.READY
        self.refused: Task | None = None
        self._insisted: set[str] = set()
        self._job: EstimateJob | None = None
        self._left: EstimateJob | None = None
        self._camera = CameraWatch(session.viewer, settled=self._look, moved=self._stir)

    @property
    def is_live(self) -> bool:
        """Whether an estimate follows the view."""
        return self._job is not None and self._job.alive and self._job.task.follows

    def begin(self, model: str, device: str, scope: Scope) -> None:
        """Start estimating; what stands in the way is told as a problem."""
        try:
            task = self._task(model, device, scope)
        except BadInput as error:
            self._session.problem.emit(str(error))
        else:
            put_down(self._session.viewer)
            self._begin_job(task)

    def begin_anyway(self) -> None:
        """Estimate a slide that was refused because it does not look like brightfield."""
        if self.refused is not None:
            self._insisted.add(self.refused.slide.fingerprint)
            self._begin_job(replace(self.refused, force=True))

    def ask_instead(self, model: str, organ: Organ) -> None:
        """Have what was refused estimated with this model, as this organ, if anybody insists."""
        if self.refused is not None:
            self.refused = replace(self.refused, model=model, organ=organ)

    def stop(self) -> None:
        """Stop after the blocks in flight; all that is done is kept."""
        if self._job is not None and self._job.alive:
            self._job.stop()
            self._enter(Phase.STOPPING)

    def leave(self) -> None:
        """Stop because another slide is on show, or none; an estimate that is cut off is told."""
        if self._is_cut_off():
            show_info(STOPPED_FOR_ANOTHER)
        self.stop()
        self._left = self._job
        self.refused = None
        self._enter(Phase.READY)

    def choose(self, choices: Choices) -> None:
        """Have what comes from now on summed up in another way."""
        if self._job is not None:
            self._job.choices = choices

    def tick(self) -> None:
        """Take in what happened since the last tick."""
        if self._job is not None:
            self._take_in(self._job, list(self._job.reports()))

    def close(self) -> None:
        """Stop and wait for the blocks in flight. Twice does no harm."""
        if self._job is not None:
            self._job.stop()
            self._job.join()
            self._job = None
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted its timers
            self._camera.close()

    def _task(self, model: str, device: str, scope: Scope) -> Task:
        viewer, slide = self._session.viewer, self._session.slides.slide
        if slide is None:
            raise BadInput("No slide is open: open one with File > Open.")
        if slide.um_per_px is None:
            raise BadInput(words.NO_RESOLUTION)
        insisted = slide.fingerprint in self._insisted
        region, follows = region_of(viewer, slide, scope), scope is Scope.LIVE
        organ = self._session.slides.organ
        return Task(slide, model, device, organ, region, insisted, follows)

    def _begin_job(self, task: Task) -> None:
        session = self._session
        self.refused = None
        session.problem.emit("")
        self._job = EstimateJob(task, session.choices, session.readiness, after=self._job)
        self._look()
        self._job.start()
        self._enter(Phase.OPENING)

    def _is_cut_off(self) -> bool:
        """Whether another slide is on show than the one that is being estimated."""
        slide: Slide | None = self._session.slides.slide
        job = self._job
        if slide is None or job is None or self.phase not in (Phase.OPENING, Phase.RUNNING):
            return False
        return slide.fingerprint != job.task.slide.fingerprint

    def _take_in(self, job: EstimateJob, reports: list[Report]) -> None:
        """Draw once for all reports; those of a job that was left are dropped.

        Its slide may be on show again, but what it holds is read anew then.
        """
        session = self._session
        if job is self._left:
            return
        for report in reports:
            if isinstance(report, Begun):
                self._show_begun(report.shown)
        progress = [r.progress for r in reports if isinstance(r, Advanced)]
        if progress:
            self._follow_phase(Phase.WATCHING, Phase.RUNNING)
            session.overlays.show_blocks([each.block for each in progress])
            self.progressed.emit(progress[-1])
        measured = [r for r in reports if isinstance(r, Measured)]
        if measured:
            session.show_snapshot(measured[-1].snapshot, summed_as=measured[-1].choices)
        if reports and isinstance(reports[-1], CaughtUp):
            self._follow_phase(Phase.RUNNING, Phase.WATCHING)
        for report in reports:
            if isinstance(report, Ended):
                self._end(report)

    def _show_begun(self, shown: ShownRun) -> None:
        self._follow_phase(Phase.OPENING, Phase.RUNNING)
        before = self._session.shown
        if before is None or before.spec != shown.spec:
            self._session.show(shown)
        else:
            self._session.overlays.bring_back()
        self._session.wishes.take_up(shown.asked)

    def _end(self, ended: Ended) -> None:
        self._enter(Phase.READY)
        if ended.refused and self._job is not None:
            self.refused = self._job.task
        if ended.problem:
            self._session.problem.emit(ended.problem)

    def _follow_phase(self, earlier: Phase, later: Phase) -> None:
        """Go from one phase to the next; a job that is being stopped stays in its own."""
        if self.phase is earlier:
            self._enter(later)

    def _enter(self, phase: Phase) -> None:
        if phase is not self.phase:
            self.phase = phase
            self.phase_changed.emit()

    def _stir(self) -> None:
        if self._job is not None:
            self._job.stir()

    def _look(self) -> None:
        session, job = self._session, self._job
        if job is None:
            return
        job.look_at(visible_part(session.viewer).centre)
        slide = session.slides.slide
        if job.task.follows and job.task.slide is slide:
            with suppress(BadInput):  # beyond the slide: what was looked at last goes on
                if job.follow(region_of(session.viewer, slide, Scope.LIVE)):
                    self._follow_phase(Phase.WATCHING, Phase.RUNNING)
