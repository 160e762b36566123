"""The legend of the density overlay, its scale, and how overlays are drawn."""

from dataclasses import replace

from magicgui.widgets import CheckBox, ComboBox, FloatSlider
from qtpy.QtWidgets import QGridLayout, QLabel, QWidget

from napari_glioma_density.density import PAPER_BANDS, BandScale
from napari_glioma_density.findings.snapshot import Bands
from napari_glioma_density.ui import words
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.dock.parts import Box, row, text
from napari_glioma_density.ui.session import Session

SWATCH_PX, BAR_PX = 18, 110
OF_PATCH = (
    "Bands go by nuclear area ÷ area of the patch, glass included, as in the paper. "
    "The headline, cells and hotspots divide by the tissue alone."
)
HATCHES = "Hatched: under half is tissue; grey: damaged\nfile; black lines and outline: left out"


class Legend(QWidget):  # type: ignore[misc]
    """Six rows: colour, limits, and the share of tissue as a bar and a figure."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(1)
        grid.setColumnStretch(3, 1)
        self._rows = [self._row(grid, index) for index in range(6)]
        self.show_bands(PAPER_BANDS, None)

    def show_bands(self, scale: BandScale, shares: tuple[float, ...] | None) -> None:
        """Show a scale and the share of each band, 0–1; None before anything was read."""
        for index, span in enumerate(scale.spans):
            swatch, name, bar, share = self._rows[index]
            colour = scale.colours[index]
            _colour(swatch, f"background: {colour}; border-radius: 3px;")
            _colour(bar, f"background: {colour};")
            name.setText(f"{span} %")
            part = shares[index] if shares else 0.0
            bar.setFixedWidth(round(part * BAR_PX))
            share.setText(words.percent(100 * part) if shares else "")

    @staticmethod
    def _row(grid: QGridLayout, index: int) -> tuple[QLabel, QLabel, QLabel, QLabel]:
        swatch, name, bar, share = QLabel(), QLabel(), QLabel(), QLabel()
        swatch.setFixedSize(SWATCH_PX, SWATCH_PX - 4)
        bar.setFixedHeight(8)
        for column, label in enumerate((swatch, name, bar, share)):
            grid.addWidget(label, index, column)
        return swatch, name, bar, share


def _colour(label: QLabel, style: str) -> None:
    """Set a style sheet; Qt reads it anew even if it is the same."""
    if label.styleSheet() != style:
        label.setStyleSheet(style)


class BandsBox(Box):
    """Legend and scale; re-banding never runs the network again."""

    def __init__(self, session: Session) -> None:
        super().__init__("Bands of nuclear area, % of patch", tip=OF_PATCH)
        self._session = session
        self._scale = ComboBox(
            name="scale",
            choices=[(str(bands), bands) for bands in Bands],
            value=session.choices.bands,
        )
        self._scale.native.setAccessibleName("Scale of bands")
        self._opacity = FloatSlider(
            name="opacity", value=session.overlays.opacity, min=0, max=1, readout=False
        )
        for part in self._opacity.native.findChildren(QWidget):
            part.setAccessibleName("Opacity of overlays")
        self._fill = CheckBox(text="Fill nuclei", value=session.overlays.filled)
        self._legend = Legend()
        drawing = row([text("Opacity", wrap=False), self._opacity.native, self._fill.native], 1)
        self.body.addWidget(self._legend)
        self.body.addWidget(text(HATCHES, quiet=True))
        self.body.addWidget(self._scale.native)
        self.body.addLayout(drawing)
        self.connections = Connections()
        self.connections.add(self._scale.changed, self._choose)
        self.connections.add(self._opacity.changed, session.overlays.set_opacity)
        self.connections.add(self._fill.changed, session.overlays.set_filled)
        self.connections.add(session.measured, self._show)
        self._show()

    def _choose(self, bands: str) -> None:
        self._session.choose(replace(self._session.choices, bands=Bands(bands)))

    def _show(self) -> None:
        snapshot = self._session.snapshot
        if snapshot is None:
            self._legend.show_bands(PAPER_BANDS, None)
        else:
            shares = snapshot.totals.bands if any(snapshot.totals.bands) else None
            self._legend.show_bands(snapshot.scale, shares)
