"""What lies in a region is what one finds by counting its pixels."""

import time
from dataclasses import replace
from typing import NoReturn

import numpy as np
import pytest
import shapely
from made_up_runs import HEIGHT, LATTICE, WIDTH, KnownSlide, centres_inside, known_slide, shapes
from numpy.typing import NDArray

from napari_glioma_density.density import PATCH_PX, Block, Lattice, PatchState, PatchTable
from napari_glioma_density.regions.exclusion import exclusions_of, left_out_geometry
from napari_glioma_density.regions.measuring import (
    SUMS,
    Measured,
    RegionSums,
    parts_of,
    sums_of,
)
from napari_glioma_density.regions.patch_nuclei import PatchNuclei
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Reason, Region, RegionKind
from napari_glioma_density.results import NUCLEUS_DTYPE


@pytest.fixture(scope="module")
def slide() -> KnownSlide:
    return known_slide()


def counted(sums: RegionSums) -> tuple[int, ...]:
    return tuple(getattr(sums, name) for name in SUMS)


@pytest.mark.parametrize("name", shapes())
def test_sums_equal_those_counted_pixel_by_pixel(slide: KnownSlide, name: str) -> None:
    expected = slide.sums(centres_inside(shapes()[name]))
    assert counted(sums_of(shapes(2.0)[name], slide.measured)) == expected


def test_sums_are_exact_where_level_0_is_no_whole_multiple_of_the_working_plane() -> None:
    slide = known_slide(4, level0_px_per_px=1.9841)
    for name, shape in shapes(1.9841).items():
        expected = slide.sums(centres_inside(shapes()[name]))
        assert counted(sums_of(shape, slide.measured)) == expected, name


def test_parts_are_the_sums_of_single_patches(slide: KnownSlide) -> None:
    inside = centres_inside(shapes()["with holes"])
    parts = parts_of(shapes(2.0)["with holes"], slide.measured)
    found = {(part["row"], part["column"]): tuple(part[list(SUMS)]) for part in parts}
    for row, column in np.ndindex(LATTICE.rows, LATTICE.columns):
        here = np.zeros_like(inside)
        window = LATTICE.window(Block(row, column, 1, 1))
        here[window] = inside[window]
        expected = slide.sums(here)
        assert found.get((row, column), (0, 0, 0, 0)) == expected


def test_patches_that_were_not_read_hold_nothing(slide: KnownSlide) -> None:
    states = [PatchState.PENDING, PatchState.BACKGROUND, PatchState.UNREAD, PatchState.EXCLUDED]
    patches = replace(slide.measured.patches, state=slide.measured.patches.state.copy())
    patches.state[1] = states
    covered = centres_inside(shapes()["jagged"])
    covered[PATCH_PX : 2 * PATCH_PX] = False
    found = sums_of(shapes(2.0)["jagged"], replace(slide.measured, patches=patches))
    assert counted(found) == slide.sums(covered)


def test_nothing_has_no_density(slide: KnownSlide) -> None:
    nothing = sums_of(shapes(2.0)["off the slide"], slide.measured)
    assert counted(nothing) == (0, 0, 0, 0)
    assert nothing.density_percent is None
    assert nothing.tissue_density_percent is None
    assert nothing.nuclei_per_mm2 is None
    assert nothing.tissue_mm2 == 0


def test_densities_of_a_region_are_those_of_the_totals(slide: KnownSlide) -> None:
    everything = sums_of(shapes(2.0)["around the slide"], slide.measured)
    totals = slide.measured.patches.totals()
    for name in (
        "density_percent", "tissue_density_percent", "nuclei_per_mm2", "tissue_mm2", "read_mm2"
    ):  # fmt: skip
        assert getattr(everything, name) == pytest.approx(getattr(totals, name))


def test_sums_of_halves_add_up(slide: KnownSlide) -> None:
    whole = shapes(2.0)["with holes"]
    left, right = (
        whole.intersection(shapely.box(a, -99, b, 9999)) for a, b in ((-99, 1301), (1301, 9999))
    )
    measured = slide.measured
    assert sums_of(left, measured) + sums_of(right, measured) == sums_of(whole, measured)


class Unreadable:
    """A mask that must not be read."""

    shape = HEIGHT, WIDTH

    def __getitem__(self, window: tuple[slice, slice]) -> NoReturn:
        raise AssertionError(f"{window} was read")


@pytest.mark.parametrize("name", ["around the slide", "on patch borders"])
def test_whole_patches_are_summed_without_their_pixels(slide: KnownSlide, name: str) -> None:
    sums_of(shapes(2.0)[name], replace(slide.measured, mask=Unreadable()))
    with pytest.raises(AssertionError, match="was read"):
        sums_of(shapes(2.0)["jagged"], replace(slide.measured, mask=Unreadable()))


def test_the_pixel_of_a_nucleus_lies_in_the_patch_that_counts_it() -> None:
    """Patch counts divide in float32, where a centre just above a border might be rounded on it."""
    borders = np.arange(1, 1000, dtype=np.float32) * PATCH_PX
    nuclei = np.zeros(2 * borders.size, NUCLEUS_DTYPE)
    nuclei["y_px"] = np.concatenate([borders, np.nextafter(borders, np.float32(0))])
    nuclei["x_px"] = nuclei["y_px"][::-1]
    found = PatchNuclei.of(nuclei, Lattice.over(1000 * PATCH_PX, 1000 * PATCH_PX, 0.5)).patch
    row, column = (np.floor(nuclei[name] / PATCH_PX).astype(int) for name in ("y_px", "x_px"))
    assert np.array_equal(found, row * 1000 + column)


def damaged_slide(*, mapped: bool = False) -> KnownSlide:
    damaged = np.zeros((HEIGHT, WIDTH), bool)
    damaged[:300, :256] = damaged[600:700, 500:1100] = True
    return known_slide(8, damaged=damaged, mapped=mapped)


@pytest.mark.parametrize("name", shapes())
def test_sums_over_a_damaged_tile_are_exact_where_the_run_keeps_what_was_read(name: str) -> None:
    slide = damaged_slide(mapped=True)
    covered = centres_inside(shapes()[name])
    assert counted(sums_of(shapes(2.0)[name], slide.measured)) == slide.sums(covered)
    left_out = left_out_geometry(gaps())
    for gap in ("with holes", "on patch borders", "within a patch"):
        covered &= ~centres_inside(shapes()[gap])
    found = sums_of(
        shapes(2.0)[name], slide.measured, exclusions_of(gaps(), slide.measured), left_out
    )
    assert counted(found) == slide.sums(covered)


def test_a_patch_corrected_while_other_px_could_be_read_counts_with_the_share_that_was() -> None:
    measured = damaged_slide(mapped=True).measured
    measured.patches.nucleus_px[0, 0] -= 100  # as somebody has seen who saw other px
    whole = sums_of(shapely.box(-9, -9, 2 * PATCH_PX, 2 * PATCH_PX), measured)
    halves = [
        sums_of(shapely.box(left, -9, left + PATCH_PX, 2 * PATCH_PX), measured)
        for left in (0, PATCH_PX)
    ]
    added = halves[0] + halves[1]
    assert 0 <= whole.nucleus_px - added.nucleus_px < 2
    assert 0 <= whole.read_px - added.read_px < 2 * 3


def test_damaged_patches_count_with_the_share_that_was_read() -> None:
    slide = damaged_slide()
    measured = slide.measured
    everything = shapely.box(-9, -9, 9999, 9999)
    top = sums_of(shapely.box(0, 0, 400, 2 * PATCH_PX), measured)
    share = measured.patches.read_px[0, 0] / PATCH_PX**2
    assert top.read_px == pytest.approx(share * 200 * PATCH_PX, rel=0.1)
    pieces = [shapely.box(x, -9, x + 130, 9999) for x in range(-8, 2 * WIDTH, 130)]
    for piece in pieces:
        sums = sums_of(piece, measured)
        assert sums.read_px >= sums.tissue_px >= sums.nucleus_px
    whole = sums_of(everything, measured)
    added = sum((sums_of(piece, measured) for piece in pieces[1:]), sums_of(pieces[0], measured))
    assert added.count == whole.count
    assert added.nucleus_px == whole.nucleus_px, "the mask holds no nucleus that was not read"
    assert 0 <= whole.read_px - added.read_px < 2 * len(pieces) * LATTICE.rows


def gaps() -> tuple[Region, ...]:
    return tuple(
        Region.drawn(RegionKind.EXCLUSION, shapes(2.0)[name], reason=reason)
        for name, reason in (
            ("with holes", Reason.NECROSIS),
            ("on patch borders", Reason.PEN),
            ("within a patch", Reason.FOLD),
        )
    )


@pytest.mark.parametrize("name", ["jagged", "around the slide", "over the edge", "apart"])
def test_what_is_left_out_is_no_part_of_a_region(slide: KnownSlide, name: str) -> None:
    measured, left_out = slide.measured, left_out_geometry(gaps())
    covered = centres_inside(shapes()[name])
    for gap in ("with holes", "on patch borders", "within a patch"):
        covered &= ~centres_inside(shapes()[gap])
    found = sums_of(shapes(2.0)[name], measured, exclusions_of(gaps(), measured), left_out)
    assert counted(found) == slide.sums(covered)


def test_what_is_left_out_is_given_as_sums_and_as_a_geometry(slide: KnownSlide) -> None:
    with pytest.raises(ValueError, match="give both"):
        sums_of(shapes()["jagged"], slide.measured, exclusions_of(gaps(), slide.measured))


def large_run(side: int) -> Measured:
    lattice = Lattice.over(side * PATCH_PX, side * PATCH_PX, 0.5)
    full = lattice.patch_px()
    patches = PatchTable(
        lattice, np.full(full.shape, PatchState.READ, np.uint8), full // 5, full, full, 0 * full,
        full // 999,
    )  # fmt: skip
    nuclei = np.zeros(100_000, NUCLEUS_DTYPE)
    chance = np.random.default_rng(0)
    for name in ("y_px", "x_px"):
        nuclei[name] = chance.uniform(0, side * PATCH_PX - 1, nuclei.size)
    spots = side * PATCH_PX // 16
    return Measured(
        Plane(lattice, 2.0), patches, Blank(lattice), nuclei, np.ones((spots, spots), np.uint8)
    )


class Blank:
    """The mask of a slide without nuclei, read by windows."""

    def __init__(self, lattice: Lattice) -> None:
        self.shape = lattice.height_px, lattice.width_px

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.uint8]:
        return np.zeros([part.stop - part.start for part in window], np.uint8)


def test_a_region_of_160_000_patches_is_summed_in_a_moment() -> None:
    measured = large_run(400)
    everything = shapely.box(0, 0, 800 * PATCH_PX, 800 * PATCH_PX)
    assert measured.patch_nuclei.patch.size == 100_000
    began = time.process_time()
    sums = sums_of(everything, measured)
    spent = time.process_time() - began
    assert sums.read_px == measured.patches.read_px.sum()
    assert spent < 1
