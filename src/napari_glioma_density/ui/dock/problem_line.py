"""The line that says what went wrong, and the way on where there is one."""

import re

from napari.utils.notifications import show_warning
from qtpy.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

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
        self.connections = Connections()
        self.connections.add(self.anyway.clicked, session.estimating.begin_anyway)
        self.connections.add(session.problem, self._show)
        self._show("")

    def _show(self, problem: str) -> None:
        slide = self._session.slides.slide
        if slide is not None:  # errors name the file, which may be an accession number
            problem = _named(slide.name).sub(slide.pseudonym, problem)
        self.line.setText(problem)
        self.anyway.setVisible(self._session.estimating.refused is not None)
        self.setVisible(bool(problem))
        if problem and not self.isVisible():  # the dock may be closed or behind another
            show_warning(problem)


def _named(file_name: str) -> re.Pattern[str]:
    """Where a problem names a file, alone or in a path; not where a word is the same."""
    return re.compile(rf"(?:^|(?<=[\s/\\])){re.escape(file_name)}(?=[:/\\]|\.glioma)")
