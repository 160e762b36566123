"""The log of a run on disk and as a picture."""

import csv
import errno
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from napari_glioma_density import lettering
from napari_glioma_density.errors import ModelError
from napari_glioma_density.training import training_log
from napari_glioma_density.training.learning_curves import draw_learning_curves, learning_curves
from napari_glioma_density.training.training_log import as_csv, write_curves, write_log

SCORES = {"f1": 0.8, "precision": 0.7, "recall": 0.9, "density_mae": 2.5}


def entry(epoch: int, **more: Any) -> dict[str, Any]:
    return {
        "epoch": epoch, "epochs": 3, "loss": 1 / epoch, "learning_rate": 1e-3,
        "drop_rate": 0.01 * epoch, "seconds": 2.0, **more,
    }  # fmt: skip


LOG = [entry(1), entry(2, validation={"GBM, tiles": SCORES}), entry(3)]


def full(path: Path, data: bytes) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_table_has_a_row_an_epoch_and_gaps_where_nobody_looked() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(LOG))))
    assert [float(row["loss"]) for row in rows] == [1, 0.5, 1 / 3]
    assert [row["GBM, tiles: f1"] for row in rows] == ["", "0.8", ""]


def test_the_picture_shows_what_the_log_holds() -> None:
    loss, f1, pace, drop = learning_curves(LOG, "w").axes
    assert [axes.get_ylabel().split("\n")[0] for axes in (loss, f1, pace, drop)] == [
        "training loss", "validation F1", "learning rate", "R_drop",
    ]  # fmt: skip
    assert pace.get_xlabel() == "epoch"
    drawn = [axes.get_lines()[0].get_xydata().tolist() for axes in (loss, f1, pace, drop)]
    assert drawn == [
        [[1, 1], [2, 0.5], [3, 1 / 3]],
        [[2, 0.8]],
        [[1, 1e-3], [2, 1e-3], [3, 1e-3]],
        [[1, 0.01], [2, 0.02], [3, 0.03]],
    ]
    assert f1.get_legend().get_texts()[0].get_text() == "GBM, tiles: 0.800"


def test_the_picture_is_a_png_of_a_legible_size() -> None:
    picture = cv2.imdecode(np.frombuffer(draw_learning_curves(LOG, "w"), np.uint8), 1)
    assert picture.shape[0] > 700
    assert picture.shape[1] > 900


def test_a_log_without_validation_is_drawn() -> None:
    assert draw_learning_curves([entry(1)], "w").startswith(b"\x89PNG")


def test_a_full_disk_is_one_line_and_leaves_the_old_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(tmp_path / "w.safetensors", LOG[:1])
    before = (tmp_path / "w.log.json").read_bytes()
    monkeypatch.setattr(training_log, "write_atomically", full)
    with pytest.raises(ModelError, match=r"w\.log\.json.*No space left") as refused:
        write_log(tmp_path / "w.safetensors", LOG)
    assert "\n" not in str(refused.value)
    assert (tmp_path / "w.log.json").read_bytes() == before


def test_no_picture_is_worth_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(training_log, "write_atomically", full)
    with caplog.at_level(logging.WARNING):
        write_curves(tmp_path / "w.safetensors", LOG)
    assert "w.curves.png: not drawn (No space left on device)" in caplog.text
    assert list(tmp_path.iterdir()) == []


NAMES = ["a $x^{ b $", "_hidden", "$GBM$", "胶质瘤", "a\nb", "\U0010ffff"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_installed", [True, False])
def test_any_name_of_a_set_and_a_model_is_drawn(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    is_installed: bool,
) -> None:
    if not is_installed:
        monkeypatch.setattr(lettering, "chinese_font", lambda: None)
    log = [entry(1, validation={name: SCORES})]
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        write_curves(tmp_path / f"{name}.safetensors", log)
    assert caplog.text == ""
    assert [path.suffixes for path in tmp_path.iterdir()] == [[".curves", ".png"]]
    _, f1, *_ = learning_curves(log, name).axes
    shown = [text.get_text() for text in f1.get_legend().get_texts()]
    assert shown == [f"{lettering.drawable(name)}: 0.800"]


@pytest.mark.skipif(lettering.chinese_font() is None, reason="no font has Chinese characters")
def test_chinese_names_are_told_apart_in_the_picture() -> None:
    pictures = {
        draw_learning_curves([entry(1, validation={name: SCORES})], "w")
        for name in ("胶质", "皮层")
    }
    assert len(pictures) == 2, "as boxes they would look alike"


def test_a_picture_that_cannot_be_drawn_ends_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def faulty(*_: object) -> bytes:
        raise ValueError("\nParseFatalException: no such symbol\n  at 3")

    monkeypatch.setattr(training_log, "draw_learning_curves", faulty)
    with caplog.at_level(logging.WARNING):
        write_curves(tmp_path / "w.safetensors", LOG)
    (record,) = caplog.records
    assert record.getMessage().startswith("w.curves.png: not drawn (ParseFatalException")
