"""A slide looked over before anyone asks for an estimate."""

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_glioma_density.estimate import Survey, estimation, prepare
from napari_glioma_density.results import ResultStore
from napari_glioma_density.slides import open_slide, working_plane
from napari_glioma_density.slides.organ import Organ
from napari_glioma_density.stain.sharpness import sharpness
from napari_glioma_density.synthesis import synthesize


class Dark:
    """Takes dark px for nucleus."""

    def __init__(self, spec: Any) -> None:
        self.spec, self.sha256, self.device, self.precision = spec, "0" * 64, "cpu", "fp32"

    def learnt(self) -> frozenset[str]:
        return frozenset()

    def tuned_on(self) -> None:
        """Return nothing: it was not fine-tuned."""

    def segment(self, images: Any) -> Any:
        return (images.min(axis=-1) < 90).astype(np.uint8)

    def on(self, *_: str) -> "Dark":
        return self

    def for_organ(self, _: Organ) -> "Dark":
        return self

    def fitted(self, _: Any) -> "Dark":
        return self


@pytest.fixture(scope="module")
def slide_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("slide") / "slide.tiff"
    synthesize(path, 1440, 960, 0.5, seed=3)
    return path


@pytest.fixture
def dark() -> Dark:
    from napari_glioma_density.nuclei.spec import ModelSpec

    return Dark(ModelSpec(name="dark", title="", architecture="threshold", input="rgb + relative"))


def test_an_estimate_takes_over_what_was_seen(
    slide_path: Path, dark: Dark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = open_slide(slide_path)
    with closing(prepare(slide, dark, tmp_path / "anew")) as anew:
        expected = anew.run
    survey = Survey.of(slide, dark.spec)
    assert survey.colours.statistics == expected.spec.colour_statistics
    monkeypatch.setattr(estimation.Survey, "of", lambda *_, **__: pytest.fail("looked again"))
    with closing(prepare(slide, dark, tmp_path / "taken", survey=survey)) as taken:
        assert taken.run.spec == expected.spec
        assert np.array_equal(taken.run.tissue, expected.tissue)


def test_what_was_seen_of_something_else_is_not_taken(slide_path: Path, dark: Dark) -> None:
    slide = open_slide(slide_path)
    survey, model = Survey.of(slide, dark.spec), dark.spec
    assert survey.is_of(slide, model, tissue_mask=True)
    assert survey.is_of(slide, replace(model, threshold=0.7), tissue_mask=True)
    assert not survey.is_of(slide, model, tissue_mask=False)
    assert not survey.is_of(slide, replace(model, input="macenko"), tissue_mask=True)
    assert not survey.is_of(slide, replace(model, um_per_px=1.0), tissue_mask=True)
    assert not survey.is_of(open_slide(slide_path), model, tissue_mask=True)
    assert not survey.is_of(slide.with_um_per_px(0.4, "given"), model, tissue_mask=True)


def test_how_sharp_the_slide_is_is_kept_with_the_run(
    slide_path: Path, dark: Dark, tmp_path: Path
) -> None:
    slide = open_slide(slide_path)
    with closing(prepare(slide, dark, tmp_path)) as job:
        whole = working_plane(slide, 0.5).read(0, 0, 960, 1440)
        assert job.run.sharpness == pytest.approx(sharpness(whole.rgb[None], 0.5), rel=0.1)
    store = ResultStore(job.run.folder.parent.parent)
    assert store.run(job.run.spec.run_id).sharpness == job.run.sharpness


def test_a_run_of_an_earlier_version_learns_it_when_it_goes_on(
    slide_path: Path, dark: Dark, tmp_path: Path
) -> None:
    slide = open_slide(slide_path)
    with closing(prepare(slide, dark, tmp_path)) as job:
        kept = job.run.sharpness
    group = job.run.folder / "zarr.json"
    node = json.loads(group.read_text())
    del node["attributes"]["sharpness"]
    group.write_text(json.dumps(node))
    assert ResultStore(job.run.folder.parent.parent).run(job.run.spec.run_id).sharpness is None
    with closing(prepare(slide, dark, tmp_path)) as resumed:
        assert resumed.run.sharpness == kept is not None
