"""The slide on the screen before and after its tiles are decoded."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Layer
from numpy.typing import NDArray
from painted_slide import write_slide

from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.reader import read_slide
from napari_glioma_density.ui.slide_layer import slide_of
from napari_glioma_density.ui.slide_view import SlideView


class Gate:
    """Lets no tile of the finest level be decoded until it is open."""

    def __init__(self, slide: Slide) -> None:
        self.opened = Event()
        self._read_tile = slide._source.read_tile
        slide._source.read_tile = self  # type: ignore[method-assign]

    def __call__(self, level: int, row: int, column: int) -> NDArray[np.uint8] | None:
        self.opened.wait()
        return self._read_tile(level, row, column)


@pytest.fixture
def layer(tmp_path: Path) -> Any:
    path = write_slide(tmp_path / "H24-00123.tiff", 1800, 4200)
    made = Layer.create(*read_slide(str(path))[0])
    assert isinstance(made, Image)
    return made


@pytest.fixture
def slide(layer: Any) -> Any:
    return slide_of(layer)


@pytest.fixture
def view(layer: Any, qtbot: Any) -> Iterator[SlideView]:
    view = SlideView(layer)
    layer.data[-1].compute()
    yield view
    view.close()


@pytest.fixture
def gate(slide: Slide, view: SlideView) -> Iterator[Gate]:
    slide._cache.clear()
    gate = Gate(slide)
    yield gate
    gate.opened.set()


def shown(layer: Any) -> NDArray[np.uint8]:
    return np.asarray(layer._slice.image.raw)


def look_at_finest(layer: Any) -> None:
    layer.locked_data_level = 0


def test_the_window_does_not_wait_for_tiles(
    layer: Any, slide: Slide, view: SlideView, gate: Gate, qtbot: Any
) -> None:
    look_at_finest(layer)
    coarse = shown(layer)
    assert coarse.shape == (1800, 4200, 3)
    assert not view.is_sharp
    gate.opened.set()
    qtbot.waitUntil(lambda: view.is_sharp, timeout=20_000)
    truth = slide.read(0, 0, 0, 1800, 4200).rgb
    assert np.array_equal(shown(layer), truth)
    error = np.abs(coarse.astype(int) - truth)
    assert 0 < error.mean() < 6, "coarse, but the same tissue"


def test_nor_for_levels_that_the_file_does_not_hold(
    layer: Any, slide: Slide, view: SlideView, gate: Gate, qtbot: Any
) -> None:
    assert [level.shape[1] for level in layer.data] == [4200, 2100, 1050]
    layer.locked_data_level = 1
    coarse = shown(layer)
    assert coarse.shape == (900, 2100, 3)
    assert not view.is_sharp
    gate.opened.set()
    qtbot.waitUntil(lambda: view.is_sharp, timeout=20_000)
    truth = layer.data[1].compute()
    assert np.array_equal(shown(layer), truth)
    assert 0 < np.abs(coarse.astype(int) - truth).mean() < 6, "coarse, but the same tissue"
    layer.locked_data_level = 2
    layer.locked_data_level = 1
    assert view.is_sharp, "made once, it is at hand"
    assert np.array_equal(shown(layer), truth)


def test_what_is_decoded_is_sharp_at_once(layer: Any, slide: Slide, view: SlideView) -> None:
    truth = slide.read(0, 0, 0, 1800, 4200).rgb
    look_at_finest(layer)
    assert view.is_sharp
    assert np.array_equal(shown(layer), truth)


def test_what_went_out_of_view_is_not_decoded_to_the_end(
    layer: Any, slide: Slide, view: SlideView, gate: Gate, qtbot: Any
) -> None:
    look_at_finest(layer)
    layer.locked_data_level = None
    layer._data_level = 0
    layer.corner_pixels = np.array([[0, 0], [511, 511]])
    layer.refresh()
    assert shown(layer).shape == (512, 512, 3)
    gate.opened.set()
    qtbot.waitUntil(lambda: view.is_sharp, timeout=20_000)
    assert np.array_equal(shown(layer), slide.read(0, 0, 0, 512, 512).rgb)
    assert not slide.at_hand(0, 1024, 0, 512, 4200).read.any()


def test_what_cannot_be_decoded_is_white_and_in_the_log(
    layer: Any,
    slide: Slide,
    view: SlideView,
    qtbot: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    slide._cache.clear()
    read_tile = slide._source.read_tile

    def half_read(level: int, row: int, column: int) -> NDArray[np.uint8] | None:
        if row >= 4:
            raise MemoryError
        return read_tile(level, row, column)

    monkeypatch.setattr(slide._source, "read_tile", half_read)
    look_at_finest(layer)
    qtbot.waitUntil(lambda: view.is_sharp, timeout=20_000)
    assert np.array_equal(shown(layer)[:1024], slide.read(0, 0, 0, 1024, 4200).rgb)
    assert np.all(shown(layer)[1024:] == 255)
    assert "cannot be shown" in caplog.text


def test_other_programs_get_the_pixels_themselves(
    layer: Any, slide: Slide, view: SlideView
) -> None:
    layer.refresh()  # through the eye, which must not be left open
    slide._cache.clear()  # nothing is at hand: an eye would see it coarse
    theirs = np.asarray(layer.data[0][:900, 7:500])
    assert np.array_equal(theirs, slide.read(0, 0, 7, 900, 493).rgb)


def test_once_it_is_closed_the_layer_is_sliced_as_ever(
    layer: Any, slide: Slide, view: SlideView
) -> None:
    view.close()
    slide._cache.clear()
    look_at_finest(layer)
    assert np.array_equal(shown(layer), slide.read(0, 0, 0, 1800, 4200).rgb)
    assert "set_view_slice" not in vars(layer)


def test_it_is_closed_though_qt_has_deleted_its_timer(layer: Any, qtbot: Any) -> None:
    view = SlideView(layer)
    with qtbot.waitSignal(view._timer.destroyed):
        view._timer.deleteLater()
    view.close()
    assert "set_view_slice" not in vars(layer)
