"""Two readers of the same fields, against scikit-learn and figures by hand."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score, f1_score

from napari_glioma_density.density import band_of, bland_altman
from napari_glioma_density.errors import DataSetError
from napari_glioma_density.training.agreement import (
    Agreement,
    agreement,
    weighted_kappa,
)
from napari_glioma_density.training.dataset import open_data_set

MakeDataSet = Callable[..., Path]


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def labels_of(folder: Path, field: int) -> Any:
    return cv2.imread(str(folder / f"labels/{field}.png"), cv2.IMREAD_UNCHANGED)


def write_labels(folder: Path, field: int, labels: Any) -> None:
    cv2.imwrite(str(folder / f"labels/{field}.png"), labels.astype(np.uint16))


@pytest.fixture
def readers(make_data_set: MakeDataSet) -> tuple[Path, Path]:
    """The second reader misses nucleus 1 of every field and half of nucleus 2 of the first."""
    first, second = make_data_set("first"), make_data_set("second")
    for field in range(4):
        labels = labels_of(second, field)
        labels[labels == 1] = 0
        if field == 0:
            rows = np.flatnonzero((labels == 2).any(axis=1))
            labels[: rows.mean().astype(int) + 2][labels[: rows.mean().astype(int) + 2] == 2] = 0
        write_labels(second, field, labels)
    return first, second


def compared(readers: tuple[Path, Path]) -> Agreement:
    return agreement(*map(open_data_set, readers))


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_that_of_scikit_learn(seed: int) -> None:
    random = np.random.default_rng(seed)
    first = random.integers(0, 6, 40)
    second = np.clip(first + random.integers(-1, 2, 40), 0, 5)
    theirs = cohen_kappa_score(first, second, labels=range(6), weights="quadratic")
    assert weighted_kappa(first, second) == pytest.approx(theirs)


def test_kappa_of_one_band_alone_says_nothing() -> None:
    assert weighted_kappa(np.full(5, 3), np.full(5, 3)) is None
    assert weighted_kappa(np.full(5, 3), np.full(5, 4)) == 0


def test_limits_of_agreement_by_hand() -> None:
    first, second = np.array([10.0, 12, 20]), np.array([11.0, 15, 19])
    found = bland_altman(first, second)  # differences 1, 3, -1: mean 1, standard deviation 2
    assert found == pytest.approx((1, 1 - 3.92, 1 + 3.92))
    assert bland_altman(first[:1], second[:1]) == (1, None, None)


def test_figures_of_a_field_are_those_of_its_labels(readers: tuple[Path, Path]) -> None:
    found = compared(readers)
    masks = [[labels_of(folder, field) > 0 for folder in readers] for field in range(4)]
    density = np.array([[100 * mask.mean() for mask in pair] for pair in masks])
    for at, one in enumerate(found.fields):
        mine, theirs = masks[at]
        assert one.dice == pytest.approx(f1_score(mine.ravel(), theirs.ravel()))
        assert one.densities == pytest.approx(density[at : at + 1])
    first = found.fields[0].objects
    assert first.first - first.second == 1
    assert first.first_alone >= 2  # the one left out, and the one cut in half
    (pooled,) = found.pooled()
    every = [np.concatenate([pair[reader].ravel() for pair in masks]) for reader in (0, 1)]
    assert pooled.dice == pytest.approx(f1_score(*every))
    assert pooled.bland_altman.bias == pytest.approx((density[:, 1] - density[:, 0]).mean())
    bands = band_of(density)
    assert pooled.kappa == weighted_kappa(bands[:, 0], bands[:, 1])
    row = found.rows()[0]
    assert row["name"] == "all 4 fields"
    assert row["nuclei_difference"] == row["nuclei_second"] - row["nuclei_first"] < 0


def place(folder: Path, starts: list[str]) -> None:
    def add(manifest: dict[str, Any]) -> None:
        for at, (entry, start) in enumerate(zip(manifest["images"], starts, strict=True)):
            block = {"row": 2 * at, "column": 0, "rows": 1, "columns": 1}
            entry["field"] = {
                "fingerprint": "f", "block": block, "working_um_per_px": 0.5, "start": start,
            }  # fmt: skip

    edit(folder, add)


def test_specks_that_count_for_nobody_are_no_nuclei_to_agree_on(
    readers: tuple[Path, Path],
) -> None:
    before = compared(readers).fields[0].objects
    for folder in readers:
        labels = labels_of(folder, 0)
        free_y, free_x = np.argwhere(labels == 0)[0]
        labels[free_y, free_x] = labels.max() + 1
        write_labels(folder, 0, labels)
    assert compared(readers).fields[0].objects == before


def test_blank_and_prefilled_fields_stand_apart(readers: tuple[Path, Path]) -> None:
    first, second = readers
    place(first, ["model", "model", "blank", "model"])
    place(second, ["model", "blank", "blank", "model"])
    rows = {one.name: one.fields for one in compared(readers).pooled()}
    assert rows == {"all 4 fields": 4, "begun blank": 2, "both prefilled": 2}


def test_a_field_of_several_patches_has_a_density_each(make_data_set: MakeDataSet) -> None:
    folders = [make_data_set(name, fields=1, side=960) for name in ("a", "b")]
    for folder in folders:
        place(folder, ["blank"])
    (field,) = compared((folders[0], folders[1])).fields
    mask = labels_of(folders[0], 0) > 0
    quarters = [mask[y : y + 480, x : x + 480] for y in (0, 480) for x in (0, 480)]
    assert field.densities[:, 0] == pytest.approx([100 * part.mean() for part in quarters])


def test_what_one_reader_has_not_finished_counts_for_nothing(readers: tuple[Path, Path]) -> None:
    edit(readers[1], lambda manifest: manifest["images"][2].update(done=False))
    edit(readers[0], lambda manifest: manifest["images"].pop(3))
    found = compared(readers)
    assert [one.name for one in found.fields] == ["0.png", "1.png"]
    assert (found.first_alone, found.second_alone) == (("2.png",), ("3.png",))


def test_another_picture_is_refused(readers: tuple[Path, Path]) -> None:
    image = readers[1] / "images/1.png"
    rgb = cv2.imread(str(image))
    rgb[0, 0] += 1
    cv2.imwrite(str(image), rgb)
    with pytest.raises(DataSetError, match=r"1\.png: shows something else"):
        compared(readers)


def test_another_size_is_refused(readers: tuple[Path, Path]) -> None:
    for part in ("images", "labels"):
        path = readers[1] / part / "1.png"
        cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:90])
    with pytest.raises(DataSetError, match=r"differs in size .*96×96 and 96×90"):
        compared(readers)


def test_readers_without_a_common_field_are_refused(readers: tuple[Path, Path]) -> None:
    for field in range(4):
        edit(readers[1], lambda manifest: manifest["images"][0].update(done=False))
        (readers[1] / f"images/{field}.png").rename(readers[1] / f"images/other{field}.png")
    edit(readers[1], lambda m: [e.update(image=e["image"].replace("s/", "s/other"))
                                for e in m["images"]])  # fmt: skip
    with pytest.raises(DataSetError, match="no finished field in common"):
        compared(readers)


def test_a_set_without_a_finished_field_says_so(readers: tuple[Path, Path]) -> None:
    edit(readers[1], lambda manifest: [one.update(done=False) for one in manifest["images"]])
    with pytest.raises(DataSetError, match="none of its fields is finished"):
        compared(readers)


def test_it_needs_no_network() -> None:
    code = (
        "import sys; import napari_glioma_density.training.agreement; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
