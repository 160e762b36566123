"""How the tissue of a slide was prepared, as a person said of it beside its results."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal, get_args

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.json_object import json_object
from napari_glioma_density.results.failures import explained

Specimen = Literal["unknown", "ffpe", "frozen", "smear"]
SPECIMENS: Final[tuple[Specimen, ...]] = get_args(Specimen)
NOT_VALIDATED: Final[tuple[Specimen, ...]] = ("frozen", "smear")
"""Specimens of which none was among those that models were validated on."""
ASKED: Final = "asked.json"
"""File of a store: what a person last chose for its slide."""


def stored_specimen(store: Path) -> Specimen:
    """Return what a person chose; ``unknown`` where nobody did, or it is damaged."""
    said = stored_choices(store).get("specimen")
    return next((each for each in SPECIMENS if each == said), "unknown")


def keep_specimen(store: Path, specimen: Specimen) -> None:
    """Write it into a store, beside all else that was chosen.

    Raises
    ------
    StoreError
        When the disk is full or refuses.
    """
    content = stored_choices(store) | {"specimen": specimen}
    with explained(store / ASKED, "free some space, then begin again"):
        write_atomically(store / ASKED, json.dumps(content).encode())


def stored_choices(store: Path) -> dict[str, Any]:
    """Return all that was last chosen for a slide; nothing where nobody did, or it is damaged."""
    with suppress(OSError, ValueError):
        return json_object((store / ASKED).read_bytes())
    return {}
