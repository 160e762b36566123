"""What ships with the package may ship."""

from importlib.resources import files
from pathlib import Path

import pytest

from napari_glioma_density.nuclei.networks.unet import UNet, patch_gflop
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import load_network, read_spec


def test_no_shipped_weights_are_for_research_only() -> None:
    folder = Path(str(files("napari_glioma_density.nuclei") / "models"))
    specs = {path.name: read_spec(path) for path in folder.glob("*.safetensors")}
    assert {"fast.safetensors", "accurate.safetensors"} <= specs.keys()
    assert [name for name, spec in specs.items() if spec.research_only] == []


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_shipped_models_can_be_computed_in_integers(name: str) -> None:
    network = load_network(find_model(name).path)[1]
    assert isinstance(network, UNet)
    assert network.activations is not None
    assert len(network.activations.layers) == 22


def test_shipped_models_keep_to_their_budgets() -> None:
    fast, accurate = find_model("fast"), find_model("accurate")
    assert patch_gflop(fast.spec) <= 25
    assert patch_gflop(accurate.spec) <= 8 * patch_gflop(fast.spec)
    assert sum(model.path.stat().st_size for model in (fast, accurate)) <= 40e6


def test_a_model_keeps_that_it_is_for_research_only() -> None:
    spec = ModelSpec(name="gbm", title="", architecture="unet", research_only=True)
    assert ModelSpec.from_json(spec.to_json(), "gbm").research_only


def test_older_weights_say_nothing_of_it() -> None:
    older = '{"name": "old", "title": "", "architecture": "unet", "trained_on": []}'
    assert not ModelSpec.from_json(older, "old").research_only
