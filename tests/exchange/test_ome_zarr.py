"""The OME-Zarr as its specification has it, and as other readers see it."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from made_up_findings import draw_nuclei

from napari_glioma_density.errors import BadInput, StoreError
from napari_glioma_density.exchange.density_image import CHANNELS
from napari_glioma_density.exchange.ome_zarr import Version, write_ome_zarr
from napari_glioma_density.findings.findings import Findings


@pytest.fixture(scope="module", params=["0.5", "0.4"])
def version(request: pytest.FixtureRequest) -> Version:
    return request.param


@pytest.fixture(scope="module")
def written(found: Findings, version: Version, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("out") / "result.ome.zarr"
    write_ome_zarr(path, found, version=version)
    return path


def metadata(group: Path, version: Version) -> dict[str, Any]:
    """The image's metadata, read as the plain JSON that the specification names."""
    if version == "0.4":
        return json.loads((group / ".zattrs").read_text())
    return json.loads((group / "zarr.json").read_text())["attributes"]["ome"]


def transformed(dataset: dict[str, Any], px: tuple[float, ...]) -> list[float]:
    """Where a point in px lies in µm, by the transformations in their order."""
    point = np.asarray(px, float)
    for step in dataset["coordinateTransformations"]:
        values = np.asarray(step[step["type"]])
        point = point * values if step["type"] == "scale" else point + values
    return point.tolist()


def test_the_mask_is_the_image_at_the_root(written: Path, version: Version) -> None:
    drawn = draw_nuclei()
    (multiscale,) = metadata(written, version)["multiscales"]
    assert [axis["name"] for axis in multiscale["axes"]] == ["y", "x"]
    assert {axis["unit"] for axis in multiscale["axes"]} == {"micrometer"}
    levels = [zarr.open_array(written / d["path"], mode="r") for d in multiscale["datasets"]]
    assert {level.metadata.zarr_format for level in levels} == {2 if version == "0.4" else 3}
    np.testing.assert_array_equal(levels[0][:], drawn * 255)
    whole = drawn[:1500, :2100].reshape(375, 4, 525, 4).mean(axis=(1, 3)) * 255
    np.testing.assert_allclose(levels[1][:, :525], whole, atol=0.51)
    assert [level.shape for level in levels] == [(1500, 2101), (375, 526), (94, 132)]


def test_every_level_and_the_density_lie_on_each_other(written: Path, version: Version) -> None:
    """A px of n × n working px has its centre in their middle."""
    for group, axes, sides in ((written, 2, (1, 4, 16)), (written / "density", 3, (480,))):
        (multiscale,) = metadata(group, version)["multiscales"]
        for dataset, side in zip(multiscale["datasets"], sides, strict=True):
            row, column = 2, 3
            first = np.array([row * side, column * side])
            middle = (first + (first + side - 1)) / 2 * 0.5
            *_, y, x = transformed(dataset, (0, row, column)[-axes:])
            assert [y, x] == pytest.approx(middle.tolist())


def test_the_density_is_an_image_of_two_named_channels(
    written: Path, version: Version, found: Findings
) -> None:
    told = metadata(written / "density", version)
    image = zarr.open_array(written / "density" / "0", mode="r")
    patches = found.snapshot.patches
    expected = [patches.tissue_density_percent(), patches.density_percent()]
    np.testing.assert_allclose(image[:], expected, rtol=1e-6)
    assert np.isnan(image.fill_value)
    assert [channel["label"] for channel in told["omero"]["channels"]] == list(CHANNELS)


def test_specimen_and_part_are_told(written: Path, version: Version, found: Findings) -> None:
    told = zarr.open_group(written, mode="r").attrs["glioma_density"]
    assert (told["specimen"], told["of"]) == ("unknown", "slide")
    for group, words in (
        (written, "Specimen: unknown."),
        (written / "density", "Measured: the whole slide. Specimen: unknown."),
    ):
        (multiscale,) = metadata(group, version)["multiscales"]
        assert words in multiscale["metadata"]["description"]


def test_models_of_the_specification_accept_both_images(written: Path) -> None:
    models = pytest.importorskip("ome_zarr_models", reason="ome-zarr-models is not installed")
    for group in (written, written / "density"):
        image = models.open_ome_zarr(zarr.open_group(group, mode="r"))
        assert type(image).__name__ == "Image"


def test_an_export_may_be_written_anew_but_nothing_else_is_replaced(
    found: Findings, tmp_path: Path
) -> None:
    path = tmp_path / "result.ome.zarr"
    write_ome_zarr(path, found, version="0.4")
    write_ome_zarr(path, found)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["result.ome.zarr"]
    assert not (path / ".zattrs").exists()
    with pytest.raises(BadInput, match="is no OME-Zarr of this program: choose another"):
        write_ome_zarr(found.store, found)
    assert (found.store / "runs").is_dir()
    (tmp_path / "notes").mkdir()
    with pytest.raises(BadInput, match="notes"):
        write_ome_zarr(tmp_path / "notes", found)


@pytest.mark.parametrize(
    "attributes",
    [
        {"ome": {"version": "0.5", "multiscales": [{"name": "another's slide"}]}},
        {"multiscales": [{"version": "0.4"}]},
        {"ome": 5, "glioma_density": {}},
        {"ome": None},
        {"ome": ["multiscales"], "glioma_density": {}},
        {"glioma_density": {}},
    ],
)
def test_an_image_of_another_program_is_never_replaced(
    found: Findings, tmp_path: Path, attributes: dict[str, Any]
) -> None:
    path = tmp_path / "slide.ome.zarr"
    group = zarr.create_group(str(path))
    group.create_array("0", shape=(3, 3), dtype=np.uint8)[:] = 7
    group.attrs.update(attributes)
    with pytest.raises(BadInput, match="is no OME-Zarr of this program"):
        write_ome_zarr(path, found)
    assert (zarr.open_array(path / "0", mode="r")[:] == 7).all()


def test_a_full_disk_leaves_what_was_there(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "result.ome.zarr"
    write_ome_zarr(path, found)
    monkeypatch.setattr(zarr.Array, "__setitem__", full)
    with pytest.raises(StoreError, match=r"result.ome.zarr: the disk is full"):
        write_ome_zarr(path, found)
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.ome.zarr"]
    np.testing.assert_array_equal(zarr.open_array(path / "0", mode="r")[:], draw_nuclei() * 255)
