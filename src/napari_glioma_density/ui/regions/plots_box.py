"""How the patches of the slide spread over densities and bands."""

import time
from functools import partial
from typing import TYPE_CHECKING

from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, text
from napari_glioma_density.ui.regions.plot_picture import PlotPicture
from napari_glioma_density.ui.session import Session

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAUSE_S = 2.0
"""Between two drawings while an estimate goes on."""
NOTHING = "Nothing is measured yet."


class PlotsBox(Box):
    """Two plots of what the screen shows; drawn only while somebody can see them."""

    def __init__(self, session: Session) -> None:
        super().__init__("Plots of this slide")
        self._session = session
        self._note = text(NOTHING, quiet=True)
        self.histogram = PlotPicture(session.background, "patch densities")
        self.shares = PlotPicture(session.background, "bands")
        for part in (self._note, self.histogram, self.shares):
            self.body.addWidget(part)
        self.connections = Connections()
        self.connections.add(session.measured, self._forget_slide)
        self._drawn: object = None
        self._next = 0.0

    def tick(self) -> None:
        """Draw anew when it is due."""
        snapshot = self._session.snapshot
        if snapshot is None or snapshot is self._drawn or not self.isVisible():
            return
        if time.monotonic() >= self._next:
            self._drawn, self._next = snapshot, time.monotonic() + PAUSE_S
            self._note.setVisible(False)
            self.histogram.show_plot(partial(_histogram, snapshot))
            self.shares.show_plot(partial(_shares, snapshot))

    def _forget_slide(self) -> None:
        if self._session.snapshot is None:
            self._drawn = None
            self._note.setVisible(True)
            self.histogram.clear()
            self.shares.clear()


def _histogram(snapshot: Snapshot) -> "Figure":
    from napari_glioma_density.exchange.plots import draw_patch_histogram

    return draw_patch_histogram(snapshot.patches, snapshot.scale, snapshot.scope)


def _shares(snapshot: Snapshot) -> "Figure":
    from napari_glioma_density.exchange.plots import draw_band_shares

    return draw_band_shares(snapshot.totals, snapshot.scale)
