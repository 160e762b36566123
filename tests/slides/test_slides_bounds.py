"""Where the scanned part of a slide begins, as its file states it."""

from pathlib import Path

import pytest
from made_slides import CountingSource

from napari_glioma_density.slides import open_slide, openslide_source
from napari_glioma_density.slides.slide import Slide

STATED = {
    "openslide.bounds-x": "6144",
    "openslide.bounds-y": "-12",
    "openslide.bounds-width": "30000",
    "openslide.bounds-height": "20000",
}


class BoundedHandle:
    """What OpenSlide tells of a slide with bounds."""

    level_dimensions = ((40_000, 30_000),)
    level_downsamples = (1.0,)
    properties = {"openslide.vendor": "mirax", **STATED}  # noqa: RUF012

    def __init__(self, path: Path) -> None:
        pass


def test_bounds_of_an_openslide_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openslide_source.openslide, "OpenSlide", BoundedHandle)
    source = openslide_source.OpenSlideSource(Path("x.mrxs"), "x.mrxs")
    assert source.bounds_offset == (6144, -12)


@pytest.mark.parametrize(
    "missing_or_wrong", [{"openslide.bounds-width": None}, {"openslide.bounds-x": "far left"}]
)
def test_bounds_that_are_not_whole_are_none(
    monkeypatch: pytest.MonkeyPatch, missing_or_wrong: dict[str, str | None]
) -> None:
    changed = {**BoundedHandle.properties, **missing_or_wrong}
    kept = {key: value for key, value in changed.items() if value is not None}
    monkeypatch.setattr(BoundedHandle, "properties", kept)
    monkeypatch.setattr(openslide_source.openslide, "OpenSlide", BoundedHandle)
    source = openslide_source.OpenSlideSource(Path("x.mrxs"), "x.mrxs")
    assert source.bounds_offset == (0, 0)


def test_a_slide_passes_on_what_its_source_states(slide_path: Path) -> None:
    source = CountingSource()
    source.bounds_offset = (300, 40)
    assert Slide(slide_path, source).bounds_offset == (300, 40)
    with open_slide(slide_path) as slide:
        assert slide.bounds_offset == (0, 0)
