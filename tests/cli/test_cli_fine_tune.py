"""``fine-tune`` and ``agreement`` as a terminal sees them."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from napari_glioma_density.nuclei import registry
from napari_glioma_density.nuclei.weights import load_network, sha256_of

Program = Callable[..., Any]
COLOUR = {"pale": (205, 165, 205), "dark": (90, 60, 130)}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def discs(tmp_path: Path) -> Callable[..., Path]:
    """A data set of discs of one colour."""

    def make(name: str, fields: int = 3) -> Path:
        folder = tmp_path / name
        (folder / "images").mkdir(parents=True)
        (folder / "labels").mkdir()
        entries = []
        for number in range(fields):
            random = np.random.default_rng([number, len(name)])
            labels = np.zeros((96, 96), np.uint16)
            for nucleus in range(1, 9):
                at = tuple(int(place) for place in random.integers(8, 88, 2))
                cv2.circle(labels, at, int(random.integers(4, 8)), nucleus, -1)
            rgb = np.where(labels[..., None] > 0, COLOUR[name], (230, 190, 220))
            rgb = np.clip(rgb + random.normal(0, 8, rgb.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"images/{number}.png"), rgb[..., ::-1])
            cv2.imwrite(str(folder / f"labels/{number}.png"), labels)
            entries.append({"image": f"images/{number}.png", "label": f"labels/{number}.png",
                            "um_per_px": 0.5})  # fmt: skip
        manifest = {"name": name, "licence": "CC0", "ships_weights": True, "images": entries}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of models."""
    monkeypatch.setattr(registry, "user_models_folder", lambda: tmp_path / "models")
    return tmp_path / "models"


def test_a_new_model_is_listed_and_the_parent_stays(
    program: Program, discs: Callable[..., Path], models: Path, weights: Path
) -> None:
    parent = sha256_of(weights)
    data = discs("pale")
    asked = ("fine-tune", "--data", data, "--name", "mine", "--from", weights, "--epochs", 1)
    done = program(*asked, "--guard", discs("dark"), "--json")
    assert done.status == 0
    found = done.json
    assert found["weights"] == str(models / "mine.safetensors")
    assert found["parent"] == f"random {parent[:12]}"
    assert [row["name"] for row in found["before_after"]] == ["check", "guard dark"]
    assert found["split"]["words"] == "separate fields of slides not told apart: optimistic"
    (entry,) = map(json.loads, done.stderr.splitlines())
    assert {"epoch", "epochs", "loss", "seconds_left", "validation"} <= entry.keys()
    assert sha256_of(weights) == parent
    listed = {model["name"]: model for model in program("models", "--json").json["models"]}
    assert listed["mine"]["title"] == "random, fine-tuned on pale"
    assert listed["mine"]["metrics"]["fine_tuning"]["sha256"] == found["sha256"]
    assert program(*asked).is_one_helpful_line("mine", "a model of that name", "choose another")


def test_a_person_reads_a_table(
    program: Program, discs: Callable[..., Path], tmp_path: Path, weights: Path
) -> None:
    done = program(
        "fine-tune", "--data", discs("pale"), "--guard", discs("dark"), "--name", "mine",
        "--parent", weights, "--epochs", 1, "-o", tmp_path / "mine.safetensors",
    )  # fmt: skip
    assert done.status == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("mine, from random ")
    assert lines[1].split() == [
        "set", "fields", "score", "before", "after", "change",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[2:6]] == ["check", "precision", "recall", "density"]
    assert any(line.split()[:3] == ["guard", "dark", "3"] for line in lines)
    load_network(tmp_path / "mine.safetensors")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--name", "fast"), ("fast", "comes with the program")),
        (("--name", "a/b"), ("a/b", "no name for a file")),
        (("--name", "x", "--minutes", "0"), ("--minutes", "more than 0")),
        (("--name", "x", "--epochs", "0"), ("--epochs", "at least 1")),
        (("--name", "x", "-o", "y.safetensors"), ("y.safetensors", "name it x.safetensors")),
        (("--name", "x", "--from", "nobody"), ("nobody", "no such model")),
        (("--name", "x", "--guard", "nowhere"), ("nowhere", "no such folder")),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    program: Program,
    discs: Callable[..., Path],
    models: Path,
    options: tuple[str, ...],
    words: tuple[str, ...],
) -> None:
    refused = program("fine-tune", "--data", discs("pale"), *options)
    assert refused.is_one_helpful_line(*words)
    assert not models.exists()


@pytest.mark.parametrize("option", ["--guard", "--check"])
def test_the_same_data_for_two_ends_is_refused(
    program: Program, discs: Callable[..., Path], models: Path, weights: Path, option: str
) -> None:
    data = discs("pale")
    refused = program("fine-tune", "--data", data, option, data, "--name", "x", "--from", weights)
    assert refused.is_one_helpful_line("is given twice", "give a field once")
    assert "shows tissue" not in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there a process cannot be asked to end")
def test_a_stopped_run_leaves_nothing_half_written_and_goes_on(
    start: Callable[..., subprocess.Popen[bytes]],
    discs: Callable[..., Path],
    tmp_path: Path,
    weights: Path,
) -> None:
    folder = tmp_path / "out"
    asked = (
        "fine-tune", "--data", discs("pale"), "--name", "mine", "--from", weights, "--json",
        "--epochs", 2, "-o", folder / "mine.safetensors",
    )  # fmt: skip
    process = start(*asked)
    log = folder / "mine.log.json"
    begun = time.monotonic()
    while not log.exists() and process.poll() is None:
        assert time.monotonic() - begun < 120
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.decode().splitlines()[-1] == "stopped; what was finished is kept"
    assert {path.name for path in folder.iterdir()} <= {
        "mine.log.json", "mine.log.csv", "mine.curves.png", "mine.safetensors.checkpoint",
    }  # fmt: skip
    done = len(json.loads(log.read_text()))
    again = start(*asked)
    printed, said = again.communicate(timeout=240)
    assert again.returncode == 0
    assert [json.loads(line)["epoch"] for line in said.decode().splitlines()] == list(
        range(done + 1, 3)
    )
    assert json.loads(printed)["epochs"] == 2
    assert not (folder / "mine.safetensors.checkpoint").exists()


def test_two_readers_in_one_table(program: Program, discs: Callable[..., Path]) -> None:
    first = discs("pale")
    second = first.with_name("second")
    shutil.copytree(first, second)
    label = second / "labels/0.png"
    labels: Any = cv2.imread(str(label), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(label), np.where(labels == 1, 0, labels).astype(np.uint16))
    found = program("agreement", first, second, "--json").json
    assert found["pooled"][0]["nuclei_difference"] == -1
    assert found["fields"][1]["object_f1"] == 1
    assert 0.9 < found["fields"][0]["dice"] < 1
    told = program("agreement", first, second).stdout
    assert told.splitlines()[1].split()[:3] == ["field", "patches", "object"]
    assert "all 3 fields" in told
    assert told.startswith(f"{second} against {first}."), "both sets have one name"
    missing = program("agreement", first, second.with_name("nobody"))
    assert missing.is_one_helpful_line("nobody", "no such folder")
