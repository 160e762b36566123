"""Every command keeps its contract: what it prints, what it writes, how it ends."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile

from napari_glioma_density import __version__
from napari_glioma_density.cli.app import run
from napari_glioma_density.findings.tuning import TUNED_ELSEWHERE
from napari_glioma_density.nuclei import kept_metrics
from napari_glioma_density.nuclei.weights import sha256_of

Program = Callable[..., Any]

ESTIMATE_FIELDS = {
    "folder", "store", "density_percent", "tissue_density_percent", "nuclei_per_mm2",
    "tissue_mm2", "read_mm2", "unread_mm2", "bands", "hotspots", "patches", "patches_reused",
    "working_um_per_px", "seconds", "model", "device", "precision",
}  # fmt: skip


def test_an_organ_other_than_the_brain_is_a_run_of_its_own_and_told(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    command = ("estimate", slide_path, "--model", weights, "-o", tmp_path / "out")
    of_brain = program(*command, "--json").json
    of_other = program(*command, "--organ", "other", "--json").json
    assert (of_brain["organ"], of_other["organ"]) == ("brain", "other")
    assert of_other["patches_reused"] == 0
    again = program(*command, "--organ", "other")
    assert "estimated as an organ other than the brain\n" in again.stdout
    assert "organ other than the brain" not in program(*command).stdout
    for asked in ("estimate", "segment"):
        size = ("--um-per-px", "0.5", "-o", tmp_path / "no")
        refused = program(asked, slide_path, *size, "--organ", "liver")
        assert refused.status == 2
        assert refused.stderr == "glioma-density: --organ liver: give one of brain, other\n"


def test_info_has_the_fields_of_the_contract(program: Program, slide_path: Path) -> None:
    told = program("info", slide_path).stdout
    found = program("info", slide_path, "--json").json
    sizes = ", ".join(f"{level['width']} × {level['height']}" for level in found["levels"])
    assert re.search(rf"^levels +{sizes}$", told, re.MULTILINE)
    assert set(found) == {
        "path", "format", "reader", "width", "height", "levels", "um_per_px",
        "um_per_px_source", "objective",
    }  # fmt: skip
    assert (found["width"], found["height"]) == (2100, 1500)
    assert found["levels"][0] == {"width": 2100, "height": 1500, "downsample": 1.0}
    assert found["um_per_px"] == pytest.approx(0.5)


def test_info_says_how_to_give_what_a_slide_does_not_state(
    program: Program, tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "bare.tiff", np.zeros((64, 64, 3), np.uint8), photometric="rgb")
    assert "--um-per-px" in program("info", tmp_path / "bare.tiff").stdout
    found = program("info", tmp_path / "bare.tiff", "--json").json
    assert found["um_per_px_source"] == "not stated"


def test_estimate_writes_what_it_prints(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    found = program("estimate", slide_path, "-o", tmp_path / "out", "--model", weights, "--json")
    figures = found.json
    folder = tmp_path / "out" / "discs.tiff"
    assert figures.keys() >= ESTIMATE_FIELDS
    assert set(figures["seconds"]) == {"open", "read", "infer", "write", "total"}
    assert Path(figures["store"]) == folder / "discs.tiff.glioma.zarr"
    assert json.loads((folder / "summary.json").read_text()) == figures
    assert (folder / "heatmap.png").stat().st_size > 0
    assert sum(figures["bands"]) == pytest.approx(1)
    rows = list(csv.DictReader((folder / "patches.csv").open()))
    nucleus, read = (sum(int(row[name]) for row in rows) for name in ("nucleus_px", "read_px"))
    assert figures["density_percent"] == pytest.approx(100 * nucleus / read, abs=1e-3)
    assert figures["patches"] == len(rows)


def test_a_second_estimate_repeats_nothing(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    call = ("estimate", slide_path, "-o", tmp_path / "o", "--model", weights, "--json")
    first, second = program(*call).json, program(*call).json
    assert first["patches_reused"] == 0
    assert second["patches_reused"] == second["patches"] == first["patches"]
    assert second["density_percent"] == first["density_percent"]
    assert program(*call, "--restart").json["patches_reused"] == 0


def test_slides_are_estimated_one_after_the_other(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    folder = slide_path.parent
    shutil.copy(slide_path, folder / "again.tiff")
    (folder / "no.tiff").write_text("this is no slide\n")
    call = ("estimate", folder / "*.tiff", "-o", tmp_path / "o", "--model", weights)
    done = program(*call, "--json")
    assert done.status == 2
    found = done.json["slides"]
    assert [Path(each["folder"]).name for each in found] == ["again.tiff", slide_path.name]
    assert found[0]["density_percent"] == found[1]["density_percent"]
    first, last = done.stderr.strip().splitlines()
    assert first.startswith("glioma-density: no.tiff: is not a slide")
    assert "1 of 3 slides" in last
    (one,) = program("estimate", folder / "ag*.tiff", *call[2:], "--json").json["slides"]
    assert one["density_percent"] == found[0]["density_percent"]
    people = program("estimate", folder / "again.tiff", slide_path, *call[2:])
    assert people.status == 0
    assert people.stdout.count("nuclear area") == 2
    assert str(slide_path) in people.stdout


def test_a_region_is_estimated_alone(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    call = ("estimate", slide_path, "-o", tmp_path / "o", "--model", weights, "--json")
    assert program(*call, "--region", "10,10,100,100").json["patches"] == 1


def test_a_slide_of_bare_glass_has_no_density(
    program: Program, weights: Path, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "glass.png"), np.full((1000, 1200, 3), 243, np.uint8))
    call = ("estimate", tmp_path / "glass.png", "-o", tmp_path / "o", "--model", weights)
    figures = program(*call, "--um-per-px", 0.5, "--json").json
    assert figures["density_percent"] is None
    assert figures["patches"] == 0


def test_a_resolution_other_than_the_files_is_told_at_once_and_wherever_it_stands(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    call = ("estimate", slide_path, "-o", tmp_path / "o", "--model", weights, "--json")
    source = "given by user; the file states 0.5 (TIFF resolution)"
    done = program(*call, "--um-per-px", 0.4)
    assert done.stderr == f"discs.tiff: 0.4 µm/px {source}\n"
    assert done.json["um_per_px_source"] == source
    for language, words in (("en", source), ("zh", "用户输入；文件中记载为 0.5 (TIFF 分辨率字段)")):
        page = tmp_path / f"{language}.html"
        report = ("export", done.json["folder"], "--to", "report", "-o", page)
        assert program(*report, "--language", language).status == 0
        assert words in page.read_text(encoding="utf-8")
    same = program(*call, "--um-per-px", 0.5)
    assert (same.stderr, same.json["um_per_px_source"]) == ("", "given by user")


def test_estimate_says_that_its_model_was_fine_tuned_on_other_slides(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    call = ("estimate", slide_path, "-o", tmp_path / "o", "--model", weights)
    assert TUNED_ELSEWHERE not in program(*call).stdout
    kept = {"sha256": sha256_of(weights), "data_sets": [], "fine_tuning": {"slides": ["slide-0"]}}
    (tmp_path / "random.metrics.json").write_text(json.dumps(kept))
    monkeypatch.setattr(kept_metrics, "user_models_folder", lambda: tmp_path)
    assert TUNED_ELSEWHERE in program(*call).stdout


def test_weights_outside_the_models_folder_are_told_to_be_fine_tuned_on_other_slides(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path
) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(weights.read_bytes())
    kept = {"sha256": sha256_of(mine), "data_sets": [], "fine_tuning": {"slides": ["slide-0"]}}
    scores = tmp_path / "mine.metrics.json"
    scores.write_text(json.dumps(kept))
    done = program("estimate", slide_path, "-o", tmp_path / "o", "--model", mine)
    assert TUNED_ELSEWHERE in done.stdout
    scores.unlink()  # and mine.safetensors may be gone one day
    report = tmp_path / "r.html"
    folder = tmp_path / "o" / slide_path.name
    assert program("export", folder, "--to", "report", "-o", report).status == 0
    assert TUNED_ELSEWHERE in report.read_text(encoding="utf-8")


def test_segment_writes_a_mask_of_the_picture_s_size(
    program: Program, weights: Path, tmp_path: Path
) -> None:
    for name, size in (("a", (61, 90)), ("b", (33, 20))):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((*size, 3), 128, np.uint8))
    pictures = [tmp_path / "a.png", tmp_path / "b.png"]
    out = tmp_path / "masks"
    done = program(
        "segment", *pictures, "-o", out, "--um-per-px", 0.5, "--model", weights, "--json"
    )
    assert done.status == 0
    mask = cv2.imread(str(out / "a.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (61, 90)
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) <= {0, 255}


def test_evaluate_scores_each_set_and_all_of_them(
    program: Program, weights: Path, data_folder: Path
) -> None:
    folder = data_folder / "data" / "validation" / "tnbc"
    found = program("evaluate", "--data", folder, "--model", weights, "--per-image", "--json").json
    scores = {"accuracy", "dice", "recall", "precision", "f1", "iou", "density_mae"}
    assert scores <= found["pooled"].keys()
    assert found["data_sets"][0]["images"] == 13 == len(found["images"])
    assert scores <= found["images"][0].keys()


def test_models_lists_the_fields_of_the_contract(program: Program) -> None:
    models = program("models", "--json").json["models"]
    fields = {
        "name", "default", "architecture", "base_width", "um_per_px", "input", "licence",
        "sha256", "metrics",
    }  # fmt: skip
    assert [model["name"] for model in models if model["default"]] == ["fast"]
    assert all(fields <= model.keys() for model in models)


def test_the_program_starts_without_torch_or_napari() -> None:
    code = (
        "import sys, napari_glioma_density.cli;"
        "sys.exit(any(name in sys.modules for name in ('torch', 'napari', 'qtpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


CUT = b"II*\0" + (1000).to_bytes(4, "little") + bytes(100)
"""A TIFF of 108 bytes whose list of images begins at byte 1000."""

BAD_INPUT = [
    (("info", "absent.svs"), ("absent.svs",)),
    (("estimate", "absent.svs"), ("absent.svs",)),
    (("estimate", "empty.svs"), ("empty.svs",)),
    (("estimate", "text.svs"), ("text.svs",)),
    (("estimate", "cut.tiff"), ("cut.tiff", "cut short", "copy")),
    (("estimate", "folder"), ("folder", "DICOM")),
    (("estimate", "discs.tiff", "--model", "nonsense"), ("nonsense", "no such model")),
    (("estimate", "discs.tiff", "--model", "gone.safetensors"), ("gone.safetensors",)),
    (("estimate", "discs.tiff", "--region", "1,2,3"), ("--region", "X,Y,W,H")),
    (("estimate", "discs.tiff", "--region", "9000,9000,10,10"), ("--region", "outside")),
    (("estimate", "discs.tiff", "--region", "nan,0,10,10"), ("--region nan", "give numbers")),
    (("estimate", "discs.tiff", "--region", "0,0,inf,10"), ("--region", "give numbers")),
    (("estimate", "discs.tiff", "--um-per-px", "90"), ("90",)),
    (("estimate", "discs.tiff", "--device", "tpu"), ("tpu",)),
    (("estimate", "discs.tiff", "--cell-mm", "-1"), ("--cell-mm -1",)),
    (("estimate", "discs.tiff", "--cell-mm", "nan"), ("--cell-mm nan",)),
    (("estimate", "discs.tiff", "--region", "1e308,0,1e308,1"), ("--region", "outside")),
    (("estimate", "a**b.tiff"), ("a**b.tiff", "no such file")),
    (("estimate", "discs.tiff", "-o", "text.svs"), ("text.svs",)),
    (("estimate", "discs.tiff", "-o", "."), ("discs.tiff", "choose another --output")),
    (("segment", "other.png", "-o", ".", "--um-per-px", "0.5"), ("other.png", "overwritten")),
    (("segment", "discs.tiff", "-o", "taken", "--um-per-px", "0.5"), ("discs.png", "no mask")),
    (("hint", "discs.tiff", "-o", "other.png", "--um-per-px", "0.5"), ("other.png", "no hints")),
    (("synthesize", "o.tiff", "--seed", 10**29), ("--seed",)),
    (
        ("train", "--data", "folder", "--model", "unet", "-o", "w.safetensors", "--seed", "-5"),
        ("--seed",),
    ),
    (("segment", "absent.png", "-o", "m", "--um-per-px", "0.5"), ("absent.png",)),
    (("segment", "text.svs", "-o", "m", "--um-per-px", "50"), ("50",)),
    (("evaluate", "--data", "absent"), ("absent",)),
    (("train", "--data", "absent", "--model", "unet", "-o", "w.safetensors"), ("absent",)),
    (("train", "--data", "folder", "--model", "resnet", "-o", "w.safetensors"), ("resnet",)),
    (("train", "--data", "folder", "--model", "unet", "-o", "w.pt"), ("w.pt", "safetensors")),
    (("synthesize", "o.tiff", "--width", 10, "--height", 10, "--um-per-px", 0.5), ("10",)),
    (("estimate",), ("argument", "SLIDE")),
    (("estimate", "x.svs", "--um-per-px", "abc"), ("--um-per-px abc: must be a number", "--help")),
    (("estimate", "x.svs", "--block-px", 1.5), ("--block-px 1.5: must be a whole number",)),
    (("nonsense",), ("nonsense",)),
    (("info", "discs.tiff", "--nonsense"), ("--nonsense",)),
]


@pytest.mark.parametrize(("call", "words"), BAD_INPUT, ids=lambda part: " ".join(map(str, part)))
def test_bad_input_ends_with_status_2_and_one_line(
    program: Program,
    weights: Path,
    slide_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: tuple[object, ...],
    words: tuple[str, ...],
) -> None:
    folder = slide_path.parent
    (folder / "empty.svs").touch()
    (folder / "text.svs").write_text("this is no slide\n")
    (folder / "cut.tiff").write_bytes(CUT)
    (folder / "folder").mkdir()
    (folder / "taken").mkdir()
    for picture in ("other.png", "taken/discs.png"):
        cv2.imwrite(str(folder / picture), np.full((64, 64, 3), 200, np.uint8))
    monkeypatch.chdir(folder)
    if call[0] in ("estimate", "segment") and "--model" not in call:
        call = (*call, "--model", weights)
    assert program(*call).is_one_helpful_line(*words)


def test_ctrl_c_says_that_what_was_finished_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], slide_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("napari_glioma_density.slides.open_slide", interrupted)
    assert run(["info", str(slide_path)]) == 130
    assert "kept" in capsys.readouterr().err


def test_ctrl_c_while_the_program_loads_ends_it_as_later() -> None:
    """As where it falls into one of the imports, which take the first half second."""
    begun = """
import builtins, sys
from napari_glioma_density.cli import main
load = builtins.__import__
def interrupted(name, *rest):
    if name == "typer":
        raise KeyboardInterrupt
    return load(name, *rest)
builtins.__import__ = interrupted
main(["models"])
"""
    ended = subprocess.run([sys.executable, "-c", begun], capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, b"", b"")


@pytest.mark.parametrize("module", ["napari_glioma_density", "napari_glioma_density.cli"])
def test_the_package_run_as_a_module_is_the_command(module: str) -> None:
    call = [sys.executable, "-m", module]
    version = subprocess.run([*call, "--version"], capture_output=True, text=True)
    assert (version.returncode, version.stdout) == (0, f"{__version__}\n")
    refused = subprocess.run([*call, "info"], capture_output=True, text=True)
    line = "glioma-density: Missing argument 'slide'; see `glioma-density info --help`\n"
    assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", line)
