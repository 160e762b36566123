"""Pieces of tissue on a slide, their names, grids and numbers."""

import itertools

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from napari_glioma_density.density import (
    PATCH_PX,
    Block,
    Lattice,
    PatchState,
    PatchTable,
    rank_hotspots,
)
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.sections import (
    Section,
    find_sections,
    measure_sections,
    section_grids,
)

PLACES_PER_MM = 125  # 16 px of 0.5 µm
PLACES_PER_PATCH = 30


def tissue_map(
    height_mm: float, width_mm: float, *ellipses: tuple[float, ...]
) -> NDArray[np.uint8]:
    """Draw ellipses (y, x, half height, half width in mm) of tissue, 0.5 µm/px."""
    kinds = np.zeros((round(height_mm * PLACES_PER_MM), round(width_mm * PLACES_PER_MM)), np.uint8)
    for ellipse in ellipses:
        y, x, down, across = (round(mm * PLACES_PER_MM) for mm in ellipse)
        cv2.ellipse(kinds, (x, y), (across, down), 0, 0, 360, 1, -1)
    return kinds


def lattice_of(kinds: NDArray[np.uint8]) -> Lattice:
    return Lattice.over(16 * kinds.shape[0], 16 * kinds.shape[1], 0.5)


def sections_of(kinds: NDArray[np.uint8], **options: float) -> tuple[Section, ...]:
    return find_sections(kinds, lattice_of(kinds), **options)


def by_patch(kinds: NDArray[np.uint8]) -> NDArray[np.int64]:
    rows, columns = (range(0, length, PLACES_PER_PATCH) for length in kinds.shape)
    return np.add.reduceat(
        np.add.reduceat(kinds > 0, rows, axis=0, dtype=np.int64), columns, axis=1
    )


def patches_with(kinds: NDArray[np.uint8]) -> PatchTable:
    """Read every patch that has tissue; nuclei of chance."""
    lattice, chance = lattice_of(kinds), np.random.default_rng(2)
    tissue = by_patch(kinds) * 256
    share = chance.uniform(0, 0.3, tissue.shape)
    zeros = np.zeros_like(tissue)
    return PatchTable(
        lattice,
        np.where(tissue > 0, PatchState.READ, PatchState.BACKGROUND).astype(np.uint8),
        nucleus_px=(tissue * share).astype(np.int64),
        read_px=lattice.patch_px() * (tissue > 0),
        tissue_px=tissue,
        unread_px=zeros,
        count=(tissue * share / 200).astype(np.int64),
    )


TWO_ROWS = (
    (2.0, 2.5, 1.2, 1.8),
    (2.3, 8.0, 1.5, 1.6),
    (6.5, 2.0, 1.0, 1.5),
    (7.0, 6.5, 1.4, 1.0),
)


def test_one_piece_is_one_section() -> None:
    kinds = tissue_map(5, 5, (2.5, 2.5, 2, 1.5))
    (section,) = sections_of(kinds)
    assert section.name == "S1"
    assert np.array_equal(section.patches, by_patch(kinds) > 0)
    assert section.tissue_mm2 == pytest.approx(np.pi * 2 * 1.5, rel=0.01)


def test_bare_glass_has_no_section() -> None:
    assert sections_of(np.zeros((300, 200), np.uint8)) == ()


def test_sections_are_named_in_reading_order() -> None:
    kinds = tissue_map(9, 10, *TWO_ROWS)
    sections = sections_of(kinds)
    assert [section.name for section in sections] == ["S1", "S2", "S3", "S4"]
    for section, (y, x, down, across) in zip(sections, TWO_ROWS, strict=True):
        middle = (
            section.block.row + section.block.rows / 2,
            (section.block.column + section.block.columns / 2),
        )
        assert middle == pytest.approx((y / 0.24, x / 0.24), abs=1)
        assert section.tissue_mm2 == pytest.approx(np.pi * down * across, rel=0.02)


def test_a_tall_section_stands_beside_the_first_of_two_rows() -> None:
    kinds = tissue_map(10, 8, (2, 2, 1, 1.2), (5, 6, 4, 1), (8, 2, 1, 1.2))
    tops = [(section.block.row, section.block.column) for section in sections_of(kinds)]
    assert tops == sorted(tops, key=lambda top: (top[0] > 20, top[1]))
    assert [row for row, _ in tops] == [4, 4, 29]


@pytest.mark.parametrize(("lower_mm", "is_beside"), [(0.8, True), (1.2, False)])
def test_half_of_the_height_in_common_makes_a_row(lower_mm: float, *, is_beside: bool) -> None:
    """Both are 2 mm high, the left one begins lower: it comes first where it lies beside."""
    kinds = tissue_map(7, 9, (2, 7, 1, 1.2), (2 + lower_mm, 2, 1, 1.2))
    first, second = sections_of(kinds)
    assert (first.block.column < second.block.column) == is_beside


def test_every_patch_with_tissue_is_of_one_section() -> None:
    kinds = tissue_map(9, 10, *TWO_ROWS)
    owners = np.sum([section.patches for section in sections_of(kinds)], axis=0)
    assert np.array_equal(owners, by_patch(kinds) > 0)


def test_blocks_are_the_smallest() -> None:
    for section in sections_of(tissue_map(9, 10, *TWO_ROWS)):
        rows, columns = np.nonzero(section.patches)
        assert section.block == Block(
            rows.min(), columns.min(), np.ptp(rows) + 1, np.ptp(columns) + 1
        )


@pytest.mark.parametrize(("gap_mm", "sections"), [(0.8, 1), (1.2, 2)])
def test_glass_of_a_millimetre_parts_sections(gap_mm: float, sections: int) -> None:
    kinds = tissue_map(4, 8, (2, 2, 1.5, 1.5), (2, 5 + gap_mm, 1.5, 1.5))
    assert len(sections_of(kinds)) == sections
    assert len(sections_of(kinds, gap_mm=0.5)) == 2
    assert len(sections_of(kinds, gap_mm=2)) == 1


def test_sections_agree_with_the_distances_of_all_pieces() -> None:
    chance, layouts, counts = np.random.default_rng(9), 0, set()
    while layouts < 12:
        places = chance.uniform(1.2, 13.8, (7, 2))
        radii = chance.uniform(0.5, 1.2, 7)
        apart = np.linalg.norm(places[:, None] - places, axis=2) - radii[:, None] - radii
        if (np.abs(apart - 1) < 0.12).any():
            continue  # too near to call in bins
        layouts += 1
        count, group = connected_components(apart < 1)
        found = sections_of(tissue_map(15, 15, *np.column_stack([places, radii, radii])))
        centres = tuple((places / 0.24).astype(int).T)
        owners = [
            next(section.name for section in found if section.patches[y, x])
            for y, x in zip(*centres, strict=True)
        ]
        assert len(found) == count
        assert len(set(zip(owners, group.tolist(), strict=True))) == count
        counts.add(count)
    assert len(counts) > 2


def test_near_crumbs_belong_to_a_section_and_far_ones_to_none() -> None:
    near, far = (2.5, 5.0, 0.1, 0.1), (8.5, 8.5, 0.2, 0.2)
    kinds = tissue_map(9, 9, (2.5, 2.5, 2, 2), near, far)
    (section,) = sections_of(kinds)
    crumbs = [section.patches[int(y / 0.24), int(x / 0.24)] for y, x, *_ in (near, far)]
    assert crumbs == [True, False]
    assert section.block.column + section.block.columns == 22


def test_a_crumb_does_not_tie_two_sections_together() -> None:
    kinds = tissue_map(5, 10, (2.5, 2.5, 2, 2), (2.5, 7.9, 2, 2), (2.5, 5.1, 0.1, 0.1))
    first, second = sections_of(kinds)
    assert first.patches[10, 21]
    assert not (first.patches & second.patches).any()


def test_a_heap_of_crumbs_is_a_section() -> None:
    crumbs = [(y, x, 0.2, 0.2) for y, x in itertools.product((6.0, 6.6, 7.2), repeat=2)]
    kinds = tissue_map(10, 10, (2.5, 2.5, 2, 2), *crumbs)
    _, heap = sections_of(kinds)
    assert heap.tissue_mm2 == pytest.approx(9 * np.pi * 0.2**2, rel=0.05)


def test_tissue_too_little_for_a_section_is_one_all_the_same() -> None:
    kinds = tissue_map(5, 5, (1, 1, 0.1, 0.1), (4, 4, 0.1, 0.1))
    (section,) = sections_of(kinds)
    assert np.array_equal(section.patches, by_patch(kinds) > 0)


def test_places_that_could_not_be_looked_at_are_taken_for_tissue() -> None:
    kinds = np.full((100, 130), 2, np.uint8)
    (section,) = sections_of(kinds)
    assert section.patches.all()


def test_a_section_keeps_its_name_and_cells_where_the_slide_is_larger() -> None:
    kinds = tissue_map(9, 10, *TWO_ROWS)
    moved = np.pad(kinds, ((4 * PLACES_PER_PATCH, 0), (7 * PLACES_PER_PATCH, 0)))
    figures = [measure_sections(sections_of(m), patches_with(m)) for m in (kinds, moved)]
    for one, other in zip(*figures, strict=True):
        assert one.section.name == other.section.name
        assert [cell.address for cell in one.cells] == [cell.address for cell in other.cells]
        block, shifted = one.section.block, other.section.block
        assert (shifted.row - block.row, shifted.column - block.column) == (4, 7)


def test_sections_have_their_own_numbers_that_add_up() -> None:
    kinds = tissue_map(9, 10, *TWO_ROWS)
    patches, sections = patches_with(kinds), sections_of(kinds)
    figures = measure_sections(sections, patches, cell_mm=0.5)
    totals = patches.totals()
    for unit in ("tissue_mm2", "read_mm2", "patches"):
        total = getattr(totals, unit)
        assert sum(getattr(each.totals, unit) for each in figures) == pytest.approx(total)
    for each in figures:
        inside = each.section.patches
        expected = 100 * patches.nucleus_px[inside].sum() / patches.read_px[inside].sum()
        assert each.totals.density_percent == pytest.approx(expected)
        cells_mm2 = sum(cell.tissue_mm2 for cell in each.cells)
        assert cells_mm2 == pytest.approx(each.totals.tissue_mm2)
        assert all(cell.address.startswith(f"{each.section.name} ") for cell in each.cells)
        assert each.hotspots == rank_hotspots(each.cells)
        assert each.hotspots


def test_scope_limits_what_counts_in_a_section() -> None:
    kinds = tissue_map(9, 10, *TWO_ROWS)
    patches, sections = patches_with(kinds), sections_of(kinds)
    scope = np.zeros(patches.state.shape, bool)
    scope[:15] = True
    figures = measure_sections(sections, patches, scope=scope)
    assert [bool(each.cells) for each in figures] == [True, True, False, False]
    assert figures[2].totals.density_percent is None


def test_hotspots_of_a_section_keep_the_order_of_the_model() -> None:
    kinds = tissue_map(9, 10, *TWO_ROWS)
    model, sections = patches_with(kinds), sections_of(kinds)
    corrected = patches_with(kinds)
    corrected.nucleus_px[...] = corrected.tissue_px - corrected.nucleus_px
    for one, other in zip(
        measure_sections(sections, model),
        measure_sections(sections, corrected, ranked_by=model),
        strict=True,
    ):
        assert [cell.address for cell in one.hotspots] == [c.address for c in other.hotspots]
        assert one.hotspots != other.hotspots


def test_cells_of_all_sections_have_one_size() -> None:
    kinds = tissue_map(9, 10, *TWO_ROWS)
    sections, lattice = sections_of(kinds), lattice_of(kinds)
    grids = section_grids(sections, lattice)
    assert {grid.patches_per_cell for grid in grids} == {2}
    assert [grid.section for grid in grids] == [section.name for section in sections]
    assert {grid.patches_per_cell for grid in section_grids(sections, lattice, 1)} == {4}
    assert section_grids((), lattice) == ()
    with pytest.raises(BadInput, match="positive number"):
        section_grids(sections, lattice, 0)


def test_the_px_of_a_patch_are_whole_bins() -> None:
    # Sections are told apart in bins; a bin in two patches would put tissue into the wrong one.
    for shift in range(7):
        kinds = np.zeros((240, 240), np.uint8)
        kinds[shift : shift + 130, 60 - shift : 130] = 1
        (section,) = sections_of(kinds)
        assert np.array_equal(section.patches, by_patch(kinds) > 0)
        assert section.patches.shape == (16 * 240 // PATCH_PX,) * 2


def test_the_tissue_of_a_section_ends_at_the_slides_edge() -> None:
    height, width = 1507, 7003
    kinds = np.zeros((95, 438), np.uint8)
    kinds[:, :100] = kinds[:, 350:] = 1
    lattice = Lattice.over(height, width, 0.5)
    expected = [height * side * lattice.px_mm2 for side in (100 * 16, width - 350 * 16)]
    found = find_sections(kinds, lattice)
    assert [section.tissue_mm2 for section in found] == pytest.approx(expected, rel=1e-12)
