"""Fine-tuning from the window: the process, its box, and what is shown of it."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from data_sets_on_disk import write_data_set
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox
from watching import LONG, Listener, answer, delivered, shown

from napari_glioma_density.errors import BadInput
from napari_glioma_density.ui.annotation.curve_plot import HEAD_PX, Curve, CurvePlot
from napari_glioma_density.ui.annotation.data_sets import DataSetList
from napari_glioma_density.ui.annotation.fine_tune_box import STOPPED, FineTuneBox
from napari_glioma_density.ui.annotation.fine_tune_figures import WORSE, before_after
from napari_glioma_density.ui.annotation.fine_tune_job import Ended, FineTuneProcess
from napari_glioma_density.ui.annotation.fine_tune_progress import FineTuneProgress, scores
from napari_glioma_density.ui.annotation.fine_tune_task import FineTuneTask, Use, UsedSet
from napari_glioma_density.ui.annotation.tuned_models import Parent
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.models import ModelChoice

pytestmark = pytest.mark.window
LEFT = Qt.MouseButton.LeftButton
BLANK = np.zeros((16, 16), np.uint16)


# --- the process ------------------------------------------------------------------------------


def change(before: float, after: float, low: float, high: float) -> dict[str, Any]:
    interval = {"difference": after - before, "difference_interval": [low, high]}
    return {"before": before, "after": after, **interval}


RESULT = {
    "epochs": 3,
    "split": {"words": "separate fields of one slide: optimistic"},
    "forgotten": ["guard kept"],
    "before_after": [
        {
            "name": name,
            "images": images,
            "changes": {
                "f1": change(0.8, after, -0.03, 0.03),
                "precision": change(0.8, 0.81, 0.0, 0.02),
                "recall": change(0.7, 0.7, -0.01, 0.01),
                "density_mae": change(2.31, 1.8, -0.9, -0.12),
            },
        }
        for name, images, after in (("check", 1, 0.825), ("guard kept", 1200, 0.77))
    ],
}
"""What ``fine-tune --json`` prints, as far as the screen shows it."""

LEARNING = f"""
RESULT = {RESULT!r}
import json, pathlib, sys, time
log = pathlib.Path(sys.argv[1])
for epoch in (1, 2, 3):
    entries = [{{"epoch": e, "epochs": 3, "loss": 1 / e, "seconds": 0.3, "seconds_left": 3 - e,
                "validation": {{"check": {{"f1": 0.8 + e / 100}}}}}}
               for e in range(1, epoch + 1)]
    part = log.with_suffix(".part")
    part.write_text(json.dumps(entries))
    part.replace(log)
    time.sleep(0.3)
print(json.dumps(RESULT))
"""
ENDLESS = "import time\ntime.sleep(600)"
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).write_text("[]")
time.sleep(600)
"""
REFUSING = """
import sys
sys.stderr.write("reading fields\\nglioma-density: fields.png: is torn; restore it\\n")
sys.exit(2)
"""


def running(script: str) -> tuple[str, ...]:
    return (sys.executable, "-c", script)


@pytest.fixture
def make_job(tmp_path: Path, qtbot: Any) -> Iterator[Callable[[str], FineTuneProcess]]:
    jobs: list[FineTuneProcess] = []

    def made(script: str) -> FineTuneProcess:
        log = tmp_path / "new.log.json"
        jobs.append(FineTuneProcess((str(log),), log, running(script)))
        return jobs[-1]

    yield made
    for job in jobs:
        job.close()


def finish(job: FineTuneProcess, qtbot: Any) -> Ended:
    told = Listener(job.ended)
    qtbot.waitUntil(lambda: bool(told.heard), timeout=LONG)
    assert len(told.heard) == 1
    return told.heard[0]


def test_the_log_is_followed_while_it_grows_and_the_result_comes_last(
    make_job: Callable[[str], FineTuneProcess], qtbot: Any
) -> None:
    job = make_job(LEARNING)
    told = Listener(job.progressed)
    job.start()
    assert job.alive
    assert finish(job, qtbot) == Ended(result=RESULT)
    assert not job.alive
    lengths = [len(log) for log in told.heard]
    assert lengths[-1] == 3
    assert len(lengths) > 1
    assert lengths == sorted(set(lengths))


def test_the_log_of_an_earlier_run_is_not_shown(
    make_job: Callable[[str], FineTuneProcess], qtbot: Any
) -> None:
    job = make_job(LEARNING)
    job._log.write_text(json.dumps([{"epoch": e, "epochs": 9} for e in range(1, 10)]))
    told = Listener(job.progressed)
    job.start()
    finish(job, qtbot)
    assert [log[-1]["epochs"] for log in told.heard] == [3] * len(told.heard)
    assert told.heard[-1][-1]["epoch"] == 3


def test_the_last_line_of_a_failed_process_is_the_problem(
    make_job: Callable[[str], FineTuneProcess], qtbot: Any
) -> None:
    job = make_job(REFUSING)
    job.start()
    assert finish(job, qtbot) == Ended(problem="fields.png: is torn; restore it")


def test_stop_ends_the_process_and_is_no_problem(
    make_job: Callable[[str], FineTuneProcess], qtbot: Any
) -> None:
    job = make_job(ENDLESS)
    job.start()
    job.stop()
    assert finish(job, qtbot) == Ended()


@pytest.mark.skipif(sys.platform == "win32", reason="there, to terminate is to kill")
def test_closing_kills_a_process_that_will_not_go_and_tells_nobody(
    make_job: Callable[[str], FineTuneProcess], qtbot: Any
) -> None:
    job = make_job(STUBBORN)
    told = Listener(job.ended)
    job.start()
    process = psutil.Process(job._process.pid)
    qtbot.waitUntil(job._log.is_file, timeout=LONG)
    process.terminate()
    qtbot.wait(200)
    assert job.alive
    job.close()
    assert not process.is_running()
    assert told.heard == []


@pytest.mark.skipif(sys.platform == "win32", reason="priority classes differ")
def test_the_process_steps_back_behind_the_window(
    make_job: Callable[[str], FineTuneProcess],
) -> None:
    job = make_job(ENDLESS)
    job.start()
    assert psutil.Process(job._process.pid).nice() > psutil.Process().nice()


def test_the_command_line_of_this_package_is_what_runs(tmp_path: Path, qtbot: Any) -> None:
    job = FineTuneProcess(
        ("info", str(tmp_path / "absent.svs"), "--json"), tmp_path / "none.log.json"
    )
    job.start()
    ended = finish(job, qtbot)
    assert ended.result is None
    assert "absent.svs" in ended.problem
    assert not ended.problem.startswith("glioma-density")


# --- fine-tuning ------------------------------------------------------------------------------


def parent(name: str, *, own: bool = False) -> Parent:
    return Parent(ModelChoice(name, name.capitalize(), ""), own)


class Models:
    """Models at hand; removing one takes it away."""

    def __init__(self) -> None:
        self.listed = [parent("fast"), parent("accurate"), parent("tuned-1", own=True)]

    def list(self) -> tuple[Parent, ...]:
        return tuple(self.listed)

    def remove(self, name: str) -> str:
        if name == "fast":
            raise BadInput("fast: comes with the program and stays")
        self.listed = [one for one in self.listed if one.model.name != name]
        return name


@pytest.fixture
def models() -> Models:
    return Models()


@pytest.fixture
def open_box(
    background: Background,
    problems: list[str],
    models: Models,
    make_job: Callable[[str], FineTuneProcess],
    tmp_path: Path,
    qtbot: Any,
) -> Callable[..., FineTuneBox]:
    def opened(script: str = LEARNING) -> FineTuneBox:
        box = FineTuneBox(
            background, problems.append, models.list, models.remove, lambda *_: make_job(script)
        )
        shown(qtbot, box)
        delivered(background, qtbot, lambda: box._parent.count() == 3)
        box.data_sets.show_own(tmp_path / "first", 6)
        return box

    return opened


def test_a_task_becomes_a_command_line() -> None:
    task = FineTuneTask(
        name="mine",
        parent="fast",
        sets=(
            UsedSet(Path("own"), "own", 6, Use.LEARN),
            UsedSet(Path("base"), "base", 90, Use.BASE),
            UsedSet(Path("kept"), "kept", 12, Use.GUARD),
        ),
        minutes=8,
    )
    assert task.fault == ""
    said = task.arguments()
    assert said[0] == "fine-tune"
    pairs = dict(zip(said[1:-1:2], said[2:-1:2], strict=True))
    assert pairs == {
        "--name": "mine",
        "--parent": "fast",
        "--data": "own",
        "--base": "base",
        "--guard": "kept",
        "--minutes": "8",
    }
    assert said[-1] == "--json"


def test_without_fields_to_learn_from_nothing_begins(
    open_box: Callable[..., FineTuneBox], problems: list[str], tmp_path: Path, qtbot: Any
) -> None:
    box = open_box()
    box.data_sets.show_own(tmp_path / "first", 0)
    qtbot.mouseClick(box._start, LEFT)
    assert not box.busy
    assert "nothing to learn from" in problems[-1]


def test_data_sets_are_listed_with_their_use_and_can_be_taken_off(
    background: Background, problems: list[str], tmp_path: Path, qtbot: Any
) -> None:
    sets = shown(qtbot, DataSetList(background))
    sets.show_own(tmp_path / "first", 6)
    sets.add(write_data_set(tmp_path / "kept", [BLANK] * 3))
    delivered(background, qtbot, lambda: sets._table.rowCount() == 2)
    uses = sets._table.cellWidget(1, 2)
    qtbot.keyClick(uses, Qt.Key.Key_End)
    uses.textActivated.emit(uses.currentText())
    assert [(one.name, one.fields, one.use) for one in sets.sets()][1] == ("kept", 3, Use.GUARD)
    sets.add(tmp_path / "kept")  # again: it is there already
    sets.add(tmp_path / "absent")
    delivered(background, qtbot, lambda: bool(problems))
    assert "absent" in problems[0]
    assert len(sets.sets()) == 2
    sets._table.selectRow(0)
    assert not sets._drop.isEnabled()  # the slide's own fields stay
    sets._table.selectRow(1)
    qtbot.mouseClick(sets._drop, LEFT)
    assert [one.use for one in sets.sets()] == [Use.LEARN]


def test_a_removed_model_is_gone_from_the_list_once_the_user_has_agreed(
    open_box: Callable[..., FineTuneBox],
    background: Background,
    qtbot: Any,
) -> None:
    box = open_box()
    told = Listener(box.model_removed)
    assert [action.text() for action in box._own.actions()] == ["Tuned-1"]
    assert box.task().name == "tuned-2"
    for button in (QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes):
        box._own.actions()[0].trigger()
        assert "tuned-1" in answer(box, button)
    delivered(background, qtbot, lambda: box._parent.count() == 2)
    assert told.heard == ["tuned-1"]
    assert not box._remove.isVisible()


def test_a_new_model_is_told_with_its_curves_and_the_table(
    open_box: Callable[..., FineTuneBox],
    background: Background,
    models: Models,
    problems: list[str],
    qtbot: Any,
) -> None:
    box = open_box()
    told = Listener(box.model_made)
    qtbot.mouseClick(box._start, LEFT)
    delivered(background, qtbot, box.progress.f1.isVisible)
    assert box.progress.bar.isVisible()
    models.listed.append(parent("tuned-2", own=True))
    delivered(background, qtbot, lambda: box._parent.count() == 4)
    assert told.heard == ["tuned-2"]
    assert box.task().name == "tuned-3"
    assert [words(box._table, row) for row in (0, 1, 4, 5, 6)] == [
        ["Check fields: 1 field"],
        ["F1, %", "80.0", "82.5", "+2.5 (−3.0 to +3.0)"],
        ["Density error, points", "2.3", "1.8", "−0.5 (−0.9 to −0.1)"],
        ["Guard kept: 1\u2009200 fields"],
        ["F1, %", "80.0", "77.0", "−3.0 (−3.0 to +3.0)"],
    ]
    assert "separate fields of one slide" in box._note.text()
    assert "forgotten" in box._note.text()
    assert WORSE not in box._note.text()
    assert not any(problems)
    assert box._start.isEnabled()


def test_a_model_that_is_worse_on_the_check_fields_is_told_to_be() -> None:
    check, guard = RESULT["before_after"]
    worse = {**check, "changes": {**check["changes"], "f1": change(0.8, 0.79, -0.03, 0.01)}}
    assert WORSE in before_after({**RESULT, "before_after": [worse, guard]}).note


def words(table: Any, row: int) -> list[str]:
    cells = [table.item(row, column) for column in range(table.columnCount())]
    return [cell.text() for cell in cells if cell is not None]


def test_stop_ends_a_fine_tuning_and_frees_the_box(
    open_box: Callable[..., FineTuneBox], background: Background, qtbot: Any
) -> None:
    box = open_box(ENDLESS)
    told = Listener(box.model_made)
    assert not box._stop.isEnabled()
    qtbot.mouseClick(box._start, LEFT)
    assert not box._start.isEnabled()
    delivered(background, qtbot, box._stop.isEnabled)
    qtbot.mouseClick(box._stop, LEFT)
    delivered(background, qtbot, box._start.isEnabled)
    assert box.progress.state.text() == STOPPED
    assert told.heard == []


def test_nothing_begins_once_the_box_is_closed(
    open_box: Callable[..., FineTuneBox], background: Background, qtbot: Any
) -> None:
    box = open_box(ENDLESS)
    qtbot.mouseClick(box._start, LEFT)
    box.close_job()
    done = Listener(box.model_made)
    background.submit(lambda: "", done.hear)
    delivered(background, qtbot, lambda: bool(done.heard))
    qtbot.wait(100)
    background.deliver()
    assert box._job is None


def test_a_problem_of_the_process_is_told_and_frees_the_box(
    open_box: Callable[..., FineTuneBox], background: Background, problems: list[str], qtbot: Any
) -> None:
    box = open_box(REFUSING)
    qtbot.mouseClick(box._start, LEFT)
    delivered(background, qtbot, lambda: any(problems))
    assert problems[-1] == "fields.png: is torn; restore it"
    assert box._start.isEnabled()
    assert not box.progress.bar.isVisible()


def test_curves_hold_every_look_at_a_set() -> None:
    log = [
        {"epoch": 1, "epochs": 3, "loss": 0.5, "seconds_left": 20},
        {"epoch": 2, "epochs": 3, "loss": 0.4, "seconds_left": 10,
         "validation": {"check": {"f1": 0.8}, "guard": {"f1": 0.7}}},
        {"epoch": 3, "epochs": 3, "loss": 0.3, "seconds_left": 0,
         "validation": {"check": {"f1": 0.9}}},
    ]  # fmt: skip
    check, guard = scores(log)
    assert (check.name, check.points) == ("check fields", ((2, 80.0), (3, 90.0)))
    assert (guard.name, guard.points) == ("guard", ((2, 70.0),))
    assert check.colour != guard.colour


def test_progress_says_the_time_left_and_draws_the_curve(qtbot: Any) -> None:
    progress = shown(qtbot, FineTuneProgress())
    entries = [
        {"epoch": e, "epochs": 40, "loss": 0.5, "seconds_left": 9.0 * (40 - e),
         "validation": {"check": {"f1": 0.7 + e / 100}}}
        for e in range(1, 21)
    ]  # fmt: skip
    progress.show_log(entries)
    assert progress.state.text() == "epoch 20 of 40 · 3 min left"
    assert progress.bar.value() == 20
    assert progress.f1.accessibleDescription() == "check fields 90.0", "as in the table"
    drawn = coloured(progress.f1, scores(entries)[0].colour)
    assert drawn.any(axis=0).nonzero()[0].max() < 0.6 * progress.f1.width()  # half of the epochs


@pytest.mark.parametrize("learnt", [12, 7], ids=["all", "until the time was over"])
def test_while_the_new_model_is_scored_no_time_is_said_to_be_left(qtbot: Any, learnt: int) -> None:
    progress = shown(qtbot, FineTuneProgress())
    progress.show_log([{"epoch": learnt, "epochs": 12, "loss": 0.5, "seconds_left": 0.0}])
    assert progress.state.text().startswith(f"{learnt} epochs learnt; scoring the new model")
    assert progress.bar.maximum() == 0, "nobody knows when it ends"


def test_the_name_of_the_last_epoch_stands_where_no_curve_runs(qtbot: Any) -> None:
    plot = shown(qtbot, CurvePlot("loss", 3))

    def drawn(end: str) -> np.ndarray:
        plot.show_curves([Curve("training", "#8A929B", ((0, 0.9), (12, 0.1)))], 12, end)
        picture = plot.grab().toImage()
        size = range(picture.height()), range(picture.width())
        return np.array([[picture.pixelColor(x, y).name() for x in size[1]] for y in size[0]])

    differing = (drawn("epoch 12") != drawn("")).any(axis=1).nonzero()[0]
    assert differing.size, "it is written"
    assert differing.max() < HEAD_PX


def coloured(widget: Any, colour: str) -> np.ndarray:
    """Where a widget shows a colour below its heading: (height, width) bool."""
    picture = widget.grab().toImage()
    return np.array(
        [
            [picture.pixelColor(x, y).name() == colour.lower() for x in range(picture.width())]
            for y in range(20, picture.height())
        ]
    )
