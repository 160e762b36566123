"""All that is said of a slide by one run at one moment."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.density import CorrectedPatches, Exclusions
from napari_glioma_density.findings.known_error import is_sharper
from napari_glioma_density.findings.snapshot import Amendments, Snapshot
from napari_glioma_density.findings.tuning import is_tuned_elsewhere
from napari_glioma_density.regions.measuring import Measured
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Region
from napari_glioma_density.results import Run, RunSpec
from napari_glioma_density.results.masks import MaskLevel
from napari_glioma_density.results.specimen import Specimen


@dataclass(frozen=True)
class Findings:
    """The one place that numbers are taken from, on whatever paper they are printed.

    Attributes
    ----------
    store, run
        Where they come from.
    pseudonym, slide_width, slide_height
        The slide: what stands for its name, its size in level-0 px.
    snapshot
        Patches, cells, hotspots and totals, with corrections and without what is left out.
    regions
        As drawn; exclusions among them.
    left_out
        What is in no sum: exclusions among the regions, and cells left out in review.
    amendments
        What people corrected and left out, as the snapshot has it.
    corrected
        The snapshot's patches beside the model's; None when no field counts.
    measured
        Patches, mask and nuclei as corrected, before anything is left out.
    nuclei
        Those that count, as `NUCLEUS_DTYPE`: in scope, and in nothing that is left out.
    specimen
        How the tissue was prepared.
    """

    store: Path
    run: Run
    pseudonym: str
    slide_width: int
    slide_height: int
    snapshot: Snapshot
    regions: tuple[Region, ...]
    left_out: tuple[Region, ...]
    amendments: Amendments
    corrected: CorrectedPatches | None
    measured: Measured
    nuclei: NDArray[np.void]
    specimen: Specimen = "unknown"

    @property
    def spec(self) -> RunSpec:
        """What the run was made with."""
        return self.run.spec

    @property
    def plane(self) -> Plane:
        """The working plane, and how it lies on level 0."""
        return self.measured.plane

    @property
    def mask(self) -> MaskLevel:
        """Nucleus px of the working plane, as corrected: uint8, 0 or 1."""
        return self.measured.mask

    @property
    def is_sharper(self) -> bool:
        """Whether the slide is sharper than every field its model was validated on."""
        return is_sharper(self.run)

    @property
    def is_tuned_elsewhere(self) -> bool:
        """Whether the model was fine-tuned, and on no field of this slide."""
        return is_tuned_elsewhere(self.run, self.pseudonym)

    @property
    def exclusions(self) -> Exclusions:
        """What is left out, by patch and reason."""
        return self.snapshot.exclusions

    @property
    def excluded_mm2(self) -> dict[str, float]:
        """Read mm² that are left out in scope, by reason."""
        return self.exclusions.read_mm2(self.snapshot.scope)
