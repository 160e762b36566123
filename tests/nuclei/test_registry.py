"""The user's own models: found by name, removed by name; what ships stays."""

import json
from pathlib import Path

import pytest
import torch

from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.nuclei import registry
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import find_model, list_models, remove_model
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import read_spec, save_network

SPEC = ModelSpec(name="mine", title="", architecture="unet", base_width=2)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models, holding `mine`."""
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "models")
    torch.manual_seed(0)
    save_network(tmp_path / "models/mine.safetensors", SPEC, build_network(SPEC))
    return tmp_path / "models"


def test_a_model_goes_with_all_that_lies_beside_it(folder: Path) -> None:
    for ending in ("metrics.json", "log.json", "log.csv", "curves.png", "safetensors.checkpoint"):
        (folder / f"mine.{ending}").write_text("{}")
    (folder / "mine too.metrics.json").write_text("{}")
    assert "mine" in [model.name for model in list_models()]
    remove_model("mine")
    assert [path.name for path in folder.iterdir()] == ["mine too.metrics.json"]
    with pytest.raises(ModelError):
        find_model("mine")


def test_an_unfinished_training_is_removed(folder: Path) -> None:
    (folder / "begun.safetensors.checkpoint").touch()
    (folder / "begun.log.json").touch()
    remove_model("begun")
    assert [path.name for path in folder.iterdir()] == ["mine.safetensors"]


@pytest.mark.parametrize("name", ["fast", "accurate"])
def test_a_shipped_model_stays(folder: Path, name: str) -> None:
    # Not even a file of the user's that takes its name makes it removable.
    save_network(folder / f"{name}.safetensors", SPEC, build_network(SPEC))
    with pytest.raises(BadInput, match="comes with the program"):
        remove_model(name)
    assert find_model(name).path.exists()
    assert (folder / f"{name}.safetensors").exists()


def test_a_file_that_happens_to_have_a_models_name_is_not_taken_for_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fast").touch()
    assert find_model("fast").spec.name == "fast"


def test_scores_of_other_weights_are_not_those_of_the_model(folder: Path) -> None:
    kept = folder / "mine.metrics.json"
    kept.write_text(json.dumps({"sha256": find_model("mine").sha256, "f1": 0.9}))
    assert find_model("mine").metrics["f1"] == 0.9
    kept.write_text(json.dumps({"sha256": "0" * 64, "f1": 0.9}))
    assert find_model("mine").metrics == {}


@pytest.mark.parametrize("name", ["yours", "", "../models/mine", "mine.safetensors"])
def test_what_is_no_model_of_the_user_is_refused(folder: Path, name: str) -> None:
    with pytest.raises(BadInput, match="name one of: mine"):
        remove_model(name)
    assert (folder / "mine.safetensors").exists()


def test_a_parent_travels_with_the_weights(tmp_path: Path) -> None:
    child = SPEC.with_(parent="fast 0123456789ab")
    save_network(tmp_path / "c.safetensors", child, build_network(child))
    assert read_spec(tmp_path / "c.safetensors") == child
    assert "parent" not in SPEC.to_json()  # headers stay what they were before there were parents
    assert ModelSpec.from_json(SPEC.to_json(), "x").parent == ""
