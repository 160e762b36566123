"""Small data sets on disk, discs on pale ground, and a tiny network that knows them."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from napari_glioma_density.nuclei.registry import Model, find_model
from napari_glioma_density.training import fine_tuning, fine_tuning_plan, trainer
from napari_glioma_density.training.dataset import DataSet, open_data_set
from napari_glioma_density.training.job import TrainingJob
from napari_glioma_density.training.recipe import DEFAULT

MakeDataSet = Callable[..., Path]


@pytest.fixture
def make_data_set(tmp_path: Path) -> MakeDataSet:
    def make(name: str = "discs", fields: int = 4, side: int = 96, organ: str = "none") -> Path:
        folder = tmp_path / name
        for part in ("images", "labels"):
            (folder / part).mkdir(parents=True)
        random = np.random.default_rng(7)
        entries = []
        for number in range(fields):
            labels = np.zeros((side, side), np.uint16)
            for nucleus in range(1, 9):
                at = tuple(int(place) for place in random.integers(8, side - 8, 2))
                cv2.circle(labels, at, int(random.integers(4, 8)), nucleus, -1)
            rgb = np.where(labels[..., None] > 0, (90, 60, 130), (230, 190, 220))
            rgb = np.clip(rgb + random.normal(0, 8, rgb.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"images/{number}.png"), rgb[..., ::-1])
            cv2.imwrite(str(folder / f"labels/{number}.png"), labels)
            entries.append(
                {
                    "image": f"images/{number}.png",
                    "label": f"labels/{number}.png",
                    "um_per_px": 0.5,
                    "organ": organ,
                    "patient": f"p{number}",
                }
            )
        manifest = {"name": name, "licence": "CC0", "ships_weights": True, "images": entries}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Two threads wait for each other longer than a tiny network takes."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def write_slide(folder: Path, colour: tuple[int, int, int], fields: int) -> DataSet:
    """A data set of fields of one slide, as annotation assist lays it out."""
    (folder / "images").mkdir(parents=True)
    (folder / "labels").mkdir()
    entries = [_write_field(folder, number, colour) for number in range(fields)]
    manifest = {"name": folder.name, "licence": "private", "images": entries}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return open_data_set(folder)


def _write_field(folder: Path, number: int, colour: tuple[int, int, int]) -> dict[str, Any]:
    random = np.random.default_rng([number, *colour])
    labels = np.zeros((96, 96), np.uint16)
    for nucleus in range(1, 9):
        at = tuple(int(place) for place in random.integers(8, 88, 2))
        cv2.circle(labels, at, int(random.integers(4, 8)), nucleus, -1)
    rgb = np.where(labels[..., None] > 0, colour, (230, 190, 220))
    rgb = np.clip(rgb + random.normal(0, 8, rgb.shape), 0, 255).astype(np.uint8)
    cv2.imwrite(str(folder / f"images/{number}.png"), rgb[..., ::-1])
    cv2.imwrite(str(folder / f"labels/{number}.png"), labels)
    block = {"row": number, "column": 0, "rows": 1, "columns": 1}
    return {
        "image": f"images/{number}.png",
        "label": f"labels/{number}.png",
        "um_per_px": 0.5,
        "done": True,
        "field": {"fingerprint": folder.name, "block": block, "working_um_per_px": 0.5},
    }


@pytest.fixture(scope="session")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A tiny network that has learnt what a dark disc is."""
    folder = tmp_path_factory.mktemp("parent")
    discs = write_slide(folder / "dark discs", (90, 60, 130), 8)
    recipe = dataclasses.replace(
        DEFAULT, input="rgb", epochs=12, batch=2, crop_px=64, averaging=0.8, calibrate=False
    )
    weights = folder / "parent.safetensors"
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer.train(TrainingJob("unet", 4, recipe, 1, (discs,), (), weights))
    torch.set_num_threads(before)
    return find_model(weights)


@pytest.fixture
def pale(tmp_path: Path) -> DataSet:
    """Six fields of one slide whose nuclei are paler than any the parent has seen."""
    return write_slide(tmp_path / "pale", (205, 165, 205), 6)


@pytest.fixture
def more_pale(tmp_path: Path) -> DataSet:
    """Two fields of another such slide."""
    return write_slide(tmp_path / "more pale", (205, 165, 206), 2)


@pytest.fixture
def dark(tmp_path: Path) -> DataSet:
    """What the parent knows, as a guard."""
    return write_slide(tmp_path / "dark", (92, 62, 130), 3)


@pytest.fixture
def small_fine_tuning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small crops and batches; what takes longer than such a run has tests of its own."""
    quick = {"crop_px": 64, "batch": 2, "learning_rate": 3e-3}
    recipe = dataclasses.replace(fine_tuning_plan.FINE_TUNING, **quick)
    monkeypatch.setattr(fine_tuning_plan, "FINE_TUNING", recipe)
    monkeypatch.setattr(fine_tuning_plan, "EPOCH_STEPS", 4)
    monkeypatch.setattr(fine_tuning_plan, "fastest_precision", lambda job: "fp32")
    monkeypatch.setattr(trainer, "write_curves", lambda weights, log: None)
    load = fine_tuning.load_segmenter

    def on_processor(path: Path, device: str = "cpu", precision: str = "fp32") -> object:
        return load(path, device, precision)

    monkeypatch.setattr(fine_tuning, "load_segmenter", on_processor)
