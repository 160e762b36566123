"""A run over a slide whose file names a patient."""

from pathlib import Path

import pytest
from geojson_regions import REGIONS, correct_a_field
from made_up_findings import estimate, write_slide

from napari_glioma_density.findings.findings import Findings
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.regions.region_file import RegionFile


@pytest.fixture(scope="session")
def named_slide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_slide(tmp_path_factory.mktemp("Smith John") / "SMITH_JOHN_1951.tif")


@pytest.fixture(scope="session")
def found(named_slide: Path) -> Findings:
    """What was found on `named_slide`, nothing corrected, nothing left out."""
    return estimate(named_slide, named_slide.with_name(named_slide.name + ".glioma.zarr"))


@pytest.fixture(scope="session")
def amended(named_slide: Path, tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """The same slide with a field corrected by hand, a part left out, and other regions."""
    store = tmp_path_factory.mktemp("amended") / "slide.glioma.zarr"
    estimate(named_slide, store)
    correct_a_field(store)
    regions = RegionFile.open(store)
    for region in REGIONS:
        regions.put(region)
    return gather(store)
