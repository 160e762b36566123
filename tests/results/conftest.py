"""A small synthetic run: blocks whose content depends on their place alone."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_blocks import SPEC, TISSUE

from napari_glioma_density.results import ResultStore, Run, RunSpec


@pytest.fixture
def spec() -> RunSpec:
    return SPEC


@pytest.fixture
def store(tmp_path: Path) -> ResultStore:
    return ResultStore.open(tmp_path / "slide.svs.glioma.zarr", "f1", "slide-0000", 9000, 7000)


@pytest.fixture
def begin(store: ResultStore) -> Callable[..., Run]:
    """Open the run for writing, with fields of the specification changed as asked."""
    return lambda **changes: store.begin(replace(SPEC, **changes), TISSUE)
