"""``hint`` keeps its contract: a mask of the picture's size, one line and status 2 otherwise."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

Program = Callable[..., Any]

DISCS = ((40, 60), (90, 200), (180, 80), (200, 220))


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Four purple discs of 6 µm across on pink, at 0.25 µm/px; the last is faint."""
    random = np.random.default_rng(2)
    rgb = np.clip(random.normal((225, 175, 205), 6, (250, 300, 3)), 0, 255).astype(np.uint8)
    for y, x in DISCS:
        colour = (95, 60, 140) if (y, x) != DISCS[-1] else (170, 125, 180)
        cv2.circle(rgb, (x, y), 12, colour, -1)
    path = tmp_path / "discs.png"
    cv2.imwrite(str(path), rgb[..., ::-1])
    return path


def read(path: Path) -> NDArray[np.uint8]:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def centres(mask: NDArray[np.uint8]) -> list[tuple[int, int]]:
    _, _, _, found = cv2.connectedComponentsWithStats(mask)
    return sorted((round(y), round(x)) for x, y in found[1:])


@pytest.mark.parametrize("source", ["luma", "haematoxylin"])
def test_a_mask_of_the_picture_s_size_holds_the_discs(
    program: Program, picture: Path, tmp_path: Path, source: str
) -> None:
    out = tmp_path / "new folder" / "hints.png"
    call = ("hint", picture, "-o", out, "--um-per-px", 0.25, "--source", source, "--json")
    figures = program(*call).json
    mask = read(out)
    assert (mask.shape, mask.dtype, set(np.unique(mask))) == ((250, 300), np.uint8, {0, 255})
    assert np.allclose(centres(mask), DISCS, atol=2)
    assert figures["hints"] == 4
    assert figures["area_um2"] == pytest.approx((mask > 0).sum() / 16, rel=0.03)
    assert 4 * np.pi * 3**2 < figures["area_um2"] < 4 * np.pi * 3.5**2
    assert figures["threshold"] == figures["suggested_threshold"]
    assert Path(figures["mask"]) == out


def test_what_is_asked_for_is_obeyed(program: Program, picture: Path, tmp_path: Path) -> None:
    call = ("hint", picture, "-o", tmp_path / "h.png", "--um-per-px", 0.25, "--json")
    high = program(*call, "--threshold", 0.6).json
    assert (high["hints"], high["threshold"]) == (3, 0.6)
    assert program(*call, "--threshold", 0).json["threshold"] == 0
    assert program(*call, "--max-um2", 20).json["hints"] == 0
    plain = program(*call, "--no-fill-holes", "--no-split").json
    assert (plain["fill_holes"], plain["split"]) == (False, False)


def test_a_mask_hides_what_it_covers(program: Program, picture: Path, tmp_path: Path) -> None:
    known = np.zeros((250, 300), np.uint8)
    for y, x in DISCS[:3]:
        cv2.circle(known, (x, y), 13, 255, -1)
    cv2.imwrite(str(tmp_path / "known.png"), known)
    out = tmp_path / "h.png"
    program("hint", picture, "-o", out, "--um-per-px", 0.25, "--mask", tmp_path / "known.png")
    assert np.allclose(centres(read(out)), DISCS[-1:], atol=2)


def test_the_model_s_probability_is_a_source(
    program: Program, picture: Path, tmp_path: Path, weights: Path
) -> None:
    call = ("hint", picture, "-o", tmp_path / "h.png", "--um-per-px", 0.25, "--json")
    figures = program(*call, "--source", "model", "--model", weights).json
    assert figures["source"] == "model probability"
    assert read(tmp_path / "h.png").shape == (250, 300)


def test_no_torch_unless_the_model_is_asked(picture: Path, tmp_path: Path) -> None:
    call = ["hint", str(picture), "-o", str(tmp_path / "h.png"), "--um-per-px", "0.25"]
    code = (
        "import sys; from napari_glioma_density.cli.app import run;"
        f"sys.exit(run({call}) or 'torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


BAD_INPUT = [
    (("absent.png", "-o", "h.png", "--um-per-px", 0.25), ("absent.png", "no such picture")),
    (("text.png", "-o", "h.png", "--um-per-px", 0.25), ("text.png",)),
    ((".", "-o", "h.png", "--um-per-px", 0.25), ("no such picture",)),
    (("discs.png", "-o", "h.png"), ("--um-per-px",)),
    (("discs.png", "-o", "h.png", "--um-per-px", 50), ("50",)),
    (("discs.png", "-o", "h.png", "--um-per-px", "nan"), ("nan",)),
    (("discs.png", "-o", "h.jpg", "--um-per-px", 0.25), ("h.jpg", ".png")),
    (("discs.png", "-o", "discs.png", "--um-per-px", 0.25), ("discs.png", "overwritten")),
    (("discs.png", "-o", "text.png/h.png", "--um-per-px", 0.25), ("text.png",)),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--source", "moon"),
     ("'--source': 'moon' is not one of 'luma'",)),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--threshold", 2), ("2", "0 to 1")),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--min-um2", 200), ("200", "area")),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--mask", "absent.png"), ("no such mask",)),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--mask", "text.png"), ("text.png",)),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--mask", "empty.png"), ("empty.png",)),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--mask", "small.png"), ("20×10", "300")),
    (("discs.png", "-o", "h.png", "--um-per-px", 0.25, "--source", "model", "--model", "nonsense"),
     ("nonsense", "no such model")),
]  # fmt: skip


@pytest.mark.parametrize(("call", "words"), BAD_INPUT, ids=lambda part: " ".join(map(str, part)))
def test_bad_input_ends_with_status_2_and_one_line(
    program: Program,
    picture: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: tuple[object, ...],
    words: tuple[str, ...],
) -> None:
    folder = picture.parent
    (folder / "empty.png").touch()
    (folder / "text.png").write_text("this is no picture\n")
    cv2.imwrite(str(folder / "small.png"), np.zeros((10, 20), np.uint8))
    monkeypatch.chdir(folder)
    assert program("hint", *call).is_one_helpful_line(*words)
    assert not (folder / "h.png").exists()
