"""What a person chose for a slide is there again with its results."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtWidgets import QDockWidget

from napari_glioma_density.errors import StoreError
from napari_glioma_density.results import find_store
from napari_glioma_density.results.specimen import ASKED, keep_specimen
from napari_glioma_density.ui import session, wishes
from napari_glioma_density.ui.region import Scope
from napari_glioma_density.ui.specimen import Specimen
from napari_glioma_density.ui.wishes import Asked, keep_asked, read_asked

pytestmark = pytest.mark.window
LONG = 60_000
CHOSEN = Asked(Specimen.FROZEN, "cpu", Scope.VIEW)


def restored(dock: Any, qtbot: Any) -> Any:
    qtbot.waitUntil(lambda: dock.session.shown is not None, timeout=LONG)
    return dock


def on_screen(dock: Any) -> Asked:
    specimen, (_, device) = dock.boxes[0]._specimen.value, dock.model_box.chosen()
    return Asked(Specimen(specimen), device, Scope(dock.scope_box._scope.value))


def choose(dock: Any) -> None:
    dock.boxes[0]._specimen.value = CHOSEN.specimen
    dock.model_box._device.value = CHOSEN.device
    dock.scope_box._scope.value = CHOSEN.scope


def test_specimen_device_and_scope_are_there_again_when_the_slide_is_opened_again(
    open_dock: Callable[..., Any], estimated_slide: Path, qtbot: Any
) -> None:
    dock = restored(open_dock(estimated_slide), qtbot)
    assert on_screen(dock) == Asked()
    assert not (find_store(estimated_slide) / ASKED).exists(), "looking writes nothing"
    choose(dock)
    dock.shut()
    again = restored(open_dock(estimated_slide), qtbot)
    assert on_screen(again) == CHOSEN
    assert again.session.sureness.error is None, "frozen sections were not validated"


def test_what_is_chosen_before_there_are_results_is_kept_with_them(
    open_dock: Callable[..., Any], slide_path: Path, qtbot: Any
) -> None:
    dock = open_dock(slide_path)
    choose(dock)
    assert dock.scope_box.press()
    qtbot.waitUntil(lambda: dock.session.shown is not None, timeout=LONG)
    dock.shut()
    assert read_asked(find_store(slide_path)) == CHOSEN


def test_an_estimate_that_begins_before_results_are_back_leaves_the_specimen_said_earlier(
    open_dock: Callable[..., Any],
    estimated_slide: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: Any,
) -> None:
    store = find_store(estimated_slide)
    assert store is not None
    keep_asked(store, CHOSEN)
    monkeypatch.setattr(session, "stored_results", lambda *_: None)  # they come too late
    dock = open_dock(estimated_slide)
    qtbot.waitUntil(dock.scope_box.press, timeout=LONG)
    restored(dock, qtbot)
    assert on_screen(dock).specimen is Specimen.FROZEN
    dock.shut()
    assert read_asked(store) == Asked(Specimen.FROZEN, "auto", Scope.SLIDE)


def test_a_choice_made_while_results_are_read_holds_for_them(
    open_dock: Callable[..., Any], estimated_slide: Path, qtbot: Any
) -> None:
    dock = restored(open_dock(estimated_slide), qtbot)
    dock.session.slides.changed.emit()  # it is opened anew
    choose(dock)
    restored(dock, qtbot)
    assert on_screen(dock) == CHOSEN
    dock.shut()
    assert read_asked(find_store(estimated_slide)) == CHOSEN


def test_a_choice_made_on_one_slide_does_not_hold_for_the_results_of_the_next(
    open_dock: Callable[..., Any],
    estimated: Path,
    estimated_slide: Path,
    tmp_path: Path,
    add_slide: Callable[[Any, Path], Any],
    qtbot: Any,
) -> None:
    dock = restored(open_dock(estimated_slide), qtbot)
    choose(dock)
    other = Path(shutil.copytree(estimated.parent, tmp_path / "others")) / estimated.name
    store = find_store(other)
    assert store is not None
    keep_asked(store, Asked(Specimen.SMEAR, "auto", Scope.SLIDE))
    add_slide(dock.session.viewer, other)
    qtbot.waitUntil(lambda: shown_store(dock) == store, timeout=LONG)
    assert (dock.session.wishes.device, dock.session.wishes.scope) == ("auto", Scope.SLIDE)
    assert read_asked(store) == Asked(Specimen.SMEAR, "auto", Scope.SLIDE)


def test_results_with_which_no_choice_was_kept_leave_those_on_the_screen(
    open_dock: Callable[..., Any],
    estimated: Path,
    estimated_slide: Path,
    tmp_path: Path,
    add_slide: Callable[[Any, Path], Any],
    qtbot: Any,
) -> None:
    """As those of earlier versions, and of the command line: the processor is not to be left."""
    dock = restored(open_dock(estimated_slide), qtbot)
    choose(dock)
    other = Path(shutil.copytree(estimated.parent, tmp_path / "others")) / estimated.name
    add_slide(dock.session.viewer, other)
    store = find_store(other)
    qtbot.waitUntil(lambda: shown_store(dock) == store, timeout=LONG)
    assert on_screen(dock) == CHOSEN


def shown_store(dock: Any) -> Path | None:
    shown = dock.session.shown
    return shown and shown.store


def test_a_dock_opened_again_in_the_same_window_shows_device_and_scope(
    open_dock: Callable[..., Any], estimated_slide: Path, qtbot: Any
) -> None:
    from napari_glioma_density.ui.dock.dock import GliomaDensityDock

    dock = restored(open_dock(estimated_slide), qtbot)
    choose(dock)
    another = GliomaDensityDock(dock.session.viewer)
    assert (another.model_box.chosen()[1], another.scope_box._scope.value) == ("cpu", Scope.VIEW)
    another.shut()
    assert isinstance(dock.parent(), QDockWidget)


def test_what_cannot_be_understood_is_the_usual(tmp_path: Path) -> None:
    (tmp_path / ASKED).write_bytes(b'{"device": "abacus", "scope": 3}')
    assert read_asked(tmp_path) == Asked()


@pytest.mark.parametrize("content", [b"", b"[1]"])
def test_what_is_damaged_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ASKED).write_bytes(content)
    assert read_asked(tmp_path) == Asked(device=None, scope=None)


def test_a_specimen_said_on_the_command_line_leaves_device_and_scope_on_the_screen(
    open_dock: Callable[..., Any],
    estimated: Path,
    estimated_slide: Path,
    tmp_path: Path,
    add_slide: Callable[[Any, Path], Any],
    qtbot: Any,
) -> None:
    other = Path(shutil.copytree(estimated.parent, tmp_path / "others")) / estimated.name
    store = find_store(other)
    assert store is not None
    keep_specimen(store, "smear")
    dock = restored(open_dock(estimated_slide), qtbot)
    choose(dock)
    add_slide(dock.session.viewer, other)
    qtbot.waitUntil(lambda: shown_store(dock) == store, timeout=LONG)
    assert on_screen(dock) == Asked(Specimen.SMEAR, CHOSEN.device, CHOSEN.scope)


@pytest.mark.parametrize(("is_here", "device"), [(True, "cuda"), (False, "auto")])
def test_a_device_that_another_machine_has_is_not_asked_for_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_here: bool, device: str
) -> None:
    monkeypatch.setattr("napari_glioma_density.nuclei.device.is_present", lambda _: is_here)
    keep_asked(tmp_path, Asked(Specimen.SMEAR, "cuda"))
    assert read_asked(tmp_path) == Asked(Specimen.SMEAR, device)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_store_that_is_only_to_be_read_stays_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(wishes, "write_atomically", refuse)
    keep_asked(tmp_path, CHOSEN)
    assert read_asked(tmp_path) is None


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(wishes, "write_atomically", refuse)
    with pytest.raises(StoreError, match="the disk is full; free some space, then choose again"):
        keep_asked(tmp_path, CHOSEN)
