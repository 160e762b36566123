"""The main job: a slide and a segmenter go in, finished blocks come out, each already on disk."""

import dataclasses
import time
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, partition
from napari_glioma_density.estimate.measurement import (
    COUNTING,
    Ground,
)
from napari_glioma_density.estimate.order import Focus, NearestFirst
from napari_glioma_density.estimate.pipeline import Pipeline
from napari_glioma_density.estimate.progress import Pace, Progress, StageSeconds
from napari_glioma_density.estimate.rereading import readable_now
from napari_glioma_density.estimate.slide_colours import FIT
from napari_glioma_density.estimate.survey import Survey
from napari_glioma_density.nuclei.segmenter_protocol import Segmenter
from napari_glioma_density.results import ResultStore, Run, RunSpec, store_path
from napari_glioma_density.slides import Slide, WorkingPlane
from napari_glioma_density.slides.organ import BRAIN, Organ
from napari_glioma_density.stain import colour_input

BLOCK_PATCHES = {"cpu": 2, "mps": 2, "cuda": 4}
"""Side of a block by device: on a CPU 1920 px blocks are no faster a patch than 960."""


def prepare(
    slide: Slide,
    segmenter: Segmenter,
    store_folder: Path | None = None,
    *,
    organ: Organ = BRAIN,
    tissue_mask: bool = True,
    restart: bool = False,
    block_patches: int | None = None,
    focus: Focus | None = None,
    force: bool = False,
    survey: Survey | None = None,
) -> "Estimation":
    """Open or resume the run of ``segmenter`` on ``slide``.

    Parameters
    ----------
    slide
        With a believable µm/px.
    segmenter
        The model.
    store_folder
        Where the result store goes; beside the slide when not given.
    organ
        What the slide is of: decides on the model's threshold.
    tissue_mask
        Whether bare glass is left out; otherwise every patch is run.
    restart
        Throw away what an earlier run with these settings has finished.
    block_patches
        Side of a block in patches; by device when not given. A resumed run keeps its own.
    focus
        Where the user looks: the block there is divided, so that the first nuclei come early.
    force
        Run even if the slide does not look like brightfield H&E.
    survey
        One made before; where it is not of this slide and model, another is made.

    Raises
    ------
    SlideError
        When the slide cannot be measured: no µm/px, too coarse, not brightfield, unreadable.
    StoreError
        When results cannot be kept.
    """
    segmenter = segmenter.for_organ(organ)
    model = segmenter.spec
    if survey is None or not survey.is_of(slide, model, tissue_mask=tissue_mask):
        survey = Survey.of(slide, model, tissue_mask=tissue_mask, force=force)
    plane = survey.plane
    spec = _run_spec(plane, segmenter, organ, tissue_mask, block_patches, focus)
    store = ResultStore.open(
        store_path(slide.path, store_folder),
        slide.fingerprint,
        slide.pseudonym,
        slide.width,
        slide.height,
    )
    if restart or not store.holds(spec.run_id):
        # A run that begins is fitted to the slide; a resumed one keeps the colours it began with.
        colours = survey.colours
        spec = dataclasses.replace(
            spec, colour_statistics=colours.statistics, colour_source=colours.source
        )
    run = (store.restart if restart else store.begin)(spec, survey.tissue.kinds)
    _bring_up_to_date(survey, segmenter, run)
    return Estimation(slide, plane, segmenter.fitted(run.spec.colour_statistics), run)


def _bring_up_to_date(survey: Survey, segmenter: Segmenter, run: Run) -> None:
    """Note what is known of model and slide, and have blocks done anew that can be read better now.

    The run is closed where that fails.
    """
    try:
        run.note_learnt(segmenter.learnt())
        run.note_tuned_on(segmenter.tuned_on())
        run.note_brightfield(survey.is_brightfield)
        if run.sharpness is None:
            run.note_sharpness(survey.sharpness)
        run.take_back(readable_now(survey.plane, run))
    except BaseException:
        run.close()
        raise


def _run_spec(
    plane: WorkingPlane,
    segmenter: Segmenter,
    organ: Organ,
    tissue_mask: bool,
    block_patches: int | None,
    focus: Focus | None,
) -> RunSpec:
    model = segmenter.spec
    side = block_patches or BLOCK_PATCHES[segmenter.device]
    resolution = plane.slide.resolution
    assert resolution.um_per_px is not None  # working_plane refuses slides without  # noqa: S101
    return RunSpec(
        colour_fit=FIT if colour_input(model.input).is_fitted else 1,
        counting=COUNTING,
        model=model.name,
        weights_sha256=segmenter.sha256,
        architecture=model.architecture,
        input=model.input,
        threshold=model.threshold,
        um_per_px=resolution.um_per_px,
        um_per_px_source=resolution.source,
        working_um_per_px=plane.um_per_px,
        level=plane.level,
        sixteenths=plane.sixteenths,
        height_px=plane.height,
        width_px=plane.width,
        block_patches=side,
        split=_block_at(focus, side),
        tissue_mask=tissue_mask,
        device=segmenter.device,
        precision=segmenter.precision,
        halo_px=model.halo_px,
        organ=organ,
    )


def _block_at(focus: Focus | None, block_patches: int) -> frozenset[tuple[int, int]]:
    position = focus.position() if focus else None
    if position is None:
        return frozenset()
    y, x = (int(coordinate // (block_patches * PATCH_PX)) for coordinate in position)
    return frozenset({(y, x)})


class Estimation:
    """A run that can be carried on: which blocks are left, and the generator that does them.

    Parameters
    ----------
    slide, plane
        What is read.
    segmenter
        The model, with the run's colour statistics.
    run
        Where results go, open for writing.
    """

    def __init__(self, slide: Slide, plane: WorkingPlane, segmenter: Segmenter, run: Run) -> None:
        self.slide = slide
        self.plane = plane
        self.run = run
        self.seconds = StageSeconds()
        self._segmenter = segmenter
        self._ground = Ground(run.lattice, run.tissue)
        self._tissue_mm2 = self._ground.patch_tissue_mm2()

    def scope_of(self, region: tuple[float, float, float, float] | None) -> NDArray[np.bool_]:
        """Patches that a region touches.

        Parameters
        ----------
        region
            ``(x, y, width, height)`` in level-0 px; the whole slide when None.

        Returns
        -------
        ndarray
            (lattice rows, lattice columns) bool; a region is grown to whole patches.
        """
        lattice = self.run.lattice
        if region is None:
            return np.ones((lattice.rows, lattice.columns), bool)
        x, y, width, height = (px / self.plane.level0_px_per_px for px in region)
        return lattice.touched(x, y, width, height)

    def patches_done(self, scope: NDArray[np.bool_]) -> int:
        """Count the patches of a scope, see `scope_of`, that are done, bare glass not counted."""
        state = self.run.patches().state[scope]
        return int(np.count_nonzero(~np.isin(state, (PatchState.PENDING, PatchState.BACKGROUND))))

    def blocks(
        self,
        scope: NDArray[np.bool_] | None = None,
        focus: Focus | None = None,
        *,
        tables: bool = True,
        halted: Callable[[], bool] = lambda: False,
    ) -> Generator[Progress, None, None]:
        """Do what is left of ``scope``, nearest to ``focus`` first.

        Each block is on disk before it is yielded. Closing the generator stops after the blocks
        in flight are on disk; nothing finished is lost.

        Parameters
        ----------
        scope
            (lattice rows, lattice columns) bool; the whole slide when None.
        focus
            Where to begin; may move meanwhile.
        tables
            Whether :meth:`finish` is called when the scope is complete. On a slide of a million
            nuclei it takes seconds, so callers that ask for one small scope after another call it
            once themselves.
        halted
            Asked before the network sees a block; once true, the blocks before it are still
            yielded, and no other is begun. Closing the generator instead takes a block longer.

        Raises
        ------
        StoreError
            When the disk refuses a block; those before it are kept.
        ModelError
            When the device's memory does not hold a block.
        """
        began = time.perf_counter()
        asked = self.scope_of(None) if scope is None else scope
        known = self.run.patches()
        counted = asked & (known.state != PatchState.BACKGROUND)
        done = counted & (known.state != PatchState.PENDING)
        read_mm2 = _read_mm2(self._tissue_mm2, known.tissue_px, known.unread_px, known.lattice)
        pace, total = Pace(), int(counted.sum())
        pipeline = Pipeline(self.run, self.plane, self._segmenter, self._ground, self.seconds)
        for block in pipeline.finished(self._queue(counted & ~done, focus), halted):
            done[block.patches] = counted[block.patches]
            read_mm2[block.patches] = self._of_block_read(block)
            so_far = int(done.sum())
            yield Progress(
                block=block,
                patches_done=so_far,
                patches_total=total,
                tissue_mm2_read=float(read_mm2[done].sum()),
                tissue_mm2_total=float(self._tissue_mm2[counted].sum()),
                patches_a_second=pace.after(so_far, time.perf_counter() - began),
            )
        if tables and np.array_equal(done, counted):
            self.finish()

    def finish(self) -> None:
        """Write the nucleus table and the totals of all that is done, if they are not there."""
        if not self.run.is_finished:
            self.run.finish()

    def close(self) -> None:
        """Release the run, so that another program may write it."""
        self.run.close()

    def _of_block_read(self, block: Block) -> NDArray[np.float64]:
        """Tissue that was read of each patch of a finished block, mm²."""
        values = self.run.block_values(block)
        tissue_mm2 = self._tissue_mm2[block.patches]
        return _read_mm2(tissue_mm2, values["tissue_px"], values["unread_px"], self.run.lattice)

    def _queue(self, pending: NDArray[np.bool_], focus: Focus | None) -> NearestFirst:
        """The blocks that hold any of these patches."""
        blocks = partition(self.run.lattice, self.run.spec.block_patches, self.run.spec.split)
        return NearestFirst((b for b in blocks if pending[b.patches].any()), focus)


def _read_mm2(
    tissue_mm2: NDArray[np.float64],
    tissue_px: NDArray[np.int64],
    unread_px: NDArray[np.int64],
    lattice: Lattice,
) -> NDArray[np.float64]:
    """Tissue of finished patches, as the tissue map has it; of damaged patches what was read."""
    return np.where(unread_px > 0, np.minimum(tissue_px * lattice.px_mm2, tissue_mm2), tissue_mm2)
