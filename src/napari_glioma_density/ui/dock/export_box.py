"""Exporting results from napari, and importing drawings made in QuPath."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from magicgui.widgets import ComboBox
from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QFileDialog, QLineEdit, QProgressBar, QPushButton

from napari_glioma_density.errors import BadInput
from napari_glioma_density.exchange.exporting import Format, Wishes, export
from napari_glioma_density.findings.gathering import gather, open_run
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.last_wait import wait_for_export
from napari_glioma_density.ui.dock.parts import (
    Box,
    bring_into_view,
    keep_focus_elsewhere,
    row,
    text,
)
from napari_glioma_density.ui.session import Session

if TYPE_CHECKING:
    from napari_glioma_density.exchange.brought import Brought

Result = TypeVar("Result")
STOPPED = "The export was stopped; nothing is written, and what was there before is kept."
SO_FAR = "as far as is read"
"""Of an export while tissue that was asked for waits to be read."""
WHAT = {
    Format.GEOJSON: "QuPath (GeoJSON)",
    Format.OME_TIFF: "OME-TIFF",
    Format.OME_ZARR: "OME-Zarr",
    Format.CSV: "Tables (CSV)",
    Format.REPORT: "Report (HTML)",
}
SUFFIXES = {
    Format.GEOJSON: ".geojson",
    Format.OME_TIFF: ".ome.tiff",
    Format.OME_ZARR: ".ome.zarr",
    Format.REPORT: ".html",
}
"""Of files; tables are written into a folder."""
LANGUAGES = {"English": "en", "中文": "zh"}
QUPATH_FILES = "QuPath annotations (*.geojson *.json *.gz *.zip)"


class ExportStopped(BadInput):
    """Somebody would not wait for an export."""


class ExportBox(Box):
    """Each export runs in the background; a line says what is written and where it went.

    It can be stopped at every part that it writes; a window that closes waits, and says so.
    """

    idle = Signal()
    """Nothing is written or read any more."""

    def __init__(self, session: Session) -> None:
        super().__init__("Export")
        self._session = session
        self._at_work = 0
        self._stopped = Event()
        self._make_parts()
        self.body.addLayout(row([self._kind.native, self._go], stretch=0))
        self.body.addLayout(row([self._language.native, self._case], stretch=1))
        self.body.addLayout(row([self._bar, self._halt], stretch=0))
        self.body.addWidget(self._said)
        self.body.addWidget(self._bring)
        self.connections = Connections()
        self.connections.add(self._kind.changed, self._choose)
        self.connections.add(self._go.clicked, self._ask_path)
        self.connections.add(self._halt.clicked, self.stop)
        self.connections.add(self._bring.clicked, self._ask_import)
        self.connections.add(session.measured, self._enable)
        self.connections.add(session.slides.changed, self._forget_slide)
        self._choose()
        self._show_work()

    def _make_parts(self) -> None:
        self._kind = ComboBox(choices=[(name, kind) for kind, name in WHAT.items()])
        self._kind.native.setAccessibleName("What to export")
        self._go = QPushButton("Export …")
        keep_focus_elsewhere(self._go)
        self._language = ComboBox(choices=list(LANGUAGES.items()))
        self._language.native.setAccessibleName("Language of the report")
        self._case = QLineEdit()
        self._case.setPlaceholderText("Case id, if wanted")
        self._case.setAccessibleName("Case id")
        self._case.setToolTip("Written into the report, and nowhere else")
        self._bar = QProgressBar()
        self._bar.setRange(0, 0)
        self._bar.setMaximumHeight(6)
        self._halt = QPushButton("Stop")
        self._halt.setToolTip("Write no more; what was there before is kept")
        keep_focus_elsewhere(self._halt)
        self._said = text(quiet=True)
        self._bring = QPushButton("Import from QuPath …")
        self._bring.setToolTip("Annotations drawn in QuPath become regions and corrections")

    def write(self, path: Path) -> None:
        """Export what is chosen to a path, in the background."""
        session, shown, snapshot = self._session, self._session.shown, self._session.snapshot
        if shown is None or snapshot is None:
            return
        to, choices, scope = Format(self._kind.value), session.choices, snapshot.scope
        slide, specimen = session.slides.slide, session.slides.specimen.stored
        wishes = Wishes(slide, str(self._language.value), self._case.text().strip())

        def write() -> str:
            run = open_run(shown.store, shown.spec.run_id)
            findings = gather(shown.store, run, choices, scope, specimen=specimen)
            what = export(findings, to, path, wishes, on_progress=self._halt_if_stopped)
            return what if findings.snapshot.totals.complete else f"{what}; {SO_FAR}"

        self._stopped.clear()
        self._begin(write, f"Writing {path.name} …", lambda what: f"Written: {path} ({what})")
        self._halt.show()

    def stop(self) -> None:
        """Write no more than the part begun; nothing of the export stays."""
        self.give_up()
        self._halt.setEnabled(False)

    def give_up(self) -> None:
        """Stop it where nobody looks on any more."""
        self._stopped.set()

    def finish_before_closing(self) -> None:
        """Wait for what is written or read, with a word, unless the person stops it."""
        if self._at_work:
            stop = None if self._halt.isHidden() else self.stop  # an import is all or nothing
            wait_for_export(self._said.text(), self.idle, stop, self.window())

    def _halt_if_stopped(self, _done: int, _all: int) -> None:
        if self._stopped.is_set():
            raise ExportStopped(STOPPED)

    def read(self, path: Path) -> None:
        """Import a GeoJSON file, in the background."""
        session, shown, slide = self._session, self._session.shown, self._session.slides.slide
        if shown is None:
            return
        session.importing.emit()

        def bring() -> "Brought":
            from napari_glioma_density.exchange.importing import import_geojson  # brings torch

            held = session.corrections()
            return import_geojson(shown.store, path, slide=slide, corrections=held)

        def tell(brought: "Brought") -> str:
            session.exclusions.refresh()
            if session.slides.slide is slide:
                session.imported.emit(brought.before)
            return f"Read from {path.name}: {brought}"

        self._begin(bring, f"Reading {path.name} …", tell)

    def _begin(self, work: Callable[[], Result], doing: str, tell: Callable[[Result], str]) -> None:
        self._session.problem.emit("")
        self._at_work += 1
        self._said.setText(doing)
        self._show_work()
        told: list[str] = []

        def done() -> Result:
            self._session.bring_to_disk()
            return work()

        def finish() -> None:
            self._at_work -= 1
            self._said.setText(told[0] if told else "")
            self._show_work()
            self.idle.emit()
            QTimer.singleShot(0, self._bring_line_into_view)  # once Qt has laid it out

        self._session.background.submit(done, lambda result: told.append(tell(result)), finish)

    def _bring_line_into_view(self) -> None:
        with suppress(RuntimeError):  # closed meanwhile
            bring_into_view(self._said)

    def _choose(self, _kind: str = "") -> None:
        for part in (self._language.native, self._case):
            part.setVisible(Format(self._kind.value) is Format.REPORT)

    def _forget_slide(self) -> None:
        """What was said of one slide is not to be read, or written, of another."""
        self._case.clear()
        if not self._at_work:
            self._said.clear()
            self._show_work()

    def _enable(self) -> None:
        estimated = self._session.shown is not None
        self._go.setEnabled(estimated and not self._at_work)
        self._bring.setEnabled(estimated and not self._at_work)

    def _show_work(self) -> None:
        self._bar.setVisible(bool(self._at_work))
        self._halt.hide()
        self._halt.setEnabled(True)
        self._said.setVisible(bool(self._said.text()))
        self._enable()

    def _ask_path(self) -> None:
        kind, slide = Format(self._kind.value), self._session.slides.slide
        beside = slide.path.parent if slide else Path()
        if kind is Format.CSV:
            chosen = QFileDialog.getExistingDirectory(self, "Write tables into …", str(beside))
        else:
            name = f"{slide.pseudonym if slide else 'slide'}{SUFFIXES[kind]}"
            chosen, _ = QFileDialog.getSaveFileName(
                self,
                f"Write {WHAT[kind]} as …",
                str(beside / name),
                f"{WHAT[kind]} (*{SUFFIXES[kind]})",
            )
        if chosen:
            self.write(_with_suffix(Path(chosen), SUFFIXES.get(kind, "")))

    def _ask_import(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self, "Import from QuPath", "", QUPATH_FILES)
        if chosen:
            self.read(Path(chosen))


def _with_suffix(path: Path, suffix: str) -> Path:
    """Return a path that ends as its kind asks, such as in .ome.tiff."""
    return path if path.name.lower().endswith(suffix) else path.with_name(path.name + suffix)
