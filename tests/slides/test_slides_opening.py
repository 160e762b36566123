from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import open_slide


def assert_one_helpful_line(error: SlideError, name: str) -> None:
    message = str(error)
    assert "\n" not in message
    assert message.startswith(f"{name}: ")
    assert ";" in message, "the remedy follows the fault"


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SlideError, match="no such file") as caught:
        open_slide(tmp_path / "absent.svs")
    assert_one_helpful_line(caught.value, "absent.svs")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "empty"),
        (b"Slide 12, see the other folder.\n", "not a slide of a known format"),
        (b"II*\0", "header is damaged"),
        (b"II*\0\x08\0\0\0\xff\xff" + b"\x77" * 40, "damaged|no slide image"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "damaged"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 40, "damaged"),
    ],
)
def test_files_that_are_no_slides_are_refused_in_one_line(
    tmp_path: Path, content: bytes, fault: str
) -> None:
    path = tmp_path / "case.svs"
    path.write_bytes(content)
    with pytest.raises(SlideError, match=fault) as caught:
        open_slide(path)
    assert_one_helpful_line(caught.value, "case.svs")


def test_a_folder_without_dicom_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(SlideError, match="without a DICOM slide") as caught:
        open_slide(tmp_path)
    assert_one_helpful_line(caught.value, tmp_path.name)


@pytest.mark.parametrize("name", ["broken.svs", "unopenable.tiff"])
def test_broken_slides_are_refused_in_one_line(data_folder: Path, name: str) -> None:
    with pytest.raises(SlideError) as caught:
        open_slide(data_folder / "slides/bad" / name)
    assert_one_helpful_line(caught.value, name)


def test_a_slide_without_a_readable_tile_opens_but_does_not_pass_the_check(
    data_folder: Path,
) -> None:
    with open_slide(data_folder / "slides/bad/unreadable.svs") as slide:
        with pytest.raises(SlideError, match="not one tile") as caught:
            slide.check_readable()
        assert_one_helpful_line(caught.value, "unreadable.svs")


@pytest.mark.parametrize(
    ("name", "form", "reader", "um_per_px", "source", "objective"),
    [
        ("CMU-1-Small-Region.svs", "Aperio SVS", "tifffile", 0.499, "Aperio MPP", 20),
        ("TCGA-CR-7395-01A-01-TS1.svs", "Aperio SVS", "tifffile", None, "not stated", None),
        ("instanseg_HE_example.tif", "OME-TIFF", "tifffile", 0.50008, "OME PhysicalSize", None),
        ("test3-TRITC-2-(560).ndpi", "Hamamatsu NDPI", "tifffile", 0.22818, "NDPI XResolution", 40),
        ("dicom/CMU-1-Small-Region", "DICOM", "openslide", 0.499, "DICOM PixelSpacing", None),
    ],
)
def test_real_slides_say_what_they_are(
    data_folder: Path,
    name: str,
    form: str,
    reader: str,
    um_per_px: float | None,
    source: str,
    objective: float | None,
) -> None:
    with open_slide(data_folder / "slides" / name) as slide:
        assert (slide.format, slide.reader) == (form, reader)
        assert slide.um_per_px == (um_per_px and pytest.approx(um_per_px, rel=1e-4))
        assert slide.resolution.source == source
        assert slide.objective == objective
        assert slide.read(0, 0, 0, 64, 64).read.all()
        slide.check_readable()


def test_label_thumbnail_and_macro_are_no_levels(data_folder: Path) -> None:
    sizes = {
        "CMU-1-Small-Region.svs": [(2220, 2967)],
        "TCGA-CR-7395-01A-01-TS1.svs": [(4443, 3567), (2221, 1783)],
        "test3-TRITC-2-(560).ndpi": [(3968, 4864), (1984, 2432), (992, 1216), (496, 608)],
    }
    for name, expected in sizes.items():
        with open_slide(data_folder / "slides" / name) as slide:
            assert [(level.width, level.height) for level in slide.levels] == expected


def test_one_file_of_a_dicom_slide_stands_for_the_slide(data_folder: Path) -> None:
    member = sorted((data_folder / "slides/dicom/CMU-1-Small-Region").iterdir())[0]
    with open_slide(member) as slide:
        assert (slide.format, slide.width, slide.height) == ("DICOM", 2220, 2967)


def test_a_picture_for_print_is_refused(tmp_path: Path) -> None:
    ink = np.zeros((64, 64, 4), np.uint8)
    path = tmp_path / "print.jpg"
    path.write_bytes(imagecodecs.jpeg8_encode(ink, colorspace="CMYK", outcolorspace="CMYK"))
    with pytest.raises(SlideError, match="CMYK colours") as caught:
        open_slide(path)
    assert_one_helpful_line(caught.value, "print.jpg")


def test_a_header_that_claims_giant_tiles_does_not_end_the_program(
    tmp_path: Path, picture: NDArray[np.uint8]
) -> None:
    """What is refused here is not left to OpenSlide, which would ask for 32 GB and abort."""
    path = tmp_path / "slide.svs"
    described = {"description": "Aperio Image Library|MPP = 0.5", "metadata": None}
    tifffile.imwrite(
        path, picture, tile=(240, 240), compression="jpeg", photometric="rgb", **described
    )
    with tifffile.TiffFile(path, mode="r+") as tif:
        tif.pages.first.tags["TileLength"].overwrite(2**25 + 240, dtype="I")
    with pytest.raises(SlideError, match="too large to open"):
        open_slide(path)
