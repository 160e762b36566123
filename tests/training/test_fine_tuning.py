"""Fine-tuning: it learns the new fields, keeps the parent, resumes, and never checks by heart."""

import dataclasses
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput, DataSetError
from napari_glioma_density.nuclei.registry import Model, find_model
from napari_glioma_density.nuclei.weights import load_network, save_network, sha256_of
from napari_glioma_density.training.checkpoint import checkpoint_path
from napari_glioma_density.training.dataset import DataSet
from napari_glioma_density.training.field_place import FieldPlace
from napari_glioma_density.training.fine_tuning import FineTuned, FineTuneJob, fine_tune

pytestmark = pytest.mark.usefixtures("one_thread", "small_fine_tuning")


class Killed(Exception):
    """Stands for the kill of a process."""


def job(parent: Model, weights: Path, *data: DataSet, **changes: Any) -> FineTuneJob:
    return FineTuneJob(parent, weights, data, **{"epochs": 2, **changes})


def f1(tuned: FineTuned, at: int = 0) -> tuple[float, float]:
    change = tuned.table[at].changes["f1"]
    return change.before, change.after


def test_it_learns_the_new_fields_and_leaves_the_parent(
    parent: Model, pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "mine.safetensors"
    entries: list[dict[str, Any]] = []
    tuned = fine_tune(job(parent, weights, pale, guard=(dark,), epochs=12), entries.append)
    before, after = f1(tuned)
    assert after > before + 0.05
    assert [one.name for one in tuned.table] == ["check", "guard dark"]
    assert sha256_of(parent.path) == parent.sha256
    child = find_model(weights)
    assert child.spec.parent == f"parent {parent.sha256[:12]}"
    assert child.spec.trained_on == ("dark discs", "pale")
    assert child.spec.research_only
    assert child.metrics["fine_tuning"]["before_after"][0]["changes"]["f1"]["after"] == after
    assert [one["epoch"] for one in entries] == list(range(1, 13))
    followed = {"epoch", "epochs", "loss", "seconds_left", "validation"}
    assert followed <= entries[-1].keys()
    assert set(entries[-1]["validation"]) == {"check", "guard dark"}
    assert json.loads((tmp_path / "mine.log.json").read_text()) == entries
    assert tuned.split.words == "separate fields of one slide: optimistic"
    learnt = tuned.split.as_dict()["learn"]
    assert isinstance(learnt, list)
    assert len(learnt) == 4
    known = child.metrics["fine_tuning"]["learnt"]
    assert len(known) == 8 + 4, "with what the parent learnt from"


def test_a_killed_run_ends_in_the_weights_of_an_undisturbed_one(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    first, second = tmp_path / "a/w.safetensors", tmp_path / "b/w.safetensors"
    fine_tune(job(parent, first, pale, epochs=3))

    def kill(entry: dict[str, Any]) -> None:
        followed = json.loads(second.with_suffix(".log.json").read_text())
        assert followed[-1] == entry  # on disk before anyone hears of it
        if entry["epoch"] == 2:
            raise Killed

    with pytest.raises(Killed):
        fine_tune(job(parent, second, pale, epochs=3), kill)
    assert not second.exists()
    assert checkpoint_path(second).exists()
    seen: list[int] = []
    # How many epochs were begun is remembered, whatever time allows now.
    fine_tune(job(parent, second, pale, epochs=None), lambda entry: seen.append(entry["epoch"]))
    assert seen == [3]
    assert sha256_of(second) == sha256_of(first)
    assert not checkpoint_path(second).exists()


def test_fields_corrected_in_between_are_learnt_anew(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"

    def kill(entry: dict[str, Any]) -> None:
        raise Killed

    with pytest.raises(Killed):
        fine_tune(job(parent, weights, pale), kill)
    for field in pale:
        labels = cv2.imread(str(field.label), cv2.IMREAD_UNCHANGED)
        cv2.imwrite(str(field.label), np.where(labels == 3, 0, labels).astype(np.uint16))
    seen: list[int] = []
    fine_tune(job(parent, weights, pale), lambda entry: seen.append(entry["epoch"]))
    assert seen == [1, 2]


def test_fields_edited_or_removed_meanwhile_change_nothing(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    first, second = tmp_path / "a/w.safetensors", tmp_path / "b/w.safetensors"
    colours = Path(shutil.copy(pale.fields[0].image, tmp_path / "colours.png"))
    fields = tuple(dataclasses.replace(field, slide_colours=colours) for field in pale)
    pale = dataclasses.replace(pale, fields=fields)
    whole = fine_tune(job(parent, first, pale))

    def meddle(entry: dict[str, Any]) -> None:
        colours.unlink(missing_ok=True)
        for field in whole.split.check:
            cv2.imwrite(str(field.label), np.zeros_like(cv2.imread(str(field.label), -1)))
        for field in (field for one in whole.split.learn for field in one):
            field.label.unlink(missing_ok=True)

    again = fine_tune(job(parent, second, pale), meddle)
    assert sha256_of(second) == sha256_of(first)
    assert (again.table, again.split) == (whole.table, whole.split)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_images_whose_names_are_no_unicode_do_not_cost_a_comparison(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    odd = [os.fsdecode(b"\xff%d" % at) for at in range(len(pale))]
    images = [
        field.image.rename(field.image.with_name(f"{name}.png"))
        for field, name in zip(pale, odd, strict=True)
    ]
    fields = tuple(map(lambda f, i: dataclasses.replace(f, image=i), pale, images))
    weights = tmp_path / "w.safetensors"
    fine_tune(job(parent, weights, dataclasses.replace(pale, fields=fields), epochs=1))
    split = json.loads(weights.with_suffix(".metrics.json").read_text("utf-8"))
    assert "?" in split["fine_tuning"]["split"]["learn"][0]


def test_a_comparison_cut_short_is_made_up_for(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    whole = fine_tune(job(parent, weights, pale))
    made = sha256_of(weights)
    weights.with_suffix(".metrics.json").unlink()
    seen: list[int] = []
    again = fine_tune(job(parent, weights, pale), lambda entry: seen.append(entry["epoch"]))
    assert (seen, sha256_of(weights)) == ([], made)
    assert (again.table, again.epochs) == (whole.table, whole.epochs)


def test_weights_of_other_epochs_are_not_compared_but_trained_anew(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    fine_tune(job(parent, weights, pale, epochs=1))
    for asked, learnt in ((3, [1, 2, 3]), (None, [])):
        weights.with_suffix(".metrics.json").unlink()
        seen: list[int] = []
        again = job(parent, weights, pale, epochs=asked)
        tuned = fine_tune(again, lambda entry, seen=seen: seen.append(entry["epoch"]))
        assert (seen, tuned.epochs) == (learnt, 3)


def test_older_weights_do_not_pass_for_those_of_a_run_that_was_stopped(
    parent: Model, pale: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    fine_tune(job(parent, weights, pale, epochs=1))
    weights.with_suffix(".metrics.json").unlink()

    def kill(entry: dict[str, Any]) -> None:
        raise Killed

    with pytest.raises(Killed):
        fine_tune(job(parent, weights, pale, epochs=2), kill)
    seen: list[int] = []
    fine_tune(job(parent, weights, pale, epochs=2), lambda entry: seen.append(entry["epoch"]))
    assert seen == [2]


def test_weights_of_other_fields_are_not_compared_but_trained_anew(
    parent: Model, pale: DataSet, more_pale: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "w.safetensors"
    fine_tune(job(parent, weights, pale))
    weights.with_suffix(".metrics.json").unlink()
    grown = dataclasses.replace(pale, fields=(*pale.fields, *more_pale.fields))
    seen: list[int] = []
    fine_tune(job(parent, weights, grown), lambda entry: seen.append(entry["epoch"]))
    assert seen == [1, 2]


def test_a_model_of_that_name_is_refused(parent: Model, pale: DataSet, tmp_path: Path) -> None:
    weights = tmp_path / "w.safetensors"
    fine_tune(job(parent, weights, pale))
    made = sha256_of(weights)
    for taken in (weights, parent.path):
        with pytest.raises(BadInput, match="there is a model of that name"):
            fine_tune(job(parent, taken, pale))
    assert sha256_of(weights) == made


def test_a_grandchild_is_not_checked_by_what_its_parent_learnt(
    parent: Model, pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    first = fine_tune(job(parent, tmp_path / "first.safetensors", pale))
    known = set(map(str, first.split.as_dict()["learn"]))  # type: ignore[call-overload]
    for seed in range(4):
        weights = tmp_path / f"second{seed}.safetensors"
        second = fine_tune(job(first.model, weights, pale, seed=seed, epochs=1))
        assert not known & {field.image.name for field in second.split.check}
    by_heart = dataclasses.replace(pale, name="other", fields=first.split.learn[0].fields)
    with pytest.raises(BadInput, match="first learnt from it"):
        fine_tune(job(first.model, tmp_path / "x.safetensors", dark, check=(by_heart,)))


def test_the_guard_is_never_learnt_from(
    parent: Model, pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    for sets in ({"guard": (pale,)}, {"base": (dark,), "guard": (dark,)}, {"check": (pale,)}):
        with pytest.raises(DataSetError, match="give a field once"):
            fine_tune(job(parent, tmp_path / "w.safetensors", pale, **sets))


def test_new_fields_of_a_set_that_the_parent_learnt_from_check_and_guard(
    parent: Model, pale: DataSet, more_pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    grown = dataclasses.replace(dark, name="dark discs")  # other fields, but of that set
    again = dataclasses.replace(more_pale, name="pale")
    first = fine_tune(
        job(parent, tmp_path / "first.safetensors", pale, check=(grown,), guard=(again,), epochs=1)
    )
    assert [one.name for one in first.table] == ["check", "guard pale"]
    weights = tmp_path / "second.safetensors"
    second = fine_tune(job(first.model, weights, dark, check=(again,), epochs=1))
    assert second.model.spec.trained_on == ("dark discs", "pale", "dark")


def on_slide(data_set: DataSet, pseudonym: str) -> DataSet:
    places = [FieldPlace(pseudonym, pseudonym, Block(0, at, 1, 1), 0.5) for at in range(99)]
    fields = [dataclasses.replace(f, place=p) for f, p in zip(data_set, places, strict=False)]
    return dataclasses.replace(data_set, fields=tuple(fields))


def test_the_slides_of_earlier_rounds_and_of_base_sets_are_kept(
    parent: Model, pale: DataSet, more_pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    one, two, three = (on_slide(d, f"s{n}") for n, d in enumerate((pale, more_pale, dark), 1))
    weights = tmp_path / "first.safetensors"
    first = fine_tune(job(parent, weights, one, base=(three,), epochs=1))
    second = fine_tune(job(first.model, tmp_path / "second.safetensors", two, epochs=1))
    assert second.model.metrics["fine_tuning"]["slides"] == ["s1", "s2", "s3"]


def test_what_a_model_learnt_from_besides_checks_no_child_of_it(
    parent: Model, pale: DataSet, more_pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "first.safetensors"
    first = fine_tune(job(parent, weights, pale, base=(dark,), epochs=1))
    renamed = dataclasses.replace(dark, name="other")
    with pytest.raises(BadInput, match=r"0\.png: first learnt from it; give fields not known"):
        fine_tune(job(first.model, tmp_path / "x.safetensors", more_pale, check=(renamed,)))


def test_a_set_of_which_nobody_kept_the_fields_guards_and_does_not_check(
    parent: Model, pale: DataSet, dark: DataSet, tmp_path: Path
) -> None:
    known = dataclasses.replace(dark, name="dark discs")
    older = tmp_path / "older.safetensors"  # as weights were written before
    save_network(older, *load_network(parent.path))
    weights = tmp_path / "w.safetensors"
    with pytest.raises(BadInput, match=r"dark: older learnt from dark discs; give a set"):
        fine_tune(job(find_model(older), weights, pale, check=(known,)))
    tuned = fine_tune(job(find_model(older), weights, pale, guard=(known,), epochs=1))
    assert [one.name for one in tuned.table][1:] == ["guard dark discs"]
    with pytest.raises(BadInput, match=r"dark: w learnt from dark discs; give a set"):
        fine_tune(job(tuned.model, tmp_path / "x.safetensors", pale, check=(known,)))


def test_the_same_seed_gives_the_same_weights(
    parent: Model, pale: DataSet, more_pale: DataSet, tmp_path: Path
) -> None:
    digests = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        weights = tmp_path / name / "w.safetensors"
        fine_tune(job(parent, weights, pale, epochs=1, seed=seed, check=(more_pale,)))
        digests.append(sha256_of(weights))
    assert digests[0] == digests[1] != digests[2]
