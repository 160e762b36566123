"""Tables and a picture of what the screen shows."""

from pathlib import Path

from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.heatmap import write_heatmap
from napari_glioma_density.results.tables import write_grid_csv, write_patches_csv
from napari_glioma_density.ui.snapshot import Snapshot


def save_tables(folder: Path, snapshot: Snapshot) -> Path:
    """Write patches.csv, grid.csv and heatmap.png; return the folder.

    Raises
    ------
    StoreError
        When the folder cannot be written.
    """
    patches, scope, scale = snapshot.patches, snapshot.scope, snapshot.scale
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_patches_csv(folder / "patches.csv", patches, scope, scale)
        write_grid_csv(folder / "grid.csv", snapshot.cells)
        write_heatmap(folder / "heatmap.png", patches, snapshot.grid, scale, scope)
    except OSError as error:
        reason = error.strerror or error
        raise StoreError(f"{folder}: cannot be written ({reason}): choose another") from error
    return folder
