"""Whether the model of a run was fine-tuned, and on other slides than the one it looked at."""

from typing import Final

from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.nuclei.kept_metrics import metrics_of, slides_learnt

TUNED_ELSEWHERE: Final = "The model was fine-tuned on other slides: check its outlines on this one."


def is_tuned_elsewhere(findings: Findings) -> bool:
    """Whether a run's model was fine-tuned, and on no field of its slide, as far as is kept here.

    Raises
    ------
    ModelError
        When a file of scores cannot be read.
    """
    slides = slides_learnt(metrics_of(findings.spec.weights_sha256) or {})
    return slides is not None and findings.pseudonym not in slides
