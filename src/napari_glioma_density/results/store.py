"""The store of one slide: its runs side by side, never mixed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from filelock import BaseFileLock
from numpy.typing import NDArray

from napari_glioma_density.durable import sync_folder
from napari_glioma_density.errors import StoreError
from napari_glioma_density.results.attributes import (
    GROUP_FILE,
    damaged_attributes,
    now,
    read_attributes,
    write_attributes,
)
from napari_glioma_density.results.failures import BLOCKS_ARE_KEPT, explained
from napari_glioma_density.results.layout import create_run
from napari_glioma_density.results.locking import take_lock
from napari_glioma_density.results.recorded import recorded_learnt, recorded_spec
from napari_glioma_density.results.run import Run
from napari_glioma_density.results.spec import RunSpec

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RecordedSlide:
    """The slide of a store: its name there, and its size in level-0 px."""

    pseudonym: str
    width: int
    height: int


class ResultStore:
    """`<slide file name>.glioma.zarr`: a zarr v3 group with one group a run.

    Opening an existing store writes nothing, so that results can be viewed on read-only media
    and while another program adds to them.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def open(
        cls, path: str | Path, slide_fingerprint: str, pseudonym: str, width: int, height: int
    ) -> Self:
        """Open the store of a slide, made when absent.

        Parameters
        ----------
        path
            As `store_path` names it.
        slide_fingerprint, pseudonym, width, height
            The slide: what tells it from others, its name in the store, its size in level-0 px.

        Raises
        ------
        StoreError
            When the store is damaged, of another slide or a newer version, or cannot be made.
        """
        store = Path(path)
        slide = {
            "fingerprint": slide_fingerprint,
            "pseudonym": pseudonym,
            "width": width,
            "height": height,
        }
        with explained(store):
            if not (store / GROUP_FILE).exists():
                _create(store, slide)
        _check(store, read_attributes(store), slide_fingerprint)
        return cls(store)

    def runs(self) -> tuple[RunSpec, ...]:
        """Return what the store's runs were made with, the one last estimated last.

        A run that was resumed counts as estimated at that moment, even if nothing was left to do:
        its figures are those that the user saw last.
        """
        with explained(self.path):
            folders = [folder for folder in self._runs.iterdir() if _is_run(folder)]
        opened = [(read_attributes(folder), folder) for folder in folders]
        opened.sort(key=lambda run: (_last_estimated(run[0]), run[1].name))
        return tuple(recorded_spec(folder, attributes) for attributes, folder in opened)

    def holds(self, run_id: str) -> bool:
        """Whether a run of that id was begun."""
        folder = self._runs / run_id
        return folder.parent == self._runs and _is_run(folder)

    def run(self, run_id: str) -> Run:
        """Open a run for reading; StoreError when there is none of that id."""
        if not self.holds(run_id):
            raise StoreError(f"{self.path}: holds no run {run_id!r}: estimate the density first")
        return Run(self._runs / run_id)

    def learnt(self, run_id: str) -> frozenset[str]:
        """Return digests of the pictures that a run's model learnt from, as far as it tells."""
        if not self.holds(run_id):
            return frozenset()
        return recorded_learnt(read_attributes(self._runs / run_id))

    def begin(self, spec: RunSpec, tissue: NDArray[np.uint8]) -> Run:
        """Open for writing the run that gives the numbers of `spec`: a new one, or resumed.

        A resumed run keeps the specification and tissue map it began with: obey `run.spec`. Only
        the source of its µm/px is taken from `spec`: what was an estimate then may be known now.

        Parameters
        ----------
        spec
            What the run is to be made with.
        tissue
            uint8, one value per 16×16 working px, 0 for background.

        Raises
        ------
        StoreError
            When another program writes to the run, or the store cannot be written.
        """
        return self._begin(spec, tissue, anew=False)

    def restart(self, spec: RunSpec, tissue: NDArray[np.uint8]) -> Run:
        """Open the run of `spec` for writing after throwing its earlier results away."""
        return self._begin(spec, tissue, anew=True)

    def _begin(self, spec: RunSpec, tissue: NDArray[np.uint8], *, anew: bool) -> Run:
        folder = self._runs / spec.run_id
        lock = self._lock(spec.run_id)
        with _released_on_error(lock), explained(self.path, BLOCKS_ARE_KEPT):
            if anew or not _is_run(folder):
                self._replace(folder, spec, tissue)
            else:
                write_attributes(folder, _resumed(read_attributes(folder), spec))
            return Run(folder, lock)

    def _replace(self, folder: Path, spec: RunSpec, tissue: NDArray[np.uint8]) -> None:
        """Make the new run whole before the old one goes, so that a crash leaves one of them."""
        new, old = (folder.with_name(f".{word}-{folder.name}") for word in ("new", "old"))
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        create_run(new, spec, tissue)
        if folder.exists():
            folder.rename(old)
        new.rename(folder)
        sync_folder(folder.parent)
        shutil.rmtree(old, ignore_errors=True)

    def _lock(self, run_id: str) -> BaseFileLock:
        busy = "is being written by another program: wait for it, or stop it"
        return take_lock(self._runs / f".{run_id}.lock", self.path, busy)

    @property
    def _runs(self) -> Path:
        return self.path / "runs"


def recorded_slide(store: Path) -> RecordedSlide:
    """Return the slide that a store is of; StoreError when its attributes do not say."""
    slide: Any = read_attributes(store).get("slide")
    try:
        return RecordedSlide(str(slide["pseudonym"]), int(slide["width"]), int(slide["height"]))
    except (LookupError, TypeError, ValueError) as error:
        raise damaged_attributes(store) from error


def _resumed(attributes: dict[str, Any], spec: RunSpec) -> dict[str, Any]:
    """Return attributes of a run that goes on: the same numbers, but µm/px as it is known now."""
    resumed, kept = {**attributes, "resumed": now()}, attributes.get("spec")
    if isinstance(kept, dict) and kept.get("um_per_px") == spec.um_per_px:
        resumed["spec"] = {**kept, "um_per_px_source": spec.um_per_px_source}
    return resumed


def _last_estimated(attributes: dict[str, Any]) -> str:
    return str(attributes.get("resumed", attributes.get("created")))


def _is_run(folder: Path) -> bool:
    return not folder.name.startswith(".") and (folder / GROUP_FILE).is_file()


def _create(store: Path, slide: dict[str, Any]) -> None:
    """Write the root last: a store without it was never finished and is simply made again."""
    runs = store / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    write_attributes(runs, {})
    write_attributes(store, {"schema_version": SCHEMA_VERSION, "slide": slide})
    sync_folder(store.parent)


def _check(store: Path, attributes: dict[str, Any], slide_fingerprint: str) -> None:
    schema = attributes.get("schema_version")
    if not isinstance(schema, int):
        raise StoreError(f"{store}: was not written by this program: choose another folder")
    if schema > SCHEMA_VERSION:
        raise StoreError(
            f"{store}: was written by a newer version (schema {schema}): update the program"
        )
    slide = attributes.get("slide")
    if not isinstance(slide, dict):
        raise damaged_attributes(store)
    if slide.get("fingerprint") != slide_fingerprint:
        raise StoreError(
            f"{store}: belongs to another slide: move it away or choose another folder"
        )


@contextmanager
def _released_on_error(lock: BaseFileLock) -> Iterator[None]:
    try:
        yield
    except BaseException:
        lock.release()
        raise
