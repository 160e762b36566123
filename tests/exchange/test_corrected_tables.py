"""Tables of a run with corrections and exclusions, read back."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_spec import made_up_spec
from numpy.typing import NDArray

from napari_glioma_density.annotation.corrected import correct_patches
from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.density import (
    PART_DTYPE,
    PATCH_PX,
    Block,
    CorrectedPatches,
    Exclusions,
    Lattice,
    PatchState,
    PatchTable,
)
from napari_glioma_density.exchange.tables import write_tables
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.snapshot import Amendments, Choices, take_snapshot
from napari_glioma_density.results import NUCLEUS_DTYPE
from napari_glioma_density.results.tables import (
    CORRECTED_GRID_COLUMNS,
    CORRECTED_PATCH_COLUMNS,
    GRID_COLUMNS,
    PATCH_COLUMNS,
)

LATTICE = Lattice.over(4 * PATCH_PX, 6 * PATCH_PX - 100, 0.5)
FIELD = Block(0, 1, 1, 2)
OUT_FOR = ("pen", "fold")
Write = Callable[..., Path]


class MeasuredRun:
    """Stands in for a run that is finished: making one takes a slide and a network."""

    lattice, is_brightfield, sharpness, tuned_on = LATTICE, True, 0.3, None
    tissue = np.ones((-(-LATTICE.height_px // 16), -(-LATTICE.width_px // 16)), np.uint8)
    spec = made_up_spec(LATTICE.height_px, LATTICE.width_px)

    def patches(self) -> PatchTable:
        full = LATTICE.patch_px()
        nucleus = full * np.random.default_rng(2).integers(1, 40, full.shape) // 100
        state = np.full(full.shape, PatchState.READ, np.uint8)
        return PatchTable(LATTICE, state, nucleus, full, full - 50, 0 * full, nucleus // 120)


RUN = MeasuredRun()


def findings(
    store: Path, field: FieldValues | None = None, out: NDArray[np.bool_] | None = None
) -> Findings:
    """What is said of the run with a corrected field, and without some patches."""
    model = RUN.patches()
    fields = (field,) if field else ()
    amended = correct_patches(model, fields)
    exclusions = None if out is None else left_out(out, amended)
    choices = Choices(cell_mm=0.48, amendments=Amendments(LATTICE, fields, exclusions))
    shown = take_snapshot(model, choices)
    corrected = CorrectedPatches(shown.patches, shown.corrected, shown.model, amended.fields)
    return Findings(
        store,
        RUN,  # type: ignore[arg-type]
        "slide-1",
        LATTICE.width_px * 2,
        LATTICE.height_px * 2,
        shown,
        (),
        (),
        choices.amendments,
        corrected if fields else None,
        None,  # type: ignore[arg-type]
        np.zeros(0, NUCLEUS_DTYPE),
    )


def left_out(out: NDArray[np.bool_], amended: CorrectedPatches) -> Exclusions:
    """Whole patches, for two reasons in turn."""
    parts = np.zeros(np.count_nonzero(out), PART_DTYPE)
    parts["row"], parts["column"] = np.nonzero(out)
    parts["reason"] = np.arange(len(parts)) % 2
    for prefix, table in (("", amended.patches), ("model_", amended.model)):
        for name in ("nucleus_px", "tissue_px", "count"):
            parts[prefix + name] = getattr(table, name)[out]
    parts["read_px"] = amended.patches.read_px[out]
    return Exclusions(LATTICE, OUT_FOR, parts)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def tables(
        name: str, field: FieldValues | None = None, out: NDArray[np.bool_] | None = None
    ) -> Path:
        write_tables(tmp_path / name, findings(tmp_path / "s", field, out))
        return tmp_path / name

    return tables


@pytest.fixture
def corrected() -> FieldValues:
    model = RUN.patches()
    nucleus = model.nucleus_px[FIELD.patches] * 3
    return FieldValues(FIELD, nucleus, model.tissue_px[FIELD.patches] - 9, nucleus // 120)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def summary(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "summary.json").read_text())


def test_columns_are_those_of_the_contract_without_corrections(write: Write) -> None:
    folder = write("plain")
    assert tuple(rows(folder / "patches.csv")[0]) == PATCH_COLUMNS
    assert tuple(rows(folder / "grid.csv")[0]) == GRID_COLUMNS
    assert not {"corrections", "excluded"} & summary(folder).keys()


def test_nothing_left_out_changes_no_byte(write: Write) -> None:
    plain, looked_at = write("plain"), write("o", out=np.zeros((4, 6), bool))
    for name in ("patches.csv", "grid.csv", "heatmap.png"):
        assert (plain / name).read_bytes() == (looked_at / name).read_bytes()


def test_corrected_values_lead_and_the_models_follow(write: Write, corrected: FieldValues) -> None:
    plain, folder = write("plain"), write("corrected", corrected)
    before, after = rows(plain / "patches.csv"), rows(folder / "patches.csv")
    assert tuple(after[0]) == PATCH_COLUMNS + CORRECTED_PATCH_COLUMNS
    for old, new in zip(before, after, strict=True):
        inside = new["row"] == "0" and new["column"] in "12"
        assert new["corrected"] == str(int(inside))
        for name in ("density_percent", "nucleus_px", "tissue_px", "count"):
            assert new[f"model_{name}"] == old[name]
            if not inside:
                assert new[name] == old[name]
        if inside:
            assert int(new["nucleus_px"]) == 3 * int(old["nucleus_px"])
            assert int(new["tissue_px"]) == int(old["tissue_px"]) - 9


def test_cells_follow_from_the_patches(write: Write, corrected: CorrectedPatches) -> None:
    plain, folder = write("plain"), write("corrected", corrected)
    before, after = rows(plain / "grid.csv"), rows(folder / "grid.csv")
    assert tuple(after[0]) == GRID_COLUMNS + CORRECTED_GRID_COLUMNS
    assert [row["corrected_patches"] for row in after[:3]] == ["1", "1", "0"]
    patches = rows(folder / "patches.csv")
    for old, new in zip(before, after, strict=True):
        for name in ("density_percent", "tissue_density_percent", "nuclei_per_mm2"):
            assert new[f"model_{name}"] == old[name]
        of_cell = [
            patch
            for patch in patches
            if (int(patch["row"]) // 2, int(patch["column"]) // 2)
            == (int(new["row"]), int(new["column"]))
        ]
        nucleus, tissue = (
            sum(int(patch[name]) for patch in of_cell) for name in ("nucleus_px", "tissue_px")
        )
        assert float(new["tissue_density_percent"]) == pytest.approx(
            100 * nucleus / tissue, abs=1e-4
        )


def test_the_summary_is_corrected_and_tells_the_models_figures(
    write: Write, corrected: FieldValues
) -> None:
    plain, figures = summary(write("plain")), summary(write("c", corrected))
    told = figures["corrections"]
    assert (told["fields"], told["patches"], told["reader"]) == (1, 2, "first")
    for name in ("density_percent", "tissue_density_percent", "nuclei_per_mm2"):
        assert told[f"model_{name}"] == plain[name]
        assert figures[name] > plain[name]
    table = rows(write("c", corrected) / "patches.csv")
    nucleus, read = (sum(int(row[name]) for row in table) for name in ("nucleus_px", "read_px"))
    assert figures["density_percent"] == pytest.approx(100 * nucleus / read, abs=1e-4)


def test_hotspots_keep_the_models_order_and_show_corrected_values(
    write: Write, corrected: FieldValues
) -> None:
    plain = summary(write("plain"))["hotspots"]
    folder = write("c", corrected)
    spots = summary(folder)["hotspots"]
    assert [spot["cell"] for spot in spots] == [spot["cell"] for spot in plain]
    shown = {row["cell"]: float(row["tissue_density_percent"]) for row in rows(folder / "grid.csv")}
    values = [spot["tissue_density_percent"] for spot in spots]
    assert values == pytest.approx([shown[spot["cell"]] for spot in spots], abs=1e-4)
    assert values != sorted(values, reverse=True), "the order is not that of corrected values"


@pytest.mark.parametrize("with_corrections", [False, True])
def test_what_was_left_out_is_listed_without_px(
    write: Write, corrected: FieldValues, with_corrections: bool
) -> None:
    out = np.zeros((4, 6), bool)
    out[0:2, 0:2] = True
    folder = write("e", corrected if with_corrections else None, out)
    table = rows(folder / "patches.csv")
    assert len(table) == 24
    for row in table:
        excluded = int(row["row"]) < 2 and int(row["column"]) < 2
        assert (row["state"] == "excluded") == excluded
        if excluded:
            assert row["density_percent"] == row["band"] == ""
            assert row["nucleus_px"] == row["read_px"] == row["tissue_px"] == row["count"] == "0"
    cells = {row["cell"] for row in rows(folder / "grid.csv")}
    assert "A1" not in cells
    assert len(cells) == 5
    figures = summary(folder)
    assert figures["excluded"] == {
        "patches": 4,
        "read_mm2": pytest.approx(4 * 0.24**2, abs=1e-6),
        "read_mm2_by_reason": {name: pytest.approx(2 * 0.24**2, abs=1e-6) for name in OUT_FOR},
    }
    assert figures["read_mm2"] == pytest.approx(sum(int(r["read_px"]) for r in table) * 0.0005**2)
    if with_corrections:
        assert figures["corrections"]["patches"] == 1
