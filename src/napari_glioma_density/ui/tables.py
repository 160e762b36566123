"""Tables and a picture of what the screen shows."""

from dataclasses import replace
from pathlib import Path

from napari_glioma_density.exchange.tables import write_tables
from napari_glioma_density.findings.gathering import gather
from napari_glioma_density.findings.snapshot import Bands, Choices, Snapshot
from napari_glioma_density.results import ResultStore
from napari_glioma_density.results.specimen import Specimen
from napari_glioma_density.ui.stored import ShownRun


def save_tables(
    folder: Path,
    shown: ShownRun,
    snapshot: Snapshot,
    choices: Choices,
    specimen: Specimen | None = None,
) -> Path:
    """Write what ``glioma-density estimate`` writes of a run, summed up as it is on the screen.

    The run is read from its store again, as far as it has come, so this may be called from any
    thread while it grows. Corrections and exclusions count as far as they are on disk. Bands alone
    are those of the paper whatever the screen shows, so that tables compare.

    Parameters
    ----------
    folder
        Where to; made when it is not there.
    shown
        The run.
    snapshot
        What is shown of it; gives the scope.
    choices
        How it is summed up: section, side of a grid cell, and what ranks hotspots.
    specimen
        How the tissue was prepared; as the store has it when None.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    StoreError
        When the folder cannot be written, or the store cannot be read.
    """
    run = ResultStore(shown.store).run(shown.spec.run_id)
    choices = replace(choices, bands=Bands.PAPER)
    write_tables(folder, gather(shown.store, run, choices, snapshot.asked, specimen=specimen))
    return folder
