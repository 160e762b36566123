"""What `evaluate` prints, for programs and for people."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from napari_glioma_density.nuclei.weights import load_network, save_network

Program = Callable[..., Any]


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    """Six fields of dark discs, of two organs and six patients."""
    folder = tmp_path / "annotated"
    entries = []
    for part in ("images", "labels"):
        (folder / part).mkdir(parents=True)
    for number in range(6):
        labels = np.zeros((96, 96), np.uint16)
        for nucleus in range(1, number + 3):
            cv2.circle(labels, (12 * nucleus, 12 * nucleus), 5, nucleus, -1)
        rgb = np.where(labels[..., None] > 0, (95, 60, 140), (225, 175, 205)).astype(np.uint8)
        entry = {part[:-1]: f"{part}/{number}.png" for part in ("images", "labels")}
        cv2.imwrite(str(folder / entry["image"]), rgb[..., ::-1])
        cv2.imwrite(str(folder / entry["label"]), labels)
        organ = ("brain", "liver")[number % 2]
        entries.append({**entry, "um_per_px": 0.5, "organ": organ, "patient": f"p{number}"})
    (folder / "manifest.json").write_text(json.dumps({"name": "Discs", "images": entries}))
    return folder


def test_json_holds_scores_intervals_counts_and_organs(
    program: Program, weights: Path, annotated: Path
) -> None:
    call = ("evaluate", "--data", annotated, "--model", weights, "--per-image", "--json")
    found = program(*call).json
    scores = {"accuracy", "dice", "recall", "precision", "f1", "iou", "density_mae", "density_bias"}
    (row,) = found["data_sets"]
    for scored in (row, found["pooled"], *row["organs"], *found["images"]):
        assert scores <= scored.keys()
    for summary in (row, found["pooled"]):
        assert summary["resampling"] == {"unit": "patient", "resamples": 1000, "level": 0.95}
        for name in ("f1", "precision", "recall", "iou", "density_mae"):
            lower, upper = summary["intervals"][name]
            assert lower <= summary[name] <= upper
        count = summary["nucleus_count"]
        assert count["true"] == sum(range(2, 8))
        assert count["predicted"] == sum(image["predicted_nuclei"] for image in found["images"])
        assert sum(band["fields"] for band in count["by_density"]) == 6
    assert [(organ["organ"], organ["images"]) for organ in row["organs"]] == [
        ("brain", 3), ("liver", 3),
    ]  # fmt: skip
    assert "pictures" not in found


def test_a_field_that_does_not_fit_into_memory_is_named(
    program: Program, weights: Path, annotated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise MemoryError("Unable to allocate 99 GiB")

    monkeypatch.setattr("napari_glioma_density.nuclei.pictures.picture_probability", no_memory)
    scored = program("evaluate", "--data", annotated, "--model", weights)
    named = annotated / "images" / "0.png"
    assert scored.is_one_helpful_line(f"{named}: does not fit into memory", "cut pictures up")


def test_a_field_that_does_not_fit_into_a_devices_memory_is_named(
    program: Program, weights: Path, annotated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    monkeypatch.setattr("napari_glioma_density.nuclei.segmenter.mean_margins", no_memory)
    scored = program("evaluate", "--data", annotated, "--model", weights)
    named = annotated / "images" / "0.png"
    assert scored.is_one_helpful_line(f"{named}: ", "does not fit into the memory", "smaller")


def test_scores_are_kept_beside_the_weights_without_paths(
    program: Program, weights: Path, annotated: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.safetensors"
    shutil.copy(weights, mine)
    call = ("evaluate", "--data", annotated, "--model", mine, "--per-image", "--keep", "--json")
    found = program(*call).json
    text = (tmp_path / "mine.metrics.json").read_text()
    assert str(tmp_path) not in text
    kept = json.loads(text)
    assert kept["pooled"] == found["pooled"]
    assert kept["sha256"] == found["sha256"]
    (row,) = kept["data_sets"]
    assert row["images"] == 6
    for name in ("patient", "true_density_percent", "predicted_density_percent"):
        assert row["fields"][name] == [image[name] for image in found["images"]]


def test_people_read_aligned_tables(
    program: Program, weights: Path, annotated: Path, tmp_path: Path
) -> None:
    call = ("evaluate", "--data", annotated, "--model", weights, "--per-image")
    shown = program(*call, "--pictures", tmp_path / "worst").stdout
    model, scores, *rest = shown.split("\n\n")
    assert model.splitlines()[0].startswith("Model random in ")
    heading, values, ends = model.splitlines()[1:]
    assert heading.split()[:3] == ["data", "set", "images"]
    assert values.split()[:2] == ["Discs", "6"]
    assert ends.split()[:2] == ["95", "%"]
    at = heading.index("recall") + len("recall")
    assert values[:at].split()[-1].replace(".", "").isdigit()
    assert ends[:at].split()[-2] == "to"
    assert scores == "95 %: bootstrap, 1000 draws by patient."
    assert "by organ" in shown
    assert sum(line.startswith(f"{n}.png") for line in shown.splitlines() for n in range(6)) == 6
    assert "None" not in shown
    assert rest[0].startswith("Nuclei")
    assert shown.splitlines()[-1].endswith("discs-worst-04.png")


def test_pictures_are_written_and_named(
    program: Program, weights: Path, annotated: Path, tmp_path: Path
) -> None:
    call = ("evaluate", "--data", annotated, "--model", weights, "--pictures", tmp_path / "worst")
    found = program(*call, "--worst", 2, "--json").json
    assert [Path(path).name for path in found["pictures"]] == [
        "discs-worst-01.png", "discs-worst-02.png",
    ]  # fmt: skip
    assert all(cv2.imread(path) is not None for path in found["pictures"])


def test_pictures_that_cannot_be_written_end_with_one_line(
    program: Program, weights: Path, annotated: Path, tmp_path: Path
) -> None:
    call = ("evaluate", "--data", annotated, "--model", weights, "--pictures")
    assert program(*call, annotated / "manifest.json").is_one_helpful_line("manifest.json")
    (tmp_path / "discs-worst-01.png").write_text("mine")
    assert program(*call, tmp_path).is_one_helpful_line("discs-worst-01.png", "another folder")
    assert (tmp_path / "discs-worst-01.png").read_text() == "mine"


def test_scores_that_cannot_be_kept_are_printed(
    program: Program, weights: Path, annotated: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.safetensors"
    shutil.copy(weights, mine)
    (tmp_path / "mine.metrics.json").mkdir()
    done = program("evaluate", "--data", annotated, "--model", mine, "--keep", "--json")
    assert done.status == 2
    assert "mine.metrics.json: cannot be written" in done.stderr
    assert done.json["pooled"]["images"] == 6


def test_scores_of_a_shipped_model_are_not_replaced_by_its_name(
    program: Program, annotated: Path
) -> None:
    done = program("evaluate", "--data", annotated, "--keep")
    assert done.status == 2
    assert "fast: its scores come with the program and stay" in done.stderr


def test_which_fields_have_the_threshold_for_other_organs_is_told(
    program: Program, weights: Path, annotated: Path
) -> None:
    call = ("evaluate", "--data", annotated, "--json")
    assert "organs other than" not in program(*call, "--model", weights).stderr
    spec, network = load_network(weights)
    two = weights.with_stem("two")
    save_network(two, spec.with_(name="two", other_organs_threshold=0.7), network)
    told = "Discs: 3 of 6 fields at the threshold for organs other than the brain, 0.7 (liver)\n"
    assert told in program(*call, "--model", two).stderr
