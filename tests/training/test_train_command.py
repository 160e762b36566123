"""The ``train`` command: what it leaves out, says and refuses; a full disk breaks nothing."""

import csv
import dataclasses
import errno
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from napari_glioma_density.cli.app import run
from napari_glioma_density.nuclei import weights as weights_module
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.weights import load_network, read_spec
from napari_glioma_density.training import cleaning, trainer, training_log
from napari_glioma_density.training.recipe import DEFAULT, RECIPES

MakeDataSet = Callable[..., Path]


@dataclass(frozen=True)
class Outcome:
    """What the command left behind."""

    status: int
    stdout: str
    lines: list[str]

    def is_refused(self, *words: object) -> bool:
        """Whether the last of its lines, no traceback, says what and what to do."""
        said = self.lines[-1] if self.lines else ""
        others = [line for line in self.lines[:-1] if not line.startswith(("epoch ", "left out "))]
        named = said.startswith("glioma-density: ") and all(str(word) in said for word in words)
        return self.status == 2 and named and not others and not self.stdout


Train = Callable[..., Outcome]


@pytest.fixture
def train(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Train:
    """Train one epoch of a tiny network on small crops, and more as told."""
    small = dataclasses.replace(DEFAULT, batch=2, crop_px=64)
    monkeypatch.setitem(RECIPES, "default", small)
    # Each takes longer than such a training, and has tests of its own.
    monkeypatch.setattr(trainer, "fastest_precision", lambda job: "fp32")
    monkeypatch.setattr(trainer, "write_curves", lambda weights, log: None)

    def call(*data: Path, options: tuple[object, ...] = (), epochs: int = 1) -> Outcome:
        sets = [part for folder in data for part in ("--data", folder)]
        network = () if "--from" in options else ("--model", "unet", "--base-width", 2)
        tiny = (*network, "--epochs", epochs)
        place = () if "-o" in options else ("-o", tmp_path / "w.safetensors")
        capsys.readouterr()
        status = run([str(part) for part in ("train", *sets, *tiny, *place, *options)])
        seen = capsys.readouterr()
        return Outcome(status, seen.out, seen.err.splitlines())

    return call


def edit_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    return folder


def blank(folder: Path, *images: int) -> None:
    for image in images:
        cv2.imwrite(str(folder / f"images/{image}.png"), np.full((96, 96, 3), 245, np.uint8))


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_an_empty_field_is_left_out_and_reported(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = make_data_set(fields=5)
    blank(folder, 2)
    done = train(folder, options=("--json",))
    assert done.status == 0
    assert done.lines[0].startswith("left out 1 of 5 fields: 1 empty")
    assert json.loads(done.stdout)["left_out"] == 1
    (row,) = csv.DictReader((tmp_path / "w.dropped.csv").open())
    assert row["image"].endswith("2.png")


def test_every_field_is_kept_when_asked(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = make_data_set(fields=3)
    blank(folder, 0, 1, 2)
    assert train(folder).is_refused("w.dropped.csv", "every field was left out", "--keep-all")
    done = train(folder, options=("--keep-all", "--json"))
    assert done.status == 0
    assert json.loads(done.stdout)["left_out"] == 0
    assert (tmp_path / "w.dropped.csv").read_text().count("\n") == 1


@pytest.mark.parametrize("ships", [True, False])
def test_weights_say_whether_they_may_ship(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path, ships: bool
) -> None:
    folder = edit_manifest(make_data_set("GBM"), lambda m: m.update(ships_weights=ships))
    done = train(folder, make_data_set("free"))
    line = "research only: trained on GBM, which does not allow weights to ship"
    assert (line in done.lines) is not ships
    assert read_spec(tmp_path / "w.safetensors").research_only is not ships


def test_weights_of_data_sets_are_part_of_the_run(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    other = edit_manifest(make_data_set("b", side=80), lambda m: m.update(name="B set"))
    sets = make_data_set("a"), other
    made = []
    for options in ((), ("--weight", "a=1"), ("--weight", "B set=9", "--weight", "a=0.1")):
        assert train(*sets, options=options).status == 0
        made.append((tmp_path / "w.safetensors").read_bytes())
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("c=2", ("c=2", "no data set of that name", "discs")),
        ("discs", ("discs", "NAME=2")),
        ("discs=0", ("discs=0", "above 0")),
        ("discs=inf", ("discs=inf", "above 0")),
        ("discs=1e300", ("discs=1e+300", "between 1e-06 and 1e+06")),
        ("discs=1e-300", ("discs=1e-300", "between 1e-06 and 1e+06")),
        ("discs=much", ("discs=much", "above 0")),
    ],
)
def test_a_weight_that_is_none_is_refused(
    train: Train, make_data_set: MakeDataSet, asked: str, words: tuple[str, ...]
) -> None:
    assert train(make_data_set(), options=("--weight", asked)).is_refused(*words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (shutil.rmtree, ("discs", "no such folder")),
        (lambda f: (f / "labels/1.png").unlink(), ("labels/1.png", "missing", "restore")),
        (lambda f: (f / "images/1.png").unlink(), ("images/1.png", "missing", "restore")),
        (lambda f: (f / "images/1.png").write_text("x"), ("images/1.png", "no readable picture")),
        (
            lambda f: cv2.imwrite(str(f / "labels/1.png"), np.zeros((9, 9), np.uint16)),
            ("labels/1.png", "9×9", "96×96"),
        ),
        (
            lambda f: edit_manifest(f, lambda m: m["images"][1].pop("um_per_px")),
            ("images/1.png", "um_per_px", "state it"),
        ),
    ],
    ids=["folder", "label", "image", "no picture", "label size", "µm/px"],
)
def test_broken_data_is_named_and_nothing_is_written(
    train: Train,
    make_data_set: MakeDataSet,
    tmp_path: Path,
    damage: Callable[[Path], object],
    words: tuple[str, ...],
) -> None:
    folder = make_data_set()
    damage(folder)
    assert train(folder).is_refused(*words)
    assert files(tmp_path) == set()


def test_validation_by_a_training_folder_is_refused(
    train: Train, make_data_set: MakeDataSet
) -> None:
    folder = make_data_set()
    same = folder.parent / "nowhere" / ".." / folder.name
    (folder.parent / "nowhere").mkdir()
    for given in (folder, same):
        refused = train(folder, options=("--validation", given))
        assert refused.is_refused(given, "learn from and to check against")


def test_validation_by_a_copied_training_image_is_refused(
    train: Train, make_data_set: MakeDataSet
) -> None:
    learnt, checked = make_data_set("learnt"), make_data_set("checked", side=80)
    assert train(learnt, options=("--validation", checked)).status == 0
    copy = cv2.imread(str(learnt / "images/3.png"))
    cv2.imwrite(str(checked / "images/copy.tiff"), copy)
    edit_manifest(checked, lambda m: m["images"][0].update(image="images/copy.tiff"))
    refused = train(learnt, options=("--validation", checked))
    assert refused.is_refused("copy.tiff", learnt / "images/3.png", "remove it")


def test_another_kind_of_file_is_not_overwritten(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_text("a diary")
    assert train(make_data_set(), options=("-o", mine)).is_refused(mine, "name another file")
    assert mine.read_text() == "a diary"
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    assert train(make_data_set("b"), options=("-o", folder)).is_refused(folder, "another file")


def test_weights_are_trained_anew_over_older_ones(train: Train, make_data_set: MakeDataSet) -> None:
    folder = make_data_set()
    assert train(folder).status == 0
    assert train(folder, options=("--seed", 1)).status == 0


def test_an_absent_folder_for_weights_is_made(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    weights = tmp_path / "new/folder/w.safetensors"
    assert train(make_data_set(), options=("-o", weights)).status == 0
    load_network(weights)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are Unicode")
def test_names_that_are_no_unicode_do_not_cost_a_training(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    odd = os.fsdecode(b"\xff")
    data = make_data_set(fields=5)
    blank(data, 2)
    (data / "images/2.png").rename(data / f"images/{odd}.png")
    edit_manifest(data, lambda m: m["images"][2].update(image=f"images/{odd}.png"))
    edit_manifest(data, lambda m: m.pop("name"))
    moved = data.rename(tmp_path / odd)
    refused = train(moved, options=("-o", tmp_path / f"{odd}.safetensors"))
    assert refused.is_refused("no UTF-8", "name another file")
    assert train(moved).status == 0
    assert read_spec(tmp_path / "w.safetensors").trained_on == ("?",)
    assert "?.png,empty" in (tmp_path / "w.dropped.csv").read_text("utf-8")


def test_a_folder_that_cannot_be_made_is_named(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    weights = tmp_path / "file/w.safetensors"
    assert train(make_data_set(), options=("-o", weights)).is_refused(weights, "another folder")


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder nobody can write to")
def test_a_folder_that_cannot_be_written_to_is_named(
    train: Train, make_data_set: MakeDataSet
) -> None:
    weights = Path("/proc/w.safetensors")
    assert train(make_data_set(), options=("-o", weights)).is_refused(weights, "another folder")


@pytest.fixture
def fill_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let that many safetensors files be written; the disk has no room for the next."""
    write = weights_module.write_atomically

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def fill(after: int) -> None:
        left = [after]

        def until_full(path: Path, data: bytes) -> None:
            with monkeypatch.context() as disk:
                if not left[0]:
                    disk.setattr(os, "fsync", refuse)
                write(path, data)
            left[0] -= 1

        monkeypatch.setattr(weights_module, "write_atomically", until_full)

    return fill


@pytest.mark.parametrize("written", [0, 1, 2], ids=lambda n: f"after {n} files")
def test_a_full_disk_keeps_the_last_good_checkpoint(
    train: Train,
    make_data_set: MakeDataSet,
    tmp_path: Path,
    fill_disk: Callable[[int], None],
    written: int,
) -> None:
    folder, weights = make_data_set(), tmp_path / "w.safetensors"
    checkpoint = tmp_path / "w.safetensors.checkpoint"
    assert train(folder, epochs=2).status == 0
    undisturbed = weights.read_bytes()
    weights.unlink()
    fill_disk(written)
    assert train(folder, epochs=2).is_refused("w.safetensors", "No space left", "free disk space")
    assert checkpoint.exists() is (written > 0)
    assert not weights.exists()
    assert not [name for name in files(tmp_path) if name.endswith(".partial")]
    fill_disk(99)
    done = train(folder, epochs=2)
    assert sum(line.startswith("epoch ") for line in done.lines) == 2 - written
    assert weights.read_bytes() == undisturbed


@pytest.mark.parametrize(
    ("room", "file"), [(cleaning, "w.dropped.csv"), (training_log, "w.log.json")]
)
def test_a_disk_too_full_for_a_report_or_log_says_so(
    train: Train,
    make_data_set: MakeDataSet,
    monkeypatch: pytest.MonkeyPatch,
    room: Any,
    file: str,
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(room, "write_atomically", full)
    refused = train(make_data_set())
    assert refused.status == 2
    assert file in refused.lines[-1]
    assert "free disk space" in refused.lines[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--device", "mps"), ("mps", "--device cpu")),
        (("--device", "tpu"), ("tpu", "no such device")),
        (("--drop-rate", 0.1), ("--drop-rate", "unet has no DropBlock", "unet-dropblock")),
        (("--model", "unet-dropblock", "--drop-rate", 1), ("--drop-rate 1", "below 1")),
        (("--model", "unet-dropblock", "--drop-rate", -0.1), ("-0.1", "at least 0")),
        (("--from", "fast", "--model", "unet"), ("--model", "--from fast")),
        (("--from", "fast", "--base-width", 8), ("--base-width 8", "fast has 16 channels")),
        (("--from", "nobody"), ("nobody",)),
        (("--base-width", 0), ("--base-width 0", "between 1 and 1024")),
        (("--base-width", 1025), ("--base-width 1025", "between 1 and 1024")),
        (("--from", "fast", "--base-width", 1025), ("--base-width 1025", "between 1 and 1024")),
        (("--learning-rate", 0), ("--learning-rate 0", "above 0")),
        (("--learning-rate", 1), ("--learning-rate 1", "below 1")),
        (("--um-per-px", "c=0.25"), ("--um-per-px c=0.25", "no data set of that name")),
        (("--um-per-px", "discs=0.01"), ("--um-per-px discs=0.01", "between 0.05 and 5")),
        (("--um-per-px", "discs=fine"), ("--um-per-px discs=fine", "number")),
    ],
)
def test_what_is_asked_must_be_possible(
    train: Train,
    make_data_set: MakeDataSet,
    tmp_path: Path,
    options: tuple[object, ...],
    words: tuple[str, ...],
) -> None:
    assert train(make_data_set(), options=options).is_refused(*words)
    assert not files(tmp_path)


def test_the_drop_rate_asked_for_is_the_models(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    options = ("--model", "unet-dropblock", "--drop-rate", 0.03, "--device", "cpu", "--json")
    done = train(make_data_set(), options=options)
    assert done.status == 0
    assert json.loads(done.stdout)["drop_rate"] == 0.03


def test_the_drop_rate_asked_for_goes_before_the_parents(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    data, parent = make_data_set(), tmp_path / "w.safetensors"
    child = ("--from", parent, "-o", tmp_path / "child.safetensors", "--json")
    for rate in (0.03, 0):
        first = ("--model", "unet-dropblock", "--drop-rate", rate)
        assert train(data, options=first).status == 0
        for options, written in (((), rate), (("--drop-rate", 0.06), 0.06)):
            done = train(data, options=(*child, *options))
            assert json.loads(done.stdout)["drop_rate"] == written
            (entry,) = json.loads((tmp_path / "child.log.json").read_text())
            assert (entry["drop_rate"] > 0) is (written > 0)


def test_a_network_may_look_magnified(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    done = train(make_data_set(), options=("--magnify", "--json"))
    assert json.loads(done.stdout)["magnified"]
    spec, network = load_network(tmp_path / "w.safetensors")
    assert spec.magnified
    assert network(torch.zeros(1, 5, 32, 48)).shape == (1, 2, 32, 48)


def test_training_goes_on_from_a_model(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder, child = make_data_set(), tmp_path / "child.safetensors"
    assert train(folder).status == 0
    parent = tmp_path / "w.safetensors"
    slowly = ("--from", parent, "--magnify", "--learning-rate", 1e-9, "-o", child)
    assert train(folder, options=slowly).status == 0
    spec, network = load_network(child)
    assert (spec.architecture, spec.base_width, spec.magnified) == ("unet", 2, True)
    assert spec.parent.startswith("w ")
    first = read_spec(parent)
    assert (spec.title, spec.licence) == (first.title, first.licence)
    before = dict(load_network(parent)[1].named_parameters())
    for name, weight in network.named_parameters():
        assert torch.allclose(weight, before[name], atol=1e-6)


def test_validation_by_what_the_parent_learnt_from_is_refused(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    first, second = make_data_set("first"), make_data_set("second", side=80)
    assert train(first).status == 0
    child = ("--from", tmp_path / "w.safetensors", "-o", tmp_path / "child.safetensors")
    refused = train(second, options=(*child, "--validation", first))
    assert refused.is_refused(first, "w learnt from it", "give fields not known yet")
    grown = make_data_set("grown", side=112)
    manifest = json.loads((grown / "manifest.json").read_text())
    (grown / "manifest.json").write_text(json.dumps({**manifest, "name": "first"}))
    assert train(second, options=(*child, "--validation", grown)).status == 0, "other fields"
    assert train(second, options=("--validation", first)).status == 0, "from scratch it may"


def test_the_parent_is_not_written_over(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    data, parent = make_data_set(), tmp_path / "w.safetensors"
    assert train(data).status == 0
    made = parent.read_bytes()
    assert train(data, options=("--from", parent)).is_refused(parent, "is left as it is")
    assert parent.read_bytes() == made


def test_nothing_is_given_twice(train: Train, make_data_set: MakeDataSet) -> None:
    data, other = make_data_set("a"), make_data_set("b", side=80)
    assert train(data, data).is_refused("is given twice")
    twice = ("--validation", other, "--validation", other)
    assert train(data, options=twice).is_refused("is given twice")
    edit_manifest(other, lambda m: m["images"].append(m["images"][1]))
    assert train(other).is_refused("b/images/1.png", "is given twice", "each image in it once")


def test_training_goes_on_from_a_model_wider(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder, child = make_data_set(), tmp_path / "child.safetensors"
    assert train(folder).status == 0
    parent = tmp_path / "w.safetensors"
    assert train(folder, options=("--from", parent, "--base-width", 3, "-o", child)).status == 0
    spec, network = load_network(child)
    assert (spec.base_width, spec.title) == (3, "unet, base width 3, 0.5 µm/px")
    assert spec.parent.startswith("w ")
    assert network(torch.zeros(1, 5, 32, 48)).shape == (1, 2, 32, 48)


def test_without_a_network_or_a_model_nothing_is_trained(
    make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = tmp_path / "w.safetensors"
    assert run(["train", "--data", str(make_data_set()), "-o", str(weights)]) == 2
    assert "unet-dropblock" in capsys.readouterr().err


def test_the_weights_know_what_goes_on_inside(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    assert train(make_data_set()).status == 0
    network = load_network(tmp_path / "w.safetensors")[1]
    assert isinstance(network, UNet)
    assert network.activations is not None
    assert len(network.activations.layers) == 22
    for layer in network.activations.layers.values():
        assert (layer.most >= layer.least).all()
        assert layer.most.max() > layer.least.min()


def test_a_wrong_resolution_is_put_right(
    train: Train, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    folder = make_data_set()

    def weights(*options: object) -> bytes:
        assert train(folder, options=options).status == 0
        return (tmp_path / "w.safetensors").read_bytes()

    as_stated, stated_again, finer = (
        weights(),
        weights("--um-per-px", "discs=0.5"),
        weights("--um-per-px", "discs=0.4"),
    )
    assert as_stated == stated_again != finer
