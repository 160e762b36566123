import threading
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_slides import CountingSource
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import Resolution, Slide, open_slide
from napari_glioma_density.slides.tile_cache import TileCache


@pytest.fixture
def source() -> CountingSource:
    return CountingSource()


@pytest.fixture
def slide(source: CountingSource, tmp_path: Path) -> Slide:
    path = tmp_path / "made.svs"
    path.write_bytes(b"made")
    return Slide(path, source)


def test_each_tile_is_decoded_once_for_neighbouring_windows(
    slide: Slide, source: CountingSource
) -> None:
    for x in range(0, 1920, 480):
        slide.read(0, 100, x - 96, 480 + 192, 480 + 192)
    assert set(source.decoded.values()) == {1}


def test_threads_that_want_one_tile_decode_it_once(slide: Slide, source: CountingSource) -> None:
    threads = [threading.Thread(target=slide.read, args=(0, 0, 0, 1024, 1024)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(source.decoded.values()) == {1}


def test_what_another_thread_decodes_is_waited_for_last(
    slide: Slide, source: CountingSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, rest_done, in_time = threading.Event(), threading.Event(), []
    decode = source.read_tile

    def read_tile(level: int, row: int, column: int) -> NDArray[np.uint8]:
        if (row, column) == (0, 0):
            begun.set()
            in_time.append(rest_done.wait(10))
        elif (row, column) == (1, 1):
            rest_done.set()
        return decode(level, row, column)

    monkeypatch.setattr(source, "read_tile", read_tile)
    height, width = slide.tile_shape(0)
    other = threading.Thread(target=slide.read, args=(0, 0, 0, 1, 1))
    other.start()
    assert begun.wait(10)
    assert slide.read(0, 0, 0, 2 * height, 2 * width).read.all()
    other.join()
    assert in_time == [True]
    assert set(source.decoded.values()) == {1}


def test_beyond_the_edges_is_white_and_unread(slide: Slide) -> None:
    pixels = slide.read(0, -10, 1990, 30, 30)
    assert pixels.read[10:, :10].all()
    assert pixels.read.sum() == 20 * 10
    assert (pixels.rgb[~pixels.read] == 255).all()
    assert not slide.read(0, 5000, 5000, 8, 8).read.any()


def test_the_users_resolution_replaces_the_files(slide: Slide) -> None:
    given = slide.with_um_per_px(0.5)
    stated = "given by user; the file states 0.25 (made)"
    assert given.resolution == Resolution(0.5, stated)
    assert given.with_um_per_px(0.4).resolution.source == stated
    assert given.with_um_per_px(0.2501).resolution == Resolution(0.2501, "given by user")
    assert slide.um_per_px == 0.25
    assert slide.with_um_per_px(0.5, "estimated from 20×").resolution.source == "estimated from 20×"
    assert given.fingerprint == slide.fingerprint
    with pytest.raises(SlideError, match=r"made\.svs: 352.8 µm/px"):
        slide.with_um_per_px(352.8)


def test_the_pseudonym_does_not_hold_the_name_and_follows_the_content(tmp_path: Path) -> None:
    first, second, other = (tmp_path / name for name in ("S24-1234.svs", "b.svs", "c.svs"))
    first.write_bytes(b"x" * 3_000_000)
    second.write_bytes(b"x" * 3_000_000)
    other.write_bytes(b"x" * 2_999_999 + b"y")
    one, same, different = (Slide(path, CountingSource()) for path in (first, second, other))
    assert one.pseudonym == same.pseudonym != different.pseudonym
    assert one.pseudonym.startswith("slide-")
    assert "1234.svs" not in repr(one)


def test_the_cache_is_bounded_but_keeps_the_newest() -> None:
    cache = TileCache(max_bytes=250)
    decoded: Counter[int] = Counter()

    def get(column: int, size: int = 100) -> None:
        def decode() -> NDArray[np.uint8]:
            decoded[column] += 1
            return np.zeros(size, dtype=np.uint8)

        cache.get((0, 0, column), decode)

    for column in (0, 1, 0, 2, 0, 1):
        get(column)
    assert decoded == {0: 1, 1: 2, 2: 1}
    get(9, size=1000)
    get(9, size=1000)
    assert decoded[9] == 1


def test_a_failing_decode_frees_those_who_wait() -> None:
    cache = TileCache(max_bytes=100)

    def fail() -> None:
        raise RuntimeError("decoder")

    with pytest.raises(RuntimeError, match="decoder"):
        cache.get((0, 0, 0), fail)
    assert cache.get((0, 0, 0), lambda: None) is None


def test_thumbnail_fits_and_comes_from_a_coarse_level(tmp_path: Path) -> None:
    path = tmp_path / "wide.svs"
    path.write_bytes(b"wide")
    source = CountingSource(40_000, 30_000, 4, 16)
    thumbnail = Slide(path, source).thumbnail(1024)
    assert thumbnail.rgb.shape == (768, 1024, 3)
    assert thumbnail.read.all()
    assert {level for level, _, _ in source.decoded} == {2}


def test_pictures_are_slides_of_one_level(tmp_path: Path, picture: NDArray[np.uint8]) -> None:
    path = tmp_path / "field.png"
    alpha = np.full((*picture.shape[:2], 1), 255, dtype=np.uint8)
    alpha[:100] = 0
    cv2.imwrite(str(path), np.concatenate([picture[..., ::-1], alpha], axis=-1))
    with open_slide(path) as slide:
        assert (slide.format, slide.reader, slide.resolution.source) == (
            "PNG",
            "imagecodecs",
            "not stated",
        )
        rgb = slide.read(0, 0, 0, 700, 900).rgb
        assert (rgb[:100] == 255).all()
        assert np.array_equal(rgb[100:], picture[100:])
