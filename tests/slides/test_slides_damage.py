import errno
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_slides import TiffWriter, empty_tiles, overwrite_tile, tile_ranges
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import open_slide, working_plane
from napari_glioma_density.slides.positional_file import PositionalFile

TILE, ACROSS = 240, 10


@pytest.fixture
def damaged_cmu(data_folder: Path, tmp_path: Path) -> tuple[Path, set[tuple[int, int, int]]]:
    """CMU-1 with twenty tiles emptied, twenty overwritten; and those tiles."""
    path = tmp_path / "damaged.svs"
    shutil.copy(data_folder / "slides/CMU-1-Small-Region.svs", path)
    path.chmod(0o644)
    chosen = np.random.default_rng(3).permutation(len(tile_ranges(path)))[:40].tolist()
    empty_tiles(path, *chosen[:20])
    for count, index in enumerate(chosen[20:]):
        overwrite_tile(path, index, start=(0, 0.3, 0.6)[count % 3], byte=(0, 0x55, 0xFF)[count % 3])
    return path, {(0, *divmod(index, ACROSS)) for index in chosen}


def test_exactly_the_damaged_tiles_are_white_and_unread(
    damaged_cmu: tuple[Path, set[tuple[int, int, int]]],
) -> None:
    path, damaged = damaged_cmu
    with open_slide(path) as slide:
        pixels = slide.read(0, 0, 0, slide.height, slide.width)
        assert slide.damaged_tiles == damaged
        expected = np.ones_like(pixels.read)
        for _, row, column in damaged:
            expected[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE] = False
        assert np.array_equal(pixels.read, expected)
        assert (pixels.rgb[~pixels.read] == 255).all()
        slide.check_readable()


def test_a_working_px_is_read_only_when_all_its_source_px_are(
    damaged_cmu: tuple[Path, set[tuple[int, int, int]]],
) -> None:
    path, damaged = damaged_cmu
    with open_slide(path).with_um_per_px(0.4) as slide:
        plane = working_plane(slide, 0.5)
        assert plane.sixteenths == 20
        read = plane.read(0, 0, plane.height // 16 * 16, plane.width // 16 * 16).read
        for _, row, column in damaged:
            top, left = row * TILE * 16 // 20, column * TILE * 16 // 20
            bottom, right = (-(-(corner + 1) * TILE * 16 // 20) for corner in (row, column))
            assert not read[top:bottom, left:right].any()


def test_damaged_pieces_of_an_ndpi_are_unread(data_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.ndpi"
    shutil.copy(data_folder / "slides/test3-TRITC-2-(560).ndpi", path)
    path.chmod(0o644)
    pieces = {3: (0.0, 0), 100: (0.5, 0), 250: (0.3, 0x55), 400: (0.5, 0xFF), 607: (0.9, 0)}
    for index, (start, byte) in pieces.items():
        overwrite_tile(path, index, start, byte)
    with open_slide(path) as slide:
        pixels = slide.read(0, 0, 0, slide.height, slide.width)
        rows = slide.tile_shape(0)[0] // 8  # each piece is 8 px high
        assert slide.damaged_tiles == {(0, index // rows, 0) for index in pieces}
    assert (pixels.rgb[~pixels.read] == 255).all()


def test_tiles_of_jpeg_2000_that_break_off_are_unread(data_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "damaged.svs"
    shutil.copy(data_folder / "slides/TCGA-CR-7395-01A-01-TS1.svs", path)
    path.chmod(0o644)
    for index, start in {0: 0.0, 30: 0.5, 131: 0.9}.items():
        overwrite_tile(path, index, start, byte=0)
    with open_slide(path) as slide:
        across = -(-slide.width // slide.tile_shape(0)[1])
        slide.read(0, 0, 0, slide.height, slide.width)
        assert slide.damaged_tiles == {(0, *divmod(index, across)) for index in (0, 30, 131)}


@pytest.mark.parametrize("compression", ["jpeg", "jpeg2000", "jpegxr", "webp"])
def test_tiles_with_a_hole_are_unread(write_tiff: TiffWriter, compression: str) -> None:
    grainy = np.random.default_rng(5).integers(90, 220, (512, 768, 3), np.uint8)
    path = write_tiff(grainy, compression=compression)
    offset, count = tile_ranges(path)[1]
    last_offset, last_count = tile_ranges(path)[5]
    with path.open("r+b") as file:
        file.seek(offset + count // 3)
        file.write(bytes(4096))
        file.seek(last_offset + last_count - 400)
        file.write(bytes(400))
    with open_slide(path) as slide:
        slide.read(0, 0, 0, slide.height, slide.width)
        assert slide.damaged_tiles == {(0, 0, 1), (0, 1, 2)}


@pytest.mark.parametrize("compression", ["jpeg", "jpegxr", "webp"])
@pytest.mark.parametrize("size", [(104, 100), (50, 97), (16, 16)], ids=str)
@pytest.mark.parametrize("spread", [0, 120], ids=["blank", "noise"])
def test_small_sound_strips_have_no_hole(
    write_tiff: TiffWriter, compression: str, size: tuple[int, int], spread: int
) -> None:
    noise = np.random.default_rng(5).integers(-spread, spread + 1, (*size, 3))
    optimised = {"optimize": True} if compression == "jpeg" else {}
    path = write_tiff(
        (130 + noise).astype(np.uint8),
        compression=compression,
        compressionargs=optimised,
        tile=None,
        rowsperstrip=size[0],
    )
    with open_slide(path) as slide:
        slide.read(0, 0, 0, slide.height, slide.width)
        assert not slide.damaged_tiles


def test_the_check_finds_the_one_sound_tile(
    write_tiff: TiffWriter, picture: NDArray[np.uint8]
) -> None:
    path = write_tiff(picture, tile=(64, 64))
    empty_tiles(path, *(set(range(len(tile_ranges(path)))) - {18}))
    with open_slide(path) as slide:
        slide.check_readable()
        assert len(slide.damaged_tiles) >= 64


def test_a_closed_slide_is_white_on_the_screen_and_not_measured(pyramid_tiff: Path) -> None:
    slide = open_slide(pyramid_tiff)
    levels = slide.pyramid()
    slide.close()
    assert (levels[0][:100, :100].compute() == 255).all()
    with pytest.raises(SlideError, match="cannot be read any more"):
        slide.read(0, 0, 0, 10, 10)


def test_a_drive_that_fails_says_nothing_about_the_tiles(
    pyramid_tiff: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with open_slide(pyramid_tiff) as slide:
        whole = slide.read(0, 0, 0, 600, 600)
        slide._cache.clear()
        with monkeypatch.context() as broken:
            broken.setattr(PositionalFile, "_read", fail)
            with pytest.raises(SlideError, match="see that its drive is connected"):
                slide.read(0, 0, 0, 600, 600)
            assert (slide.pyramid()[0][:100, :100].compute() == 255).all()
        again = slide.read(0, 0, 0, 600, 600)
        assert again.read.all()
        assert np.array_equal(again.rgb, whole.rgb)
        assert not slide.damaged_tiles


def test_bytes_beyond_the_end_are_a_damaged_tile(tmp_path: Path) -> None:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(100))
    file = PositionalFile(path, path.name)
    for offset, count in ((90, 20), (2**64 - 8, 4), (0, 2**50)):
        with pytest.raises(EOFError):
            file.read(offset, count)
    file.close()
