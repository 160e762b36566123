"""A folder of the worst fields: what is in it, and what never happens to what was there."""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter, load_segmenter
from napari_glioma_density.training.dataset import DataSet, open_data_set
from napari_glioma_density.training.evaluation import FieldScore, evaluate
from napari_glioma_density.training.worst_fields import WorstFields

MakeDataSet = Callable[..., Path]


@pytest.fixture
def segmenter(weights: Path) -> NetworkSegmenter:
    return load_segmenter(weights, "cpu", "fp32")


@pytest.fixture
def data_set(make_data_set: MakeDataSet) -> DataSet:
    return open_data_set(make_data_set("My discs (2)", fields=3))


@pytest.fixture
def scores(data_set: DataSet, segmenter: NetworkSegmenter) -> list[FieldScore]:
    return list(evaluate([data_set], segmenter))


def test_the_lowest_f1_comes_first(
    data_set: DataSet, scores: list[FieldScore], segmenter: NetworkSegmenter, tmp_path: Path
) -> None:
    paths = WorstFields(tmp_path / "out", [data_set], 2).write(scores, segmenter)
    assert [path.name for path in paths] == ["my-discs-2-worst-01.png", "my-discs-2-worst-02.png"]
    assert sorted((tmp_path / "out").iterdir()) == paths
    for path, score in zip(paths, sorted(scores, key=lambda one: one.f1), strict=False):
        field = cv2.imread(str(score.field.image))
        shown = cv2.imread(str(path))[: field.shape[0], : field.shape[1]]
        assert np.array_equal(shown, field)


def test_pictures_of_an_earlier_evaluation_are_replaced(
    data_set: DataSet, scores: list[FieldScore], segmenter: NetworkSegmenter, tmp_path: Path
) -> None:
    (first,) = WorstFields(tmp_path, [data_set], 1).write(scores, segmenter)
    before = first.stat().st_ino
    (again,) = WorstFields(tmp_path, [data_set], 1).write(scores[-1:], segmenter)
    assert again == first
    assert again.stat().st_ino != before


def test_a_file_of_someone_else_is_refused_and_kept(data_set: DataSet, tmp_path: Path) -> None:
    theirs = tmp_path / "my-discs-2-worst-02.png"
    cv2.imwrite(str(theirs), np.zeros((5, 5, 3), np.uint8))
    kept = theirs.read_bytes()
    with pytest.raises(BadInput, match=r"worst-02\.png: is there and no picture of an evaluation"):
        WorstFields(tmp_path, [data_set], 3)
    assert theirs.read_bytes() == kept


def test_a_folder_that_cannot_be_used_is_known_before_anything_is_scored(
    data_set: DataSet, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(BadInput, match="cannot be written there"):
            WorstFields(folder, [data_set], 1)
    with pytest.raises(BadInput, match="--worst 0"):
        WorstFields(tmp_path, [data_set], 0)


def test_a_full_disk_is_named_and_leaves_no_half_picture(
    data_set: DataSet,
    scores: list[FieldScore],
    segmenter: NetworkSegmenter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = WorstFields(tmp_path / "out", [data_set], 2)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BadInput, match="No space left on device") as caught:
        folder.write(scores, segmenter)
    assert "\n" not in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


def test_data_sets_of_one_name_have_pictures_of_their_own(
    make_data_set: MakeDataSet, segmenter: NetworkSegmenter, tmp_path: Path
) -> None:
    sets = [open_data_set(make_data_set(name, fields=1)) for name in ("a+b", "a b", "ü")]
    scores = list(evaluate(sets, segmenter))
    paths = WorstFields(tmp_path / "out", sets, 4).write(scores, segmenter)
    names = [path.name for path in paths]
    assert names == ["a-b-worst-01.png", "a-b-set-2-worst-01.png", "data-set-worst-01.png"]


def test_no_two_data_sets_share_names_of_pictures(
    make_data_set: MakeDataSet, segmenter: NetworkSegmenter, tmp_path: Path
) -> None:
    names = ("A set 3", "A", "a", "A")
    sets = [
        dataclasses.replace(open_data_set(make_data_set(str(at), fields=1)), name=name)
        for at, name in enumerate(names)
    ]
    paths = WorstFields(tmp_path / "out", sets, 1).write(list(evaluate(sets, segmenter)), segmenter)
    assert len(set(paths)) == len(sets)
