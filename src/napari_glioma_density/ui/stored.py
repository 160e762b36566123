"""Results of a slide as the screen shows them: read from its store."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Lattice
from napari_glioma_density.findings.density_error import DensityError, density_error
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.known_error import known_error
from napari_glioma_density.findings.sections import Section, find_sections
from napari_glioma_density.findings.snapshot import Amendments, Choices, Snapshot
from napari_glioma_density.regions.region import Region
from napari_glioma_density.results import ResultStore, Run, RunSpec, find_store
from napari_glioma_density.slides import Slide, tissue_px
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.ui.overlays.outlines import Mask
from napari_glioma_density.ui.wishes import Asked, read_asked

MASK_LEVELS = 3


@dataclass(frozen=True)
class ShownRun:
    """A run ready to be drawn: its masks (finest first, read as needed) and its patches.

    `amendments` are those on disk when it was opened. `error` is how far the model was then known
    to be off, see `sureness`; `validated` is how far it was off in validation, and `is_sharper`
    tells whether the slide is sharper than the fields of that validation; `is_tuned_elsewhere`
    tells whether the model was fine-tuned on other slides. `asked` is what was chosen when the
    slide was last open, if that was kept.
    """

    store: Path
    spec: RunSpec
    lattice: Lattice
    masks: tuple[Mask, ...]
    snapshot: Snapshot
    amendments: Amendments
    left_out: tuple[Region, ...]
    sections: tuple[Section, ...]
    error: DensityError | None
    validated: DensityError | None
    tissue_mm2: float
    is_brightfield: bool
    is_sharper: bool
    is_tuned_elsewhere: bool
    asked: Asked | None


def show_run(run: Run, choices: Choices, scope: NDArray[np.bool_] | None = None) -> ShownRun:
    """Gather what the screen needs of a run, as corrected and left out so far."""
    masks = tuple(run.mask(level) for level in range(MASK_LEVELS))
    findings = gather(run.folder.parent.parent, run, choices, scope)
    return ShownRun(
        store=findings.store,
        spec=run.spec,
        lattice=run.lattice,
        masks=masks,
        snapshot=findings.snapshot,
        amendments=findings.amendments,
        left_out=findings.left_out,
        sections=find_sections(run.tissue, run.lattice),
        error=known_error(findings.store, run.spec, findings.snapshot),
        validated=density_error(run.spec.weights_sha256, run.spec.organ),
        tissue_mm2=tissue_mm2(run.tissue, run.lattice),
        is_brightfield=run.is_brightfield,
        is_sharper=findings.is_sharper,
        is_tuned_elsewhere=findings.is_tuned_elsewhere,
        asked=read_asked(findings.store),
    )


def tissue_mm2(kinds: NDArray[np.uint8], lattice: Lattice) -> float:
    """Tissue of the whole slide as the tissue map has it."""
    px = tissue_px(kinds, lattice.height_px, lattice.width_px, PATCH_PX)
    return float(px.sum() * lattice.px_mm2)


def stored_results(
    slide: Slide, choices: Choices, model: str | None = None, organ: Organ | None = None
) -> ShownRun | None:
    """Return the latest run in the slide's store, or None when it was never estimated.

    `model` and `organ` leave the runs of others out.

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
        if slide.um_per_px in (None, spec.um_per_px)
        and model in (None, spec.model)
        and organ in (None, spec.organ)
    ]
    return show_run(store.run(specs[-1].run_id), choices) if specs else None
