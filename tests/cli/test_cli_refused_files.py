"""Files that the system will not let the program use are named in one line, by every command."""

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from napari_glioma_density.cli.app import run
from napari_glioma_density.cli.failures import files_named
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.memory import room_for

Program = Callable[..., Any]

LONG = 300 * "a"
"""Longer than names may be on any file system of today."""

COMMANDS: list[tuple[object, ...]] = [
    ("info", f"{LONG}/x.svs"),
    ("estimate", f"{LONG}/x.svs"),
    ("estimate", "discs.tiff", "--model", f"{LONG}.safetensors"),
    ("segment", f"{LONG}.png", "-o", "m", "--um-per-px", 0.5),
    ("hint", f"{LONG}.png", "-o", "h.png", "--um-per-px", 0.5),
    ("hint", "discs.tiff", "-o", f"{LONG}.png", "--um-per-px", 0.5),
    ("evaluate", "--data", LONG),
    ("train", "--data", LONG, "--model", "unet", "-o", "w.safetensors"),
    ("calibrate", f"{LONG}.safetensors", "--validation", "x", "-o", "w.safetensors"),
    ("fine-tune", "--data", LONG, "--name", "mine"),
    ("agreement", LONG, "other"),
    ("export", f"{LONG}.glioma.zarr", "--to", "csv", "-o", "out"),
    ("import", LONG, "f.geojson"),
    ("synthesize", f"{LONG}.tiff", "--width", 480, "--height", 480, "--um-per-px", 0.5),
]


@pytest.mark.skipif(os.name != "posix", reason="such names are absent, not refused, elsewhere")
@pytest.mark.parametrize("call", COMMANDS, ids=lambda call: call[0])
def test_a_name_too_long_is_refused_in_one_line(
    program: Program, slide_path: Path, monkeypatch: pytest.MonkeyPatch, call: tuple[object, ...]
) -> None:
    monkeypatch.chdir(slide_path.parent)
    assert program(*call).is_one_helpful_line("name too long")


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (("estimate", "discs.tiff", "-o", ""), "-o"),
        (("estimate", ""), "an argument"),
        (("export", "x.glioma.zarr", "--to", "csv", "--output="), "--output"),
        (("evaluate", "--data", ""), "--data"),
    ],
)
def test_a_variable_that_was_not_set_does_not_name_the_folder_one_is_in(
    program: Program, slide_path: Path, monkeypatch: pytest.MonkeyPatch, call: Any, name: str
) -> None:
    monkeypatch.chdir(slide_path.parent)
    there = sorted(Path().iterdir())
    assert program(*call).is_one_helpful_line(f"{name}: is empty")
    assert sorted(Path().iterdir()) == there


def test_texts_may_be_empty(program: Program) -> None:
    for text in ("--author", "--case-id"):
        for call in ((text, ""), (f"{text}=",)):
            command = "import" if text == "--author" else "export"
            assert "is empty" not in program(command, "x.glioma.zarr", *call).stderr


@pytest.mark.skipif(os.name != "posix", reason="who may make links is another matter elsewhere")
def test_links_that_lead_back_to_themselves_are_refused_in_one_line(
    program: Program, slide_path: Path, tmp_path: Path
) -> None:
    ring = tmp_path / "it's a ring"
    ring.symlink_to(ring)
    for command in ("estimate", "segment"):
        refused = program(command, slide_path, "-o", ring / "x", "--um-per-px", 0.5)
        assert refused.is_one_helpful_line(str(ring), os.strerror(errno.ELOOP))


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.EACCES, "ask for access"),
        (errno.EIO, "see that the drive is there"),
        (errno.ESTALE, "see that the drive is there"),
        (errno.ENOSPC, "free some space"),
        (errno.ENOTDIR, "check the path"),
    ],
)
def test_what_the_system_says_comes_with_a_remedy(number: int, remedy: str) -> None:
    told = f"^/far/0.png: {os.strerror(number)}; .*{remedy}"
    with pytest.raises(BadInput, match=told), files_named():
        raise OSError(number, os.strerror(number), "/far/0.png")


def test_a_folder_that_may_not_be_entered_ends_no_command_in_a_traceback(
    program: Program, slide_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, *_: object, **__: object) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "is_file", refused)
    outcome = program("segment", slide_path, "-o", slide_path.parent / "m", "--um-per-px", 0.5)
    assert outcome.is_one_helpful_line(str(slide_path), "Permission denied", "ask for access")


def test_other_slides_are_estimated_where_one_may_not_be_read(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    from napari_glioma_density import slides

    opened = slides.open_slide

    def refused(path: Any) -> Any:
        if Path(path).name == "far.svs":
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(path))
        return opened(path)

    monkeypatch.setattr(slides, "open_slide", refused)
    out = ("-o", tmp_path / "out", "--model", weights, "--region", "0,0,400,400")
    outcome = program("estimate", "far.svs", slide_path, *out)
    assert outcome.status == 2
    assert "far.svs: Stale file handle" in outcome.stderr
    assert "1 of 2 slides" in outcome.stderr
    assert "nuclei/mm²" in outcome.stdout


def test_where_the_system_refused_can_be_looked_up(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), "x.svs")

    monkeypatch.setattr("napari_glioma_density.slides.open_slide", refused)
    with caplog.at_level(logging.DEBUG):
        assert run(["info", "x.svs"]) == 2
    assert "in refused" in caplog.text


def test_an_error_that_the_system_did_not_make_is_no_bad_input(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def faulty(*_: object, **__: object) -> None:
        raise OSError("a fault of the program")

    monkeypatch.setattr("napari_glioma_density.slides.open_slide", faulty)
    with pytest.raises(OSError, match="a fault of the program"):
        run(["info", "x.svs"])


def no_memory(*_: object, **__: object) -> None:
    raise MemoryError("Unable to allocate 99 GiB")


def no_memory_for_opencv(*_: object, **__: object) -> None:
    error = cv2.error("OpenCV: error: (-4:Insufficient memory)")
    error.code = cv2.Error.StsNoMem
    raise error


def no_memory_for_a_network(*_: object, **__: object) -> None:
    raise RuntimeError("Check 'p' failed: Failed to allocate 99 bytes of memory")


@pytest.mark.parametrize("lack", [no_memory, no_memory_for_opencv, no_memory_for_a_network])
def test_a_picture_that_does_not_fit_into_memory_is_named(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path, monkeypatch: Any, lack: Any
) -> None:
    picture = (slide_path, "--um-per-px", 0.5, "--model", weights)
    monkeypatch.setattr("napari_glioma_density.nuclei.pictures.picture_probability", lack)
    segmented = program("segment", *picture, "-o", tmp_path / "m")
    hinted = program("hint", *picture, "--source", "model", "-o", tmp_path / "h.png")
    for outcome in (segmented, hinted):
        assert outcome.is_one_helpful_line(f"{slide_path}: does not fit into memory", "cut")


def test_a_picture_too_large_for_the_device_is_named(
    program: Program, slide_path: Path, weights: Path, tmp_path: Path, monkeypatch: Any
) -> None:
    where = "napari_glioma_density.nuclei.segmenter.mean_margins"
    monkeypatch.setattr(where, no_memory_for_a_network)
    picture = (slide_path, "--um-per-px", 0.5, "--model", weights)
    segmented = program("segment", *picture, "-o", tmp_path / "m")
    hinted = program("hint", *picture, "--source", "model", "-o", tmp_path / "h.png")
    estimated = program("estimate", *picture, "-o", tmp_path / "e")
    for outcome in (segmented, hinted):
        assert outcome.is_one_helpful_line(f"{slide_path}: ", "does not fit into the memory of cpu")
    assert estimated.is_one_helpful_line("does not fit into the memory of cpu")
    assert "what was asked" not in estimated.stderr


def test_a_lack_of_memory_anywhere_is_one_line(program: Program, monkeypatch: Any) -> None:
    monkeypatch.setattr("napari_glioma_density.slides.open_slide", no_memory)
    assert program("info", "x.svs").is_one_helpful_line("does not fit into memory")


def test_another_error_of_opencv_is_no_lack_of_memory() -> None:
    fault = pytest.raises(cv2.error)
    with fault, room_for("x.png"):
        cv2.resize(np.zeros((0, 0), np.uint8), (1, 1))
