"""The slides people really have: measured, or refused in one line."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tifffile

Program = Callable[..., Any]


@pytest.mark.parametrize(
    ("slide", "more"),
    [
        ("CMU-1-Small-Region.svs", ()),
        ("TCGA-CR-7395-01A-01-TS1.svs", ("--um-per-px", 0.25, "--region", "1000,1000,2000,2000")),
        ("instanseg_HE_example.tif", ()),
        ("dicom/CMU-1-Small-Region", ()),
    ],
)
def test_real_slides_are_estimated(
    program: Program,
    real_slides: Path,
    weights: Path,
    tmp_path: Path,
    slide: str,
    more: tuple[object, ...],
) -> None:
    path = real_slides / slide
    done = program("estimate", path, "-o", tmp_path, "--model", weights, "--json", *more)
    assert done.status == 0, done.stderr
    assert done.json["read_mm2"] > 0


def test_a_slide_without_resolution_asks_for_it(
    program: Program, real_slides: Path, weights: Path, tmp_path: Path
) -> None:
    slide = real_slides / "TCGA-CR-7395-01A-01-TS1.svs"
    done = program("estimate", slide, "-o", tmp_path / "out", "--model", weights)
    assert done.is_one_helpful_line("--um-per-px")
    assert not (tmp_path / "out").exists()


def test_fluorescence_is_described_but_not_measured(
    program: Program, real_slides: Path, weights: Path, tmp_path: Path
) -> None:
    slide = next(real_slides.glob("*.ndpi"))
    assert program("info", slide, "--json").json["format"]
    done = program("estimate", slide, "-o", tmp_path, "--model", weights)
    assert done.is_one_helpful_line("--force")


@pytest.mark.parametrize("name", ["broken.svs", "unopenable.tiff", "unreadable.svs"])
def test_bad_slides_are_refused(
    program: Program, real_slides: Path, weights: Path, tmp_path: Path, name: str
) -> None:
    slide = real_slides / "bad" / name
    done = program("estimate", slide, "-o", tmp_path, "--model", weights, "--um-per-px", 0.5)
    assert done.is_one_helpful_line(name)


def test_damaged_tiles_are_exactly_what_is_unread(
    program: Program, real_slides: Path, weights: Path, tmp_path: Path
) -> None:
    slide = tmp_path / "damaged.svs"
    shutil.copy(real_slides / "CMU-1-Small-Region.svs", slide)
    slide.chmod(0o644)
    unread_px = _damage(slide)
    done = program("estimate", slide, "-o", tmp_path / "out", "--model", weights, "--json")
    assert done.json["unread_mm2"] == pytest.approx(unread_px * (0.499e-3) ** 2, rel=1e-4)


def _damage(slide: Path) -> int:
    """Empty twenty tiles, overwrite twenty others, and count the slide's pixels under them."""
    with tifffile.TiffFile(slide) as tiff:
        page = tiff.pages[0]
        counts = page.tags["TileByteCounts"]
        offsets, lengths = page.dataoffsets, page.databytecounts
        across = -(-page.imagewidth // page.tilewidth)
        chosen = range(3, len(offsets), len(offsets) // 40)[:40]
        pixels = 0
        for place, tile in enumerate(chosen):
            row, column = divmod(tile, across)
            rows = min(page.tilelength, page.imagelength - row * page.tilelength)
            columns = min(page.tilewidth, page.imagewidth - column * page.tilewidth)
            pixels += rows * columns
            with slide.open("r+b") as file:
                if place % 2:
                    file.seek(offsets[tile])
                    file.write(b"\xee" * lengths[tile])
                else:
                    size = {3: 2, 4: 4, 16: 8}[int(counts.dtype)]
                    file.seek(counts.valueoffset + tile * size)
                    file.write(b"\x00" * size)
    return pixels
