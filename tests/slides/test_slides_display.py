import time
from pathlib import Path

import numpy as np
import pytest
from made_slides import CountingSource
from numpy.typing import NDArray

from napari_glioma_density.slides import Slide, open_slide


def made(tmp_path: Path, source: CountingSource) -> Slide:
    path = tmp_path / "made.svs"
    path.write_bytes(b"made")
    return Slide(path, source)


@pytest.mark.parametrize(
    ("downsamples", "widths"),
    [
        ((), [100_000, 50_000, 25_000, 12_500, 6_250, 3_125, 1_562]),
        ((4, 16), [100_000, 25_000, 6_250, 3_125, 1_562]),
        ((16,), [100_000, 50_000, 25_000, 6_250, 3_125, 1_562]),
    ],
)
def test_coarse_levels_are_made_where_the_file_has_none(
    tmp_path: Path, downsamples: tuple[int, ...], widths: list[int]
) -> None:
    slide = made(tmp_path, CountingSource(100_000, 80_000, *downsamples))
    slide.pyramid()
    began = time.perf_counter()
    levels = slide.pyramid()
    assert time.perf_counter() - began < 1.0
    assert [level.shape[1] for level in levels] == widths
    for level in levels:
        assert level.dtype == np.uint8
        assert all(512 <= side <= 1024 for side in level.chunksize[:2])


def test_the_overview_of_a_huge_slide_decodes_few_tiles(tmp_path: Path) -> None:
    source = CountingSource(100_000, 80_000)
    levels = made(tmp_path, source).pyramid()
    overview = levels[-1].compute()
    assert overview.shape == (1_250, 1_562, 3)
    assert len(source.decoded) < 2_500, "of 122 383"


def test_a_view_of_a_level_decodes_its_own_tiles_alone(tmp_path: Path) -> None:
    source = CountingSource(100_000, 80_000, 4, 16)
    levels = made(tmp_path, source).pyramid()
    levels[1][10_000:10_800, 12_000:13_200].compute()
    assert {level for level, _, _ in source.decoded} == {1}
    assert len(source.decoded) <= 32


def test_levels_show_what_the_file_holds(pyramid_tiff: Path, picture: NDArray[np.uint8]) -> None:
    with open_slide(pyramid_tiff) as slide:
        fine, coarse = (level.compute() for level in slide.pyramid())
    assert np.array_equal(fine, picture)
    assert coarse.shape == (350, 450, 3)


def test_made_levels_average_their_source(tmp_path: Path) -> None:
    slide = made(tmp_path, CountingSource(5_000, 3_000))
    fine, half, quarter = (level.compute() for level in slide.pyramid())
    assert np.array_equal(half, fine.reshape(1500, 2, 2500, 2, 3).mean(axis=(1, 3)))
    assert np.array_equal(quarter[:100, :100], fine[2:400:4, 2:400:4])


def test_a_mosaic_lies_where_its_source_lies(tmp_path: Path) -> None:
    slide = made(tmp_path, CountingSource(65_536, 65_536))
    overview = slide.pyramid()[-1].compute()
    assert overview.shape == (2048, 2048, 3)
    rows = overview[:, 0, 1].astype(int)
    expected = np.arange(2048) * 32 // 256
    assert np.abs(rows - expected).max() <= 4
