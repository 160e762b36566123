"""Score a model on annotated fields at their own resolution."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, segment_picture
from napari_glioma_density.training.dataset import DataSet, Field, read_field
from napari_glioma_density.training.metrics import PixelCounts, pooled_scores


@dataclass(frozen=True)
class FieldScore:
    """One field's pixels by truth and prediction."""

    data_set: DataSet
    field: Field
    counts: PixelCounts

    def row(self) -> dict[str, object]:
        """Names and scores, as ``evaluate --per-image`` prints them."""
        return {
            "data_set": self.data_set.name,
            "image": self.field.image.name,
            "organ": self.field.organ,
            "patient": self.field.patient,
            **pooled_scores([self.counts]),
        }


def evaluate(data_sets: Sequence[DataSet], segmenter: NetworkSegmenter) -> Iterator[FieldScore]:
    """Segment every field and compare it with its labels, one score at a time.

    Each picture is scaled to the model's resolution and the probability back, so that scores
    are those of masks at the picture's own size.

    Raises
    ------
    DataSetError
        When a field cannot be read.
    """
    for data_set in data_sets:
        for field in data_set:
            pixels = read_field(field)
            mask = segment_picture(segmenter, pixels.rgb, field.um_per_px)
            yield FieldScore(data_set, field, PixelCounts.of(mask, pixels.labels))


def summarise(
    scores: Sequence[FieldScore],
) -> tuple[list[dict[str, object]], dict[str, object]]:
    """Pooled scores of each data set, in the order they came, and of all together."""
    sets = {score.data_set.folder: score.data_set for score in scores}
    rows = [
        {"name": one.name, "folder": str(one.folder), **_pooled(scores, folder)}
        for folder, one in sets.items()
    ]
    return rows, _pooled(scores)


def _pooled(scores: Sequence[FieldScore], folder: Path | None = None) -> dict[str, object]:
    counts = [one.counts for one in scores if folder in (None, one.data_set.folder)]
    return {"images": len(counts), **pooled_scores(counts)}
