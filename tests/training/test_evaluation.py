"""Fields scored by a model, and what is said of a data set."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_glioma_density.errors import DataSetError
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.training.dataset import DataSet, Field, open_data_set, read_field
from napari_glioma_density.training.evaluation import FieldScore, evaluate, summarise
from napari_glioma_density.training.metrics import PixelCounts
from napari_glioma_density.training.validation import ValidationFields

MakeDataSet = Callable[..., Path]


def scored(folder: str, counts: PixelCounts, organ: str = "", patient: str = "") -> FieldScore:
    field = Field(Path("a.png"), Path("b.png"), 0.5, organ, patient)
    data_set = DataSet(Path(folder), "mine", "", False, (field,))
    return FieldScore(data_set, field, counts, true_nuclei=10, predicted_nuclei=8)


def test_data_sets_of_one_name_are_kept_apart() -> None:
    right, missed = PixelCounts(true_positive=16), PixelCounts(false_negative=16)
    rows, pooled = summarise([scored("one", right), scored("two", missed)])
    assert [(row["folder"], row["f1"]) for row in rows] == [("one", 1.0), ("two", 0.0)]
    assert pooled["recall"] == 0.5


def test_organs_are_pooled_apart_within_a_data_set() -> None:
    rows, _ = summarise(
        [
            scored("one", PixelCounts(8, 0, 2, 10), "liver"),
            scored("one", PixelCounts(1, 9, 0, 10), "kidney"),
            scored("one", PixelCounts(10, 0, 0, 10), "liver"),
            scored("two", PixelCounts(0, 0, 10, 10), "liver"),
        ]
    )
    organs = {row["organ"]: row for row in rows[0]["organs"]}  # type: ignore[attr-defined]
    assert {name: row["images"] for name, row in organs.items()} == {"liver": 2, "kidney": 1}
    assert organs["liver"]["recall"] == pytest.approx(18 / 20)
    assert organs["kidney"]["precision"] == pytest.approx(1 / 10)


def test_the_summary_says_what_its_intervals_were_drawn_from() -> None:
    counts = [PixelCounts(8, number, 2, 10) for number in range(6)]
    by_patient = [scored("p", one, patient=f"p{n}") for n, one in enumerate(counts)]
    by_image = [scored("i", one) for one in counts]
    rows, pooled = summarise(by_patient + by_image)
    units = [row["resampling"]["unit"] for row in rows]  # type: ignore[index]
    assert units == ["patient", "image"]
    assert pooled["resampling"]["unit"] == "image or patient"  # type: ignore[index]
    lower, upper = rows[0]["intervals"]["precision"]  # type: ignore[index]
    assert lower < rows[0]["precision"] < upper  # type: ignore[operator]


def test_nothing_counts_twice(make_data_set: MakeDataSet, weights: Path) -> None:
    data_set = open_data_set(make_data_set())
    for judge in (
        lambda sets: list(evaluate(sets, load_segmenter(weights, "cpu", "fp32"))),
        ValidationFields,
    ):
        with pytest.raises(DataSetError, match=r"0\.png: is given twice"):
            judge([data_set, data_set])


def test_validation_sets_of_any_names_are_told_apart(make_data_set: MakeDataSet) -> None:
    names = ("A", "A", "A 2", "A")
    sets = [
        dataclasses.replace(open_data_set(make_data_set(str(at), fields=1)), name=name)
        for at, name in enumerate(names)
    ]
    spec = ModelSpec("none", "none", "unet", base_width=2, input="rgb")
    network = build_network(spec)
    assert list(ValidationFields(sets).scores(network, spec)) == ["A", "A 2", "A 2 2", "A 3"]


def test_evaluate_scores_every_field_of_every_data_set(
    make_data_set: MakeDataSet, weights: Path
) -> None:
    data_sets = [open_data_set(make_data_set(name, fields=2)) for name in ("one", "two")]
    scores = list(evaluate(data_sets, load_segmenter(weights, "cpu", "fp32")))
    assert [(s.data_set.name, s.field.image.name) for s in scores] == [
        ("one", "0.png"), ("one", "1.png"), ("two", "0.png"), ("two", "1.png"),
    ]  # fmt: skip
    labels = read_field(data_sets[0].fields[0]).labels
    assert scores[0].true_nuclei == len(np.unique(labels)) - 1
    assert scores[0].counts.pixels == labels.size
    row = scores[0].row()
    assert row["true_density_percent"] == pytest.approx(100 * np.mean(labels > 0))
    assert row["patient"] == "p0"


def test_fields_of_other_organs_are_segmented_at_the_threshold_for_these(
    make_data_set: MakeDataSet, weights: Path
) -> None:
    segmenter = load_segmenter(weights, "cpu", "fp32")
    model = segmenter._model
    spec = model.spec.with_(threshold=0.01, other_organs_threshold=0.99)
    apart = NetworkSegmenter(
        dataclasses.replace(model, spec=spec), segmenter._cpu_network, segmenter._plan
    )
    found = {}
    for organ in ("brain", "colon"):
        data = open_data_set(make_data_set(organ, fields=1, organ=organ))
        (score,) = evaluate([data], apart)
        found[organ] = score.counts.predicted_density_percent
    assert found["brain"] > 99
    assert found["colon"] < 60
