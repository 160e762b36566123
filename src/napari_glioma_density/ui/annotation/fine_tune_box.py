"""A new model from corrected fields: what it learns from, how it goes, and whether it is better."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from psygnal import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSpinBox,
)

from napari_glioma_density.ui.annotation.asking import ask
from napari_glioma_density.ui.annotation.data_sets import DataSetList
from napari_glioma_density.ui.annotation.fine_tune_figures import before_after
from napari_glioma_density.ui.annotation.fine_tune_job import Ended, FineTuneProcess
from napari_glioma_density.ui.annotation.fine_tune_progress import SCORING_BEFORE, FineTuneProgress
from napari_glioma_density.ui.annotation.fine_tune_task import FineTuneTask
from napari_glioma_density.ui.annotation.table import Figures, FigureTable
from napari_glioma_density.ui.annotation.tuned_models import (
    Parent,
    list_parents,
    log_of,
    remove_model,
)
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, form, row, text

BIG = "font-size: 11pt; font-weight: bold; padding: 6px;"
MINUTES, MOST_MINUTES = 10, 480
STOPPED = "stopped; started again under the same name, it goes on from there"
MakeJob = Callable[[Sequence[str], Path], FineTuneProcess]


class FineTuneBox(Box):
    """Starts and stops one fine-tuning at a time and follows it; the models are listed anew after.

    Parameters
    ----------
    background
        Where slow things are done.
    problem
        Takes one line to show; empty when all is well again.
    parents, remove, make_job
        Where models come from, how one is removed, and what runs the command.
    """

    model_made = Signal(str)
    model_removed = Signal(str)

    def __init__(
        self,
        background: Background,
        problem: Callable[[str], None],
        parents: Callable[[], tuple[Parent, ...]] = list_parents,
        remove: Callable[[str], str] = remove_model,
        make_job: MakeJob = FineTuneProcess,
    ) -> None:
        super().__init__("Fine-tune")
        self._background, self._problem = background, problem
        self._list_parents, self._remove_model, self._make_job = parents, remove, make_job
        self._parents: tuple[Parent, ...] = ()
        self._job: FineTuneProcess | None = None
        self._beginning = self._closed = False
        self.data_sets = DataSetList(background)
        self.progress = FineTuneProgress()
        self._table: FigureTable | None = None
        self._make_parts()
        self._lay_out()
        self.connections = Connections()
        self._connect()
        self._show_phase()
        self.refresh_models()

    def _make_parts(self) -> None:
        self._name = QLineEdit()
        self._name.setAccessibleName("Name of the new model")
        self._parent = QComboBox()
        self._parent.setAccessibleName("Model to go on from")
        self._remove = QPushButton("Remove model …")
        self._own = QMenu(self._remove)
        self._remove.setMenu(self._own)
        self._minutes = QSpinBox()
        self._minutes.setRange(1, MOST_MINUTES)
        self._minutes.setValue(MINUTES)
        self._minutes.setSuffix(" min at most")
        self._minutes.setAccessibleName("Minutes at most")
        self._start, self._stop = QPushButton("Fine-tune"), QPushButton("Stop")
        self._start.setStyleSheet(BIG)
        self._start.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._stop.setStyleSheet("font-size: 11pt; padding: 6px;")
        self._note = text()
        self._note.hide()

    def _lay_out(self) -> None:
        asked = form()
        asked.addRow("New model", self._name)
        models = row([self._parent, self._remove], stretch=0)
        models.setSpacing(6)
        asked.addRow("Go on from", models)
        asked.addRow("Time", self._minutes)
        self.body.addLayout(asked)
        self.body.addWidget(self.data_sets)
        self.body.addLayout(row([self._start, self._stop], stretch=0))
        self.body.addWidget(self.progress)
        self.body.addWidget(self._note)

    def _connect(self) -> None:
        self.connections.add(self._start.clicked, self.press)
        self.connections.add(self._stop.clicked, self.stop)
        self.connections.add(self.data_sets.changed, self._show_phase)

    @property
    def busy(self) -> bool:
        """Whether a model is being made."""
        return self._beginning or (self._job is not None and self._job.alive)

    def task(self) -> FineTuneTask:
        """Return what the box asks for."""
        return FineTuneTask(
            self._name.text().strip(),
            str(self._parent.currentData() or ""),
            self.data_sets.sets(),
            self._minutes.value(),
        )

    def press(self) -> None:
        """Start, as the button does; what stands in the way is told as a problem."""
        task = self.task()
        self._problem(task.fault)
        if not task.fault and not self.busy:
            self._beginning = True
            self._show_phase()
            self._background.submit(partial(log_of, task.name), partial(self._begin, task))

    def stop(self) -> None:
        """Stop what is being made."""
        if self._job is not None and self._job.alive:
            self._job.stop()
            self.progress.wait("stopping …")
            self._show_phase()

    def close_job(self) -> None:
        """End what is being made, and begin no more: the window or the dock is going."""
        self._closed = True
        if self._job is not None:
            self._job.close()

    def _begin(self, task: FineTuneTask, log: Path) -> None:
        if self._closed:
            return
        self._show_figures(None)
        self.progress.clear()
        self.progress.wait(SCORING_BEFORE)
        self._job = self._make_job(task.arguments(), log)
        self._job.progressed.connect(self._show_log)
        self._job.ended.connect(partial(self._end, task.name))
        self._beginning = False
        self._job.start()
        self._show_phase()

    def _show_log(self, log: list[dict[str, Any]]) -> None:
        if self._job is not None and not self._job.stopping:
            self.progress.show_log(log)

    def _end(self, name: str, ended: Ended) -> None:
        self.progress.bar.hide()
        self._problem(ended.problem)
        self.progress.say("" if ended.problem else STOPPED)
        if ended.result is not None:
            self.progress.say(f"{name} is ready: choose it under Model.")
            self._show_figures(before_after(ended.result))
            self.refresh_models()
            self.model_made.emit(name)
        self._show_phase()

    def _show_figures(self, figures: Figures | None) -> None:
        if self._table is not None:
            self.body.removeWidget(self._table)
            self._table.deleteLater()
            self._table = None
        if figures is not None:
            self._table = FigureTable(figures)
            self._table.setAccessibleName("Scores before and after")
            self.body.insertWidget(self.body.indexOf(self._note), self._table)
        self._note.setText(figures.note if figures else "")
        self._note.setVisible(bool(self._note.text()))

    def _show_phase(self) -> None:
        ready = not self.busy
        for part in (self._name, self._parent, self._remove, self._minutes, self.data_sets):
            part.setEnabled(ready)
        self._start.setEnabled(ready and bool(self._parents))
        self._stop.setEnabled(self._job is not None and self._job.alive and not self._job.stopping)

    def refresh_models(self) -> None:
        """List the models anew, in the background."""
        self._background.submit(self._list_parents, self._listed)

    def _listed(self, parents: tuple[Parent, ...]) -> None:
        chosen, self._parents = self._parent.currentData(), parents
        self._parent.clear()
        self._own.clear()
        for parent in parents:
            self._parent.addItem(parent.model.title, parent.model.name)
            if parent.own:
                self._own.addAction(parent.model.title, partial(self._ask, parent.model.name))
        self._parent.setCurrentIndex(max(self._parent.findData(chosen), 0))
        self._remove.setVisible(any(parent.own for parent in parents))
        self._suggest_name()
        self._show_phase()

    def _suggest_name(self) -> None:
        """Offer a name that is free, unless the user has begun one."""
        taken = {parent.model.name for parent in self._parents}
        if not self._name.text() or self._name.text() in taken:
            tried = (f"tuned-{number}" for number in range(1, len(taken) + 2))
            self._name.setText(next(name for name in tried if name not in taken))

    def _ask(self, name: str, _checked: bool = False) -> None:
        question = f"Remove the model {name}? Estimates made with it are kept."
        ask(self, "Remove model", question, partial(self._take_off, name))

    def _take_off(self, name: str) -> None:
        if not self._closed:
            self._background.submit(partial(self._remove_model, name), self._removed)

    def _removed(self, name: str) -> None:
        self.refresh_models()
        self.model_removed.emit(name)
