from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from made_slides import CountingSource, empty_tiles
from numpy.typing import NDArray

from napari_glioma_density.slides import (
    Slide,
    TissueKind,
    find_tissue,
    open_slide,
    places,
    working_plane,
)
from napari_glioma_density.slides.places import colours_of_places

GLASS, TISSUE = (236, 234, 237), (190, 130, 180)
SIDES = 1600, 800, 400


@pytest.fixture
def write_pyramid(tmp_path: Path) -> Callable[[], Path]:
    """Write a slide of 100×100 places, tissue on glass, on three levels in tiles of 128 px."""

    def write() -> Path:
        image = np.full((1600, 1600, 3), GLASS, np.uint8)
        image[160:1120, 320:1440] = TISSUE
        path = tmp_path / "pyramid.tif"
        with tifffile.TiffWriter(path) as tif:
            for side in SIDES:
                level = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
                tif.write(level, tile=(128, 128), photometric="rgb", compression="zlib")
        return path

    return write


def kinds_of(path: Path) -> NDArray[np.uint8]:
    with open_slide(path).with_um_per_px(0.5) as slide:
        assert [level.width for level in slide.levels] == list(SIDES)
        return find_tissue(working_plane(slide, 0.5)).kinds


@pytest.mark.parametrize("lost", [{5}, {0, 5, 15}, set(range(16))], ids=["one", "some", "all"])
def test_tissue_under_damaged_tiles_is_looked_for_on_finer_levels(
    write_pyramid: Callable[[], Path], lost: set[int]
) -> None:
    sound = kinds_of(write_pyramid())
    path = write_pyramid()
    empty_tiles(path, *lost, page=2)
    assert 0.3 < (sound == TissueKind.TISSUE).mean() < 0.5
    assert np.array_equal(kinds_of(path), sound)


def test_only_what_no_level_holds_is_unknown(write_pyramid: Callable[[], Path]) -> None:
    sound = kinds_of(write_pyramid())
    path = write_pyramid()
    empty_tiles(path, 5, page=2)  # places 32 to 63, both ways
    empty_tiles(path, 16, page=1)  # 32 to 47 down, 32 to 47 across
    empty_tiles(path, 56, page=0)  # 32 to 39 down, 32 to 39 across
    kinds = kinds_of(path)
    unknown = kinds == TissueKind.UNKNOWN
    assert unknown[32:40, 32:40].all()
    assert unknown.sum() == 8 * 8
    assert np.array_equal(kinds[~unknown], sound[~unknown])


def test_a_sound_slide_is_looked_at_on_one_level(tmp_path: Path) -> None:
    path = tmp_path / "slide"
    path.write_bytes(b"counted")
    source = CountingSource(4000, 3000, 2, 8)
    with Slide(path, source) as slide:
        assert colours_of_places(working_plane(slide, 0.5)).read.all()
        assert set(source.decoded) == {(2, row, column) for row in range(2) for column in range(2)}


def test_places_at_the_far_edge_have_a_colour_however_many_are_looked_at_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coarse levels leave out what makes no whole px: the last places may begin beyond them."""

    class Sloping(CountingSource):
        def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8]:
            slope = np.mgrid[:256, :256, :3].sum(axis=0)
            return np.asarray(slope // (1 + level), np.uint8)

    path = tmp_path / "slide"
    path.write_bytes(b"counted")
    with Slide(path, Sloping(2402, 3202, 8)) as slide:
        plane = working_plane(slide, 0.5)
        at_once = colours_of_places(plane)
        monkeypatch.setattr(places, "_WINDOW_PX", 1)  # row by row
        by_rows = colours_of_places(plane)
    assert at_once.read.shape == (101, 76)
    assert at_once.read.all()
    assert by_rows.read.all()
    assert np.array_equal(at_once.rgb[:-1], by_rows.rgb[:-1])
    # 400 px down are there, and 404 asked for: the last place has half the value of row 143.
    for seen in (at_once, by_rows):
        assert seen.rgb[-1, 0] == pytest.approx((143 + 1.5 + np.arange(3)) / 2, abs=1)


def test_a_level_that_is_lost_whole_is_made_up_for_by_a_finer_one(tmp_path: Path) -> None:
    class WithoutLevel(CountingSource):
        def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8] | None:
            return None if level else super().read_tile(level, row, column)

    path = tmp_path / "slide"
    path.write_bytes(b"counted")
    with Slide(path, WithoutLevel(2402, 3202, 8)) as slide:
        seen = colours_of_places(working_plane(slide, 0.5))
    assert seen.read.all()
    assert not seen.rgb[..., 0].any()  # of these tiles red tells the level


def test_a_damaged_tile_costs_no_more_than_the_finer_ones_under_it(tmp_path: Path) -> None:
    class WithoutOneTile(CountingSource):
        def read_tile(self, level: int, row: int, column: int) -> NDArray[np.uint8] | None:
            tile = super().read_tile(level, row, column)
            return None if (level, row, column) == (2, 0, 1) else tile

    path = tmp_path / "slide"
    path.write_bytes(b"counted")
    source = WithoutOneTile(4000, 3000, 2, 8)
    with Slide(path, source) as slide:
        seen = colours_of_places(working_plane(slide, 0.5))
        finer = {tile: count for tile, count in source.decoded.items() if tile[0] < 2}
        assert finer == {(1, row, column): 1 for row in range(4) for column in range(4, 8)}
    from_finer = seen.rgb[..., 0] == 1  # of these tiles red tells the level
    assert seen.read.all()
    assert from_finer[:64, 64:].all()
    assert from_finer.sum() == from_finer[:64, 64:].size
