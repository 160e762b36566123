"""What ships with the package may ship."""

from importlib.resources import files
from pathlib import Path

from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import read_spec


def test_no_shipped_weights_are_for_research_only() -> None:
    folder = Path(str(files("napari_glioma_density.nuclei") / "models"))
    specs = {path.name: read_spec(path) for path in folder.glob("*.safetensors")}
    assert {"fast.safetensors", "accurate.safetensors"} <= specs.keys()
    assert [name for name, spec in specs.items() if spec.research_only] == []


def test_a_model_keeps_that_it_is_for_research_only() -> None:
    spec = ModelSpec(name="gbm", title="", architecture="unet", research_only=True)
    assert ModelSpec.from_json(spec.to_json(), "gbm").research_only


def test_older_weights_say_nothing_of_it() -> None:
    older = '{"name": "old", "title": "", "architecture": "unet", "trained_on": []}'
    assert not ModelSpec.from_json(older, "old").research_only
