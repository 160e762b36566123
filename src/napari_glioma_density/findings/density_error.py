"""How far a model's density is off, from fields that people annotated."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from napari_glioma_density.findings.interval import students_t
from napari_glioma_density.findings.validation import Basis, Validation, validated
from napari_glioma_density.nuclei.kept_metrics import metrics_of
from napari_glioma_density.slides.organ import BRAIN, Organ

FEWEST_SLIDES = 3


@dataclass(frozen=True)
class DensityError:
    """How far a model's density is off: true density = centre · found ± standard deviations.

    Attributes
    ----------
    slide_share
        Standard deviation that all tissue of a slide shares, as a share of density. It does not
        shrink with the area that is measured.
    tissue_share
        The same of one field against others of its slide.
    turning_percent
        Density below which the error in points stays about what it is there: both standard
        deviations are shares of sqrt(density² + turning²).
    degrees
        Degrees of freedom of Student's t.
    basis
        What it was found on.
    centre
        True over found density; 1 unless fields of the slide itself were corrected.
    sharpest
        Sharpness beyond which it was found on no slide, see ``stain.sharpness``; None where that
        is not known, or it was found on the slide itself.
    """

    slide_share: float
    tissue_share: float
    turning_percent: float
    degrees: int
    basis: Basis
    centre: float = 1.0
    sharpest: float | None = None

    @cached_property
    def factor(self) -> float:
        """Standard deviations from the middle of a 95 % interval to its ends."""
        return students_t(self.degrees)

    def slide_sd(self, percent: float) -> float:
        """Return the standard deviation that the whole slide shares, in points."""
        return self.slide_share * self._size(percent)

    def tissue_sd(self, percent: float) -> float:
        """Return the standard deviation of one tissue against others of the slide, in points."""
        return self.tissue_share * self._size(percent)

    def _size(self, percent: float) -> float:
        return float(np.hypot(percent, self.turning_percent))


def density_error(weights_sha256: str, organ: Organ = BRAIN) -> DensityError | None:
    """Return the error of a model on the annotated fields whose scores are kept beside its weights.

    Those of the organ that a slide is of alone count, where there are any.

    Returns
    -------
    DensityError | None
        None when no scores are kept for these weights, or too few slides are among them.

    Raises
    ------
    ModelError
        When a file of scores cannot be read.
    """
    metrics = metrics_of(weights_sha256)
    return None if metrics is None else error_of(validated(metrics, organ))


def error_of(validation: Validation) -> DensityError | None:
    """Find how far a model is off from fields it was checked on; None for fewer than three slides.

    With e the found less the true density of a field, both standard deviations are taken of
    z = e / sqrt(found² + turning²). That of the slides is the root mean square of the slides' mean
    z about zero, so a bias they have in common counts as error; that of tissue is pooled within
    slides. Student's t has as many degrees of freedom as there are slides.
    """
    fields = validation.fields
    slides = sorted({field.slide for field in fields})
    if len(slides) < FEWEST_SLIDES:
        return None
    found = np.array([field.found_percent for field in fields])
    z = (found - [field.true_percent for field in fields]) / np.hypot(
        found, validation.turning_percent
    )
    of_slide = np.searchsorted(slides, [field.slide for field in fields])
    means = np.bincount(of_slide, z) / np.bincount(of_slide)
    within = ((z - means[of_slide]) ** 2).sum() / max(1, len(fields) - len(slides))
    return DensityError(
        slide_share=float(np.sqrt((means**2).mean())),
        tissue_share=float(np.sqrt(within)),
        turning_percent=validation.turning_percent,
        degrees=len(slides),
        basis=validation.basis,
        sharpest=validation.sharpest,
    )
