"""No export tells who the patient is."""

from pathlib import Path

from napari_glioma_density.exchange.csv_files import write_csv_folder
from napari_glioma_density.exchange.ome_tiff import write_ome_tiff
from napari_glioma_density.exchange.ome_zarr import write_ome_zarr
from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.slides import open_slide

TELLING = (b"smith", b"john", b"_1951")


def test_exports_name_the_pseudonym_and_nothing_of_the_file(
    found: Findings, named_slide: Path, tmp_path: Path
) -> None:
    """Header, name and folder of the slide all say who it is; no byte of an export does."""
    assert all(word in named_slide.read_bytes().lower() for word in TELLING)
    write_ome_tiff(tmp_path / "a.ome.tif", found)
    write_ome_zarr(tmp_path / "a.ome.zarr", found)
    write_ome_zarr(tmp_path / "b.ome.zarr", found, version="0.4")
    with open_slide(named_slide) as slide:
        write_csv_folder(tmp_path / "csv", found, slide=slide)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        content = path.read_bytes().lower()
        assert not any(word in content for word in TELLING), path
    named = [path for path in files if found.pseudonym.encode() in path.read_bytes()]
    assert {path.name for path in named} >= {"a.ome.tif", "zarr.json", ".zattrs", "about.csv"}
