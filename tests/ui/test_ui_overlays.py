"""What is drawn over the slide, without a window."""

import numpy as np
import pytest
from numpy.typing import NDArray

from napari_glioma_density.density import (
    PAPER_BANDS,
    Lattice,
    PatchState,
    PatchTable,
    cell_grid,
)
from napari_glioma_density.findings.snapshot import Bands, Choices, take_snapshot
from napari_glioma_density.ui import words
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.overlays.density import (
    CLEAR,
    DAMAGED,
    FIRST_BAND,
    HATCHED,
    DensityOverlay,
    patch_codes,
    tile_px,
)
from napari_glioma_density.ui.overlays.grid import CellNames, GridOverlay, cell_at
from napari_glioma_density.ui.overlays.nuclei import NucleiOverlay
from napari_glioma_density.ui.overlays.outlines import (
    INSIDE,
    OUTLINE,
    NoNuclei,
    OutlinedMask,
    outlined,
)


@pytest.fixture
def lattice() -> Lattice:
    return Lattice.over(1000, 1500, 0.5)


@pytest.fixture
def patches(lattice: Lattice) -> PatchTable:
    """Three read patches (dense, sparse, mostly glass), one damaged, one pending, one of glass."""
    table = PatchTable.pending(lattice)
    table.state[0, :3] = PatchState.READ
    table.read_px[0, :3] = 1000
    table.nucleus_px[0, :3] = 250, 10, 30
    table.tissue_px[0, :3] = 1000, 900, 100
    table.state[0, 3] = PatchState.UNREAD
    table.state[1, 1] = PatchState.BACKGROUND
    return table


def test_patches_are_drawn_by_band_and_hatched_where_tissue_is_scarce(
    patches: PatchTable,
) -> None:
    codes = patch_codes(patches, PAPER_BANDS)
    assert codes[0].tolist() == [FIRST_BAND + 5, FIRST_BAND, FIRST_BAND + 1 + HATCHED, DAMAGED + 16]
    assert (codes[1] == CLEAR).all()


def test_density_layer_covers_the_slide_in_micrometres(
    lattice: Lattice, patches: PatchTable
) -> None:
    overlay = DensityOverlay(lattice, PAPER_BANDS)
    overlay.paint(take_snapshot(patches, Choices()))
    corner, far = overlay.layer.extent.world
    side = overlay.layer.scale[0]
    assert np.allclose(corner - side / 2, 0)
    assert np.allclose(far + side / 2, (500, 750), atol=side)
    first = tile_px(lattice)
    assert (np.asarray(overlay.layer.data)[:first, :first] == FIRST_BAND + 5).all()


def test_another_scale_recolours_without_new_values(lattice: Lattice, patches: PatchTable) -> None:
    overlay = DensityOverlay(lattice, PAPER_BANDS)
    overlay.paint(take_snapshot(patches, Choices(Bands.SAFE)))
    assert np.allclose(
        overlay.layer.get_color(FIRST_BAND)[:3], (0xF0 / 255, 0xF9 / 255, 0x21 / 255)
    )


def test_huge_slides_are_drawn_with_fewer_px_a_patch() -> None:
    assert tile_px(Lattice.over(480, 480, 0.5)) == 48
    assert tile_px(Lattice.over(75_000, 125_000, 0.5)) == 8


def test_outline_is_the_rim_of_a_nucleus() -> None:
    mask = np.zeros((7, 7), np.uint8)
    mask[2:5, 2:5] = 1
    drawn = outlined(mask)
    assert drawn[3, 3] == INSIDE
    assert np.count_nonzero(drawn == OUTLINE) == 8


def test_tiles_join_without_a_line_between_them() -> None:
    mask = np.zeros((100, 1000), np.uint8)
    mask[40:60, 400:600] = 1
    level = OutlinedMask(mask)
    assert not level[:, :].any()
    for tile in level.take_wanted():
        drawn = level.draw(tile)
        assert drawn is not None
        level.keep(tile, drawn)
    assert np.array_equal(level[:, :], outlined(mask))
    assert not level.take_wanted()
    assert np.array_equal(level[30:70, 450:550], outlined(mask)[30:70, 450:550])


def test_written_block_is_wanted_again_only_where_it_was_looked_at() -> None:
    level = OutlinedMask(np.zeros((2000, 2000), np.uint8))
    level[0:480, 0:480]
    for tile in level.take_wanted():
        level.keep(tile, np.zeros((480, 480), np.uint8))
    level.mark_stale(slice(0, 960), slice(0, 960))
    assert level.take_wanted() == {(0, 0)}


class BrokenMask:
    shape = (960, 960)

    def __getitem__(self, window: tuple[slice, slice]) -> NDArray[np.uint8]:
        raise OSError("the disk is gone")


def test_mask_that_cannot_be_read_is_clear_and_never_raises() -> None:
    level = OutlinedMask(BrokenMask())
    assert level.draw((0, 0)) is None
    assert not level[0:960, 0:960].any()
    assert level.take_wanted() == {(0, 0), (0, 1), (1, 0), (1, 1)}
    for tile in ((0, 0), (0, 1), (1, 0), (1, 1)):
        level.give_up(tile)
    assert not level[0:960, 0:960].any()
    assert not level.take_wanted(), "it would fail for ever"
    level.mark_stale(slice(0, 100), slice(0, 100))
    assert level.take_wanted() == {(0, 0)}


def test_nuclei_layer_is_aligned_and_its_coarsest_level_is_in_memory(lattice: Lattice) -> None:
    background = Background(lambda _: None)
    masks = tuple(np.zeros((1000 // d, 1500 // d), np.uint8) for d in (1, 4, 16))
    layer = NucleiOverlay(lattice, masks, background).layer
    assert isinstance(layer.data[-1], np.ndarray)
    assert np.allclose(layer.extent.world[0], 0.25)
    assert not layer.editable
    background.close()


def test_point_of_the_slide_finds_its_cell(lattice: Lattice) -> None:
    grid = cell_grid(lattice, 0.24)
    assert cell_at(grid, 10, 300) == (0, 1)
    assert cell_at(grid, -1, 300) is None
    assert cell_at(grid, 10, 751) is None


def test_grid_changes_in_place_and_is_locked(lattice: Lattice) -> None:
    overlay = GridOverlay(cell_grid(lattice, 0.24))
    lines, names, frame = overlay.layers
    before = len(lines.data)
    overlay.choose(1, 2)
    assert len(frame.data) == 4
    overlay.show(cell_grid(lattice, 0.48))
    assert len(lines.data) < before
    assert not frame.data.any()
    assert list(names.features["cell"]) == ["A1", "A2", "B1", "B2"]
    assert all(layer.locked for layer in overlay.layers)


def test_names_keep_their_size_on_the_screen(lattice: Lattice) -> None:
    names = CellNames(cell_grid(lattice, 0.24))
    assert names.keep_size(2.0)
    assert names.keep_in_corners(2.0)
    assert np.allclose(names.layer.size, 13)
    assert np.allclose(names.layer.data_to_world(names.layer.data[0]), 6.5)
    assert not names.keep_size(2.02)
    assert not names.keep_in_corners(2.02)
    names.show(cell_grid(lattice, 0.48))
    assert np.allclose(names.layer.size, 13)
    assert np.allclose(names.layer.data_to_world(names.layer.data[0]), 6.5)


def test_grid_follows_the_zoom_part_by_part(lattice: Lattice) -> None:
    overlay = GridOverlay(cell_grid(lattice, 0.24))
    lines, names, frame = overlay.layers
    overlay.follow_zoom(2.0)
    assert np.allclose(names.translate, 6.5)
    assert np.allclose(names.size, 26)
    overlay.follow_zoom(2.0)
    assert np.allclose(names.size, 13)
    assert lines.edge_width == 1.0
    overlay.follow_zoom(2.0)
    assert lines.edge_width == 0.5
    overlay.follow_zoom(2.0)
    assert frame.edge_width == 4.0  # nothing is framed: nothing to do
    overlay.choose(0, 1)
    assert frame.edge_width == 2.0


def test_names_are_seen_on_cells_that_have_room_for_them(lattice: Lattice) -> None:
    overlay = GridOverlay(cell_grid(lattice, 0.24))
    overlay.names.opacity = 0.7  # as a person has set it
    for zoom, opacity in ((0.1, 0.0), (0.3, 0.7), (0.2, 0.0)):  # cells of 24, 72 and 48 px
        overlay.follow_zoom(zoom)
        assert overlay.names.opacity == opacity


def test_veiled_names_stay_unseen_whatever_the_zoom(lattice: Lattice) -> None:
    overlay = GridOverlay(cell_grid(lattice, 0.24))
    overlay.veil()
    overlay.follow_zoom(1.0)
    assert overlay.names.opacity == 0.0


def test_another_grid_begins_the_rehearsal_of_its_own_names(lattice: Lattice) -> None:
    overlay = GridOverlay(cell_grid(lattice, 0.24))
    overlay.veil()
    overlay.show(cell_grid(lattice, 0.48))
    for _ in range(9):
        overlay.rehearse()
    names = overlay.names
    assert set("".join(names.features["cell"][names.shown])) == set("AB12")
    overlay.unveil()
    assert names.shown.all()
    assert len(names.shown) == 4


def test_density_steps_back_as_the_view_comes_near(lattice: Lattice) -> None:
    overlay = DensityOverlay(lattice, PAPER_BANDS)
    opacities = []
    for zoom in (0.1, 0.5, 1.0, 2.0, 4.0):
        overlay.follow_zoom(zoom, 0.5)
        assert not overlay.follow_zoom(zoom, 0.5), "once is enough"
        opacities.append(overlay.layer.opacity)
    assert opacities == pytest.approx([0.5, 0.5, 0.2875, 0.075, 0.075])


def test_outlines_step_back_as_the_view_goes_away(lattice: Lattice) -> None:
    overlay = NucleiOverlay(lattice, (NoNuclei((1000, 1500)),), Background(lambda _: None))
    opacities = []
    for zoom in (2.0, 0.25, 0.177, 0.125, 0.01):
        overlay.follow_zoom(zoom)
        assert not overlay.follow_zoom(zoom), "once is enough"
        opacities.append(overlay.layer.opacity)
    assert opacities == pytest.approx([1.0, 1.0, 0.5, 0.0, 0.0], abs=0.01)


def test_cell_without_measurements_says_why() -> None:
    def states(*values: PatchState) -> NDArray[np.uint8]:
        return np.array([values], np.uint8)

    pending = words.nothing_in_cell(states(PatchState.PENDING, PatchState.UNREAD), {})
    damaged = words.nothing_in_cell(states(PatchState.UNREAD, PatchState.BACKGROUND), {})
    glass = words.nothing_in_cell(states(PatchState.BACKGROUND, PatchState.BACKGROUND), {})
    mm2 = {"pen": 0.01, "necrosis": 0.2}
    left_out = words.nothing_in_cell(states(PatchState.EXCLUDED, PatchState.BACKGROUND), mm2)
    assert "yet" in pending
    assert "damaged" in damaged
    assert "glass" in glass
    assert left_out == "left out: necrosis, pen"
