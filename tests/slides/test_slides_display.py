import time
from pathlib import Path

import dask
import dask.array as da
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
    began = time.thread_time()
    levels = slide.pyramid()
    assert time.thread_time() - began < 1.0
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
    slide = made(tmp_path, CountingSource(4_096, 65_536))
    overview = slide.pyramid()[-1].compute()
    assert overview.shape == (2048, 128, 3)
    rows = overview[:, 0, 1].astype(int)
    expected = np.arange(2048) * 32 // 256
    assert np.abs(rows - expected).max() <= 4


def test_a_window_is_one_task_and_shows_what_the_slide_holds(
    pyramid_tiff: Path, picture: NDArray[np.uint8]
) -> None:
    with open_slide(pyramid_tiff) as slide:
        fine = slide.pyramid()[0]
        window = fine[50:650, 37:811]
        assert fine.numblocks != (1, 1, 1)
        assert window.numblocks == (1, 1, 1)
        assert window.shape == (600, 774, 3)
        assert np.array_equal(window.compute(), picture[50:650, 37:811])
        assert np.array_equal(window[5:9, 7:].compute(), picture[55:59, 44:811])
        assert np.array_equal(fine[-90:, :5000, :].compute(), picture[-90:, :5000])


@pytest.mark.parametrize(
    "index",
    [
        np.s_[100:900:3, 20:700:2],
        np.s_[::-1, 5:9],
        np.s_[600],
        np.s_[600, 40:900],
        np.s_[:, 77],
        np.s_[10:700, 3:90, 1],
        np.s_[10:700, 3:90, ::-1],
        np.s_[..., 0],
        np.s_[40:40, 3:90],
    ],
)
def test_other_indices_mean_what_they_mean_to_dask(
    pyramid_tiff: Path, picture: NDArray[np.uint8], index: tuple[slice | int, ...]
) -> None:
    with open_slide(pyramid_tiff) as slide:
        assert np.array_equal(slide.pyramid()[0][index].compute(), picture[index])


def test_what_is_made_for_the_screen_is_made_once(tmp_path: Path) -> None:
    source = CountingSource(40_000, 30_000)
    overview = made(tmp_path, source).pyramid()[-1]
    first = overview[:600, :600].compute()
    decoded = sum(source.decoded.values())
    assert np.array_equal(overview[:600, :590].compute(), first[:, :590])
    assert sum(source.decoded.values()) == decoded


def test_levels_that_are_made_are_not_mistaken_for_each_other(tmp_path: Path) -> None:
    levels = made(tmp_path, CountingSource(5_000, 3_000)).pyramid()
    half, quarter = levels[1][:512, :512].compute(), levels[2][:256, :256].compute()
    assert half[-1, -1, 1] == 3, "tiles count their rows"
    assert np.array_equal(quarter, half.reshape(256, 2, 256, 2, 3).mean(axis=(1, 3)))


def test_dask_with_query_planning_gets_plain_arrays(
    pyramid_tiff: Path, picture: NDArray[np.uint8]
) -> None:
    with dask.config.set({"array.query-planning": True}), open_slide(pyramid_tiff) as slide:
        fine = slide.pyramid()[0]
        assert type(fine) is da.Array
        assert np.array_equal(fine[3:700, :900].compute(), picture[3:, :900])
