"""The line that says what went wrong, and the way on where there is one."""

import re
from pathlib import Path

from napari.utils.notifications import show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_glioma_density.results.location import places_of
from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import text
from napari_glioma_density.ui.session import Session

STYLE = "background: #7F1D1D; color: white; border-radius: 4px; padding: 6px;"


class ProblemLine(QWidget):  # type: ignore[misc]
    """Hidden while all is well; a slide that was merely doubted may be estimated anyway."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.line = text()
        self.line.setStyleSheet(STYLE)
        self.anyway = QPushButton("Estimate anyway")
        # As high as it needs, also where nothing else takes the room.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.line)
        layout.addWidget(self.anyway)
        self._later = QTimer(self)  # a part of the line, so that it ends with it
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._notify)
        self.connections = Connections()
        self.connections.add(self.anyway.clicked, session.estimating.begin_anyway)
        self.connections.add(session.problem, self._show)
        self._show("")

    def _show(self, problem: str) -> None:
        slide = self._session.slides.slide
        if slide is not None:
            problem = _without_file_name(problem, slide)
        self.line.setText(problem)
        self.anyway.setVisible(self._session.estimating.refused is not None)
        self.setVisible(bool(problem))
        if problem:  # once every dock has its line, laid out
            self._later.start(0)

    def _notify(self) -> None:
        """Have napari tell what no dock shows, because all are closed or behind others."""
        window: QWidget = self
        while window.parentWidget() is not None:
            window = window.parentWidget()
        lines = window.findChildren(ProblemLine) or [self]
        is_seen = any(not line.visibleRegion().isEmpty() for line in lines)
        if self.line.text() and not is_seen and lines[0] is self:
            show_warning(self.line.text())


def _without_file_name(problem: str, slide: Slide) -> str:
    """Name a slide by its pseudonym: errors name the file, which may be an accession number.

    Its store is named by the folder it lies in: there is no file of the slide's pseudonym.
    """
    for store in places_of(slide.path):
        place = f"results of {slide.pseudonym}, in {store.parent}"
        problem = place.join(_within(store).split(problem))
    return _named(slide.name).sub(slide.pseudonym, problem)


def _within(store: Path) -> re.Pattern[str]:
    """A store, or a file or folder of it."""
    return re.compile(rf"{re.escape(str(store))}(?:[/\\][^:\n]*)?")


def _named(file_name: str) -> re.Pattern[str]:
    """Where a problem names a file, alone or in a path; not where a word is the same."""
    return re.compile(rf"(?:^|(?<=[\s/\\])){re.escape(file_name)}(?=[:/\\]|\.glioma)")
