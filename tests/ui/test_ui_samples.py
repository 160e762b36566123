"""The sample slides of napari's menu."""

import threading
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import QTimer

from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui import samples


def test_sample_is_made_while_the_window_lives_on(
    slide_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    window_lives = threading.Event()
    QTimer.singleShot(50, window_lives.set)

    def make() -> Path:
        assert window_lives.wait(30)
        return slide_path

    monkeypatch.setattr(samples, "sample_slide", make)
    ((levels, _, kind),) = samples.synthetic_glioma()
    assert kind == "image"
    assert levels[0].shape == (1500, 2000, 3)


def test_sample_that_cannot_be_fetched_says_so(monkeypatch: pytest.MonkeyPatch, qtbot: Any) -> None:
    def offline() -> Path:
        raise BadInput("CMU-1-Small-Region.svs: could not be downloaded; get it by hand")

    monkeypatch.setattr(samples, "fetch_cmu_small_region", offline)
    with pytest.raises(BadInput, match="could not be downloaded"):
        samples.cmu_small_region()
