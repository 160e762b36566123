"""Whether the model of a run was fine-tuned, and on other slides than the one it looked at."""

from collections.abc import Collection
from typing import Final

from napari_glioma_density.nuclei.kept_metrics import metrics_of, slides_learnt
from napari_glioma_density.results import Run

TUNED_ELSEWHERE: Final = "The model was fine-tuned on other slides: check its outlines on this one."


def is_elsewhere(tuned_on: Collection[str] | None, pseudonym: str) -> bool:
    """Tell whether a model was fine-tuned, and on no field of a slide.

    Parameters
    ----------
    tuned_on
        Pseudonyms of the slides that it was fine-tuned on; None when it was not.
    pseudonym
        Of the slide.
    """
    return tuned_on is not None and pseudonym not in tuned_on


def is_tuned_elsewhere(run: Run, pseudonym: str) -> bool:
    """Tell it of a run's model and its slide, as far as the run, or what lies here, has kept it.

    Raises
    ------
    ModelError
        When a file of scores cannot be read.
    """
    kept_here = slides_learnt(metrics_of(run.spec.weights_sha256) or {})
    known = [slides for slides in (run.tuned_on, kept_here) if slides is not None]
    return is_elsewhere(frozenset().union(*known) if known else None, pseudonym)
