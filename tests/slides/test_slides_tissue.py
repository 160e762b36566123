from pathlib import Path

import cv2
import numpy as np
import pytest
from made_slides import TiffWriter, empty_tiles
from numpy.typing import NDArray
from scipy import ndimage

from napari_glioma_density.slides import (
    TissueKind,
    find_tissue,
    open_slide,
    tissue,
    tissue_px,
    whole_slide_tissue,
    working_plane,
)

GLASS = (236, 234, 237)
PALE_BRAIN = (226, 205, 222)
DENSE_TUMOUR = (120, 80, 150)
GREEN_INK = (60, 140, 90)
BLUE_INK = (30, 70, 170)


def painted(*patches: tuple[tuple[int, int, int], slice, slice]) -> NDArray[np.uint8]:
    """Noisy greyish glass of 1600×1600 px with rectangles painted on it."""
    image = np.full((1600, 1600, 3), GLASS, dtype=np.int16)
    for colour, rows, columns in patches:
        image[rows, columns] = colour
    noise = np.random.default_rng(0).integers(-6, 7, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def kinds_of(path: Path) -> NDArray[np.uint8]:
    with open_slide(path).with_um_per_px(0.5) as slide:
        return find_tissue(working_plane(slide, 0.5)).kinds


def test_the_white_of_glass_is_the_median_of_bright_nearly_grey_places() -> None:
    rgb = np.random.default_rng(5).integers(185, 256, (97, 61, 3), dtype=np.uint8)
    spread = rgb.max(axis=-1).astype(int) - rgb.min(axis=-1)
    glass = rgb[(rgb.min(axis=-1) >= 200) & (spread <= 14)]
    assert 100 < len(glass) < 1000
    assert np.array_equal(tissue._white(rgb), np.median(glass, axis=0).astype(np.float32))


def test_a_slide_in_strips_is_one_slide(
    write_tiff: TiffWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tiff(painted((PALE_BRAIN, np.s_[200:900], np.s_[300:1200])))
    whole = kinds_of(path)
    monkeypatch.setattr(tissue, "_STRIP_PLACES", 250)
    assert 0 < np.count_nonzero(whole) < whole.size
    assert np.array_equal(kinds_of(path), whole)


def test_the_threshold_is_otsus() -> None:
    drawn = np.random.default_rng(4)
    steps = np.concatenate([drawn.poisson(3, 5000), drawn.poisson(24, 1500)]).astype(np.uint8)
    otsu, _ = cv2.threshold(steps[None], 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    assert 10 <= otsu <= 17  # within the limits
    assert tissue._threshold(np.bincount(steps, minlength=256)) == pytest.approx(otsu * 0.002)
    assert tissue._threshold(np.zeros(256, np.int64)) == 0.02  # nothing could be read


@pytest.mark.parametrize("smallest", [2.0, 9.5, 23.4])
def test_specks_are_those_of_the_whole_map_whatever_the_strips(
    smallest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    mask = (np.random.default_rng(3).random((150, 90)) < 0.38).astype(np.uint8)
    parts, _ = ndimage.label(mask, np.ones((3, 3)))
    expected = (mask > 0) & (np.bincount(parts.ravel()) >= smallest)[parts]
    monkeypatch.setattr(tissue, "_STRIP_PLACES", 270)
    assert 0.1 < expected.sum() / mask.sum() < 0.99
    assert np.array_equal(tissue._without_specks(mask, smallest), expected)


def test_pale_and_dense_tissue_are_found_on_grey_glass(write_tiff: TiffWriter) -> None:
    kinds = kinds_of(
        write_tiff(
            painted(
                (PALE_BRAIN, np.s_[160:800], np.s_[160:800]),
                (DENSE_TUMOUR, np.s_[960:1280], np.s_[960:1280]),
            )
        )
    )
    assert kinds.shape == (100, 100)
    assert (kinds[10:50, 10:50] == TissueKind.TISSUE).all()
    assert (kinds[60:80, 60:80] == TissueKind.TISSUE).all()
    # One place of margin is granted around tissue.
    assert (kinds == TissueKind.TISSUE).sum() <= 42 * 42 + 22 * 22


@pytest.mark.parametrize("ink", [GREEN_INK, BLUE_INK, (0, 0, 0)], ids=["green", "blue", "black"])
def test_ink_and_black_borders_are_background(
    write_tiff: TiffWriter, ink: tuple[int, int, int]
) -> None:
    path = write_tiff(
        painted((PALE_BRAIN, np.s_[160:800], np.s_[160:800]), (ink, np.s_[960:1440], np.s_[:]))
    )
    assert (kinds_of(path)[58:] == TissueKind.BACKGROUND).all()


def test_a_field_without_glass_is_all_tissue(write_tiff: TiffWriter) -> None:
    whole = (np.s_[:], np.s_[:])
    half = (np.s_[:800], np.s_[:])
    for patches in ([(PALE_BRAIN, *whole)], [(PALE_BRAIN, *whole), (DENSE_TUMOUR, *half)]):
        assert (kinds_of(write_tiff(painted(*patches))) == TissueKind.TISSUE).all()


def test_clean_glass_is_all_background(write_tiff: TiffWriter) -> None:
    assert (kinds_of(write_tiff(painted())) == TissueKind.BACKGROUND).all()


def test_small_holes_belong_to_the_tissue_and_large_ones_do_not(write_tiff: TiffWriter) -> None:
    tissue = (DENSE_TUMOUR, np.s_[160:1440], np.s_[160:1440])
    small = (GLASS, np.s_[320:384], np.s_[320:384])
    large = (GLASS, np.s_[640:1280], np.s_[640:1280])
    kinds = kinds_of(write_tiff(painted(tissue, small, large)))
    assert (kinds[15:35, 15:35] == TissueKind.TISSUE).all()
    assert (kinds[45:75, 45:75] == TissueKind.BACKGROUND).all()


def test_what_cannot_be_read_is_unknown(write_tiff: TiffWriter) -> None:
    path = write_tiff(painted())
    empty_tiles(path, 8)
    kinds = kinds_of(path)
    assert (kinds[16:32, 16:32] == TissueKind.UNKNOWN).all()
    assert (kinds == TissueKind.UNKNOWN).sum() == 16 * 16


def test_the_map_covers_a_part_of_a_place_at_the_edge(write_tiff: TiffWriter) -> None:
    with open_slide(write_tiff(painted()[:1001, :777])).with_um_per_px(0.25) as slide:
        plane = working_plane(slide, 0.5)
        assert find_tissue(plane).kinds.shape == (32, 25)
        assert (whole_slide_tissue(plane).kinds == TissueKind.TISSUE).all()


@pytest.mark.parametrize("folder", ["validation/lgg", "glioma_research/gbm"])
def test_glioma_fields_are_tissue_all_over(data_folder: Path, folder: str) -> None:
    for path in sorted((data_folder / "data" / folder / "images").iterdir())[::4]:
        with open_slide(path).with_um_per_px(0.25) as slide:
            kinds = find_tissue(working_plane(slide, 0.5)).kinds
        assert (kinds == TissueKind.TISSUE).mean() > 0.98, path.name


def test_a_real_section_is_told_from_its_glass(data_folder: Path) -> None:
    with open_slide(data_folder / "slides/CMU-1-Small-Region.svs") as slide:
        kinds = find_tissue(working_plane(slide, 0.5)).kinds
    assert 0.35 < (kinds == TissueKind.TISSUE).mean() < 0.5
    assert kinds[100, 70] == TissueKind.TISSUE
    assert kinds[30, 10] == TissueKind.BACKGROUND


@pytest.mark.parametrize(("height", "width"), [(1, 2000), (480, 481), (1001, 963), (1440, 16)])
def test_tissue_is_counted_to_the_edge_of_the_slide(height: int, width: int) -> None:
    places = -(-height // 16), -(-width // 16)
    kinds = np.random.default_rng(3).integers(0, 3, places, dtype=np.uint8)
    px = np.kron(kinds == TissueKind.TISSUE, np.ones((16, 16), int))[:height, :width]
    found = tissue_px(kinds, height, width, 480)
    assert found.shape == (-(-height // 480), -(-width // 480))
    for row, column in np.ndindex(found.shape):
        square = px[row * 480 : (row + 1) * 480, column * 480 : (column + 1) * 480]
        assert found[row, column] == square.sum()
