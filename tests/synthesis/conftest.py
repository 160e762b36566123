"""A small synthetic slide that the tests of this room share."""

from pathlib import Path

import pytest

from napari_glioma_density.synthesis import Layout, Truth, synthesize

SMALL = Layout(width=2300, height=1900, um_per_px=0.5, seed=11)


@pytest.fixture(scope="session")
def layout() -> Layout:
    return SMALL


@pytest.fixture(scope="session")
def small_slide(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    path: Path = tmp_path_factory.mktemp("synthetic") / "small.tiff"
    return synthesize(path, SMALL.width, SMALL.height, SMALL.um_per_px, SMALL.seed)
