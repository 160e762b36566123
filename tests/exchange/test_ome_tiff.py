"""The OME-TIFF as other readers see it."""

import dataclasses
import errno
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from uuid import UUID

import numpy as np
import openslide
import pytest
import tifffile
from made_up_findings import HEIGHT, WIDTH, draw_nuclei
from PIL import Image

from napari_glioma_density.errors import StoreError
from napari_glioma_density.exchange import ome_tiff
from napari_glioma_density.exchange.ome_tiff import write_ome_tiff
from napari_glioma_density.exchange.provenance import provenance
from napari_glioma_density.findings.findings import Findings

OME = {"ome": "http://www.openmicroscopy.org/Schemas/OME/2016-06"}


@pytest.fixture(scope="module")
def written(found: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("out") / "result.ome.tif"
    write_ome_tiff(path, found)
    return path


def test_the_mask_is_the_first_image_and_a_pyramid_of_means(written: Path) -> None:
    drawn = draw_nuclei()
    with tifffile.TiffFile(written) as tiff:
        assert tiff.is_ome
        assert len(tiff.series) == 2
        mask = tiff.series[0]
        assert mask.axes == "YX"
        np.testing.assert_array_equal(mask.asarray(), drawn * 255)
        assert [level.shape for level in mask.levels] == [(1500, 2101), (375, 526), (94, 132)]
        whole = drawn[:1500, :2100].reshape(375, 4, 525, 4).mean(axis=(1, 3)) * 255
        np.testing.assert_allclose(mask.levels[1].asarray()[:, :525], whole, atol=0.51)
        shrunk = mask.levels[2].asarray()[:93, :131].mean()
        assert shrunk == pytest.approx(drawn[: 93 * 16, : 131 * 16].mean() * 255, rel=0.005)
        assert mask.keyframe.is_tiled
        assert mask.keyframe.subifds is not None


def test_the_density_is_the_second_image_nan_where_nothing_counts(
    written: Path, found: Findings
) -> None:
    with tifffile.TiffFile(written) as tiff:
        tissue, density = tiff.series[1].asarray()
    patches = found.snapshot.patches
    assert tissue.dtype == np.float32
    np.testing.assert_allclose(density, patches.density_percent(), rtol=1e-6)
    assert np.isnan(density[:, 4]).all()
    weighed = np.nansum(density * patches.read_px) / patches.read_px.sum()
    assert weighed == pytest.approx(found.snapshot.totals.density_percent, rel=1e-6)
    np.testing.assert_allclose(tissue, patches.tissue_density_percent(), rtol=1e-6)


def test_both_images_say_their_physical_size(written: Path, found: Findings) -> None:
    with tifffile.TiffFile(written) as tiff:
        root = ElementTree.fromstring(tiff.ome_metadata or "")
        resolution = [page.get_resolution("MICROMETER") for page in tiff.pages]
    assert UUID(root.get("UUID", "")).version == 4, "another version would tell the machine"
    images = root.findall("ome:Image", OME)
    assert [image.get("Name") for image in images] == [
        f"{found.pseudonym} nucleus mask",
        f"{found.pseudonym} density",
    ]
    pixels = [image.find("ome:Pixels", OME) for image in images]
    for each, um in zip(pixels, (0.5, 240.0), strict=True):
        assert each is not None
        assert float(each.get("PhysicalSizeX", "")) == um
        assert float(each.get("PhysicalSizeY", "")) == um
        assert each.get("PhysicalSizeXUnit") == "µm"
    assert resolution[0] == pytest.approx((2.0, 2.0))
    assert resolution[-1] == pytest.approx((1 / 240, 1 / 240))
    assert pixels[1] is not None
    names = [channel.get("Name") for channel in pixels[1].findall("ome:Channel", OME)]
    assert names == list(ome_tiff.CHANNELS)


def test_other_readers_see_the_mask(written: Path) -> None:
    drawn = draw_nuclei()
    with Image.open(written) as picture:
        np.testing.assert_array_equal(np.asarray(picture), drawn * 255)
    with openslide.OpenSlide(written) as slide:
        assert slide.dimensions == (WIDTH, HEIGHT)
        region = np.asarray(slide.read_region((300, 200), 0, (640, 500)))[..., 0]
    np.testing.assert_array_equal(region, drawn[200:700, 300:940] * 255)


def test_patches_out_of_scope_have_no_density(found: Findings, tmp_path: Path) -> None:
    scope = np.zeros((4, 5), bool)
    scope[1, 2] = True
    some = dataclasses.replace(found, snapshot=dataclasses.replace(found.snapshot, scope=scope))
    write_ome_tiff(tmp_path / "part.ome.tif", some)
    seen = tifffile.imread(tmp_path / "part.ome.tif", series=1)
    np.testing.assert_array_equal(~np.isnan(seen), [scope, scope])


def test_each_image_says_of_what_specimen_and_of_which_part_it_is(
    found: Findings, tmp_path: Path
) -> None:
    scope = np.zeros((4, 5), bool)
    scope[1, 2] = True
    part = dataclasses.replace(found.snapshot, scope=scope)
    section = dataclasses.replace(part, grid=dataclasses.replace(part.grid, section="S2"))
    for snapshot, measured, of in (
        (found.snapshot, "the whole slide", "slide"),
        (part, "a part of the slide", "part"),
        (section, "section S2", "S2"),
    ):
        some = dataclasses.replace(found, snapshot=snapshot, specimen="frozen")
        write_ome_tiff(tmp_path / "a.ome.tif", some)
        with tifffile.TiffFile(tmp_path / "a.ome.tif") as tiff:
            root = ElementTree.fromstring(tiff.ome_metadata or "")
        mask, density = (each.text or "" for each in root.findall("ome:Image/ome:Description", OME))
        assert "Specimen: frozen." in mask
        assert f"Measured: {measured}. Specimen: frozen." in density
        annotations = {
            each.get("ID"): {
                pair.get("K"): pair.text for pair in each.findall("ome:Value/ome:M", OME)
            }
            for each in root.findall("ome:StructuredAnnotations/ome:MapAnnotation", OME)
        }
        images = root.findall("ome:Image/ome:AnnotationRef", OME)
        assert len(images) == 2
        for image in images:
            told = annotations[image.get("ID")]
            assert told == {name: str(value) for name, value in provenance(some).items()}
            assert (told["specimen"], told["of"]) == ("frozen", of)


class BlankMask:
    """A mask of any size without a nucleus but in its last row; tells how much is asked at once."""

    def __init__(self, height: int, width: int) -> None:
        self.shape: tuple[int, ...] = (height, width)
        self.most = 0

    def __getitem__(self, window: tuple[slice, slice]) -> np.ndarray:
        (top, bottom), (left, right) = (
            part.indices(length)[:2] for part, length in zip(window, self.shape, strict=True)
        )
        pixels = np.zeros((bottom - top, right - left), np.uint8)
        self.most = max(self.most, pixels.size)
        if bottom == self.shape[0]:
            pixels[-1] = 1
        return pixels


def test_a_large_mask_is_read_piece_by_piece(found: Findings, tmp_path: Path) -> None:
    blank = BlankMask(20_011, 15_003)
    measured = dataclasses.replace(found.measured, mask=blank)
    large = dataclasses.replace(found, measured=measured)
    told: list[tuple[int, int]] = []
    write_ome_tiff(tmp_path / "large.ome.tif", large, on_progress=lambda *at: told.append(at))
    assert told == [(row, 11) for row in range(1, 12)]
    assert blank.most <= 1920**2
    with tifffile.TiffFile(tmp_path / "large.ome.tif") as tiff:
        levels = tiff.series[0].levels
        assert [level.shape for level in levels] == [
            (20_011, 15_003), (5003, 3751), (1251, 938), (313, 235),
        ]  # fmt: skip
        coarse = [level.asarray() for level in levels[1:]]
    # Three rows of the last four are there on every level; the lowest stands for the one that is
    # not, so half of them show what is in it.
    for level, grey in zip(coarse, (255 / 2, 255 / 4, 255 / 8), strict=True):
        assert not level[:-1].any()
        np.testing.assert_allclose(level[-1], grey, atol=1)


def test_what_may_pass_four_gibibytes_becomes_bigtiff(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ome_tiff, "_CLASSIC_BYTES", HEIGHT * WIDTH * 0.19)
    write_ome_tiff(tmp_path / "big.ome.tif", found)
    with tifffile.TiffFile(tmp_path / "big.ome.tif") as tiff:
        assert tiff.is_bigtiff
        np.testing.assert_array_equal(tiff.series[0].asarray(), draw_nuclei() * 255)


def test_a_full_disk_leaves_the_file_that_was_there(
    found: Findings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "result.ome.tif"
    path.write_bytes(b"before")
    monkeypatch.setattr(tifffile.TiffWriter, "write", full)
    with pytest.raises(StoreError, match=r"result.ome.tif: the disk is full; what was there"):
        write_ome_tiff(path, found)
    assert [entry.name for entry in tmp_path.iterdir()] == ["result.ome.tif"]
    assert path.read_bytes() == b"before"


def test_an_export_that_is_stopped_leaves_nothing(found: Findings, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(*_: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        write_ome_tiff(tmp_path / "result.ome.tif", found, on_progress=stop)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_is_named(found: Findings, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="check the folder"):
        write_ome_tiff(tmp_path / "absent" / "result.ome.tif", found)
