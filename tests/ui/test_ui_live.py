"""Live: what is in view is estimated, wherever the view goes."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from painted_slide import write_slide
from quick_segmenter import DarkPixels

from napari_glioma_density.density import PatchState
from napari_glioma_density.findings.snapshot import Choices
from napari_glioma_density.results import ResultStore, find_store
from napari_glioma_density.ui.camera import View, fly_to
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.job import EstimateJob, Task
from napari_glioma_density.ui.readiness import Readiness
from napari_glioma_density.ui.region import Scope

pytestmark = pytest.mark.window
LONG = 60_000
PATCH_UM = 240.0


@pytest.fixture
def wide_slide(tmp_path: Path) -> Path:
    """Ten patches across, of which the left three quarters are tissue; four down."""
    return write_slide(tmp_path / "H24-00123.tiff", 1920, 4800)


@pytest.fixture
def live(open_dock: Callable[..., Any], wide_slide: Path, qtbot: Any) -> Any:
    dock = open_dock(wide_slide)
    qtbot.wait(300)  # until the slide is framed
    look(dock, 0, 0)
    dock.session.estimating.begin("dark", "auto", Scope.LIVE)
    return dock


def look(dock: Any, row: int, column: int) -> None:
    """Have the middle of a patch fill the window."""
    middle = (row + 0.4) * PATCH_UM, (column + 0.4) * PATCH_UM
    fly_to(dock.session.viewer, View(*middle, 0.2 * PATCH_UM, 0.2 * PATCH_UM), margin=1)


def read_columns(dock: Any) -> set[int]:
    snapshot = dock.session.snapshot
    return set() if snapshot is None else set(np.nonzero(snapshot.patches.is_read)[1].tolist())


def wait_until_caught_up(dock: Any, qtbot: Any, column: int) -> None:
    def caught_up() -> bool:
        return dock.session.estimating.phase is Phase.WATCHING and column in read_columns(dock)

    qtbot.waitUntil(caught_up, timeout=LONG)


def test_it_follows_the_view_and_reads_nothing_else(live: Any, qtbot: Any) -> None:
    wait_until_caught_up(live, qtbot, 0)
    assert read_columns(live) == {0}, "the patch looked at first is a block of its own"
    look(live, 2, 5)
    wait_until_caught_up(live, qtbot, 5)
    assert read_columns(live) == {0, 4, 5}, "the block of 2 × 2 patches in view"
    assert live.scope_box._stop.isEnabled()
    assert live.scope_box._state.text() == "all in view is estimated, move on"


def test_it_does_not_stand_aside_for_the_view_it_follows(live: Any, qtbot: Any) -> None:
    wait_until_caught_up(live, qtbot, 0)
    look(live, 2, 5)
    assert not live.session.estimating._job._focus.is_moving


def test_the_headline_is_that_of_the_view(live: Any, qtbot: Any) -> None:
    wait_until_caught_up(live, qtbot, 0)
    snapshot = live.session.snapshot
    assert np.argwhere(snapshot.scope).tolist() == [[0, 0]]
    assert snapshot.totals.complete
    assert live.scope_box._nuclei.text().endswith("of the tiles in view")


def test_once_the_view_has_moved_nothing_says_that_all_in_view_is_estimated(
    live: Any, segmenter: DarkPixels, qtbot: Any
) -> None:
    wait_until_caught_up(live, qtbot, 0)
    segmenter.gate.clear()
    look(live, 3, 6)
    qtbot.waitUntil(lambda: live.session.estimating.phase is Phase.RUNNING, timeout=LONG)
    qtbot.wait(300)
    assert live.session.estimating.phase is Phase.RUNNING
    segmenter.gate.set()
    wait_until_caught_up(live, qtbot, 6)


def test_once_stopped_the_figures_are_those_of_all_that_was_read(live: Any, qtbot: Any) -> None:
    wait_until_caught_up(live, qtbot, 0)
    look(live, 0, 3)
    wait_until_caught_up(live, qtbot, 3)
    live.session.estimating.stop()
    qtbot.waitUntil(lambda: live.session.estimating.phase is Phase.READY, timeout=LONG)
    snapshot = live.session.snapshot
    assert snapshot.scope is None
    assert snapshot.totals.patches == snapshot.patches.is_read.sum() >= 2
    assert live.scope_box._nuclei.text().endswith("provisional")


def test_glass_beyond_the_slide_stops_nothing(live: Any, qtbot: Any) -> None:
    wait_until_caught_up(live, qtbot, 0)
    look(live, 20, 20)
    qtbot.wait(400)
    assert live.session.estimating.phase is Phase.WATCHING
    look(live, 0, 4)
    wait_until_caught_up(live, qtbot, 4)


def test_stale_work_is_dropped_when_the_view_moves(
    live: Any, segmenter: DarkPixels, qtbot: Any
) -> None:
    wait_until_caught_up(live, qtbot, 0)
    segmenter.gate.clear()
    while segmenter.seen.acquire(blocking=False):
        pass
    fly_to(live.session.viewer, View(0, 480, 960, 960), margin=1)  # several blocks in view
    qtbot.waitUntil(lambda: segmenter.seen.acquire(blocking=False), timeout=LONG)
    look(live, 3, 6)
    qtbot.wait(400)  # until the view has settled
    segmenter.gate.set()
    wait_until_caught_up(live, qtbot, 6)
    stale = read_columns(live) - {0, 6, 7}
    assert stale == {2, 3} or stale == {4, 5}, "the block in flight and no other"


def test_stopping_leaves_a_finished_run(live: Any, wide_slide: Path, qtbot: Any) -> None:
    wait_until_caught_up(live, qtbot, 0)
    look(live, 0, 3)
    wait_until_caught_up(live, qtbot, 3)
    live.session.estimating.stop()
    qtbot.waitUntil(lambda: live.session.estimating.phase is Phase.READY, timeout=LONG)
    look(live, 3, 6)
    qtbot.wait(400)
    assert 6 not in read_columns(live)
    store = ResultStore(find_store(wide_slide))
    (spec,) = store.runs()
    run = store.run(spec.run_id)
    assert run.is_finished
    assert len(run.nuclei()) > 0


def test_the_whole_slide_goes_on_from_what_was_seen_live(live: Any, qtbot: Any) -> None:
    wait_until_caught_up(live, qtbot, 0)
    live.session.estimating.stop()
    qtbot.waitUntil(lambda: live.session.estimating.phase is Phase.READY, timeout=LONG)
    live.session.estimating.begin("dark", "auto", Scope.SLIDE)
    qtbot.waitUntil(lambda: live.session.estimating.phase is Phase.READY, timeout=LONG)
    snapshot = live.session.snapshot
    assert snapshot.totals.complete
    assert not (snapshot.patches.state == PatchState.PENDING).any()


def test_a_stop_is_heard_between_two_views(monkeypatch: pytest.MonkeyPatch) -> None:
    task = SimpleNamespace(region=None, follows=True)
    job = EstimateJob(cast("Task", task), Choices(), Readiness(lambda *_: DarkPixels()))
    clear = job._moved.clear

    def stopped_in_between() -> None:
        job.stop()
        clear()

    monkeypatch.setattr(job._moved, "clear", stopped_in_between)
    following = threading.Thread(target=job._follow_view, args=(None, None), daemon=True)
    following.start()
    following.join(LONG / 1000)
    assert not following.is_alive()
