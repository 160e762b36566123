from pathlib import Path

import numpy as np
import pytest

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import Pixels, open_slide
from napari_glioma_density.stain import NotBrightfield, refuse_unless_brightfield


def uniform(*shares: tuple[float, tuple[int, int, int]]) -> Pixels:
    colours = [np.full((int(100 * share), 100, 3), colour) for share, colour in shares]
    rgb = np.concatenate(colours).astype(np.uint8)
    return Pixels(rgb, np.ones(rgb.shape[:2], dtype=np.bool_))


@pytest.mark.parametrize(
    "pixels",
    [
        uniform((1, (10, 4, 4))),
        uniform((0.6, (5, 5, 8)), (0.4, (40, 60, 200))),
        uniform((0.5, (0, 0, 0)), (0.5, (120, 120, 120))),
    ],
    ids=["dark", "blue on black", "grey on black"],
)
def test_fluorescence_is_refused_with_the_way_round(pixels: Pixels) -> None:
    with pytest.raises(NotBrightfield, match=r"^case\.ndpi: .*brightfield.*--force"):
        refuse_unless_brightfield(pixels, "case.ndpi")


@pytest.mark.parametrize(
    "pixels",
    [
        uniform((0.7, (240, 240, 240)), (0.3, (180, 120, 170))),
        uniform((1, (90, 45, 80))),
        uniform((0.6, (0, 0, 0)), (0.4, (235, 230, 235))),
    ],
    ids=["section on glass", "dark field of tissue", "black border"],
)
def test_stained_sections_are_accepted(pixels: Pixels) -> None:
    refuse_unless_brightfield(pixels, "case.svs")


def test_what_was_not_read_does_not_count() -> None:
    pixels = uniform((0.5, (240, 240, 240)), (0.5, (0, 0, 0)))
    pixels.read[50:] = False
    refuse_unless_brightfield(pixels, "case.svs")
    refuse_unless_brightfield(Pixels(pixels.rgb, np.zeros_like(pixels.read)), "case.svs")


def test_the_fluorescence_slide_is_refused_and_the_stained_ones_are_not(data_folder: Path) -> None:
    slides = data_folder / "slides"
    with open_slide(slides / "test3-TRITC-2-(560).ndpi") as slide, pytest.raises(SlideError):
        refuse_unless_brightfield(slide.thumbnail(512), slide.name)
    for name in (
        "CMU-1-Small-Region.svs",
        "TCGA-CR-7395-01A-01-TS1.svs",
        "dicom/CMU-1-Small-Region",
    ):
        with open_slide(slides / name) as slide:
            refuse_unless_brightfield(slide.thumbnail(512), slide.name)


def test_dark_fields_of_real_tissue_are_accepted(data_folder: Path) -> None:
    for path in sorted((data_folder / "data/train/nuinsseg/images").glob("human_spleen_*"))[::3]:
        with open_slide(path) as slide:
            refuse_unless_brightfield(slide.thumbnail(512), slide.name)
