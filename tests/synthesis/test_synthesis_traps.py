"""The slide full of traps: each lies where the file beside it says, and looks like what it is."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from shapely.geometry import MultiPolygon, shape
from shapely.geometry.base import BaseGeometry

from napari_glioma_density.stain import optical_density
from napari_glioma_density.stain.quality import is_black, is_ink
from napari_glioma_density.synthesis import Layout, Region, draw_region, synthesize
from napari_glioma_density.synthesis.layout import CELL_PX
from napari_glioma_density.synthesis.nuclear_forms import Kind
from napari_glioma_density.synthesis.placement import nuclei_of
from napari_glioma_density.synthesis.traps import traps_of, traps_path

LAYOUT = Layout(6000, 5400, 0.5, 1, traps=True)
SIDE = 96


@pytest.fixture(scope="module")
def traps() -> dict[str, BaseGeometry]:
    return traps_of(LAYOUT)


def inside(trap: BaseGeometry, layout: Layout = LAYOUT) -> Region:
    """Draw a square around a point well inside the largest part of a trap."""
    largest = max(trap.geoms, key=lambda part: part.area)
    at = largest.representative_point()
    return draw_region(layout, int(at.y) - SIDE // 2, int(at.x) - SIDE // 2, SIDE, SIDE)


def density(region: Region) -> NDArray[np.float32]:
    return optical_density(region.rgb)


def test_every_trap_lies_in_the_tissue(traps: dict[str, BaseGeometry]) -> None:
    assert set(traps) == {
        "fold", "pen", "blur", "haemorrhage", "necrosis", "lymphocytes", "tumour",
    }  # fmt: skip
    for trap in traps.values():
        assert trap.is_valid
        assert trap.area > 0


def test_a_fold_adds_the_density_of_another_layer(traps: dict[str, BaseGeometry]) -> None:
    plain = dataclasses.replace(LAYOUT, traps=False)
    ratio = density(inside(traps["fold"])).mean() / density(inside(traps["fold"], plain)).mean()
    assert 1.5 < ratio < 3.5


def test_pens_are_ink_and_spoil(traps: dict[str, BaseGeometry]) -> None:
    strokes = [inside(MultiPolygon([part])) for part in traps["pen"].geoms]
    assert len(strokes) == 3
    assert sum(is_ink(density(stroke)).mean() > 0.5 for stroke in strokes) == 2
    assert sum(is_black(density(stroke)).mean() > 0.5 for stroke in strokes) == 1
    assert all(stroke.spoiled.mean() > 0.5 for stroke in strokes)


def test_blood_is_red_and_holds_hardly_a_nucleus(traps: dict[str, BaseGeometry]) -> None:
    blood = inside(traps["haemorrhage"])
    red, green, _ = density(blood).mean(axis=(0, 1))
    assert green > 2 * red
    assert (blood.labels > 0).mean() < 0.03


def test_cuffs_are_of_lymphocytes_and_truly_dense(traps: dict[str, BaseGeometry]) -> None:
    cuff = max(traps["lymphocytes"].geoms, key=lambda part: part.area)
    x, y = cuff.centroid.coords[0]
    row, column = int(y) // CELL_PX, int(x) // CELL_PX
    kinds = np.concatenate([
        nuclei_of(LAYOUT, r, c).kind  # type: ignore[union-attr]
        for r in (row - 1, row, row + 1) for c in (column - 1, column, column + 1)
        if r >= 0 and c >= 0 and nuclei_of(LAYOUT, r, c) is not None
    ])  # fmt: skip
    assert np.count_nonzero(kinds == Kind.LYMPHOCYTE) > 50


def test_without_traps_there_are_none() -> None:
    plain = traps_of(dataclasses.replace(LAYOUT, traps=False))
    assert plain["fold"].is_empty
    assert plain["haemorrhage"].is_empty
    assert plain["lymphocytes"].is_empty


def test_the_file_beside_the_slide_says_where_traps_lie(tmp_path: Path) -> None:
    synthesize(tmp_path / "t.tiff", 1100, 1000, 0.5, 1, traps=True)
    stated = json.loads(traps_path(tmp_path / "t.tiff").read_text())["features"]
    truth = traps_of(Layout(1100, 1000, 0.5, 1, traps=True))
    assert {each["properties"]["name"] for each in stated} == set(truth)
    for each in stated:
        name = each["properties"]["name"]
        assert shape(each["geometry"]).area == pytest.approx(truth[name].area)
