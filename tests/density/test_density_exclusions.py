"""Parts of patches that are left out are in no sum, and are accounted for by reason."""

import numpy as np
import pytest
from chosen_patches import FULL, make_patches

from napari_glioma_density.density import (
    PART_DTYPE,
    Exclusions,
    PatchState,
    PatchTable,
    cell_grid,
    leave_out,
    measure_cells,
)


def table() -> PatchTable:
    return make_patches(
        [[1000, 2000, 3000], [4000, 5000, 6000]],
        state=[[PatchState.READ] * 3, [PatchState.READ, PatchState.READ, PatchState.UNREAD]],
        count=[[10, 20, 30], [40, 50, 60]],
    )


def exclusions(*parts: tuple[int, ...]) -> Exclusions:
    """Row, column, reason; read, nucleus, tissue px and count; the model's last three."""
    return Exclusions(table().lattice, ("necrosis", "pen"), np.array(list(parts), PART_DTYPE))


TWO_PARTS = exclusions(
    (0, 0, 0, 5000, 600, 4000, 6, 500, 3500, 5),
    (0, 0, 1, 1000, 100, 900, 1, 90, 800, 1),
    (0, 1, 1, FULL, 2000, FULL, 20, 2000, FULL, 20),
)


def test_parts_are_taken_off_and_a_patch_of_which_nothing_is_left_is_excluded() -> None:
    kept = leave_out(table(), TWO_PARTS)
    assert kept.state.tolist() == [
        [PatchState.READ, PatchState.EXCLUDED, PatchState.READ],
        [PatchState.READ, PatchState.READ, PatchState.UNREAD],
    ]
    assert kept.nucleus_px.tolist() == [[300, 2000, 3000], [4000, 5000, 6000]]
    assert kept.read_px[0].tolist() == [FULL - 6000, FULL, FULL]
    assert kept.tissue_px[0].tolist() == [FULL - 4900, FULL, FULL]
    assert kept.count[0].tolist() == [3, 20, 30]


def test_of_a_field_edited_since_no_less_than_nothing_is_left() -> None:
    more_than_there_is = exclusions((0, 0, 0, 5000, 1200, 4000, 12, 500, 3500, 5))
    kept = leave_out(table(), more_than_there_is)
    assert (kept.nucleus_px[0, 0], kept.count[0, 0]) == (0, 0)
    assert kept.tissue_px[0, 0] == FULL - 4000


def test_totals_and_cells_are_those_of_what_is_left() -> None:
    kept = leave_out(table(), TWO_PARTS)
    nucleus, read = 300 + 3000 + 4000 + 5000, 4 * FULL - 6000
    totals = kept.totals()
    assert totals.density_percent == pytest.approx(100 * nucleus / read)
    assert totals.read_mm2 == pytest.approx(read * kept.lattice.px_mm2)
    cells = measure_cells(kept, cell_grid(kept.lattice, kept.lattice.patch_mm))
    assert sum(cell.read_mm2 for cell in cells) == pytest.approx(totals.read_mm2)
    assert (0, 1) not in {(cell.row, cell.column) for cell in cells if cell.read_mm2}


def test_the_models_own_values_are_taken_off_its_table() -> None:
    kept = leave_out(table(), TWO_PARTS, model=True)
    assert kept.nucleus_px[0, 0] == 1000 - 590
    assert kept.tissue_px[0, 0] == FULL - 4300
    assert kept.count[0, 0] == 4
    assert kept.read_px[0, 0] == FULL - 6000


def test_area_left_out_is_told_by_reason_within_a_scope() -> None:
    px_mm2 = table().lattice.px_mm2
    assert TWO_PARTS.read_mm2() == pytest.approx(
        {"necrosis": 5000 * px_mm2, "pen": (FULL + 1000) * px_mm2}
    )
    scope = np.zeros((2, 3), bool)
    scope[0, 1] = True
    assert TWO_PARTS.read_mm2(scope) == pytest.approx({"pen": FULL * px_mm2})


def test_a_nucleus_goes_with_a_part_of_which_no_px_was_read() -> None:
    """In damaged patches a small part may round down to no px."""
    kept = leave_out(table(), exclusions((0, 0, 0, 0, 0, 0, 1, 0, 0, 1)))
    assert kept.count[0, 0] == 9
    assert kept.state[0, 0] == PatchState.READ


def test_nothing_left_out_changes_nothing() -> None:
    patches = table()
    assert leave_out(patches, Exclusions.none(patches.lattice)) is patches
    assert Exclusions.none(patches.lattice).read_mm2() == {}


def test_patches_in_no_sum_stay_what_they_are() -> None:
    kept = leave_out(table(), exclusions((1, 2, 0, FULL, 6000, FULL, 60, 6000, FULL, 60)))
    assert kept.state[1, 2] == PatchState.UNREAD
    assert kept.nucleus_px[1, 2] == 6000
