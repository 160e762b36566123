"""Scores kept beside weights, found by the weights' hash."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.nuclei import kept_metrics
from napari_glioma_density.nuclei.kept_metrics import (
    keep_metrics,
    metrics_of,
    slides_learnt,
    title_of,
)
from napari_glioma_density.nuclei.registry import find_model

SCORES = {"sha256": "ab", "data_sets": [{"name": "one", "folder": "/home/x", "f1": 0.9}]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept_metrics, "user_models_folder", lambda: tmp_path)
    return tmp_path


def test_scores_are_found_by_the_hash_of_the_weights(folder: Path) -> None:
    keep_metrics(folder / "mine.metrics.json", {**SCORES, "images": [1, 2]})
    assert metrics_of("ab") == {"sha256": "ab", "data_sets": [{"name": "one", "f1": 0.9}]}
    assert metrics_of("cd") is None
    fast = find_model("fast")
    assert metrics_of(fast.sha256) == fast.metrics


def test_damaged_scores_are_named(folder: Path) -> None:
    (folder / "mine.metrics.json").write_text("{")
    with pytest.raises(ModelError, match=r"mine\.metrics\.json: not readable"):
        metrics_of("ab")


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a\.metrics\.json: cannot be written"):
        keep_metrics(tmp_path / "absent" / "a.metrics.json", SCORES)


def test_scores_are_found_without_pytorch() -> None:
    code = (
        "import sys; from napari_glioma_density.nuclei.kept_metrics import metrics_of; "
        "from napari_glioma_density.findings import comparison, decay, uncertainty, count_error; "
        "metrics_of('ab'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.lower()) is False


def test_damaged_scores_of_others_hide_none(folder: Path) -> None:
    (folder / "a.metrics.json").write_text("{")
    keep_metrics(folder / "mine.metrics.json", SCORES)
    assert metrics_of("ab") is not None


def test_scores_are_replaced_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_metrics(folder / "mine.metrics.json", SCORES)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(BadInput, match="No space left"):
            keep_metrics(folder / "mine.metrics.json", {**SCORES, "sha256": "cd"})
    assert [path.name for path in folder.iterdir()] == ["mine.metrics.json"]
    assert metrics_of("ab") is not None


def test_what_a_model_was_fine_tuned_on_outlives_new_scores(tmp_path: Path) -> None:
    path = tmp_path / "mine.metrics.json"
    tuning = {"learnt": ["aa", "bb"]}
    path.write_text(json.dumps({**SCORES, "fine_tuning": tuning}))
    keep_metrics(path, SCORES)
    assert json.loads(path.read_text())["fine_tuning"] == tuning
    keep_metrics(path, {**SCORES, "sha256": "of other weights"})
    assert "fine_tuning" not in json.loads(path.read_text())


def test_the_slides_of_a_model_are_those_of_all_rounds_of_its_tuning() -> None:
    last = {"learn": ["slide-00000001-r1-c2-1x1.png", "case7.png"]}
    all_of_them = ["slide-00000000", "slide-00000001"]
    assert slides_learnt({}) is None
    assert slides_learnt({"fine_tuning": {"split": last, "slides": all_of_them}}) == {*all_of_them}
    by_an_earlier_version = slides_learnt({"fine_tuning": {"split": last}})
    assert by_an_earlier_version is not None
    assert "slide-00000001" in by_an_earlier_version


def test_shipped_models_have_a_capital_where_people_read_their_names() -> None:
    names = ("fast", "accurate", "mine", "Fast-2")
    assert [title_of(name) for name in names] == ["Fast", "Accurate", "mine", "Fast-2"]
