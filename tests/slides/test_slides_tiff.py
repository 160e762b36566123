import struct
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import openslide
import pytest
import tifffile
from made_slides import TiffWriter
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import Slide, open_slide
from napari_glioma_density.slides.pixels import over_white
from napari_glioma_density.slides.positional_file import PositionalFile

Image = NDArray[np.uint8]


def whole(slide: Slide, level: int = 0) -> Image:
    size = slide.levels[level]
    pixels = slide.read(level, 0, 0, size.height, size.width)
    assert pixels.read.all()
    return pixels.rgb


@pytest.mark.parametrize(
    "name",
    [
        "CMU-1-Small-Region.svs",
        "TCGA-CR-7395-01A-01-TS1.svs",
        "small.svs",
        "test3-TRITC-2-(560).ndpi",
        "rgba_geotiff.tiff",
    ],
)
def test_pixels_agree_with_openslide_on_every_level(data_folder: Path, name: str) -> None:
    path = data_folder / "slides" / name
    with open_slide(path) as slide, openslide.OpenSlide(path) as reference:
        for level, size in enumerate(slide.levels):
            rgba = np.asarray(reference.read_region((0, 0), level, (size.width, size.height)))
            expected = over_white(rgba[..., :3], rgba[..., 3])
            assert np.abs(whole(slide, level).astype(np.int16) - expected).max() <= 2


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zlib", "predictor": True},
        {"compression": "zstd"},
        {"compression": "lzw"},
        {"bigtiff": True, "byteorder": ">"},
        {"tile": None},
        {"tile": None, "compression": "zlib", "rowsperstrip": 7},
        {"tile": None, "compression": "zlib", "rowsperstrip": 700},
        {"tile": None, "byteorder": ">"},
    ],
    ids=str,
)
def test_lossless_layouts_read_back_exactly(
    write_tiff: TiffWriter, picture: Image, options: dict[str, object]
) -> None:
    with open_slide(write_tiff(picture, **options)) as slide:
        assert np.array_equal(whole(slide), picture)


@pytest.mark.parametrize("tile", [(256, 256), None], ids=["tiles", "strips"])
def test_planar_and_grey_and_deep_samples_are_converted(
    write_tiff: TiffWriter, picture: Image, tile: tuple[int, int] | None
) -> None:
    planar = write_tiff(picture.transpose(2, 0, 1).copy(), planarconfig="separate", tile=tile)
    with open_slide(planar) as slide:
        assert np.array_equal(whole(slide), picture)
    grey = write_tiff(picture[..., 0], photometric="minisblack", tile=tile)
    with open_slide(grey) as slide:
        assert np.array_equal(whole(slide), picture[..., [0, 0, 0]])
    deep = write_tiff(picture.astype(np.uint16) * 257, tile=tile)
    with open_slide(deep) as slide:
        assert np.array_equal(whole(slide), picture)


def test_three_grey_pages_are_red_green_and_blue(write_tiff: TiffWriter, picture: Image) -> None:
    channels = picture.transpose(2, 0, 1).copy()
    with open_slide(write_tiff(channels, photometric="minisblack")) as slide:
        assert np.array_equal(whole(slide), picture)


@pytest.mark.parametrize(
    "other",
    [{"tile": (128, 128)}, {"tile": None}, {"compression": "zlib"}, {"dtype": np.uint16}],
    ids=str,
)
def test_channels_that_are_stored_in_different_ways_are_refused(
    tmp_path: Path, picture: Image, other: dict[str, Any]
) -> None:
    path = tmp_path / "slide.tif"
    with tifffile.TiffWriter(path) as tif:
        for channel, differs in enumerate((False, True, False)):
            options = {"tile": (256, 256), "photometric": "minisblack"} | (other if differs else {})
            plane = picture[..., channel].astype(options.pop("dtype", np.uint8))
            tif.write(plane, **options)
    with pytest.raises(SlideError, match="stored in different ways; export it as RGB"):
        open_slide(path)


@pytest.mark.parametrize("tile", [(16, 16), None], ids=["tiles", "strips"])
def test_chroma_that_is_halved_without_jpeg_is_refused(
    write_tiff: TiffWriter, picture: Image, tile: tuple[int, int] | None
) -> None:
    path = write_tiff(picture[:64, :64].copy(), tile=tile)
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.first.tags["PhotometricInterpretation"].overwrite(6)  # halved unless it says so
    with pytest.raises(SlideError, match="chroma subsampling"):
        open_slide(path)


@pytest.mark.parametrize("number", [33007, 34892])
def test_jpeg_is_known_by_its_other_numbers(
    write_tiff: TiffWriter, picture: Image, number: int
) -> None:
    path = write_tiff(picture, compression="jpeg")
    with open_slide(path) as slide:
        expected = whole(slide)
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.first.tags["Compression"].overwrite(number)
    with open_slide(path) as slide:
        assert np.array_equal(whole(slide), expected)


@pytest.mark.parametrize(
    ("image", "options", "named"),
    [
        (np.zeros((64, 64, 3), np.float32), {}, "float32"),
        (np.zeros((5, 64, 64), np.uint16), {"photometric": "minisblack"}, "5 single-channel"),
        (np.zeros((2, 64, 64), np.uint8), {"photometric": "minisblack"}, "2 single-channel"),
    ],
)
def test_other_images_are_refused_by_name(
    write_tiff: TiffWriter, image: NDArray[np.generic], options: dict[str, object], named: str
) -> None:
    with pytest.raises(SlideError, match=rf"^slide\.tif: .*{named}.*export"):
        open_slide(write_tiff(image, **options))


@pytest.mark.parametrize("ycbcr", [True, False], ids=["33003", "33005"])
def test_aperio_jpeg_2000_is_rgb_or_ycbcr_by_its_compression(tmp_path: Path, ycbcr: bool) -> None:
    red = np.full((64, 64, 3), (76, 85, 255) if ycbcr else (255, 0, 0), dtype=np.uint8)
    data = imagecodecs.jpeg2k_encode(red, level=0, codecformat="j2k", mct=False)
    path = tmp_path / "red.svs"
    tifffile.imwrite(
        path,
        iter([data]),
        shape=(64, 64, 3),
        dtype=np.uint8,
        tile=(64, 64),
        photometric="rgb",
        compression=33003 if ycbcr else 33005,
        description="Aperio Image Library v11|AppMag = 40|MPP = 0.25",
        metadata=None,
    )
    with open_slide(path) as slide:
        assert np.abs(whole(slide).astype(int) - [255, 0, 0]).max() <= 2


def test_levels_that_are_compressed_in_different_ways_have_the_same_colours(
    tmp_path: Path, picture: Image
) -> None:
    image, half = picture[:512, :512].copy(), picture[:512:2, :512:2].copy()
    ycbcr = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]].copy()
    data = imagecodecs.jpeg2k_encode(ycbcr, level=0, codecformat="j2k", mct=False)
    aperio = "Aperio Image Library v12|AppMag = 20|MPP = 0.5"
    options = {"description": aperio, "metadata": None}
    path = tmp_path / "mixed.svs"
    with tifffile.TiffWriter(path) as tif:
        tiles = {"shape": (512, 512, 3), "dtype": np.uint8, "tile": (512, 512)}
        tif.write(iter([data]), photometric="rgb", compression=33003, **tiles, **options)
        tif.write(half, photometric="rgb", compression="jpeg", tile=(256, 256), **options)
    with open_slide(path) as slide:
        assert np.abs(whole(slide, 0).astype(int) - image).mean() < 2
        assert np.abs(whole(slide, 1).astype(int) - half).mean() < 4


def test_a_resolution_of_another_type_does_not_spoil_the_pixels(
    write_tiff: TiffWriter, picture: Image
) -> None:
    path = write_tiff(picture, resolution=(40_000, 40_000), resolutionunit=3)
    with tifffile.TiffFile(path, mode="r+") as tif:
        for tag in ("XResolution", "YResolution"):
            tif.pages.first.tags[tag].overwrite(40_000.0, dtype="f")
    with open_slide(path) as slide:
        assert slide.um_per_px == 0.25
        assert np.array_equal(whole(slide), picture)


def test_levels_come_from_sub_images(pyramid_tiff: Path, picture: Image) -> None:
    with open_slide(pyramid_tiff) as slide:
        assert slide.format == "pyramidal TIFF"
        assert [(level.width, level.downsample) for level in slide.levels] == [(900, 1), (450, 2)]
        assert slide.um_per_px == pytest.approx(0.25)
        assert np.array_equal(whole(slide), picture)


def test_another_image_of_an_ome_tiff_is_neither_a_level_nor_tells_the_resolution(
    tmp_path: Path, picture: Image
) -> None:
    path = tmp_path / "two.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tif:
        for pixels, um in ((255 - picture[::2, ::2], 1.0), (picture, 0.25)):
            size = {"PhysicalSizeX": um, "PhysicalSizeY": um}
            tif.write(pixels.copy(), tile=(128, 128), photometric="rgb", metadata=size)
    with open_slide(path) as slide:
        assert [level.width for level in slide.levels] == [900]
        assert slide.um_per_px == pytest.approx(0.25)


def test_levels_come_from_pages_and_the_thumbnail_is_none(tmp_path: Path, picture: Image) -> None:
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path) as tif:
        tif.write(picture, tile=(128, 128), photometric="rgb")
        tif.write(picture[::10, ::10].copy(), photometric="rgb")
        tif.write(picture[::2, ::2].copy(), tile=(128, 128), photometric="rgb")
        tif.write(picture[:300, :300].copy(), tile=(128, 128), photometric="rgb")
    with open_slide(path) as slide:
        assert [level.width for level in slide.levels] == [900, 450]


def test_a_header_that_claims_more_tiles_than_it_lists_is_refused(
    write_tiff: TiffWriter, picture: Image
) -> None:
    path = write_tiff(picture)
    with tifffile.TiffFile(path, mode="r+") as tif:
        for tag in ("ImageWidth", "ImageLength"):
            tif.pages.first.tags[tag].overwrite(1_000_000, dtype="I")
    with pytest.raises(SlideError, match="claims 1000000×1000000 px but lists 12 of"):
        open_slide(path)


@pytest.mark.parametrize("listed", [12, 24, 35])
def test_planes_of_which_tiles_are_missing_are_refused(
    write_tiff: TiffWriter, picture: Image, listed: int
) -> None:
    path = write_tiff(picture.transpose(2, 0, 1).copy(), planarconfig="separate")
    with tifffile.TiffFile(path, mode="r+") as tif:
        for tag in ("TileOffsets", "TileByteCounts"):
            tif.pages.first.tags[tag].overwrite(tif.pages.first.tags[tag].value[:listed])
    with pytest.raises(SlideError, match=f"lists {listed} of 36 tiles"):
        open_slide(path)


def test_a_raw_file_that_ends_early_is_refused(write_tiff: TiffWriter, picture: Image) -> None:
    path = write_tiff(picture, tile=None)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    with pytest.raises(SlideError, match="copy"):
        open_slide(path)


def test_threads_read_the_same_pixels(data_folder: Path) -> None:
    with open_slide(data_folder / "slides/CMU-1-Small-Region.svs") as slide:
        expected = whole(slide)
    rng = np.random.default_rng(7)
    corners = rng.integers((-50, -50), (2900, 2200), (200, 2)).tolist()
    padded = np.pad(expected, ((50, 400), (50, 400), (0, 0)), constant_values=255)
    with (
        open_slide(data_folder / "slides/CMU-1-Small-Region.svs") as slide,
        ThreadPoolExecutor(8) as pool,
    ):
        windows = pool.map(lambda corner: slide.read(0, *corner, 300, 300).rgb, corners)
        for (y, x), window in zip(corners, windows, strict=True):
            assert np.array_equal(window, padded[y + 50 : y + 350, x + 50 : x + 350])


def test_bytes_are_read_in_turns_where_the_system_cannot_read_at_an_offset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("os.pread", raising=False)
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)) * 100)
    file = PositionalFile(path, path.name)
    with ThreadPoolExecutor(8) as pool:
        parts = list(pool.map(lambda at: file.read(at, 16)[0], range(0, 20_000, 7)))
    file.close()
    assert parts == [at % 256 for at in range(0, 20_000, 7)]


@pytest.mark.parametrize("to", [0, 1])
def test_a_list_of_pages_that_leads_back_into_itself_has_an_end(
    write_tiff: TiffWriter, picture: Image, to: int
) -> None:
    path = write_tiff(np.stack([picture] * 3), photometric="rgb")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        starts = [page.offset for page in tif.pages]
    (tags,) = struct.unpack_from("<H", content, starts[-1])
    struct.pack_into("<I", content, starts[-1] + 2 + 12 * tags, starts[to])
    path.write_bytes(content)
    with pytest.raises(SlideError, match=r"its TIFF header is damaged .* copy the file again"):
        open_slide(path)
