"""The thread that estimates a slide while the window stays free."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.snapshot import Choices, Snapshot, take_snapshot
from napari_glioma_density.slides import Slide
from napari_glioma_density.slides.organ import BRAIN, Organ
from napari_glioma_density.stain import NotBrightfield
from napari_glioma_density.ui.courtesy import give_way
from napari_glioma_density.ui.readiness import Asked, Readiness
from napari_glioma_density.ui.region import Region
from napari_glioma_density.ui.stored import ShownRun, show_run

if TYPE_CHECKING:
    from napari_glioma_density.estimate import Estimation, Focus, Progress

logger = logging.getLogger(__name__)

SNAPSHOT_SECONDS = 0.25
DOUBT = "looks like fluorescence or dark field, not like a brightfield H&E slide."


@dataclass(frozen=True)
class Task:
    """What to estimate: a slide, with a model on a device, of an organ.

    `region` is None for the whole slide; `force` measures one that does not look like brightfield.
    A task that `follows` goes on to every region that is looked at, until it is stopped.
    """

    slide: Slide
    model: str
    device: str
    organ: Organ = BRAIN
    region: Region | None = None
    force: bool = False
    follows: bool = False


@dataclass(frozen=True)
class Begun:
    """The run is open; `shown` holds what an earlier session left of it."""

    shown: ShownRun


@dataclass(frozen=True)
class Advanced:
    """A block is on disk."""

    progress: "Progress"


@dataclass(frozen=True)
class Measured:
    """The patches summed up as chosen; comes a few times a second and after the last block."""

    snapshot: Snapshot
    choices: Choices


@dataclass(frozen=True)
class CaughtUp:
    """All that is looked at is estimated; the job waits for the view to move."""


@dataclass(frozen=True)
class Ended:
    """The thread is done; `problem` is the one line to show when it failed.

    `refused` says that the slide was only doubted: the user may insist on measuring it.
    """

    problem: str | None = None
    refused: bool = False


Report = Begun | Advanced | Measured | CaughtUp | Ended


class EstimateJob:
    """Estimates one slide in a thread of its own.

    The thread waits for `after`, an earlier job that is still finishing its blocks, because a
    store has one writer. It reports through `reports`, which the window's thread calls.
    """

    def __init__(
        self,
        task: Task,
        choices: Choices,
        readiness: Readiness,
        after: "EstimateJob | None" = None,
    ) -> None:
        self.task = task
        self.choices = choices
        self._readiness = readiness
        self._after = after
        self._stop = threading.Event()
        self._moved = threading.Event()
        """The region in work is no longer wanted: another is, or the job was stopped."""
        self._region = task.region
        self._centre: tuple[float, float] | None = None
        self._focus: Focus | None = None
        self._stands_aside = False
        self._um_per_px = 1.0
        self._reports: SimpleQueue[Report] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="glioma-density-estimate")

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask for an end; blocks in flight are finished first."""
        self._stop.set()
        self._moved.set()

    def join(self) -> None:
        """Wait until the thread has ended."""
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether the thread is still at work."""
        return self._thread.is_alive()

    def stir(self) -> None:
        """The view moves: where it is drawn by what computes, no block is begun until it rests."""
        if self._focus is not None and self._stands_aside:
            self._focus.stir()

    def look_at(self, centre_um: tuple[float, float]) -> None:
        """Work outwards from here (y, x in µm) from now on."""
        self._centre = centre_um
        if self._focus is not None:
            self._focus.move(*(side / self._um_per_px for side in centre_um))

    def follow(self, region: Region | None) -> bool:
        """Estimate what is looked at now; of what was looked at before only the block begun.

        Returns whether that is something else.
        """
        if region == self._region:
            return False
        self._region = region
        self._moved.set()
        return True

    def reports(self) -> Iterator[Report]:
        """Yield what happened since the last call."""
        while True:
            try:
                yield self._reports.get_nowait()
            except Empty:
                return

    def _run(self) -> None:
        give_way()
        try:
            if self._after is not None:
                self._after.join()
                self._after = None
            self._estimate()
        except NotBrightfield:
            self._reports.put(Ended(f"{self.task.slide.pseudonym} {DOUBT}", refused=True))
        except BadInput as error:
            self._reports.put(Ended(str(error)))
        except Exception as error:
            # The thread's last line: whatever it was, the window must hear of the end.
            logger.exception("The estimate failed")
            self._reports.put(Ended(f"The estimate failed: {error}; details are in the log."))
        else:
            self._reports.put(Ended())

    def _estimate(self) -> None:
        from napari_glioma_density.estimate import prepare

        task = self.task
        if self._stop.is_set():
            return
        if task.force:
            segmenter, survey = self._readiness.load(task.model, task.device), None
        else:
            ready = self._readiness.get(Asked(task.slide, task.model, task.device))
            segmenter, survey = ready.segmenter, ready.survey
        self._stands_aside = segmenter.device == "cpu" and not task.follows
        focus = self._attend(segmenter.spec.um_per_px)
        with closing(
            prepare(
                task.slide,
                segmenter,
                organ=task.organ,
                focus=focus,
                force=task.force,
                survey=survey,
            )
        ) as estimation:
            self._um_per_px = estimation.plane.um_per_px
            self._report_blocks(estimation, focus)

    def _report_blocks(self, estimation: "Estimation", focus: "Focus") -> None:
        scope = self._scope(estimation)
        self._reports.put(Begun(show_run(estimation.run, self.choices, scope)))
        if not self.task.follows:
            self._report_scope(estimation, scope, focus)
            return
        self._follow_view(estimation, focus)
        estimation.finish()
        self._measure(estimation, estimation.scope_of(None))

    def _follow_view(self, estimation: "Estimation", focus: "Focus") -> None:
        while True:
            # In this order: whoever stops the job in between is heard.
            self._moved.clear()
            if self._stop.is_set():
                return
            self._report_scope(estimation, self._scope(estimation), focus)
            if not self._moved.is_set():
                self._reports.put(CaughtUp())
            self._moved.wait()

    def _scope(self, estimation: "Estimation") -> NDArray[np.bool_]:
        region = self._region
        return estimation.scope_of(None) if region is None else region.patches(estimation)

    def _report_scope(
        self, estimation: "Estimation", scope: NDArray[np.bool_], focus: "Focus"
    ) -> None:
        due, tables = 0.0, not self.task.follows
        for progress in estimation.blocks(scope, focus, tables=tables, halted=self._moved.is_set):
            self._reports.put(Advanced(progress))
            if time.monotonic() >= due:
                self._measure(estimation, scope)
                due = time.monotonic() + SNAPSHOT_SECONDS
        self._measure(estimation, scope)

    def _measure(self, estimation: "Estimation", scope: NDArray[np.bool_]) -> None:
        patches, choices = estimation.run.patches(), self.choices
        self._reports.put(Measured(take_snapshot(patches, choices, scope), choices))

    def _attend(self, um_per_px: float) -> "Focus":
        """Return the focus that `look_at` moves, put where the person looks now."""
        from napari_glioma_density.estimate import Focus

        self._um_per_px = um_per_px
        self._focus = Focus()
        if self._centre is not None:
            self.look_at(self._centre)
        return self._focus
