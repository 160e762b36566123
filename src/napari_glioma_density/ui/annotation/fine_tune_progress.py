"""How far fine-tuning is, and whether it helps: a bar, time left, and two small plots."""

from collections.abc import Sequence
from typing import Any, Final

from qtpy.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from napari_glioma_density.ui.annotation.curve_plot import Curve, CurvePlot
from napari_glioma_density.ui.annotation.fine_tune_figures import set_name
from napari_glioma_density.ui.dock.parts import text
from napari_glioma_density.ui.words import duration

COLOURS: Final = ("#1FA2C4", "#E08A1E", "#9B6FD3", "#4FA34F")
LOSS_COLOUR: Final = "#8A929B"
SCORING_BEFORE: Final = "scoring the model as it is, before it learns …"
SCORING_AFTER: Final = "scoring the new model on check fields and guard sets …"
F1_MEANS: Final = (
    "While it learns, at the threshold of the model it goes on from. The new model's own threshold "
    "is chosen at the end, and the table then says what it scores with that."
)
Log = Sequence[dict[str, Any]]


class FineTuneProgress(QWidget):  # type: ignore[misc]
    """Shows the log of a training run; hidden parts come with the figures they show."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(8)
        self.state = text(quiet=True)
        self.f1, self.loss = CurvePlot("F1, %", 1), CurvePlot("Loss", 3)
        self.f1.setToolTip(F1_MEANS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(5)
        for part in (self.bar, self.state, self.f1, self.loss):
            layout.addWidget(part)
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        for part in (self.bar, self.state, self.f1, self.loss):
            part.hide()

    def wait(self, said: str) -> None:
        """Say that something is under way of which no end is known yet."""
        self.bar.setRange(0, 0)
        self.bar.show()
        self.say(said)

    def say(self, said: str) -> None:
        """Say something in the line below the bar."""
        self.state.setText(said)
        self.state.setVisible(bool(said))

    def show_log(self, log: Log) -> None:
        """Show how far the run is by its log: one entry an epoch, as the trainer writes it."""
        latest = log[-1]
        epoch, epochs = int(latest["epoch"]), int(latest["epochs"])
        if latest["seconds_left"] > 0:  # or the time is over before all epochs are learnt
            self.bar.setRange(0, epochs)
            self.bar.setValue(epoch)
            self.bar.show()
            self.say(f"epoch {epoch} of {epochs} · {duration(latest['seconds_left'])} left")
        else:
            self.wait(f"{epoch} epochs learnt; {SCORING_AFTER}")
        end = f"epoch {epochs}"
        self.loss.show_curves([Curve("training", LOSS_COLOUR, losses(log))], epochs, end)
        self.f1.show_curves(scores(log), epochs, end)
        self.loss.show()
        self.f1.setVisible(any("validation" in entry for entry in log))


def losses(log: Log) -> tuple[tuple[float, float], ...]:
    """Return (epoch, loss) of every entry."""
    return tuple((entry["epoch"], entry["loss"]) for entry in log)


def scores(log: Log) -> tuple[Curve, ...]:
    """Return one curve of F1 in percent for each set that was looked at."""
    looked = [(entry["epoch"], entry["validation"]) for entry in log if "validation" in entry]
    names = dict.fromkeys(name for _, sets in looked for name in sets)
    return tuple(
        Curve(
            set_name(name),
            COLOURS[index % len(COLOURS)],
            tuple((epoch, 100 * sets[name]["f1"]) for epoch, sets in looked if name in sets),
        )
        for index, name in enumerate(names)
    )
