"""How long a dock lives: until it is taken out of the window, or the window closes."""

from collections.abc import Iterable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import (
    QApplication,
    QDockWidget,
    QFrame,
    QLineEdit,
    QMainWindow,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.letters import Letters
from napari_glioma_density.ui.dock.manners import teach_manners
from napari_glioma_density.ui.dock.parts import text
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.sessions import give_back_session

WIDTH = 416
STAYS_AFTER_MS = 1000
"""A window that is still there so long after it was to close, and asks no more, stays."""


class LivingDock(QWidget):  # type: ignore[misc]
    """A dock that lets go of the viewer in time, however it ends.

    What is to be closed goes on `life`, latest first; the session, shared with other docks, is
    given back last.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.life = ExitStack()
        self.life.callback(self._give_back)
        self.life.callback(Letters(self).close)
        self._connections = Connections()
        self._boxes: list[Any] = []
        self._window: QMainWindow | None = None
        self._closing = False
        self._has_place = False
        self._staying = QTimer(self)
        self._staying.setSingleShot(True)
        self._staying.timeout.connect(self._stay)
        self.is_taken_out = False
        self._connections.add(QApplication.instance().aboutToQuit, self.shut)
        # File dialogs, and a slide dropped on the window, leave the line typed into as it is.
        self._connections.add(session.slides.leaving, self._take_what_is_typed)
        # A window that was never shown dies without a sign but this; the boxes are gone by then.
        life = self.life  # a signal of the dock's own that held the dock would keep it for ever
        self.destroyed.connect(lambda _: life.close())

    def lay_out(self, head: Any, body: QWidget, boxes: Iterable[Any]) -> None:
        """Put `head` above `body` and the purpose below; `boxes` are what the body is made of.

        `head` and boxes have `connections`, which are closed when the dock shuts.
        """
        self._boxes = [head, *boxes]
        self.body = body
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 2, 6)
        for widget in (head, body, text(words.PURPOSE, quiet=True)):
            layout.addWidget(widget)
        teach_manners(self)

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Ask for the room that the boxes need, however large the letters are."""
        needed = super().minimumSizeHint()
        return QSize(max(WIDTH, needed.width()), needed.height())

    def event(self, event: QEvent) -> bool:
        """Follow the dock into a window; taken out of one for good, it shuts."""
        if event.type() == QEvent.Type.Show:
            self._enter_main_window()
        elif event.type() == QEvent.Type.ParentChange and self.parent() is None:
            self.is_taken_out = True
            self.shut()
        return bool(super().event(event))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Shut when the window closes; before it hides it may still ask, and stay."""
        if watched is not self._window:
            return False
        if event.type() == QEvent.Type.Close:
            # Closed by a program, napari has closed the canvas before: nothing may be drawn then.
            canvas = self._window.centralWidget().findChild(QOpenGLWidget)
            if canvas is not None and canvas.isVisible():
                self.finish_before_closing()
            self._closing = True
            self._staying.start(STAYS_AFTER_MS)
        elif event.type() == QEvent.Type.Hide and self._closing and not event.spontaneous():
            self.shut()  # otherwise the window was merely minimised
        return False

    def finish_before_closing(self) -> None:
        """Have done, with a word, what a window that closes would have to wait for."""

    def _stay(self) -> None:
        """Take the window for one that stays, unless it still asks."""
        if QApplication.activeModalWidget() is not None:
            self._staying.start(STAYS_AFTER_MS)
        else:
            self._closing = False

    def _enter_main_window(self) -> None:
        """Enter the main window, also where the dock floats above it in a window of its own."""
        above = self.parentWidget()
        while above is not None and not isinstance(above, QMainWindow):
            above = above.parentWidget()
        if above is not None:
            self.enter(above)

    def enter(self, window: QMainWindow) -> None:
        """Watch the window the dock was put into."""
        if window is not self._window:
            self._window = window
            window.installEventFilter(self)
            QTimer.singleShot(0, partial(self._share_place, window))

    def _share_place(self, window: QMainWindow) -> None:
        """Lie over the other dock of this program: side by side both would be too low to use."""
        with suppress(RuntimeError):  # closed meanwhile
            own = self.parent()
            if not isinstance(own, QDockWidget):  # taken out meanwhile
                return
            # On a tab there is room for its name alone.
            own.setWindowTitle(own.windowTitle().removesuffix(f" ({words.PLUGIN})"))
            # One that is opened at the same time comes to this one, not this one to it.
            others = (each for each in window.findChildren(LivingDock) if each._has_place)
            places = (each.parent() for each in others if each is not self)
            docked = (each for each in places if isinstance(each, QDockWidget))
            place = next((each for each in docked if not each.isFloating()), None)
            self._has_place = True
            if place is not None:
                if own not in window.tabifiedDockWidgets(place):
                    window.tabifyDockWidget(place, own)
                own.raise_()

    def shut(self) -> None:
        """Finish what is at work, save it, and let go of the viewer. Twice does no harm."""
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None
            self._take_what_is_typed()
        self._connections.close()
        for box in self._boxes:
            box.connections.close()
        self.life.close()

    def _take_what_is_typed(self) -> None:
        """Have what was typed without Enter taken, as when its box is left."""
        typed_into = self.focusWidget()
        if isinstance(typed_into, QLineEdit):
            typed_into.editingFinished.emit()

    def _give_back(self) -> None:
        self.session.former_docks.append(self)
        give_back_session(self.session, clear=self.is_taken_out)


class _Column(QScrollArea):  # type: ignore[misc]
    """Scrolls up and down alone: it asks for all the width that its parts need."""

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        height = super().minimumSizeHint().height()
        bar = self.verticalScrollBar().sizeHint().width()
        return QSize(self.widget().minimumSizeHint().width() + bar, height)


def scrolled(parts: Iterable[QWidget]) -> QScrollArea:
    """Return parts stacked in a column that scrolls when it is too long."""
    column = QWidget()
    stacked = QVBoxLayout(column)
    stacked.setContentsMargins(4, 4, 10, 4)
    stacked.setSpacing(7)
    for part in parts:
        stacked.addWidget(part)
    stacked.addStretch()
    scroll = _Column()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setWidget(column)
    return scroll
