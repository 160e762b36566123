"""Fine-tuning of a model with two thresholds: each is for the fields of its organ."""

import dataclasses
from pathlib import Path

import pytest

from napari_glioma_density.nuclei.registry import Model, find_model
from napari_glioma_density.nuclei.weights import load_network, save_network, sha256_of
from napari_glioma_density.training import fine_tuning
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.evaluation import evaluate
from napari_glioma_density.training.fine_tuning import FineTuneJob, fine_tune
from napari_glioma_density.training.validation import ValidationFields

pytestmark = pytest.mark.usefixtures("one_thread", "small_fine_tuning")

BRAIN, OTHER = 0.31, 0.79


@pytest.fixture
def of_two(parent: Model, tmp_path: Path) -> Model:
    """The parent with a threshold for the brain and one for other organs."""
    spec, network = load_network(parent.path)
    path = tmp_path / "two" / "two.safetensors"
    path.parent.mkdir()
    two = spec.with_(name="two", threshold=BRAIN, other_organs_threshold=OTHER)
    save_network(path, two, network, parent.learnt)
    return find_model(path)


def of_organ(data: DataSet, *organs: str) -> DataSet:
    """The fields of a data set, said to be of these organs in turn."""
    named = [
        dataclasses.replace(field, organ=organs[at % len(organs)]) for at, field in enumerate(data)
    ]
    return dataclasses.replace(data, fields=tuple(named))


@pytest.mark.parametrize("organ", ["brain", "colon"])
def test_fields_of_an_organ_set_the_threshold_for_it_alone(
    organ: str, of_two: Model, dark: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    tuned = fine_tune(FineTuneJob(of_two, weights, (of_organ(dark, organ),), epochs=3))
    spec = tuned.model.spec
    is_kept = spec.threshold == BRAIN, spec.other_organs_threshold == OTHER
    assert is_kept == (organ == "colon", organ == "brain")
    counts = [
        score.counts for score in evaluate(tuned.split.learn, fine_tuning.load_segmenter(weights))
    ]
    found, true = (
        sum(getattr(one, name) for one in counts)
        for name in ("predicted_density_percent", "true_density_percent")
    )
    assert found == pytest.approx(true, rel=0.05)


def test_fields_of_both_kinds_set_both_thresholds(
    of_two: Model, dark: DataSet, tmp_path: Path
) -> None:
    both = of_organ(dark, "brain", "colon")
    spec, network = load_network(of_two.path)
    matched = ValidationFields([both]).density_matched(network, spec)
    for organ in ("brain", "colon"):
        own = [field for field in both if field.organ == organ]
        alone = ValidationFields([dataclasses.replace(both, fields=tuple(own))])
        kind = "brain" if organ == "brain" else "other"
        threshold = alone.density_matched_threshold(network, spec)
        assert matched.for_organ(kind).threshold == threshold


def test_a_model_of_one_threshold_keeps_to_one(parent: Model, dark: DataSet) -> None:
    spec, network = load_network(parent.path)
    fields = ValidationFields([of_organ(dark, "brain", "colon")])
    matched = fields.density_matched(network, spec)
    assert matched.other_organs_threshold == 0
    assert matched.threshold == fields.density_matched_threshold(network, spec)


def test_while_it_learns_fields_are_scored_at_the_threshold_for_their_organ(
    of_two: Model, dark: DataSet
) -> None:
    spec, network = load_network(of_two.path)
    spec = spec.with_(threshold=0.001, other_organs_threshold=0.999)
    recall = {
        organ: ValidationFields([of_organ(dark, organ)]).scores(network, spec)["dark"]["recall"]
        for organ in ("brain", "colon")
    }
    assert recall["brain"] > recall["colon"]


def test_a_comparison_cut_short_is_made_up_for_without_learning_again(
    of_two: Model, pale: DataSet, tmp_path: Path
) -> None:
    weights, of_gut = tmp_path / "w.safetensors", of_organ(pale, "colon")
    fine_tune(FineTuneJob(of_two, weights, (of_gut,), epochs=2))
    made = sha256_of(weights)
    weights.with_suffix(".metrics.json").unlink()
    seen: list[int] = []
    fine_tune(
        FineTuneJob(of_two, weights, (of_gut,), epochs=2), lambda entry: seen.append(entry["epoch"])
    )
    assert (seen, sha256_of(weights)) == ([], made)
