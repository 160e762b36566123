"""Regions survive a restart, a crash and two windows."""

import errno
import json
import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest
import shapely

from napari_glioma_density.errors import StoreError
from napari_glioma_density.regions import region_file
from napari_glioma_density.regions.region import Origin, Reason, Region, RegionKind
from napari_glioma_density.regions.region_file import RegionFile
from napari_glioma_density.results import line_log

SQUARE = shapely.box(10.1, 20.2, 1234.567890123, 999)
RING = shapely.Point(500, 500).buffer(300).difference(shapely.Point(480, 510).buffer(99))
NECROSIS = Region.drawn(
    RegionKind.EXCLUSION,
    shapely.union_all([RING, shapely.box(2000, 0, 2100, 7)]),
    reason=Reason.NECROSIS,
    origin=Origin.AUTOMATIC,
    author="Dr. Ångström",
    comment="große Nekrose – 坏死",
)
GREY = Region.drawn(RegionKind.REFERENCE, SQUARE, name="grey matter")
BORDER = Region.drawn(RegionKind.BORDER, shapely.LineString([(0, 0), (9, 9.5), (20, 3)]), name="B")


def lines_of(store: Path) -> Path:
    return store / "regions" / "regions.jsonl"


def test_nothing_is_written_before_the_first_region(tmp_path: Path) -> None:
    assert RegionFile.open(tmp_path).regions() == ()
    assert list(tmp_path.iterdir()) == []


def test_regions_of_every_kind_come_back_as_they_were_drawn(tmp_path: Path) -> None:
    file = RegionFile.open(tmp_path)
    for region in (NECROSIS, GREY, BORDER):
        file.put(region)
    reopened = RegionFile.open(tmp_path).regions()
    assert reopened == file.regions() == (NECROSIS, GREY, BORDER)
    for region, before in zip(reopened, (NECROSIS, GREY, BORDER), strict=True):
        assert region.geometry.equals_exact(before.geometry, 0), "to the last digit"


def test_a_changed_region_keeps_its_place_and_a_removed_one_is_gone(tmp_path: Path) -> None:
    file = RegionFile.open(tmp_path)
    for region in (NECROSIS, GREY, BORDER):
        file.put(region)
    changed = NECROSIS.with_(reason=Reason.VESSEL, geometry=SQUARE, comment="")
    file.put(changed)
    file.remove(GREY.id)
    file.remove("never drawn")
    assert RegionFile.open(tmp_path).regions() == file.regions() == (changed, BORDER)
    assert len(lines_of(tmp_path).read_bytes().splitlines()) == 6, "no line is ever changed"
    file.put(GREY)
    assert RegionFile.open(tmp_path).regions() == (changed, BORDER, GREY)


def test_outlines_on_disk_are_geojson(tmp_path: Path) -> None:
    RegionFile.open(tmp_path).put(NECROSIS)
    (line,) = lines_of(tmp_path).read_text(encoding="utf-8").splitlines()
    geometry = shapely.from_geojson(json.dumps(json.loads(line)["geometry"]))
    assert geometry.equals_exact(NECROSIS.geometry, 1e-9)


def test_two_windows_lose_nothing_of_each_other(tmp_path: Path) -> None:
    one, other = RegionFile.open(tmp_path), RegionFile.open(tmp_path)
    one.put(NECROSIS)
    other.put(GREY)
    one.put(BORDER)
    one.remove(NECROSIS.id)
    other.reload()
    for window in (one, other, RegionFile.open(tmp_path)):
        assert window.regions() == (GREY, BORDER)


@pytest.mark.parametrize("torn", [b'{"schema": 1, "id": "x', b"\x00\x00\x00\n"])
def test_a_torn_last_line_is_dropped_and_drawing_goes_on(tmp_path: Path, torn: bytes) -> None:
    RegionFile.open(tmp_path).put(NECROSIS)
    with lines_of(tmp_path).open("ab") as file:
        file.write(torn)
    reopened = RegionFile.open(tmp_path)
    assert reopened.regions() == (NECROSIS,)
    reopened.put(GREY)
    assert RegionFile.open(tmp_path).regions() == (NECROSIS, GREY)


BROKEN = {
    "no object": "[1]",
    "a text": '"schema"',
    "no outline": '{"type": "Polygon", "coordinates": "?"}',
    "two points": '{"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}',
    "a bow": '{"type": "Polygon", "coordinates": [[[0,0],[9,9],[9,0],[0,9],[0,0]]]}',
    "nothing": '{"type": "Polygon", "coordinates": []}',
    "unknown": '{"type": "Circle", "coordinates": [1, 2]}',
    "null": "null",
    "no number": '{"type": "Polygon", "coordinates": [[["a",0],[9,9],[9,0]]]}',
    "ragged": '{"type": "Polygon", "coordinates": [[[0],[9,9],[9,0],[0]]]}',
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_damaged_line_among_others_is_told_in_one_line(tmp_path: Path, fault: str) -> None:
    RegionFile.open(tmp_path).put(NECROSIS)
    path = lines_of(tmp_path)
    line = json.loads(path.read_text(encoding="utf-8"))
    broken = {**line, "geometry": json.loads(BROKEN[fault])} if fault != "no object" else [1]
    whole = path.read_bytes()
    path.write_bytes(json.dumps(broken).encode() + b"\n" + whole)
    with pytest.raises(
        StoreError, match=r"regions\.jsonl: a line is damaged.*move the file"
    ) as told:
        RegionFile.open(tmp_path)
    assert "\n" not in str(told.value)


def test_a_newer_version_asks_for_an_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setattr(region_file, "SCHEMA", 2)
        RegionFile.open(tmp_path).put(NECROSIS)
    with pytest.raises(StoreError, match="update the program"):
        RegionFile.open(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be limited there")
def test_of_several_regions_a_disk_that_fills_up_takes_none(tmp_path: Path) -> None:
    import resource

    file = RegionFile.open(tmp_path)
    file.put(NECROSIS)
    room = lines_of(tmp_path).stat().st_size + 600  # for the first of three, not for the last
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(StoreError, match="cannot be read or written"):
            file.put(GREY, BORDER, NECROSIS.with_(id="another"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert file.regions() == RegionFile.open(tmp_path).regions() == (NECROSIS,)
    file.put(GREY, BORDER)
    assert RegionFile.open(tmp_path).regions() == (NECROSIS, GREY, BORDER)


def test_a_full_disk_is_told_and_the_regions_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = RegionFile.open(tmp_path)
    file.put(NECROSIS)
    with monkeypatch.context() as full:
        full.setattr(line_log, "write_tail", _refuse)
        with pytest.raises(StoreError, match="disk is full; free some space"):
            file.put(GREY)
    assert file.regions() == (NECROSIS,)
    file.put(GREY)
    assert RegionFile.open(tmp_path).regions() == (NECROSIS, GREY)


def _refuse(*_: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "no space left on device")


def test_a_last_line_that_is_whole_but_not_understood_is_kept(tmp_path: Path) -> None:
    file = RegionFile.open(tmp_path)
    file.put(NECROSIS)
    path = lines_of(tmp_path)
    line = json.loads(path.read_text(encoding="utf-8"))
    with path.open("ab") as other:
        other.write(json.dumps({**line, "kind": "of tomorrow"}).encode() + b"\n")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="a line is damaged"):
        file.put(GREY)
    assert path.read_bytes() == before


@pytest.mark.parametrize("fate", ["moved away", "put back"])
def test_a_file_that_is_no_longer_the_one_that_was_read_is_not_written_to(
    tmp_path: Path, fate: str
) -> None:
    file = RegionFile.open(tmp_path)
    file.put(NECROSIS)
    early = lines_of(tmp_path).read_bytes()
    file.put(GREY)
    if fate == "moved away":
        lines_of(tmp_path).unlink()
    else:
        RegionFile.open(tmp_path).put(BORDER)
        lines_of(tmp_path).write_bytes(early + lines_of(tmp_path).read_bytes())
    there = sorted(tmp_path.rglob("*.jsonl"))
    for change in (lambda: file.put(BORDER), file.reload):
        with pytest.raises(StoreError, match="moved away or replaced since it was read"):
            change()
    assert sorted(tmp_path.rglob("*.jsonl")) == there
