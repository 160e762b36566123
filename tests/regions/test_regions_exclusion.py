"""Exclusions leave out each pixel and each nucleus once, for the reason drawn first."""

import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import shapely
from made_up_runs import (
    HEIGHT,
    LATTICE,
    WIDTH,
    KnownSlide,
    blobs,
    centres_inside,
    known_slide,
    made_up_nuclei,
    patch_table,
    shapes,
)
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Exclusions, PatchState, leave_out
from napari_glioma_density.regions.exclusion import (
    counted_nuclei,
    exclusions_of,
    left_out_geometry,
)
from napari_glioma_density.regions.region import Reason, Region, RegionKind

OVERLAPPING = (
    ("with holes", Reason.NECROSIS),
    ("jagged", Reason.VESSEL),
    ("on patch borders", Reason.PEN),
    ("over the edge", Reason.VESSEL),
    ("off the slide", Reason.BLUR),
    ("within a patch", Reason.FOLD),
)


@pytest.fixture(scope="module")
def slide() -> KnownSlide:
    return known_slide(20)


def drawn(*named: tuple[str, Reason]) -> tuple[Region, ...]:
    return tuple(
        Region.drawn(RegionKind.EXCLUSION, shapes(2.0)[name], reason=reason)
        for name, reason in named
    )


def claimed(*named: tuple[str, Reason]) -> dict[str, NDArray[np.bool_]]:
    """Pixels by reason, each given to the shape that comes first."""
    free, owned = np.ones((HEIGHT, WIDTH), bool), {}
    for name, reason in named:
        mine = centres_inside(shapes()[name]) & free
        owned[reason] = owned.get(reason, np.zeros_like(mine)) | mine
        free &= ~mine
    return owned


def sums_by_reason(found: Exclusions) -> dict[str, tuple[int, ...]]:
    names = ("read_px", "nucleus_px", "tissue_px", "count")
    return {
        reason: tuple(int(found.parts[name][found.parts["reason"] == n].sum()) for name in names)
        for n, reason in enumerate(found.reasons)
    }


@pytest.mark.parametrize("order", [1, -1])
def test_overlapping_exclusions_take_each_pixel_once_and_the_first_gives_the_reason(
    slide: KnownSlide, order: int
) -> None:
    named = OVERLAPPING[::order]
    found = exclusions_of(drawn(*named), slide.measured)
    expected = {reason: slide.sums(pixels) for reason, pixels in claimed(*named).items()}
    assert sums_by_reason(found) == expected
    areas = {reason: sums[0] * LATTICE.px_mm2 for reason, sums in expected.items() if sums[0]}
    assert found.read_mm2() == pytest.approx(areas)


def test_totals_nuclei_and_exclusions_agree(slide: KnownSlide) -> None:
    regions = drawn(*OVERLAPPING)
    kept = leave_out(slide.measured.patches, exclusions_of(regions, slide.measured))
    left = np.logical_and.reduce([~pixels for pixels in claimed(*OVERLAPPING).values()])
    read, nucleus, tissue, count = slide.sums(left)
    totals = kept.totals()
    assert totals.density_percent == pytest.approx(100 * nucleus / read)
    assert totals.tissue_density_percent == pytest.approx(100 * nucleus / tissue)
    assert totals.tissue_mm2 == pytest.approx(tissue * LATTICE.px_mm2)
    counted = counted_nuclei(slide.measured.nuclei, regions, slide.measured.plane)
    assert counted.sum() == kept.count[kept.is_read].sum() == count


def test_parts_hold_what_the_model_found_beside_what_was_corrected(slide: KnownSlide) -> None:
    other = blobs(77, 0.2, 9)
    nuclei = made_up_nuclei(78, 1500)
    model = replace(
        slide.measured,
        patches=patch_table(slide.read, slide.tissue, other, nuclei),
        mask=other.astype(np.uint8),
        nuclei=nuclei,
    )
    found = exclusions_of(drawn(*OVERLAPPING), slide.measured, model)
    taken = np.logical_or.reduce(list(claimed(*OVERLAPPING).values()))
    read, nucleus, tissue, count = KnownSlide(slide.read, slide.tissue, other, model).sums(taken)
    assert found.parts["read_px"].sum() == read
    assert found.parts["model_nucleus_px"].sum() == nucleus
    assert found.parts["model_tissue_px"].sum() == tissue
    assert found.parts["model_count"].sum() == count
    assert found.parts["nucleus_px"].sum() == slide.sums(taken)[1]


def test_an_exclusion_on_patch_borders_leaves_whole_patches_out(slide: KnownSlide) -> None:
    found = exclusions_of(drawn(("on patch borders", Reason.PEN)), slide.measured)
    kept = leave_out(slide.measured.patches, found)
    excluded = kept.state == PatchState.EXCLUDED
    expected = np.zeros_like(excluded)
    expected[0:2, 1:3] = True
    assert np.array_equal(excluded, expected)
    assert np.array_equal(kept.nucleus_px, slide.measured.patches.nucleus_px)


def test_neighbouring_exclusions_leave_nothing_of_a_damaged_patch() -> None:
    damaged = np.zeros((HEIGHT, WIDTH), bool)
    damaged[100:333, 200:777] = True
    slide = known_slide(9, damaged=damaged)
    edges = [-10, 77, 301, 645, 3000]
    strips = tuple(
        Region.drawn(RegionKind.EXCLUSION, shapely.box(a, -9, b, 9999), reason=Reason.PEN)
        for a, b in pairwise(edges)
    )
    found = exclusions_of(strips, slide.measured)
    assert (found.parts["read_px"] >= found.parts["tissue_px"]).all()
    assert (found.parts["tissue_px"] >= found.parts["nucleus_px"]).all()
    kept = leave_out(slide.measured.patches, found)
    left = kept.state[:, :3].ravel().tolist()
    assert left == [PatchState.EXCLUDED] * 9
    partly = leave_out(slide.measured.patches, exclusions_of(strips[:2], slide.measured))
    assert (partly.read_px >= partly.tissue_px).all()
    assert (partly.tissue_px >= partly.nucleus_px).all()
    assert (partly.nucleus_px >= 0).all()


def test_patches_that_are_in_no_sum_have_nothing_to_leave_out(slide: KnownSlide) -> None:
    state = slide.measured.patches.state.copy()
    state[0, :3] = PatchState.PENDING, PatchState.BACKGROUND, PatchState.UNREAD
    patches = replace(slide.measured.patches, state=state)
    found = exclusions_of(drawn(*OVERLAPPING), replace(slide.measured, patches=patches))
    assert not ((found.parts["row"] == 0) & (found.parts["column"] < 3)).any()
    assert np.array_equal(leave_out(patches, found).state[0, :3], state[0, :3])


def test_only_exclusions_leave_something_out(slide: KnownSlide) -> None:
    others = tuple(
        Region.drawn(kind, shapes(2.0)["jagged"], name="A")
        for kind in (RegionKind.REFERENCE, RegionKind.AREA)
    )
    assert not len(exclusions_of(others, slide.measured).parts)
    assert exclusions_of(others, slide.measured).reasons == ()
    assert left_out_geometry(others).is_empty
    assert counted_nuclei(slide.measured.nuclei, others, slide.measured.plane).all()


def test_the_geometry_left_out_is_the_union_of_the_exclusions() -> None:
    regions = drawn(*OVERLAPPING)
    union = left_out_geometry(regions)
    assert union.geom_type == "MultiPolygon"
    assert union.is_valid
    for region in regions:
        assert region.geometry.difference(union).area == pytest.approx(0, abs=1e-6)
    pieces, rest = 0.0, shapely.Polygon()
    for region in regions:
        pieces += region.geometry.difference(rest).area
        rest = rest.union(region.geometry)
    assert union.area == pytest.approx(pieces)


def test_hundreds_of_exclusions_take_a_moment(slide: KnownSlide) -> None:
    """An automatic check may find that many; each divides a patch or two."""
    chance = np.random.default_rng(1)
    spots = chance.uniform(0, 2 * PATCH_PX, (300, 2))
    regions = [
        Region.drawn(RegionKind.EXCLUSION, shapely.Point(spot).buffer(9), reason=Reason.BLUR)
        for spot in spots
    ]
    began = time.process_time()
    found = exclusions_of(regions, slide.measured)
    assert time.process_time() - began < 3
    covered = centres_inside(
        shapely.affinity.scale(left_out_geometry(regions), 0.5, 0.5, 1, (0, 0))
    )
    assert found.parts["read_px"].sum() == covered.sum()
