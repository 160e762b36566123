"""CSV, picture and summary, read back by other programs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up_blocks import SPEC

from napari_glioma_density.density import (
    COLOUR_BLIND_BANDS,
    PATCH_PX,
    Lattice,
    PatchState,
    PatchTable,
    cell_grid,
    measure_cells,
    rank_hotspots,
)
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import (
    NUCLEUS_DTYPE,
    draw_heatmap,
    summary,
    write_grid_csv,
    write_heatmap,
    write_patches_csv,
    write_summary,
)
from napari_glioma_density.results.nuclei import in_slide_order

PENDING, BACKGROUND, READ, UNREAD, EXCLUDED = PatchState


@pytest.fixture
def patches() -> PatchTable:
    """Six by nine patches of chance values and every state, cut by the slide's edge."""
    chance = np.random.default_rng(11)
    lattice = Lattice.over(6 * PATCH_PX - 37, 9 * PATCH_PX - 200, 0.5)
    state = chance.choice([PENDING, BACKGROUND, READ, READ, READ, UNREAD, EXCLUDED], (6, 9))
    read = lattice.patch_px() * (state == READ)
    tissue = (read * chance.uniform(0.3, 1, read.shape)).astype(np.int64)
    nucleus = (tissue * chance.uniform(0, 0.4, read.shape)).astype(np.int64)
    unread = lattice.patch_px() * (state == UNREAD)
    return PatchTable(lattice, state.astype(np.uint8), nucleus, read, tissue, unread, nucleus // 99)


def columns(path: Path) -> list[str]:
    return path.read_text().splitlines()[0].split(",")


def rows(path: Path) -> list[dict[str, str]]:
    lines = path.read_text().splitlines()
    return [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]


def test_patches_csv_has_the_columns_of_the_contract(tmp_path: Path, patches: PatchTable) -> None:
    write_patches_csv(tmp_path / "patches.csv", patches)
    expected = "row column x_px y_px state density_percent nucleus_px read_px tissue_px count band"
    assert columns(tmp_path / "patches.csv") == expected.split()


def test_patches_csv_lists_what_was_inferred_or_unread(tmp_path: Path, patches: PatchTable) -> None:
    write_patches_csv(tmp_path / "patches.csv", patches)
    listed = {(int(row["row"]), int(row["column"])) for row in rows(tmp_path / "patches.csv")}
    assert listed == set(map(tuple, np.argwhere(patches.state >= READ).tolist()))


def test_the_density_of_the_slide_follows_from_patches_csv(
    tmp_path: Path, patches: PatchTable
) -> None:
    write_patches_csv(tmp_path / "patches.csv", patches)
    table = rows(tmp_path / "patches.csv")
    nucleus, read = (sum(int(row[name]) for row in table) for name in ("nucleus_px", "read_px"))
    assert patches.totals().density_percent == pytest.approx(100 * nucleus / read)


def test_an_unread_patch_has_empty_density_and_no_px(tmp_path: Path, patches: PatchTable) -> None:
    write_patches_csv(tmp_path / "patches.csv", patches)
    unread = [row for row in rows(tmp_path / "patches.csv") if row["state"] == "unread"]
    assert unread
    for row in unread:
        assert row["density_percent"] == row["band"] == ""
        assert row["nucleus_px"] == row["read_px"] == row["tissue_px"] == row["count"] == "0"


def test_patches_csv_keeps_to_its_scope(tmp_path: Path, patches: PatchTable) -> None:
    scope = np.zeros(patches.state.shape, bool)
    scope[2] = True
    write_patches_csv(tmp_path / "patches.csv", patches, scope)
    assert {row["row"] for row in rows(tmp_path / "patches.csv")} == {"2"}


def test_lines_end_alike_on_every_system(tmp_path: Path, patches: PatchTable) -> None:
    write_patches_csv(tmp_path / "patches.csv", patches)
    content = (tmp_path / "patches.csv").read_bytes()
    assert content.endswith(b"\n")
    assert b"\r" not in content


def test_grid_csv_is_read_by_pandas_with_the_columns_of_the_contract(
    tmp_path: Path, patches: PatchTable
) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas reads the table back")
    cells = measure_cells(patches, cell_grid(patches.lattice, 0.48))
    write_grid_csv(tmp_path / "grid.csv", cells)
    table = pandas.read_csv(tmp_path / "grid.csv")
    assert list(table.columns) == [
        "cell", "row", "column", "x_um", "y_um", "width_um", "height_um", "density_percent",
        "tissue_density_percent", "nuclei_per_mm2", "tissue_mm2", "read_mm2", "band",
    ]  # fmt: skip
    assert list(table["cell"]) == [cell.address for cell in cells]
    assert table["read_mm2"].sum() == pytest.approx(patches.totals().read_mm2, abs=1e-5)


def test_a_table_is_replaced_whole_and_leaves_nothing_else(
    tmp_path: Path, patches: PatchTable
) -> None:
    for _ in range(2):
        write_patches_csv(tmp_path / "patches.csv", patches)
    assert [path.name for path in tmp_path.iterdir()] == ["patches.csv"]


def test_a_table_that_cannot_be_written_names_itself(tmp_path: Path, patches: PatchTable) -> None:
    with pytest.raises(StoreError, match=r"patches\.csv: cannot be"):
        write_patches_csv(tmp_path / "absent" / "patches.csv", patches)


def test_the_heatmap_shows_every_patch_in_its_band(tmp_path: Path) -> None:
    lattice = Lattice.over(PATCH_PX, 6 * PATCH_PX, 0.5)
    full = lattice.patch_px()
    nucleus = full * [[1, 3, 5, 10, 18, 50]] // 100
    state = np.full((1, 6), READ, np.uint8)
    patches = PatchTable(lattice, state, nucleus, full, full, 0 * full, nucleus)
    write_heatmap(tmp_path / "map.png", patches, cell_grid(lattice), COLOUR_BLIND_BANDS)
    picture = cv2.imread(str(tmp_path / "map.png"))[:, :, ::-1]
    for column, colour in enumerate(COLOUR_BLIND_BANDS.colours):
        assert tuple(picture[40 + 50, 40 + 64 * column + 10]) == tuple(bytes.fromhex(colour[1:]))


def test_states_that_are_no_density_have_looks_of_their_own() -> None:
    lattice = Lattice.over(PATCH_PX, 4 * PATCH_PX, 0.5)
    full = lattice.patch_px()
    state = np.array([[READ, BACKGROUND, PENDING, UNREAD]], np.uint8)
    patches = PatchTable(lattice, state, 0 * full, full, full, 0 * full, 0 * full)
    picture = draw_heatmap(patches, cell_grid(lattice))
    looks = [picture[66:100, 44 + 64 * column : 100 + 64 * column] for column in range(4)]
    read, background, pending, unread = (
        np.unique(look.reshape(-1, 3), axis=0).tolist() for look in looks
    )
    assert pending == [[255, 255, 255]]
    assert len(unread) == 2, "two tones: hatched"
    assert len({str(look) for look in (read, background, pending, unread)}) == 4


def test_a_large_slide_gives_a_picture_of_bearable_size() -> None:
    lattice = Lattice.over(520 * PATCH_PX, 312 * PATCH_PX, 0.5)
    picture = draw_heatmap(PatchTable.pending(lattice), cell_grid(lattice))
    assert max(picture.shape) < 2200


def test_the_summary_has_the_keys_of_the_contract_and_is_json(
    tmp_path: Path, patches: PatchTable
) -> None:
    cells = measure_cells(patches, cell_grid(patches.lattice, 0.24))
    figures = summary(
        folder=tmp_path,
        store=tmp_path / "a.glioma.zarr",
        spec=SPEC,
        totals=patches.totals(),
        hotspots=rank_hotspots(cells),
        patches_reused=3,
        seconds={"open": 0.5, "total": 9.0},
    )
    write_summary(tmp_path / "summary.json", figures)
    assert json.loads((tmp_path / "summary.json").read_text()) == figures
    assert set(figures) == {
        "folder", "store", "density_percent", "tissue_density_percent", "nuclei_per_mm2",
        "tissue_mm2", "read_mm2", "unread_mm2", "bands", "hotspots", "patches", "patches_reused",
        "working_um_per_px", "seconds", "model", "device", "precision", "complete", "um_per_px",
        "um_per_px_source", "input", "colour_statistics", "colour_source", "tissue_mask", "organ",
    }  # fmt: skip
    assert set(figures["seconds"]) == {"open", "read", "infer", "write", "total"}
    assert sum(figures["bands"]) == pytest.approx(1)
    assert {"cell", "tissue_density_percent"} <= set(figures["hotspots"][0])


def test_a_summary_of_nothing_read_says_null_and_never_0(tmp_path: Path) -> None:
    totals = PatchTable.pending(Lattice.over(1000, 1000, 0.5)).totals()
    figures = summary(
        folder=tmp_path, store=tmp_path, spec=SPEC, totals=totals, hotspots=(), patches_reused=0,
        seconds={},
    )  # fmt: skip
    assert figures["density_percent"] is None
    assert figures["nuclei_per_mm2"] is None
    assert figures["complete"] is False


@pytest.mark.parametrize("ties", [False, True])
def test_slide_order_is_by_patch_then_y_then_x(ties: bool) -> None:
    random = np.random.default_rng(5)
    nuclei = np.zeros(20_000, NUCLEUS_DTYPE)
    nuclei["y_px"], nuclei["x_px"] = random.random((2, 20_000)) * 9000
    nuclei["area_px"] = random.integers(50, 60, 20_000)
    nuclei["origin"] = random.integers(0, 2, 20_000)
    if ties:
        nuclei["y_px"] //= 90
        nuclei["x_px"] //= 900
    y, x = nuclei["y_px"], nuclei["x_px"]
    six = nuclei["origin"], nuclei["area_px"], x, y, x // 480, y // 480
    assert np.array_equal(in_slide_order(nuclei), nuclei[np.lexsort(six)])
