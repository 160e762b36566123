"""Learning curves as a picture: loss and F1 over epochs, learning rate and drop rate below."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INCHES: Final = (9.0, 7.5)
DOTS_PER_INCH: Final = 110
MARKERS: Final = "osD^vPX*"

Log = Sequence[dict[str, Any]]


def draw_learning_curves(log: Log, title: str) -> bytes:
    """The picture of :func:`learning_curves` as PNG."""
    # matplotlib takes a while to import, and only this picture needs it.
    from napari_glioma_density.lettering import lettered

    png = io.BytesIO()
    with lettered():
        learning_curves(log, title).savefig(png, format="png", dpi=DOTS_PER_INCH)
    return png.getvalue()


def learning_curves(log: Log, title: str) -> "Figure":
    """Draw a training log.

    Parameters
    ----------
    log
        Entries of :func:`trainer.train`, one an epoch, at least one.
    title
        What was trained.
    """
    from napari_glioma_density.lettering import drawable  # before all else: it imports matplotlib

    # isort: split
    # No pyplot, so that no state is shared with a program that draws its own figures.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    loss, f1, pace = figure.subplots(3, 1, sharex=True, height_ratios=(3, 4, 1.6))
    _draw_loss(loss, log)
    _draw_f1(f1, log)
    _draw_pace(pace, log)
    figure.suptitle(drawable(title))
    return figure


def _epochs(log: Log) -> list[int]:
    return [entry["epoch"] for entry in log]


def _draw_loss(axes: Any, log: Log) -> None:
    axes.plot(_epochs(log), [entry["loss"] for entry in log], color="black", linewidth=1.5)
    axes.set_ylabel("training loss")
    axes.grid(alpha=0.3)
    axes.set_xlim(0.5, log[-1]["epochs"] + 0.5)


def _draw_f1(axes: Any, log: Log) -> None:
    from napari_glioma_density.lettering import drawable

    looked = [entry for entry in log if "validation" in entry]
    lines, labels = [], []
    for at, name in enumerate(looked[-1]["validation"] if looked else ()):
        scores = [entry["validation"][name]["f1"] for entry in looked]
        lines += axes.plot(_epochs(looked), scores, f"{MARKERS[at % len(MARKERS)]}-")
        labels.append(f"{drawable(name)}: {scores[-1]:.3f}")
    if looked:
        # Lines by name: a legend of its own accord leaves out names that begin with _.
        style = {"loc": "best", "fontsize": "small", "title_fontsize": "small"}
        axes.legend(lines, labels, title="last F1", **style)
    else:
        axes.text(0.5, 0.5, "no validation sets", ha="center", transform=axes.transAxes)
    axes.set_ylabel("validation F1\n(threshold not yet set)")
    axes.grid(alpha=0.3)


def _draw_pace(axes: Any, log: Log) -> None:
    axes.plot(_epochs(log), [entry["learning_rate"] for entry in log], color="tab:blue")
    axes.set_ylabel("learning rate", color="tab:blue")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)
    drop = axes.twinx()
    drop.plot(_epochs(log), [entry["drop_rate"] for entry in log], color="tab:red", linestyle="--")
    drop.set_ylabel("R_drop", color="tab:red")
    drop.set_ylim(bottom=0, top=max(0.01, 1.1 * max(entry["drop_rate"] for entry in log)))
