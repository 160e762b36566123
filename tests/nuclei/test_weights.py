"""Weights on disk: what goes in comes out, and damage is named."""

import json
from pathlib import Path

import pytest
import torch

from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import load_network, read_spec, save_network, save_tensors

SPEC = ModelSpec(
    name="small", title="a test", architecture="unet", base_width=2, trained_on=("A", "B")
)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "small.safetensors"
    save_network(path, SPEC, build_network(SPEC))
    return path


def test_spec_and_weights_come_back(tmp_path: Path) -> None:
    network = build_network(SPEC).eval()
    save_network(tmp_path / "w.safetensors", SPEC, network)
    spec, again = load_network(tmp_path / "w.safetensors")
    images = torch.rand(1, 3, 32, 32)
    assert spec == SPEC
    assert torch.equal(again(images), network(images))


def test_a_weights_file_can_be_named_as_a_model(weights: Path) -> None:
    model = find_model(weights)
    assert model.name == "small"
    assert len(model.sha256) == 64


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "no such weights"),
        (lambda path: path.write_bytes(b""), "not a readable safetensors"),
        (lambda path: path.write_bytes(path.read_bytes()[:-50]), "not a readable safetensors"),
        (lambda path: path.write_text("a pickle it is not"), "not a readable safetensors"),
        (lambda path: save_tensors(path, {"a": torch.zeros(1)}, {}), "no model description"),
        (
            lambda path: save_network(path, SPEC.with_(base_width=3), build_network(SPEC)),
            "do not fit",
        ),
    ],
)
def test_damage_is_named(weights: Path, damage: object, said: str) -> None:
    damage(weights)  # type: ignore[operator]
    with pytest.raises(ModelError, match=said) as caught:
        load_network(weights)
    assert "\n" not in str(caught.value)
    assert weights.name in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(weights: Path, value: float) -> None:
    network = build_network(SPEC)
    next(network.parameters()).data.view(-1)[0] = value
    save_network(weights, SPEC, network)
    with pytest.raises(ModelError, match=r"small.safetensors: weights of it are no numbers"):
        load_network(weights)


@pytest.mark.parametrize("field", ["architecture", "input"])
def test_what_is_not_known_is_told_with_the_files_name(weights: Path, field: str) -> None:
    fields = {**SPEC.as_dict(), field: "telepathy"}
    save_tensors(
        weights, build_network(SPEC).state_dict(), {"glioma_density_spec": json.dumps(fields)}
    )
    with pytest.raises(ModelError, match=r"^small.safetensors: .*telepathy"):
        load_network(weights)


def test_a_spec_of_other_fields_is_named(weights: Path) -> None:
    save_tensors(weights, {}, {"glioma_density_spec": '{"colour": "blue"}'})
    with pytest.raises(ModelError, match="description cannot be read"):
        read_spec(weights)


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 1.0},
        {"threshold": "0.5"},
        {"base_width": 2.5},
        {"base_width": True},
        {"um_per_px": 0},
        {"views": None},
        {"name": 7},
        {"magnified": "yes"},
        {"halo_px": -1},
        {"halo_px": 10**9},
        {"halo_px": 100},
        {"lattice_px": 32},
        {"drop_side": 2},
        {"drop_rate": float("nan")},
    ],
    ids=str,
)
def test_a_spec_that_no_network_runs_with_is_named(
    weights: Path, changes: dict[str, object]
) -> None:
    fields = {**SPEC.as_dict(), **changes}
    save_tensors(weights, {}, {"glioma_density_spec": json.dumps(fields)})
    (name,) = changes
    with pytest.raises(ModelError, match=f"small.safetensors.*{name} is") as caught:
        read_spec(weights)
    assert "\n" not in str(caught.value)


def test_a_failed_write_leaves_what_was_there(weights: Path) -> None:
    before = weights.read_bytes()
    with pytest.raises(ModelError, match="cannot be written"):
        save_tensors(weights / "below", {"a": torch.zeros(1)}, {})
    assert weights.read_bytes() == before
