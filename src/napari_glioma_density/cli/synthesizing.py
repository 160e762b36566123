"""``glioma-density synthesize``: an H&E-like slide whose truth is known."""

from pathlib import Path
from typing import Annotated

import typer

from napari_glioma_density.cli.console import AsJson, Seed, progress_bar, show
from napari_glioma_density.cli.terminating import stopped_by_terminate


def synthesize(
    output: Annotated[Path, typer.Argument(help="OUT.tiff; its truth goes to OUT.truth.csv.")],
    width: Annotated[int, typer.Option(help="Level-0 px.")],
    height: Annotated[int, typer.Option(help="Level-0 px.")],
    um_per_px: Annotated[float, typer.Option(help="Level-0 resolution, µm/px.")],
    seed: Seed = 0,
    traps: Annotated[
        bool,
        typer.Option("--traps", help="With a fold, pen, blur …; outlined in OUT.traps.geojson."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw a pyramidal, JPEG-tiled, H&E-like slide and write its true density beside it."""
    from napari_glioma_density import synthesis

    with stopped_by_terminate(), progress_bar("drawing", "tiles") as bar:
        task = bar.add_task("", total=None)

        def on_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        truth = synthesis.synthesize(
            output, width, height, um_per_px, seed, traps=traps, on_progress=on_progress
        )
    made = {"slide": str(output), "truth": str(truth.csv)}
    if traps:
        made["traps"] = str(synthesis.traps_path(output))
    show(made, as_json)
