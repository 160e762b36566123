"""How much coarser a level is, where sides are no multiples of it."""

from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_glioma_density.slides import open_slide, working_plane
from napari_glioma_density.slides.openslide_source import OpenSlideSource
from napari_glioma_density.slides.source import Level

WIDTH, HEIGHT = 8001, 1203


@pytest.mark.parametrize(
    ("main", "level", "downsample"),
    [
        ((4443, 3567), (2221, 1783), 2),
        ((8001, 1203), (4000, 601), 2),
        ((8001, 1203), (4001, 602), 2),
        ((8001, 1203), (2000, 300), 4),
        ((8001, 1203), (2001, 301), 4),
        ((40_000, 1003), (2500, 62), 16),
        ((1003, 40_000), (63, 2500), 16),
        ((1000, 800), (667, 533), 1000 / 667),
        ((800, 1000), (533, 667), 1000 / 667),
        ((8001, 1203), (8001, 1203), 1),
        ((3, 2), (1, 1), 3),
    ],
)
def test_a_level_is_a_whole_number_coarser_where_one_explains_both_sides(
    main: tuple[int, int], level: tuple[int, int], downsample: float
) -> None:
    assert Level.of(*level, main).downsample == downsample


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """A long and narrow slide; of each 2 × 2 px its second level shows the first."""
    path = tmp_path / "uneven.tif"
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    waves = (np.sin(x / 15), np.sin(y / 15), np.sin((x + 2 * y) / 40))
    picture = (127 + 120 * np.stack(waves, axis=-1)).astype(np.uint8)
    with tifffile.TiffWriter(path) as tif:
        for level, pixels in enumerate((picture, picture[:-1:2, :-1:2].copy())):
            tif.write(
                pixels, tile=(256, 256), photometric="rgb", compression="zlib",
                subfiletype=int(level > 0), resolution=(40_000, 40_000), resolutionunit=3,
                metadata=None,
            )  # fmt: skip
    return path


def test_both_readers_see_the_same_tiles_of_an_uneven_slide(uneven: Path) -> None:
    by_openslide = OpenSlideSource(uneven, uneven.name)
    with open_slide(uneven) as slide:
        assert by_openslide.levels == slide.levels
        assert [level.downsample for level in slide.levels] == [1, 2]
        for level, row, column in ((0, 1, 12), (1, 0, 6), (1, 1, 7)):
            height, width = by_openslide.tile_shape(level)
            tile = by_openslide.read_tile(level, row, column)
            mine = slide.read(level, row * height, column * width, height, width)
            assert tile is not None
            assert mine.read.any()
            # OpenSlide is asked by level-0 px and may be off by a quarter of a px, which is 4 here.
            apart = np.abs(tile.astype(int) - mine.rgb)[mine.read]
            assert apart.max() <= (0 if level == 0 else 5)
    by_openslide.close()


def test_a_place_far_from_the_corner_is_where_level_0_has_it(uneven: Path) -> None:
    with open_slide(uneven) as slide:
        plane = working_plane(slide, 0.5)
        assert plane.level == 1
        assert plane.um_per_px == pytest.approx(0.5)
        coarse = plane.read(480, 3840, 16, 16).rgb
        y, x = (round(px * plane.level0_px_per_px) for px in (480, 3840))
        assert np.array_equal(coarse, slide.read(0, y, x, 32, 32).rgb[::2, ::2])
