"""Results of a slide as the screen shows them: read from its store."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import Lattice
from napari_glioma_density.results import ResultStore, Run, RunSpec, find_store
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.overlays.outlines import Mask
from napari_glioma_density.ui.snapshot import Choices, Snapshot, take_snapshot

MASK_LEVELS = 3
TISSUE, TISSUE_PX = 1, 16


@dataclass(frozen=True)
class ShownRun:
    """A run ready to be drawn: its masks (finest first, read as needed) and its patches."""

    store: Path
    spec: RunSpec
    lattice: Lattice
    masks: tuple[Mask, ...]
    snapshot: Snapshot
    tissue_mm2: float


def show_run(run: Run, choices: Choices, scope: NDArray[np.bool_] | None = None) -> ShownRun:
    """Gather what the screen needs of a run."""
    masks = tuple(run.mask(level) for level in range(MASK_LEVELS))
    return ShownRun(
        store=run.folder.parent.parent,
        spec=run.spec,
        lattice=run.lattice,
        masks=masks,
        snapshot=take_snapshot(run.patches(), choices, scope),
        tissue_mm2=np.count_nonzero(run.tissue == TISSUE) * TISSUE_PX**2 * run.lattice.px_mm2,
    )


def stored_results(slide: Slide, choices: Choices, model: str | None = None) -> ShownRun | None:
    """Return the latest run in the slide's store, or None when it was never estimated.

    `model` leaves the runs of other models out.

    Raises
    ------
    StoreError
        When there is a store that cannot be read.
    """
    path = find_store(slide.path)
    if path is None:
        return None
    store = ResultStore.open(path, slide.fingerprint, slide.pseudonym, slide.width, slide.height)
    specs = [
        spec
        for spec in store.runs()
        if slide.um_per_px in (None, spec.um_per_px) and model in (None, spec.model)
    ]
    return show_run(store.run(specs[-1].run_id), choices) if specs else None
