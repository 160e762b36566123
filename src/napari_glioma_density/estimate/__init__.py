"""The main job: a slide and a segmenter go in, finished blocks come out, each already on disk."""

from napari_glioma_density.estimate.estimation import Estimation, prepare
from napari_glioma_density.estimate.order import Focus, NearestFirst
from napari_glioma_density.estimate.progress import Progress, StageSeconds
from napari_glioma_density.estimate.survey import Survey, rehearse_first_block

__all__ = [
    "Estimation",
    "Focus",
    "NearestFirst",
    "Progress",
    "StageSeconds",
    "Survey",
    "prepare",
    "rehearse_first_block",
]
