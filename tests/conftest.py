"""Fixtures shared by every room."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of real slides and annotated nuclei; tests that need it skip without it."""
    named = os.environ.get("GLIOMA_DENSITY_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("GLIOMA_DENSITY_DATA names no folder: real slides and nuclei are not at hand")
    return Path(named)
