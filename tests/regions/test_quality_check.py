"""Quality control: what is spoilt is found where it is, and sound tissue is left alone."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
import tifffile
from numpy.typing import NDArray

from napari_glioma_density.regions.quality_check import check_quality
from napari_glioma_density.regions.quality_outlines import outlines_of
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.slides import open_slide, whole_slide_tissue, working_plane

Picture = NDArray[np.uint8]
SIDE = 1600
"""Px of 0.5 µm."""


@pytest.fixture(scope="module")
def tissue() -> Picture:
    """Purple nuclei of soft edge on textured pink, with a dense focus in the middle."""
    random = np.random.default_rng(3)
    rgb = np.empty((SIDE, SIDE, 3), np.float32)
    rgb[:] = (228, 176, 208)
    places = [*random.integers(0, SIDE, (4000, 2)), *random.normal(SIDE / 2, 110, (1200, 2))]
    for x, y in places:
        axes, turn = (8, 5), int(random.integers(180))
        cv2.ellipse(rgb, (int(x), int(y)), axes, turn, 0, 360, (95, 60, 140), -1)
    texture = cv2.GaussianBlur(random.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 1.0)
    rgb = cv2.GaussianBlur(rgb, (0, 0), 0.6) * (1 + 0.25 * texture[..., None])
    return np.clip(rgb, 0, 255).astype(np.uint8)


def found_in(rgb: Picture, folder: Path, um_per_px: float = 0.5) -> tuple[Region, ...]:
    path = folder / "slide.tiff"
    per_cm = 1e4 / um_per_px
    tifffile.imwrite(
        path, rgb, tile=(256, 256), photometric="rgb",
        resolution=(per_cm, per_cm), resolutionunit="CENTIMETER",
    )  # fmt: skip
    with open_slide(path) as slide:
        plane = working_plane(slide, 0.5)
        return check_quality(plane, whole_slide_tissue(plane).kinds)


def overlap(regions: tuple[Region, ...], truth: shapely.Polygon) -> float:
    """Intersection over union with what was spoilt."""
    found = shapely.unary_union([region.geometry for region in regions])
    both, either = shapely.intersection(found, truth), shapely.union(found, truth)
    return float(shapely.area(both) / shapely.area(either))


def spoilt(rgb: Picture, what: str) -> tuple[Picture, shapely.Polygon]:
    """Spoil a part of a picture; return it and what part."""
    image = rgb.copy()
    if what == "blur":
        image[:, 900:] = cv2.GaussianBlur(rgb, (0, 0), 4)[:, 900:]
        return image, shapely.box(900, 0, SIDE, SIDE)
    if what == "empty":
        image[:700] = (243, 242, 245)
        return image, shapely.box(0, 0, SIDE, 700)
    passes = {"blue": (0.1, 0.4, 0.85), "green": (0.1, 0.7, 0.3), "black": (0.1, 0.1, 0.12)}
    factor: object = passes.get(what)
    if what == "fold":
        factor = cv2.GaussianBlur(rgb, (0, 0), 1.5)[::-1, ::-1][:, 300:460] / 243.0
    image[:, 300:460] = np.clip(rgb[:, 300:460] * np.asarray(factor), 0, 255)
    return image, shapely.box(300, 0, 460, SIDE)


def test_sound_tissue_with_a_dense_focus_is_left_alone(tissue: Picture, tmp_path: Path) -> None:
    assert found_in(tissue, tmp_path) == ()


@pytest.mark.parametrize("faded", [0.5, 1.6])
def test_pale_and_dark_stain_is_left_alone(tissue: Picture, tmp_path: Path, faded: float) -> None:
    assert found_in((255 * (tissue / 255.0) ** faded).astype(np.uint8), tmp_path) == ()


@pytest.mark.parametrize(
    ("what", "reason", "least"),
    [
        ("blur", Reason.BLUR, 0.9),
        ("blue", Reason.PEN, 0.45),
        ("green", Reason.PEN, 0.45),
        ("black", Reason.PEN, 0.45),
        ("fold", Reason.FOLD, 0.3),
        ("empty", Reason.OTHER, 0.9),
    ],
)
def test_what_is_spoilt_is_found_where_it_is(
    tissue: Picture, tmp_path: Path, what: str, reason: Reason, least: float
) -> None:
    image, truth = spoilt(tissue, what)
    regions = found_in(image, tmp_path)
    assert {region.reason for region in regions} == {reason}
    assert overlap(regions, truth) > least
    # Ink fades at its edge, so it is left out with a margin.
    assert shapely.area(shapely.unary_union([r.geometry for r in regions]) - truth.buffer(120)) == 0


def test_regions_are_exclusions_in_level_0_px(tissue: Picture, tmp_path: Path) -> None:
    image, truth = spoilt(tissue, "blue")
    finer = np.asarray(cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC))
    regions = found_in(finer, tmp_path, um_per_px=0.25)
    assert overlap(regions, shapely.affinity.scale(truth, 2, 2, origin=(0, 0))) > 0.45
    for region in regions:
        assert (region.kind, region.origin) == (RegionKind.EXCLUSION, Origin.AUTOMATIC)
        assert region.geometry.is_valid
        assert "ink" in region.comment


def test_no_two_regions_overlap(tissue: Picture, tmp_path: Path) -> None:
    blurred, _ = spoilt(tissue, "blur")
    image, _ = spoilt(blurred[:, ::-1], "blue")
    regions = found_in(np.ascontiguousarray(image), tmp_path)
    assert {region.reason for region in regions} == {Reason.PEN, Reason.BLUR}
    union = shapely.unary_union([region.geometry for region in regions])
    assert union.area == pytest.approx(sum(region.geometry.area for region in regions), rel=1e-6)


def test_ink_beside_the_tissue_s_patches_is_nobody_s_concern(
    tissue: Picture, tmp_path: Path
) -> None:
    image, _ = spoilt(tissue, "blue")
    path = tmp_path / "slide.tiff"
    found_in(image, tmp_path)
    with open_slide(path) as slide:
        plane = working_plane(slide, 0.5)
        kinds = whole_slide_tissue(plane).kinds.copy()
        kinds[:, : 960 // 16] = 0
        assert check_quality(plane, kinds) == ()


def test_progress_is_told_and_stop_obeyed(tissue: Picture, tmp_path: Path) -> None:
    image, _ = spoilt(tissue, "blue")
    found_in(image, tmp_path)
    told: list[tuple[int, int]] = []
    with open_slide(tmp_path / "slide.tiff") as slide:
        plane = working_plane(slide, 0.5)
        kinds = whole_slide_tissue(plane).kinds
        check_quality(plane, kinds, on_progress=lambda done, total: told.append((done, total)))
        assert told[-1][0] == told[-1][1]
        stopped: list[tuple[int, int]] = []
        nothing = check_quality(
            plane, kinds, stop=lambda: True, on_progress=lambda *at: stopped.append(at)
        )
    assert (nothing, stopped) == ((), [])


def test_an_outline_has_the_area_of_its_spots_and_keeps_holes() -> None:
    spots = np.zeros((60, 80), bool)
    spots[10:50, 20:70] = True
    spots[20:40, 35:50] = False
    (outline,) = outlines_of(spots, 32.0)
    assert len(outline.interiors) == 1
    assert outline.area == pytest.approx(spots.sum() * 32.0**2, rel=0.03)
    x, y = outline.centroid.coords[0]
    middle = np.argwhere(spots).mean(axis=0) + 0.5
    assert (y / 32, x / 32) == pytest.approx(tuple(middle), abs=0.1)
