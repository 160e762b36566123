"""Where results are kept."""

import os
from pathlib import Path

import platformdirs
import pytest

from napari_glioma_density.results import find_store, store_path
from napari_glioma_density.results import location as location_room


@pytest.fixture
def user_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "user data"
    monkeypatch.setattr(platformdirs, "user_data_path", lambda *_, **__: folder)
    return folder


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    folder = tmp_path / "slides"
    folder.mkdir()
    (folder / "S12-345.svs").touch()
    return folder / "S12-345.svs"


def test_results_lie_beside_the_slide(slide: Path) -> None:
    assert store_path(slide) == slide.parent / "S12-345.svs.glioma.zarr"
    assert [path.name for path in slide.parent.iterdir()] == ["S12-345.svs"]


def test_results_lie_in_the_folder_asked_for(slide: Path, tmp_path: Path) -> None:
    assert store_path(slide, tmp_path / "out") == tmp_path / "out" / "S12-345.svs.glioma.zarr"


def test_a_slide_that_is_a_folder_lends_its_name(tmp_path: Path) -> None:
    assert store_path(f"{tmp_path / 'dicom'}/").name == "dicom.glioma.zarr"


def test_without_leave_to_write_results_go_to_the_user(
    slide: Path, user_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(location_room, "_is_writable", lambda _: False)
    kept = store_path(slide)
    other = store_path(slide.parent / "elsewhere" / slide.name)
    assert kept.parent == user_data
    assert kept.name.startswith("S12-345.svs-")
    assert kept != other, "two slides of one name share no store"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="needs a user who is not root")
def test_a_read_only_folder_is_noticed(slide: Path, user_data: Path) -> None:
    slide.parent.chmod(0o555)
    try:
        assert store_path(slide).parent == user_data
    finally:
        slide.parent.chmod(0o755)


def test_a_folder_that_is_absent_is_not_writable(tmp_path: Path, user_data: Path) -> None:
    assert store_path(tmp_path / "absent" / "a.svs").parent == user_data


def test_a_store_is_found_beside_the_slide_first(
    slide: Path, user_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_store(slide) is None
    in_user_data = location_room._in_user_data(slide)
    in_user_data.mkdir(parents=True)
    assert find_store(slide) == in_user_data
    assert store_path(slide) == in_user_data
    beside = slide.with_name(f"{slide.name}.glioma.zarr")
    beside.mkdir()
    assert find_store(slide) == store_path(slide) == beside
    monkeypatch.setattr(location_room, "_is_writable", lambda _: False)
    assert find_store(slide) == store_path(slide) == in_user_data


@pytest.mark.parametrize("is_writable", [True, False])
def test_a_slide_has_one_store_whatever_becomes_of_its_folder(
    slide: Path, user_data: Path, monkeypatch: pytest.MonkeyPatch, *, is_writable: bool
) -> None:
    monkeypatch.setattr(location_room, "_is_writable", lambda _: is_writable)
    first = store_path(slide)
    first.mkdir(parents=True)
    monkeypatch.setattr(location_room, "_is_writable", lambda _: not is_writable)
    assert store_path(slide) == find_store(slide) == first
