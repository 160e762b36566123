"""Attributes of a zarr group on disk, read and replaced whole."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import StoreError
from napari_glioma_density.json_object import json_object

GROUP_FILE = "zarr.json"


def read_attributes(folder: Path) -> dict[str, Any]:
    """Return the attributes of a group; StoreError when the folder is not a readable one."""
    try:
        attributes = json_object((folder / GROUP_FILE).read_bytes())["attributes"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{folder}: no readable results; move the folder away to start anew"
        ) from error
    if not isinstance(attributes, dict):
        raise damaged_attributes(folder)
    return attributes


def damaged_attributes(folder: Path) -> StoreError:
    """Return what to raise when attributes do not say what they should."""
    return StoreError(f"{folder}: attributes are damaged; move the folder away to start anew")


def now() -> str:
    """Return this moment, UTC, such that later ones come later in order."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def write_attributes(folder: Path, attributes: dict[str, Any]) -> None:
    """Replace the attributes of a group (made when absent); on disk when this returns."""
    node = {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    write_atomically(folder / GROUP_FILE, json.dumps(node, indent=2).encode())
