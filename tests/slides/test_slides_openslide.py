"""What OpenSlide's handles do after an error, and that no sound tile pays for it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np
import openslide
import pytest
from numpy.typing import NDArray

from napari_glioma_density.errors import SlideError
from napari_glioma_density.slides import openslide_source
from napari_glioma_density.slides.openslide_source import OpenSlideSource

TILES, DAMAGED = 4, 0


class Handle:
    """As OpenSlide does it: after its first error a handle answers nothing else."""

    properties: ClassVar = {openslide.PROPERTY_NAME_VENDOR: "mirax"}
    level_dimensions = ((512 * TILES, 512),)
    level_downsamples = (1.0,)
    opened = 0
    together = threading.Barrier(TILES)
    """All are inside the first handle when it fails."""

    def __init__(self, path: Path) -> None:
        Handle.opened += 1
        self.is_shared, self.is_dead = Handle.opened == 1, threading.Event()

    def read_region(
        self, corner: tuple[int, int], level: int, size: tuple[int, int]
    ) -> NDArray[np.uint8]:
        column = corner[0] // 512
        if self.is_shared and not self.is_dead.is_set():
            self.together.wait(20)
        if column == DAMAGED:
            self.is_dead.set()
        elif self.is_shared:
            self.is_dead.wait(20)
        if self.is_dead.is_set():
            raise openslide.OpenSlideError("damaged")
        return np.full((512, 512, 4), 255, np.uint8)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> OpenSlideSource:
    Handle.opened = 0
    monkeypatch.setattr(openslide_source.openslide, "OpenSlide", Handle)
    return OpenSlideSource(Path("slide.mrxs"), "slide.mrxs")


def test_a_damaged_tile_takes_none_with_it(source: OpenSlideSource) -> None:
    with ThreadPoolExecutor(TILES) as threads:
        read = list(threads.map(lambda column: source.read_tile(0, 0, column), range(TILES)))
    assert [tile is None for tile in read] == [column == DAMAGED for column in range(TILES)]
    assert source.read_tile(0, 0, 1) is not None, "the next one finds a handle that answers"


def test_a_closed_source_reads_nothing(source: OpenSlideSource) -> None:
    source.close()
    with pytest.raises(SlideError, match="closed"):
        source.read_tile(0, 0, 1)
    assert Handle.opened == 1


def test_a_file_that_is_gone_is_no_damaged_tile(
    source: OpenSlideSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("Input/output error")

    monkeypatch.setattr(source, "_region", lambda *_: None)
    monkeypatch.setattr(openslide_source.openslide, "OpenSlide", fail)
    with pytest.raises(SlideError, match="see that its drive is connected"):
        source.read_tile(0, 0, DAMAGED)
