"""The ``calibrate`` command: a threshold for trained weights, on sets they did not learn from."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_glioma_density.cli.app import run
from napari_glioma_density.nuclei.learnt import NOTHING
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.nuclei.weights import (
    SPEC_KEY,
    load_network,
    read_spec,
    save_network,
    save_tensors,
    sha256_of,
)
from napari_glioma_density.training.dataset import open_data_set
from napari_glioma_density.training.separation import learnt_with
from napari_glioma_density.training.validation import (
    THRESHOLDS,
    AtThresholds,
    ValidationFields,
)

MakeDataSet = Callable[..., Path]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    spec = ModelSpec(name="raw", title="", architecture="unet", base_width=2)
    path = tmp_path / "raw.safetensors"
    save_network(path, spec, build_network(spec))
    return path


def test_it_writes_the_threshold_of_the_best_mean_of_f1_less_density_error(
    weights: Path, make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = make_data_set("one"), make_data_set("other", fields=2)
    written = tmp_path / "calibrated.safetensors"
    sets = ["--validation", str(one), "--validation", str(other), "--weight", "one=3"]
    assert run(["calibrate", str(weights), *sets, "-o", str(written), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    worth = {
        name: 100 * np.array(said["f1"][name]) - said["density_error"][name]
        for name in ("one", "other")
    }
    assert said["thresholds"] == THRESHOLDS.tolist()
    assert read_spec(written).threshold == said["threshold"]
    best = int(np.argmax(3 * worth["one"] + worth["other"]))
    assert said["threshold"] == said["thresholds"][best]
    assert read_spec(written).other_organs_threshold == 0, "there is one sort of organ alone"
    assert said["other_organs_threshold"] == said["threshold"]


def best_at(place: int) -> AtThresholds:
    f1 = np.zeros(len(THRESHOLDS))
    f1[place] = 1
    return AtThresholds(f1, np.zeros(len(THRESHOLDS)))


def test_weights_decide_between_sets_that_disagree(make_data_set: MakeDataSet) -> None:
    sets = [open_data_set(make_data_set(name, fields=1)) for name in ("low", "high")]
    scores = {"low": best_at(1), "high": best_at(-2)}
    spec = ModelSpec(name="raw", title="", architecture="unet")
    for weights, place in (((2.0, 1.0), 1), ((1.0, 2.0), -2)):
        fields = ValidationFields(sets, weights)
        assert fields.calibrated(spec, scores).threshold == THRESHOLDS[place]


def test_a_point_of_density_error_counts_as_much_as_a_point_of_f1() -> None:
    one = AtThresholds(np.array([0.88, 0.89, 0.90]), np.array([1.0, 1.5, 3.5]))
    assert one.worth.tolist() == pytest.approx([87.0, 87.5, 86.5])


def test_sets_of_other_organs_choose_a_threshold_of_their_own(make_data_set: MakeDataSet) -> None:
    organs = {"glioma": "brain: glioma", "gut": "colon", "liver": "liver"}
    sets = [open_data_set(make_data_set(n, fields=1, organ=o)) for n, o in organs.items()]
    scores = {"glioma": best_at(2), "gut": best_at(-3), "liver": best_at(-2)}
    spec = ModelSpec(name="raw", title="", architecture="unet")
    chosen = ValidationFields(sets, (5.0, 2.0, 1.0)).calibrated(spec, scores)
    assert chosen.for_organ("brain").threshold == THRESHOLDS[2]
    assert chosen.for_organ("other").threshold == THRESHOLDS[-3]
    again = ValidationFields(sets[1:]).calibrated(chosen, {n: scores[n] for n in ("gut", "liver")})
    assert again.other_organs_threshold == 0, "what is calibrated on one sort has one threshold"


def test_the_table_names_both_thresholds(
    weights: Path, make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    brain, gut = make_data_set("glioma", organ="brain"), make_data_set("gut", side=80)
    written = tmp_path / "both.safetensors"
    sets = ["--validation", str(brain), "--validation", str(gut)]
    assert run(["calibrate", str(weights), *sets, "-o", str(written)]) == 0
    lines = capsys.readouterr().out.splitlines()
    spec = read_spec(written)
    marked = [line for line in lines if "chosen for" in line]
    assert {float(line.split()[0]) for line in marked} == {
        spec.threshold, spec.other_organs_threshold,
    }  # fmt: skip
    assert len(lines) == 1 + len(THRESHOLDS)


def test_views_are_written_and_the_weights_stay_as_they_were(
    weights: Path, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    before, written = weights.read_bytes(), tmp_path / "flipped.safetensors"
    command = ["calibrate", str(weights), "--validation", str(make_data_set())]
    assert run([*command, "--views", "2", "-o", str(written)]) == 0
    assert (read_spec(written).name, read_spec(written).views) == ("flipped", 2)
    assert weights.read_bytes() == before


def test_soft_views_are_written_with_the_halo_they_need(
    weights: Path, make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "softened.safetensors"
    command = ["calibrate", str(weights), "--validation", str(make_data_set())]
    asked = [*command, "--views", "2", "-o", str(written), "--soft-views"]
    assert run([*asked, "1"]) == 0
    assert (read_spec(written).soft_views, read_spec(written).halo_px) == (1, 112)
    assert run([*asked, "2"]) == 2
    assert "softened: asks for 2 soft views of 2; one at least" in capsys.readouterr().err


def test_magnified_is_written_and_looked_at(
    weights: Path, make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    f1, command = [], ["calibrate", str(weights), "--validation", str(make_data_set())]
    for option in ("--magnify", "--no-magnify"):
        written = tmp_path / f"{option[2:]}.safetensors"
        assert run([*command, option, "-o", str(written), "--json"]) == 0
        f1.append(json.loads(capsys.readouterr().out)["f1"])
        assert read_spec(written).magnified == (option == "--magnify")
    assert f1[0] != f1[1]


def test_a_set_that_was_learnt_from_is_refused(
    make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = ModelSpec("raw", "", "unet", base_width=2, trained_on=("mine",))
    weights, written = tmp_path / "raw.safetensors", tmp_path / "new" / "no.safetensors"
    save_network(weights, spec, build_network(spec))
    known = ["--validation", str(make_data_set("mine"))]
    assert run(["calibrate", str(weights), *known, "-o", str(written)]) == 2
    assert "learnt from mine" in capsys.readouterr().err
    assert not written.parent.exists()


def test_what_was_learnt_from_is_known_of_calibrated_weights_too(
    make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known, new = make_data_set("known"), make_data_set("new", side=80)
    learnt = learnt_with([open_data_set(known)], NOTHING)
    spec = ModelSpec("raw", "", "unet", base_width=2, trained_on=("known", "new"))
    weights, second = tmp_path / "raw.safetensors", tmp_path / "second.safetensors"
    save_network(weights, spec, build_network(spec), learnt)
    assert run(["calibrate", str(weights), "--validation", str(new), "-o", str(second)]) == 0
    for one in (weights, second):
        written = tmp_path / "no.safetensors"
        assert run(["calibrate", str(one), "--validation", str(known), "-o", str(written)]) == 2
        assert "the weights learnt from it" in capsys.readouterr().err
        assert not written.exists()


def test_what_a_fine_tuned_model_learnt_from_goes_with_its_calibrated_copy(
    weights: Path, make_data_set: MakeDataSet, tmp_path: Path
) -> None:
    tuning = {"split": {"learn": ["slide-1-r0.png"]}, "learnt": ["ab"]}
    scores = {"sha256": sha256_of(weights), "data_sets": [{"name": "x"}], "fine_tuning": tuning}
    weights.with_suffix(".metrics.json").write_text(json.dumps(scores))
    written = tmp_path / "copy.safetensors"
    command = ["calibrate", str(weights), "--validation", str(make_data_set()), "-o", str(written)]
    assert run(command) == 0
    copy = find_model(written)
    assert copy.metrics == {
        "model": "copy", "sha256": copy.sha256, "data_sets": [], "fine_tuning": tuning,
    }  # fmt: skip
    scored = {**copy.metrics, "pooled": {"f1": 0.8}}
    written.with_suffix(".metrics.json").write_text(json.dumps(scored))
    assert run(command) == 0
    assert find_model(written).metrics == scored, "of the very same weights: they stay"


def test_weights_that_say_damaged_things_of_what_they_learnt_from_are_named(
    make_data_set: MakeDataSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = ModelSpec("raw", "", "unet", base_width=2)
    weights, written = tmp_path / "raw.safetensors", tmp_path / "no.safetensors"
    header = {SPEC_KEY: spec.to_json({"learnt": {"pictures": 3}})}
    save_tensors(weights, dict(build_network(spec).state_dict()), header)
    known = ["--validation", str(make_data_set())]
    assert run(["calibrate", str(weights), *known, "-o", str(written)]) == 2
    assert "raw.safetensors: what it learnt from cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options", [("--views", "3"), ("--weight", "nobody=2"), ("--validation", "absent")]
)
def test_bad_input_is_one_line_and_exit_2(
    options: tuple[str, str],
    weights: Path,
    make_data_set: MakeDataSet,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    written = tmp_path / "no.safetensors"
    command = ["calibrate", str(weights), "--validation", str(make_data_set())]
    assert run([*command, *options, "-o", str(written)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not written.exists()


def test_two_sets_of_one_name_both_count(weights: Path, make_data_set: MakeDataSet) -> None:
    spec, network = load_network(weights)
    sets = [open_data_set(make_data_set(name, fields=1)) for name in ("here", "there")]
    alike = [dataclasses.replace(one, name="data") for one in sets]
    found = ValidationFields(alike).scores(network, spec)
    assert list(found) == ["data", "data 2"]
    scores = ValidationFields(alike).by_threshold(network, spec)
    assert ValidationFields(alike).calibrated(spec, scores).threshold in THRESHOLDS
