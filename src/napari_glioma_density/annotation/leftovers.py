"""Clearing up what a crash left among a reader's corrections, and putting away removed fields."""

import re
from collections.abc import Collection
from itertools import count
from pathlib import Path

from napari_glioma_density.annotation.generations import keep_copy
from napari_glioma_density.annotation.manifest import IMAGES, LABELS
from napari_glioma_density.durable import sync_folder

HISTORY = "history"
_NAME = re.compile(r".+-r\d+-c\d+-\d+x\d+(-\d+)?")
"""Of a field; other files were put there by a person and are left alone."""


def clear_up(folder: Path, names: Collection[str]) -> None:
    """Remove half-written files, and put away fields that a crash kept out of the manifest."""
    for part in folder.rglob(".*.partial"):
        part.unlink(missing_ok=True)
    found = {path.stem for kind in (LABELS, IMAGES) for path in (folder / kind).glob("*.png")}
    for name in found - set(names):
        if _NAME.fullmatch(name):
            put_away(folder, name)


def put_away(folder: Path, name: str) -> None:
    """Move a field that no manifest lists to ``history/<name>.removed-<n>``.

    A picture whose labels were never written holds no work, and simply goes.
    """
    image, label = (folder / kind / f"{name}.png" for kind in (IMAGES, LABELS))
    history = folder / HISTORY / name
    if label.exists():
        history.mkdir(parents=True, exist_ok=True)
        keep_copy(label, history / "label.png")
        if image.exists():
            keep_copy(image, history / "image.png")
    if history.is_dir():
        sync_folder(history)
        history.rename(_free_name(history))
        sync_folder(history.parent)
    for path in (label, image):
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def _free_name(history: Path) -> Path:
    names = (history.with_name(f"{history.name}.removed-{number}") for number in count(1))
    return next(name for name in names if not name.exists())
