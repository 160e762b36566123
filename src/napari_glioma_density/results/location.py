"""Where the results of a slide are kept."""

import hashlib
import tempfile
from pathlib import Path

import platformdirs

STORE_SUFFIX = ".glioma.zarr"


def store_path(slide_path: str | Path, folder: str | Path | None = None) -> Path:
    """Return where the store of a slide belongs; nothing is created.

    That is in `folder`, if given; else wherever the slide has a store already, because a second
    store would hide what was drawn and corrected in the first; else beside the slide, or in the
    user's data folder if the slide's folder cannot be written to.
    """
    slide = Path(slide_path).absolute()
    if folder is not None:
        return Path(folder) / f"{slide.name}{STORE_SUFFIX}"
    found = find_store(slide)
    if found is not None:
        return found
    beside = _beside(slide)
    return beside if _is_writable(beside.parent) else _in_user_data(slide)


def find_store(slide_path: str | Path) -> Path | None:
    """Return the store that a slide already has, beside it or in the user's data folder.

    If it has two, return the one beside it, unless that folder cannot be written to.
    """
    slide = Path(slide_path).absolute()
    there = [path for path in places_of(slide) if path.is_dir()]
    if len(there) == 2 and not _is_writable(slide.parent):
        return there[1]
    return there[0] if there else None


def places_of(slide_path: str | Path) -> tuple[Path, Path]:
    """Return where the store of a slide may lie: beside it, and in the user's data folder."""
    slide = Path(slide_path).absolute()
    return _beside(slide), _in_user_data(slide)


def _beside(slide: Path) -> Path:
    return slide.parent / f"{slide.name}{STORE_SUFFIX}"


def _in_user_data(slide: Path) -> Path:
    """Name the store after the slide's place too: many scanners number slides anew every day."""
    place = hashlib.sha256(str(slide).encode(errors="surrogateescape")).hexdigest()[:8]
    data = platformdirs.user_data_path("glioma-density", appauthor=False)
    return data / f"{slide.name}-{place}{STORE_SUFFIX}"


def _is_writable(folder: Path) -> bool:
    """Try it: permission bits say nothing about network shares and read-only mounts."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
