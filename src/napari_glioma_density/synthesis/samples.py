"""Slides to try the program on: one made up, one downloaded."""

import hashlib
import json
import os
from pathlib import Path

import platformdirs
import pooch
from filelock import FileLock

from napari_glioma_density.errors import BadInput
from napari_glioma_density.json_object import json_object
from napari_glioma_density.synthesis.layout import Layout
from napari_glioma_density.synthesis.synthesize import synthesize
from napari_glioma_density.synthesis.truth import truth_path

SAMPLE_NAME = "synthetic-glioma.tiff"
CMU_NAME = "CMU-1-Small-Region.svs"
CMU_URL = f"https://openslide.cs.cmu.edu/download/openslide-testdata/Aperio/{CMU_NAME}"
CMU_SHA256 = "ed92d5a9f2e86df67640d6f92ce3e231419ce127131697fbbce42ad5e002c8a7"

# Raise the edition when the drawing changes, so that slides kept from before are made anew.
_EDITION = 1
_LAYOUT = Layout(width=6000, height=4800, um_per_px=0.5, seed=7)


def sample_folder() -> Path:
    """Return the folder in the user's cache where sample slides are kept."""
    return Path(platformdirs.user_cache_dir("glioma-density")) / "samples"


def sample_slide(folder: Path | None = None) -> Path:
    """Return the synthetic sample slide, made on first use and then kept.

    A manifest with the slide's hash is written last: a slide without one, or one that does not
    fit, is made again. A lock keeps two processes from making it twice.

    Parameters
    ----------
    folder
        Where to keep it; `sample_folder()` by default.

    Raises
    ------
    BadInput
        When the folder cannot be written.
    """
    home = _made(folder)
    slide, manifest = home / SAMPLE_NAME, home / f"{SAMPLE_NAME}.json"
    try:
        with FileLock(home / f"{SAMPLE_NAME}.lock"):
            if not _is_whole(slide, manifest):
                _make_sample(slide, manifest)
    except OSError as error:
        raise BadInput(
            f"{SAMPLE_NAME}: cannot be kept in {home} ({error.strerror or error}); "
            "make that folder writable"
        ) from error
    return slide


def fetch_cmu_small_region(folder: Path | None = None, url: str = CMU_URL) -> Path:
    """Download OpenSlide's public test slide CMU-1-Small-Region.svs, its hash checked.

    Parameters
    ----------
    folder
        Where to keep it; `sample_folder()` by default. A file already there is used when its
        hash is right.
    url
        Where it comes from.

    Raises
    ------
    BadInput
        Without a network, or when what came is not that slide.
    """
    home = _made(folder)
    try:
        found = pooch.retrieve(url, f"sha256:{CMU_SHA256}", CMU_NAME, home, progressbar=False)
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{CMU_NAME}: could not be downloaded ({_first_line(error)}); get it by hand from "
            f"{CMU_URL} and put it into {home}"
        ) from error
    return Path(found)


def _made(folder: Path | None) -> Path:
    home = folder or sample_folder()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{home}: the folder for sample slides cannot be made ({error.strerror}); "
            "name another one"
        ) from error
    return home


def _is_whole(slide: Path, manifest: Path) -> bool:
    """Tell whether the slide is the one this program makes, to the last byte."""
    if not (slide.is_file() and truth_path(slide).is_file() and manifest.is_file()):
        return False
    try:
        recorded = json_object(manifest.read_bytes())
    except ValueError:  # cut short by a kill: then the slide is not to be trusted either
        return False
    return bool(recorded == _manifest(slide))


def _manifest(slide: Path) -> dict[str, object]:
    """Return what was asked for and what lies on disk."""
    made = {path.name: _sha256(path) for path in (slide, truth_path(slide))}
    return {"edition": _EDITION, "layout": vars(_LAYOUT), "sha256": made}


def _make_sample(slide: Path, manifest: Path) -> None:
    for damaged in (manifest, slide, truth_path(slide)):
        damaged.unlink(missing_ok=True)
    synthesize(slide, _LAYOUT.width, _LAYOUT.height, _LAYOUT.um_per_px, _LAYOUT.seed)
    record = json.dumps(_manifest(slide), indent=1)
    partial = manifest.with_name(f".{manifest.name}.{os.getpid()}.partial")
    partial.write_text(record, encoding="utf-8")
    partial.replace(manifest)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
