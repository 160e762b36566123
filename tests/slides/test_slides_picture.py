from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import open_slide

Image = NDArray[np.uint8]

BASELINE = ()
PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
RESTARTS = (cv2.IMWRITE_JPEG_RST_INTERVAL, 2)


def jpeg(image: Image, options: tuple[int, ...] = BASELINE) -> bytes:
    return cv2.imencode(".jpg", image[..., ::-1], options)[1].tobytes()


def with_preview(data: bytes, preview: bytes) -> bytes:
    """Put a small JPEG into a JPEG's APP1 segment, where cameras have their EXIF data."""
    content = b"Exif\0\0" + preview
    return data[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2, "big") + content + data[2:]


@pytest.mark.parametrize("more", [b"", b"\0" * 99, b"\xff\xd8\xff\xe1 of a second picture"])
@pytest.mark.parametrize("has_preview", [False, True], ids=["", "preview"])
@pytest.mark.parametrize(
    "options", [BASELINE, PROGRESSIVE, RESTARTS], ids=["baseline", "progressive", "restarts"]
)
def test_whole_jpegs_of_every_kind_open(
    tmp_path: Path, picture: Image, options: tuple[int, ...], has_preview: bool, more: bytes
) -> None:
    data = jpeg(picture, options)
    if has_preview:
        data = with_preview(data, jpeg(picture[::10, ::10]))
    path = tmp_path / "picture.jpg"
    path.write_bytes(data + more)
    with open_slide(path) as slide:
        rgb = slide.read(0, 0, 0, slide.height, slide.width).rgb
    assert np.abs(rgb.astype(int) - picture).mean() < 3


@pytest.mark.parametrize("hole", [None, b"\0", b"\x55"], ids=["cut", "zeros", "foreign"])
@pytest.mark.parametrize("has_preview", [False, True], ids=["", "preview"])
@pytest.mark.parametrize(
    "options", [BASELINE, PROGRESSIVE, RESTARTS], ids=["baseline", "progressive", "restarts"]
)
def test_a_jpeg_that_ends_early_is_refused(
    tmp_path: Path,
    picture: Image,
    options: tuple[int, ...],
    has_preview: bool,
    hole: bytes | None,
) -> None:
    data = jpeg(picture, options)
    if has_preview:
        data = with_preview(data, jpeg(picture[::10, ::10]))
    kept = len(data) * 3 // 4
    path = tmp_path / "picture.jpg"
    path.write_bytes(data[:kept] + (hole or b"") * (len(data) - kept))
    with pytest.raises(SlideError, match=r"^picture\.jpg: the picture is damaged .*; export or"):
        open_slide(path)


def test_a_jpeg_with_foreign_bytes_in_it_is_refused(tmp_path: Path, picture: Image) -> None:
    data = jpeg(picture)
    path = tmp_path / "picture.jpg"
    path.write_bytes(data[:4000] + b"%PDF-1.7 \xff\x07" + data[4011:])
    with pytest.raises(SlideError, match="the picture is damaged"):
        open_slide(path)
