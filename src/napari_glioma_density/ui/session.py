"""One viewer's slide, its run and its overlays, tied together."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.errors import SlideError
from napari_glioma_density.findings.snapshot import Amendments, Choices, Snapshot, take_snapshot
from napari_glioma_density.regions.region import Region
from napari_glioma_density.slides import Slide
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.camera import (
    SCALE_BAR_PX,
    fly_to,
    is_in_view,
    layer_view,
    show_scale_bar,
)
from napari_glioma_density.ui.cells import Cells
from napari_glioma_density.ui.estimating import Estimating, Phase
from napari_glioma_density.ui.exclusions import ExclusionDesk
from napari_glioma_density.ui.hotspots import Hotspots
from napari_glioma_density.ui.open_slides import OpenSlides
from napari_glioma_density.ui.overlays.left_out import LeftOutOverlay
from napari_glioma_density.ui.overlays.rising import Rising
from napari_glioma_density.ui.overlays.stack import OverlayStack
from napari_glioma_density.ui.readiness import LoadSegmenter, Readiness
from napari_glioma_density.ui.region import region_layers, show_region
from napari_glioma_density.ui.stored import ShownRun, stored_results
from napari_glioma_density.ui.sureness import Sureness
from napari_glioma_density.ui.wishes import Wishes

TICK_MS = 120


class Session:
    """What the docks show and command; lives on the window's thread and never blocks it.

    Slow work goes to the background or to the job; a timer brings their news back.
    """

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
    tissue_seen = Signal()
    """It is known how much tissue the current slide holds, also where nothing is estimated yet."""
    importing = Signal()
    """An import will write to fields on disk: an open one is to be put away."""
    imported = Signal(object)
    """An import changed fields, or regions that were as told before, by id (None: new), on disk."""
    problem = Signal(str)
    """One line to show; empty when all is well again."""

    def __init__(self, viewer: Any, load: LoadSegmenter) -> None:
        self.viewer = viewer
        self.readiness = Readiness(load)
        self.models_changed.connect(self.readiness.forget)
        self.choices = Choices()
        self.shown: ShownRun | None = None
        self.tissue_mm2: float | None = None
        self.snapshot: Snapshot | None = None
        self._summed_as: Choices | None = None
        self.slides = OpenSlides(viewer)
        self.background = Background(self.problem.emit)
        self.overlays = OverlayStack(viewer, self.background)
        self.left_out = LeftOutOverlay(viewer)
        self.overlays.companions.append(lambda: self.left_out.layers)
        self._rising = Rising(viewer, lambda: region_layers(viewer))
        self.cells = Cells(viewer, self.overlays, lambda: self.snapshot)
        self.cells.problem.connect(self.problem.emit)
        self.blinded = False
        self.savers: list[Callable[[], None]] = []
        """Each waits, in any thread, until what people have edited with it is on disk."""
        self.corrections: Callable[[], Corrections | None] = lambda: None
        """The first reader's corrections, where this window holds them open for writing."""
        self.former_docks: list[Any] = []
        """Those that were closed: what their boxes have asked for is still delivered to them."""
        self.estimating = Estimating(self)
        self.exclusions = ExclusionDesk(self)
        self.hotspots = Hotspots(self)
        self.sureness = Sureness(self)
        self.wishes = Wishes(self)
        self._framing = False
        self._asked: tuple[Slide, str | None, Organ | None] | None = None
        show_scale_bar(viewer)
        self._timer = QTimer()
        self._timer.timeout.connect(self.tick)
        self._timer.start(TICK_MS)
        self.slides.changed.connect(self._change_slide)

    def open_stored(self, model: str | None = None, organ: Organ | None = None) -> None:
        """Bring back what the current slide's store holds: the latest run, or that of a model."""
        slide, choices = self.slides.slide, self.choices
        if slide is None:
            return
        asked = self._asked = (slide, model, organ)

        def opened(shown: ShownRun | None) -> None:
            if self._asked is not asked or self.shown is not None:
                return
            if shown is None:
                self.nothing_stored.emit()
            else:
                self._restore(shown, choices)

        self.background.submit(lambda: stored_results(slide, choices, model, organ), opened)

    def choose_model(self, model: str) -> None:
        """Show what a model has found on this slide before, and nothing of another model.

        Nor what it found when the slide was taken for another organ.
        """
        organ, spec = self.slides.organ, self.shown.spec if self.shown else None
        self.estimating.ask_instead(model, organ)
        is_shown = spec is not None and (spec.model, spec.organ) == (model, organ)
        if self.estimating.phase is not Phase.READY or is_shown:
            return
        self._clear()
        self.open_stored(model, organ)

    def _clear(self) -> None:
        self.clear_overlays()
        self.shown = None
        self._choose_without_redrawing(replace(self.choices, amendments=Amendments(), section=None))
        self.show_snapshot(None)

    def clear_overlays(self) -> None:
        """Take away what is drawn over the slide."""
        self.overlays.clear()
        self.left_out.show((), 1.0)

    def _restore(self, shown: ShownRun, summed_as: Choices) -> None:
        slide = self.slides.slide
        if slide is not None and slide.um_per_px != shown.spec.um_per_px:
            if slide.um_per_px is not None:
                return
            self.slides.set_um_per_px(shown.spec.um_per_px, shown.spec.um_per_px_source)
        self.show(shown)
        self.wishes.restore(shown.asked)
        if summed_as != self.choices:
            self._sum_up(shown.snapshot)  # another choice was made meanwhile

    def _change_slide(self) -> None:
        self.estimating.leave()
        show_region(self.viewer, self.slides.slide)
        self._asked = self.tissue_mm2 = None
        self._clear()
        self.problem.emit("")
        self._frame_slide()
        self._framing = True
        self.take_up_slide()

    def begin(self) -> None:
        """Take up the slide that was open before; where all of it was in view it is so again."""
        slide = self.slides.current
        self._framing = slide is not None and is_in_view(self.viewer, layer_view(slide))
        self.take_up_slide()

    def take_up_slide(self) -> None:
        """Bring back what the current slide's store holds, and tell where nothing of it decodes.

        Such a slide looks like white glass.
        """
        self.open_stored()
        slide = self.slides.slide
        if slide is None:
            return

        def tell(problem: str) -> None:
            if problem and slide is self.slides.slide:
                self.problem.emit(problem)

        self.background.submit(partial(_fault_of, slide), tell)

    def _frame_slide(self) -> None:
        """Show the whole slide, and the scale bar below it: names of cells lie in corners."""
        self._framing = False
        if self.slides.current is not None:
            slide = layer_view(self.slides.current)
            fly_to(self.viewer, slide, margin=1.05, below_px=SCALE_BAR_PX)

    def bring_to_disk(self) -> None:
        """Wait, in any thread, until all that people have edited is on disk."""
        for save in tuple(self.savers):
            save()

    def tick(self) -> None:
        """Take in what happened in other threads since the last tick."""
        if self._framing:  # again: with its first layer napari laid out the window anew
            self._frame_slide()
        self.background.deliver()
        self.estimating.tick()
        self.exclusions.tick()
        self.overlays.tick()
        for lines in (self.hotspots, self.left_out):
            lines.follow_zoom(self.viewer.scene.camera.zoom)

    def choose(self, choices: Choices) -> None:
        """Sum up and draw the results in another way; nothing is computed anew by the network."""
        self._choose_without_redrawing(choices)
        if self.snapshot is not None:
            self._sum_up(self.snapshot)

    def _sum_up(self, before: Snapshot) -> None:
        choices, measured, asked = self.choices, before.measured, before.asked

        def show(summed: Snapshot) -> None:
            now = self.snapshot
            if now is None or now.patches.lattice != measured.lattice:
                return
            if now.measured is measured:
                self.show_snapshot(summed, summed_as=choices)
            elif self._summed_as is not self.choices:
                # More was measured meanwhile, and that was summed up in the earlier way.
                self._sum_up(now)

        work = partial(take_snapshot, measured, choices, asked)
        self.background.submit(work, show, newest="choice")

    def amend(self, amendments: Amendments) -> None:
        """Let corrected fields and exclusions count from now on."""
        self.choose(replace(self.choices, amendments=amendments))

    def blind(self, blinded: bool) -> None:
        """Hide what was found, for a reader who is not to know it, or show it again."""
        self.blinded = blinded
        self.overlays.keep_back(blinded)
        self.left_out.hide(blinded)
        self.blinded_changed.emit(blinded)

    def _choose_without_redrawing(self, choices: Choices) -> None:
        self.choices = choices
        self.estimating.choose(choices)

    def show(self, shown: ShownRun) -> None:
        """Show a run, as far as it is done."""
        self.shown = shown
        self.slides.set_organ(shown.spec.organ)
        self.see_tissue(shown.tissue_mm2)
        self._choose_without_redrawing(replace(self.choices, amendments=shown.amendments))
        self.overlays.show(shown)
        self.outline_left_out(shown.left_out)
        self.show_snapshot(shown.snapshot)

    def see_tissue(self, mm2: float) -> None:
        """Take note of how much tissue the current slide holds."""
        self.tissue_mm2 = mm2
        self.tissue_seen.emit()

    def outline_left_out(self, regions: Sequence[Region]) -> None:
        """Show on the slide what is in no number of the run on show."""
        if self.shown is not None:
            self.left_out.show([each.geometry for each in regions], self.shown.spec.um_per_px)

    def show_snapshot(self, snapshot: Snapshot | None, summed_as: Choices | None = None) -> None:
        """Show other numbers of the run on show; none where nothing is measured.

        `summed_as` are the choices they were summed up by, where these may still hold.
        """
        self._summed_as = summed_as
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
        self.left_out.close()
        self._rising.close()
        self.estimating.close()
        self.background.close()
        self.former_docks.clear()
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted its timers
            self._timer.stop()


def _fault_of(slide: Slide) -> str:
    """Why nothing of a slide can be read; empty where something can."""
    try:
        slide.check_readable()
    except SlideError as error:
        return str(error)
    return ""
