"""The densest circles, against all circles there are."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import shapely
from made_up_ground import MadeUpGround, make_ground, store_ground
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from napari_glioma_density.density import CorrectedPatches, PatchState
from napari_glioma_density.findings import circle_search
from napari_glioma_density.findings.field_hotspots import (
    FieldHotspot,
    field_hotspots,
    find_field_hotspots,
)
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.regions.exclusion import exclusions_of, left_out_geometry
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results.masks import coarsen

HEIGHT, WIDTH = 1500, 2000
AREA_MM2 = 0.24
RADIUS_PX = np.sqrt(AREA_MM2 / 1e-6 / np.pi)

HALF = 0.5
find = partial(find_field_hotspots, min_tissue_share=HALF)
"""Small slides are mostly edge: on them half of a circle must do."""


@pytest.fixture(scope="module")
def ground() -> MadeUpGround:
    """Nuclei in clusters of chance on tissue with a glass rim, 1 µm/px."""
    chance = np.random.default_rng(11)
    kinds = np.zeros((-(-HEIGHT // 16), -(-WIDTH // 16)), np.uint8)
    kinds[4:90, 10:] = 1
    kinds[40:60, 50:70] = 0
    seeds = chance.uniform((100, 200), (HEIGHT - 100, WIDTH - 40), (14, 2))
    spread = chance.uniform(60, 260, 14)
    which = chance.integers(0, 14, 900)
    places = seeds[which] + chance.normal(0, 1, (900, 2)) * spread[which, None]
    places = places.clip(10, (HEIGHT - 10, WIDTH - 10))
    nuclei = np.column_stack([places, chance.uniform(4, 9, 900)])
    return make_ground(nuclei, kinds, height_px=HEIGHT, width_px=WIDTH)


def brute_force(
    ground: MadeUpGround, counted: NDArray[np.bool_], min_tissue_share: float = HALF
) -> NDArray[np.float64]:
    """Return the density of the circle around every pixel's corner, nan where none may be."""
    reach = int(RADIUS_PX) + 1
    away = np.arange(-reach, reach) + 0.5
    disc = (away[:, None] ** 2 + away**2 <= RADIUS_PX**2).astype(np.float32)
    nucleus, tissue = (
        fftconvolve((px * counted).astype(np.float32), disc, mode="valid")
        for px in (ground.nucleus, ground.tissue)
    )
    enough = tissue >= min_tissue_share * disc.sum()
    return np.where(enough, 100 * nucleus / np.maximum(tissue, 1), np.nan)


@pytest.fixture(scope="module")
def all_densities(ground: MadeUpGround) -> NDArray[np.float64]:
    return brute_force(ground, np.ones(ground.nucleus.shape, bool))


def px_in(hotspot: FieldHotspot, px: NDArray[np.bool_]) -> int:
    """Count pixels whose centre lies in the circle, without its outline."""
    y, x = (np.arange(length) + 0.5 for length in px.shape)
    away = np.hypot(y[:, None] - hotspot.centre_y_um, x - hotspot.centre_x_um)
    return int(px[away <= RADIUS_PX].sum())


def test_no_circle_is_denser_than_the_first(
    ground: MadeUpGround, all_densities: NDArray[np.float64]
) -> None:
    best = np.nanmax(all_densities)
    first = find(ground.measured, AREA_MM2)[0]
    assert first.rank == 1
    assert first.sums.tissue_density_percent == pytest.approx(best, rel=0.01)
    assert first.sums.tissue_density_percent <= best * 1.001


def test_what_is_printed_is_what_lies_in_the_circle(ground: MadeUpGround) -> None:
    for hotspot in find(ground.measured, AREA_MM2):
        sums = hotspot.sums
        assert sums.nucleus_px == pytest.approx(px_in(hotspot, ground.nucleus > 0), rel=0.003)
        assert sums.tissue_px == pytest.approx(px_in(hotspot, ground.tissue), rel=0.001)
        assert sums.read_mm2 == pytest.approx(AREA_MM2, rel=0.001)
        assert hotspot.outline.area == pytest.approx(AREA_MM2 / (0.5e-3) ** 2)
        centre = hotspot.outline.centroid
        assert (centre.y / 2, centre.x / 2) == pytest.approx(
            (hotspot.centre_y_um, hotspot.centre_x_um)
        )


def test_circles_are_ranked_and_do_not_overlap(ground: MadeUpGround) -> None:
    found = find(ground.measured, AREA_MM2, min_tissue_share=0.2)
    assert [each.rank for each in found] == list(range(1, len(found) + 1))
    assert len(found) >= 4
    densities = [each.sums.tissue_density_percent for each in found]
    assert densities == sorted(densities, reverse=True)
    slide = shapely.box(0, 0, 2 * WIDTH, 2 * HEIGHT)
    for each in found:
        assert slide.contains(each.outline)
        assert not any(
            each.outline.intersects(other.outline) for other in found if other is not each
        )


def test_no_more_circles_than_asked(ground: MadeUpGround) -> None:
    many = find(ground.measured, AREA_MM2)
    assert find(ground.measured, AREA_MM2, most=2) == many[:2]


def test_after_a_circle_comes_the_densest_that_does_not_overlap_it(
    ground: MadeUpGround, all_densities: NDArray[np.float64]
) -> None:
    first, second = find(ground.measured, AREA_MM2, most=2)
    reach = int(RADIUS_PX) + 1
    y, x = (np.arange(length) + reach for length in all_densities.shape)
    away = np.hypot(y[:, None] - first.centre_y_um, x - first.centre_x_um)
    best = np.nanmax(np.where(away >= 2 * RADIUS_PX, all_densities, np.nan))
    assert second.sums.tissue_density_percent == pytest.approx(best, rel=0.01)


def test_the_mask_at_a_quarter_finds_circles_as_dense(ground: MadeUpGround) -> None:
    coarse, _ = coarsen(ground.nucleus)
    at_full = find(ground.measured, AREA_MM2, most=3)
    at_quarter = find(ground.measured, AREA_MM2, mask=coarse, most=3)
    for one, other in zip(at_full, at_quarter, strict=True):
        expected = one.sums.tissue_density_percent
        assert other.sums.tissue_density_percent == pytest.approx(expected, rel=0.02)


def test_circles_are_the_same_whatever_the_tiles(
    ground: MadeUpGround, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = find(ground.measured, AREA_MM2)
    monkeypatch.setattr(circle_search, "_TILE_BINS", 23)
    assert find(ground.measured, AREA_MM2) == expected


def test_circles_move_with_the_tissue() -> None:
    chance = np.random.default_rng(3)
    kinds = np.zeros((140, 140), np.uint8)
    kinds[40:100, 40:90] = 1
    nuclei = np.column_stack(
        [chance.uniform(660, 1560, 300), chance.uniform(660, 1400, 300), chance.uniform(4, 9, 300)]
    )
    before = make_ground(nuclei, kinds, height_px=2240, width_px=2240)
    after = make_ground(
        nuclei + np.array([96, -64, 0]),
        np.roll(kinds, (6, -4), axis=(0, 1)),
        height_px=2240,
        width_px=2240,
    )
    found = find(before.measured, AREA_MM2)
    moved = find(after.measured, AREA_MM2)
    assert len(found) >= 2
    assert [each.sums for each in moved] == [each.sums for each in found]
    for one, other in zip(found, moved, strict=True):
        shift = other.centre_y_um - one.centre_y_um, other.centre_x_um - one.centre_x_um
        assert shift == pytest.approx((96, -64))


def test_circles_stay_in_scope(ground: MadeUpGround) -> None:
    scope = np.zeros(ground.measured.patches.state.shape, bool)
    scope[1:, :3] = True
    allowed = shapely.box(0, 960, 2 * 3 * 480, 2 * HEIGHT)
    found = find(ground.measured, AREA_MM2, scope=scope)
    assert found
    assert all(allowed.contains(each.outline) for each in found)


def test_a_scope_too_small_for_a_circle_holds_none(ground: MadeUpGround) -> None:
    scope = np.zeros(ground.measured.patches.state.shape, bool)
    scope[1, 1] = True
    assert find(ground.measured, AREA_MM2, scope=scope) == ()
    assert find(ground.measured, 4.0) == ()


@pytest.mark.parametrize("height_px", [1, 3, 5, 6, 13])
def test_a_slide_of_a_few_rows_holds_no_circle(height_px: int) -> None:
    kinds = np.ones((-(-height_px // 16), 200), np.uint8)
    ground = make_ground(np.zeros((0, 3)), kinds, height_px=height_px, width_px=3200)
    coarse, _ = coarsen(ground.nucleus)
    assert find(ground.measured, AREA_MM2, mask=coarse) == ()


def test_what_is_left_out_counts_for_nothing(ground: MadeUpGround) -> None:
    first = find(ground.measured, AREA_MM2)[0]
    half = shapely.box(0, 0, first.outline.centroid.x, 2 * HEIGHT)
    region = Region.drawn(
        RegionKind.EXCLUSION, first.outline.intersection(half), reason=Reason.VESSEL
    )
    exclusions = exclusions_of([region], ground.measured)
    left_out = left_out_geometry([region])
    found = find(ground.measured, AREA_MM2, exclusions=exclusions, left_out=left_out)
    y, x = (np.arange(length) + 0.5 for length in ground.nucleus.shape)
    away = np.hypot(y[:, None] - first.centre_y_um, x - first.centre_x_um)
    counted = (away > RADIUS_PX) | (x >= first.centre_x_um)
    best = np.nanmax(brute_force(ground, counted))
    assert found[0].sums.tissue_density_percent == pytest.approx(best, rel=0.02)
    assert found[0].sums.read_px == pytest.approx(px_in(found[0], counted), rel=0.002)
    assert all(each.sums.tissue_mm2 >= AREA_MM2 / 2 for each in found)


def test_patches_that_were_not_read_count_for_nothing(ground: MadeUpGround) -> None:
    state = ground.measured.patches.state.copy()
    first = find(ground.measured, AREA_MM2)[0]
    column = int(first.centre_x_um) // 480
    state[:, column] = PatchState.EXCLUDED
    state[0, :] = PatchState.PENDING
    found = find(ground.with_states(state).measured, AREA_MM2)
    counted = (state == PatchState.READ).repeat(480, axis=0).repeat(480, axis=1)
    counted = counted[:HEIGHT, :WIDTH]
    best = np.nanmax(brute_force(ground, counted))
    assert found[0].sums.tissue_density_percent == pytest.approx(best, rel=0.02)
    for each in found:
        assert each.sums.read_px == pytest.approx(px_in(each, counted), rel=0.002)


def test_a_circle_has_its_share_of_tissue() -> None:
    kinds = np.zeros((100, 100), np.uint8)
    kinds[:, :40] = 1
    nuclei = np.array([[800.0, 700.0, 9.0], [800.0, 300.0, 5.0]])
    ground = make_ground(nuclei, kinds, height_px=1600, width_px=1600)
    for share in (0.3, 0.5, 0.9):
        found = find(ground.measured, AREA_MM2, min_tissue_share=share)
        assert min(each.sums.tissue_mm2 for each in found) >= share * AREA_MM2
    # Almost nothing but glass beside one large nucleus would be the densest of all.
    assert found[0].centre_x_um < 640


def test_corrected_circles_keep_the_order_the_model_gives_them() -> None:
    kinds = np.ones((100, 200), np.uint8)
    size = {"height_px": 1600, "width_px": 3200}
    left, right = (
        np.array([[800.0, 700.0, 9.0]] * 2 + [[810.0, 2500.0, 12.0]]),
        np.array([[800.0, 700.0, 40.0], [810.0, 2500.0, 12.0], [10.0, 10.0, 3.0]]),
    )
    model = make_ground(left, kinds, **size)
    corrected = make_ground(right, kinds, **size)
    found = find(corrected.measured, AREA_MM2, ranked_by=model.measured, most=2)
    assert [each.centre_x_um > 1600 for each in found] == [True, False]
    first, second = (each.sums.nucleus_px for each in found)
    assert first < second


def test_the_model_decides_without_what_is_left_out_of_it() -> None:
    kinds = np.ones((160, 320), np.uint8)
    size = {"height_px": 2560, "width_px": 5120}
    left, right = [[1200.0, 1200.0, 36.0]], [[1200.0, 3600.0, 40.0]]
    # They hold the circles in place: of each, whole patches lie inside.
    rims = [[1200.0, x + off, 10.0] for x in (1200, 3600) for off in (-800, 800)]
    model, corrected = (
        make_ground(np.array([*left, *right, *rims, [1160, 3600, radius]]), kinds, **size)
        for radius in (30.0, 5.0)
    )
    region = Region.drawn(RegionKind.EXCLUSION, shapely.box(7000, 2240, 7400, 2380))
    left_out = left_out_geometry([region])
    found = find(
        corrected.measured,
        4.0,
        exclusions=exclusions_of([region], corrected.measured, model.measured),
        left_out=left_out,
        ranked_by=model.measured,
    )
    of_model = find(
        model.measured,
        4.0,
        exclusions=exclusions_of([region], model.measured),
        left_out=left_out,
    )
    assert [each.centre_x_um < 2400 for each in found] == [True, False]
    assert [each.outline for each in found] == [each.outline for each in of_model]


def test_circles_of_findings_count_what_the_findings_count(
    ground: MadeUpGround, tmp_path: Path
) -> None:
    store = store_ground(ground, tmp_path / "slide.glioma.zarr")
    dense = find(ground.measured, AREA_MM2)[0]
    drawn = Region.drawn(RegionKind.EXCLUSION, dense.outline, reason=Reason.LYMPHOCYTES)
    RegionFile.open(store).put(drawn)
    scope = np.ones(ground.measured.patches.state.shape, bool)
    scope[:, -1] = False
    findings = gather(store, scope=scope)
    y, x = (np.arange(length) + 0.5 for length in ground.nucleus.shape)
    counted = np.hypot(y[:, None] - dense.centre_y_um, x - dense.centre_x_um) > RADIUS_PX
    found = field_hotspots(findings, AREA_MM2)
    assert found
    for each in found:
        nucleus = px_in(each, counted & (ground.nucleus > 0))
        assert each.sums.nucleus_px == pytest.approx(nucleus, rel=0.005)
        assert each.centre_x_um + RADIUS_PX < 4 * 480
    best = np.nanmax(brute_force(ground, counted)[:, : 4 * 480 - 2 * int(RADIUS_PX) - 2])
    assert found[0].sums.tissue_density_percent == pytest.approx(best, rel=0.02)


def test_corrections_change_the_values_of_circles_and_not_their_order(
    ground: MadeUpGround, tmp_path: Path
) -> None:
    findings = gather(store_ground(ground, tmp_path / "slide.glioma.zarr"))
    expected = field_hotspots(findings, AREA_MM2)
    patches = findings.measured.patches
    nobody = replace(
        findings.measured,
        patches=replace(patches, nucleus_px=0 * patches.nucleus_px),
        mask=np.zeros_like(ground.nucleus),
    )
    corrected = CorrectedPatches(nobody.patches, patches.is_read, patches, ())
    amended = replace(findings, measured=nobody, corrected=corrected)
    found = field_hotspots(amended, AREA_MM2)
    assert [each.outline for each in found] == [each.outline for each in expected]
    assert {each.sums.nucleus_px for each in found} == {0}
