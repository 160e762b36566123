"""What was noted of cells survives, and what was left out counts nowhere."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from napari_glioma_density.annotation import review
from napari_glioma_density.annotation.review import ReviewLog, excluded_regions
from napari_glioma_density.density import PATCH_PX, Block, Lattice, cell_grid
from napari_glioma_density.errors import StoreError
from napari_glioma_density.regions.plane import Plane
from napari_glioma_density.regions.region import Reason, RegionKind
from napari_glioma_density.results import line_log

LATTICE = Lattice.over(8 * PATCH_PX, 8 * PATCH_PX - 5, 0.5)
CELL, OTHER = Block(0, 2, 2, 2), Block(4, 4, 2, 2)


@pytest.fixture
def log(tmp_path: Path) -> ReviewLog:
    return ReviewLog.open(tmp_path, LATTICE)


def lines_of(tmp_path: Path) -> Path:
    return tmp_path / "corrections" / "review.jsonl"


def test_nothing_is_noted_at_first(log: ReviewLog, tmp_path: Path) -> None:
    assert log.marks() == ()
    assert log.latest(CELL) is None
    assert list(tmp_path.iterdir()) == []


def test_the_latest_mark_of_a_block_counts_after_a_restart(log: ReviewLog, tmp_path: Path) -> None:
    log.mark(CELL, comment="Nekrose?", excluded=Reason.NECROSIS, author="A")
    log.mark(OTHER, reviewed=True, author="A")
    last = log.mark(CELL, comment="doch nicht – läuft", author="B")
    reopened = ReviewLog.open(tmp_path, LATTICE)
    assert reopened.latest(CELL) == last
    assert (last.comment, last.author, last.excluded) == ("doch nicht – läuft", "B", None)
    assert [mark.block for mark in reopened.marks()] == [CELL, OTHER]
    assert len(lines_of(tmp_path).read_bytes().splitlines()) == 3, "no line is ever changed"


def test_blocks_left_out_are_exclusions_like_any_other(log: ReviewLog) -> None:
    edge = Block(6, 6, 2, 2)
    log.mark(CELL, excluded=Reason.PEN, author="A", comment="Strich")
    log.mark(OTHER, comment="fine")
    log.mark(edge, excluded=Reason.FOLD)
    pen, fold = excluded_regions(log, Plane(LATTICE, 2.0))
    assert (pen.kind, pen.reason, pen.author, pen.comment) == (
        RegionKind.EXCLUSION, Reason.PEN, "A", "Strich"
    )  # fmt: skip
    assert pen.geometry.bounds == (1920, 0, 3840, 1920)
    assert fold.geometry.bounds == (5760, 5760, 7670, 7680), "it ends where the slide does"
    log.mark(CELL, excluded=Reason.VESSEL)
    again = excluded_regions(log, Plane(LATTICE, 2.0))
    assert [(region.id, region.reason) for region in again] == [
        (pen.id, Reason.VESSEL),
        (fold.id, Reason.FOLD),
    ]
    log.mark(CELL)
    assert excluded_regions(log, Plane(LATTICE, 2.0)) == (fold,)


def test_progress_counts_reviewed_and_left_out(log: ReviewLog) -> None:
    grid = cell_grid(LATTICE, 0.48)
    blocks = [grid.block(row, column) for row in range(4) for column in range(4)]
    log.mark(blocks[0])
    log.mark(blocks[1], reviewed=False, comment="later")
    log.mark(blocks[2], reviewed=False, excluded=Reason.NOT_TUMOUR)
    assert log.progress(blocks) == (2, 16)


@pytest.mark.parametrize("torn", [b'{"schema": 1, "blo', b"\x00\x00\x00\n"])
def test_a_torn_last_line_is_dropped_and_writing_goes_on(
    log: ReviewLog, tmp_path: Path, torn: bytes
) -> None:
    log.mark(CELL)
    with lines_of(tmp_path).open("ab") as file:
        file.write(torn)
    reopened = ReviewLog.open(tmp_path, LATTICE)
    assert [mark.block for mark in reopened.marks()] == [CELL]
    reopened.mark(OTHER)
    blocks = [mark.block for mark in ReviewLog.open(tmp_path, LATTICE).marks()]
    assert blocks == [CELL, OTHER]


def test_a_damaged_line_among_others_is_told(log: ReviewLog, tmp_path: Path) -> None:
    log.mark(CELL)
    path = lines_of(tmp_path)
    path.write_bytes(b"{}\n" + path.read_bytes())
    with pytest.raises(StoreError, match="a line is damaged"):
        ReviewLog.open(tmp_path, LATTICE)


def test_a_newer_version_asks_for_an_update(
    log: ReviewLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(review, "SCHEMA", 2)
        log.mark(CELL)
    with pytest.raises(StoreError, match="update the program"):
        ReviewLog.open(tmp_path, LATTICE)


def test_two_windows_lose_nothing_of_each_other(log: ReviewLog, tmp_path: Path) -> None:
    other = ReviewLog.open(tmp_path, LATTICE)
    log.mark(CELL, author="A")
    other.mark(OTHER, author="B")
    log.mark(CELL, author="C")
    other.reload()
    for window in (log, other, ReviewLog.open(tmp_path, LATTICE)):
        window.reload()
        assert [(mark.block, mark.author) for mark in window.marks()] == [(CELL, "C"), (OTHER, "B")]


def test_marks_of_another_plane_are_passed_over(log: ReviewLog, tmp_path: Path) -> None:
    log.mark(CELL, excluded=Reason.FOLD)
    finer = Lattice.over(16 * PATCH_PX, 16 * PATCH_PX - 10, 0.25)
    assert ReviewLog.open(tmp_path, finer).marks() == ()


def test_a_full_disk_is_told_and_the_marks_stay(
    log: ReviewLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.mark(CELL)
    with monkeypatch.context() as full:
        full.setattr(line_log, "write_tail", _refuse)
        with pytest.raises(StoreError, match="disk is full; free some space"):
            log.mark(OTHER)
    assert log.latest(OTHER) is None
    log.mark(OTHER)
    assert len(ReviewLog.open(tmp_path, LATTICE).marks()) == 2


def _refuse(*_: object) -> Iterator[None]:
    raise OSError(errno.ENOSPC, "no space left on device")
