"""Score a model on annotated fields at their own resolution."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_glioma_density.nuclei.memory import room_for
from napari_glioma_density.nuclei.pictures import resampled, segment_picture
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.slides.organ import organ_named
from napari_glioma_density.stain.sharpness import sharpness
from napari_glioma_density.training.count_error import (
    FieldCount,
    count_error,
    count_labelled,
    count_separated,
)
from napari_glioma_density.training.dataset import DataSet, Field, read_field, read_slide_colours
from napari_glioma_density.training.intervals import (
    LEVEL,
    RESAMPLES,
    ScoredImages,
    bootstrap_intervals,
)
from napari_glioma_density.training.metrics import PixelCounts, pooled_scores
from napari_glioma_density.training.separation import refuse_twice


@dataclass(frozen=True)
class FieldScore:
    """One field's pixels by truth and prediction, and its nuclei."""

    data_set: DataSet
    field: Field
    counts: PixelCounts
    true_nuclei: int
    predicted_nuclei: int
    sharpness: float | None = None
    """At the model's resolution, see ``stain.sharpness``; None where nothing is to be seen."""

    @property
    def f1(self) -> float:
        """F1 of the field's pixels, 0–1."""
        return self.counts.scores()["f1"]

    def row(self) -> dict[str, object]:
        """Names and scores, as ``evaluate --per-image`` prints them."""
        return {
            "data_set": self.data_set.name,
            "image": self.field.image.name,
            "organ": self.field.organ,
            "patient": self.field.patient,
            **pooled_scores([self.counts]),
            "true_density_percent": self.counts.true_density_percent,
            "predicted_density_percent": self.counts.predicted_density_percent,
            "true_nuclei": self.true_nuclei,
            "predicted_nuclei": self.predicted_nuclei,
            "sharpness": self.sharpness,
        }


def evaluate(data_sets: Sequence[DataSet], segmenter: NetworkSegmenter) -> Iterator[FieldScore]:
    """Segment every field and compare it with its labels, one score at a time.

    Each picture is scaled to the model's resolution, and the probability is scaled back, so that
    scores are those of masks at the picture's own size. The threshold is that for the field's
    organ.

    Raises
    ------
    DataSetError
        When a field cannot be read, or is there twice.
    BadInput
        When a field does not fit into memory.
    """
    refuse_twice(data_sets)
    for data_set in data_sets:
        for field in data_set:
            with room_for(str(field.image)):
                score = _scored(data_set, field, segmenter)
            yield score


def _scored(data_set: DataSet, field: Field, segmenter: NetworkSegmenter) -> FieldScore:
    rgb, labels = read_field(field)
    mask = field_mask(segmenter, field, rgb)
    model_um_per_px = segmenter.spec.um_per_px
    scaled = resampled(rgb, field.um_per_px, model_um_per_px)
    return FieldScore(
        data_set,
        field,
        PixelCounts.of(mask, labels),
        count_labelled(labels, field.um_per_px),
        count_separated(mask, field.um_per_px, model_um_per_px),
        sharpness(scaled[None], model_um_per_px),
    )


def field_mask(
    segmenter: NetworkSegmenter, field: Field, rgb: NDArray[np.uint8]
) -> NDArray[np.bool_]:
    """Nuclei (height, width) that a model finds in a field whose pixels are ``rgb``."""
    of_organ = segmenter.for_organ(organ_named(field.organ))
    return segment_picture(of_organ, rgb, field.um_per_px, read_slide_colours(field))


def by_data_set(scores: Sequence[FieldScore]) -> list[list[FieldScore]]:
    """The scores of each data set, in the order they came; folders tell data sets apart."""
    sets: dict[object, list[FieldScore]] = {}
    for score in scores:
        sets.setdefault(score.data_set.folder, []).append(score)
    return list(sets.values())


def summarise(
    scores: Sequence[FieldScore],
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Pooled scores of each data set, in the order they came, and of all together.

    Returns
    -------
    data_sets, pooled
        The names of :func:`pooled_scores` with ``images``; ``intervals``, the ends of the 95 %
        bootstrap intervals, and under ``resampling`` how they were drawn; ``nucleus_count``, see
        :func:`count_error`; and for a data set ``organs``, a row for each organ, and ``fields``,
        the columns ``patient``, ``true_density_percent``, ``predicted_density_percent`` and
        ``sharpness``.
    """
    sets = by_data_set(scores)
    rows = [
        {
            "name": of_set[0].data_set.name,
            "folder": str(of_set[0].data_set.folder),
            **_summary([of_set]),
            "organs": _by_organ(of_set),
            "fields": _columns(of_set),
        }
        for of_set in sets
    ]
    return rows, _summary(sets)


def _summary(sets: Sequence[Sequence[FieldScore]]) -> dict[str, object]:
    images = [scored_images(of_set) for of_set in sets]
    every = [score for of_set in sets for score in of_set]
    return {
        **_pooled(every),
        "intervals": bootstrap_intervals(images),
        "resampling": {"unit": _unit(images), "resamples": RESAMPLES, "level": LEVEL},
        "nucleus_count": count_error(
            FieldCount(one.counts.true_density_percent, one.true_nuclei, one.predicted_nuclei)
            for one in every
        ),
    }


def scored_images(scores: Sequence[FieldScore]) -> ScoredImages:
    """Counts and patients of fields, as the bootstrap draws them."""
    return ScoredImages(
        tuple(one.counts for one in scores), tuple(one.field.patient for one in scores)
    )


def _unit(images: Sequence[ScoredImages]) -> str:
    """``image``, ``patient``, or both where data sets differ."""
    return " or ".join(sorted({one.unit for one in images})) or "image"


def _pooled(scores: Sequence[FieldScore]) -> dict[str, object]:
    return {"images": len(scores), **pooled_scores(one.counts for one in scores)}


def _by_organ(scores: Sequence[FieldScore]) -> list[dict[str, object]]:
    organs = dict.fromkeys(score.field.organ for score in scores)
    return [
        {"organ": organ, **_pooled([score for score in scores if score.field.organ == organ])}
        for organ in organs
    ]


def _columns(scores: Sequence[FieldScore]) -> dict[str, list[object]]:
    """True and predicted density of every field: what intervals of an estimate rest on.

    And how sharp each is: slides that are sharper have no such interval.
    """
    names = ("patient", "true_density_percent", "predicted_density_percent", "sharpness")
    rows = [score.row() for score in scores]
    return {name: [row[name] for row in rows] for name in names}
