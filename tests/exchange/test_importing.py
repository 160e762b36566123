"""Nuclei that come back from QuPath, in the field that a person corrected."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up_case import FIELD, amend, estimate, store_of, write_slide
from shapely.geometry import box, mapping

from napari_glioma_density.annotation.collection import Corrections
from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.exporting import Format, Wishes, export
from napari_glioma_density.exchange.importing import import_geojson
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.slides import Slide, open_slide


@pytest.fixture
def slide(tmp_path: Path) -> Any:
    path = write_slide(tmp_path / "slide.tiff")
    amend(estimate(path))
    with open_slide(path) as opened:
        yield opened


def nucleus_px(slide: Slide) -> np.ndarray[Any, Any]:
    corrections = Corrections.open(store_of(slide), writable=False)
    (record,) = corrections.records()
    return corrections.load(record.name).labels > 0


def test_nuclei_that_nobody_touched_change_no_number(slide: Slide, tmp_path: Path) -> None:
    store = store_of(slide)
    before, drawn = gather(store), nucleus_px(slide)
    export(before, Format.GEOJSON, tmp_path / "all.geojson", Wishes(slide))
    brought = import_geojson(store, tmp_path / "all.geojson", slide=slide)
    assert (brought.regions, brought.fields) == (0, ())
    assert np.array_equal(nucleus_px(slide), drawn)
    after = gather(store).snapshot.patches
    for sums in ("count", "nucleus_px"):
        assert np.array_equal(getattr(after, sums), getattr(before.snapshot.patches, sums))


def test_a_nucleus_drawn_in_qupath_is_in_the_field_afterwards(slide: Slide, tmp_path: Path) -> None:
    store, plane = store_of(slide), gather(store_of(slide)).plane
    x, y = (part.start + 200 for part in reversed(plane.lattice.window(FIELD)))
    outline = plane.to_level0(box(x, y, x + 20, y + 10))
    feature = {
        "type": "Feature",
        "geometry": mapping(outline),
        "properties": {"objectType": "detection"},
    }
    path = tmp_path / "one.geojson"
    path.write_text(json.dumps([feature]))
    with pytest.raises(BadInput, match="name the slide"):
        import_geojson(store, path)
    brought = import_geojson(store, path, slide=slide)
    assert (brought.nuclei, brought.left) == (1, 0)
    patches = gather(store).snapshot.patches
    assert patches.count[FIELD.patches].sum() == 1
    assert patches.nucleus_px[FIELD.patches].sum() == 20 * 10


def test_a_file_that_was_exported_from_another_slide_is_refused(
    slide: Slide, tmp_path: Path
) -> None:
    back = tmp_path / "back.geojson"
    export(gather(store_of(slide)), Format.GEOJSON, back, Wishes(slide))
    collection = json.loads(back.read_text(encoding="utf-8"))
    collection["glioma-density"]["slide"] = "slide-00000000"
    back.write_text(json.dumps(collection), encoding="utf-8")
    with pytest.raises(BadInput, match=f"from slide-00000000, and this slide is {slide.pseudonym}"):
        import_geojson(store_of(slide), back, slide=slide)
