"""The fields a model does worst on, as pictures in a folder."""

import itertools
import re
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import BadInput
from napari_glioma_density.nuclei.segmenter import NetworkSegmenter
from napari_glioma_density.results.drawing import Picture
from napari_glioma_density.training.dataset import DataSet, read_field
from napari_glioma_density.training.evaluation import FieldScore, by_data_set, field_mask
from napari_glioma_density.training.field_pictures import draw_field

_SIGNATURE = b"Software\0glioma-density evaluate"
"""Text in each picture that tells it from what others wrote."""
_HEADER_BYTES = 33
"""PNG signature and IHDR, after which other chunks may begin."""


class WorstFields:
    """A folder for pictures of the worst fields: ``<data set>-worst-01.png`` and so on.

    Made before anything is scored, so that a folder which cannot be used is known at once.
    Pictures of an earlier evaluation are replaced, nothing else is.

    Parameters
    ----------
    folder
        Made when absent.
    data_sets
        What will be scored.
    most
        Pictures a data set, at least 1.

    Raises
    ------
    BadInput
        When the folder cannot be written to, or a file that was not written by an evaluation
        has the name of a picture.
    """

    def __init__(self, folder: Path, data_sets: Sequence[DataSet], most: int) -> None:
        if most < 1:
            raise BadInput(f"--worst {most}: must be at least 1")
        self._paths = {
            one.folder: [
                folder / f"{name}-worst-{n + 1:02d}.png" for n in range(min(most, len(one)))
            ]
            for one, name in zip(data_sets, _file_names(data_sets), strict=True)
        }
        _check_writable(folder)
        for path in (path for paths in self._paths.values() for path in paths):
            _check_own(path)

    def write(self, scores: Sequence[FieldScore], segmenter: NetworkSegmenter) -> list[Path]:
        """Draw the fields of the lowest F1 of each data set, worst first.

        Raises
        ------
        BadInput
            When a picture cannot be written, the disk being full, say; each that was is whole.
        DataSetError
            When a field cannot be read any more.
        """
        written = []
        for of_set in by_data_set(scores):
            worst_first = sorted(of_set, key=lambda score: score.f1)
            paths = self._paths[of_set[0].data_set.folder]
            for path, score in zip(paths, worst_first, strict=False):
                _write(path, _drawn(score, segmenter))
                written.append(path)
        return written


def _drawn(score: FieldScore, segmenter: NetworkSegmenter) -> Picture:
    """A field's picture; it is segmented again, because the masks of all would fill the memory."""
    rgb, labels = read_field(score.field)
    mask = field_mask(segmenter, score.field, rgb)
    return draw_field(rgb, labels, mask, _caption(score, segmenter.spec.name))


def _caption(score: FieldScore, model: str) -> tuple[str, str]:
    counts, scores = score.counts, score.counts.scores()
    organ = f", {score.field.organ}" if score.field.organ else ""
    return (
        f"{score.data_set.name}: {score.field.image.name}{organ}, by {model}",
        f"F1 {scores['f1']:.3f}, precision {scores['precision']:.3f}, "
        f"recall {scores['recall']:.3f}; density {counts.true_density_percent:.1f} % true, "
        f"{counts.predicted_density_percent:.1f} % predicted",
    )


def _file_names(data_sets: Sequence[DataSet]) -> list[str]:
    """A name for each data set that any file system takes, no two alike."""
    names: list[str] = []
    for data_set in data_sets:
        plain = re.sub(r"[^a-z0-9]+", "-", data_set.name.lower()).strip("-")[:60] or "data-set"
        alike = sum(name == plain or name.startswith(f"{plain}-set-") for name in names)
        numbered = (f"{plain}-set-{number}" for number in itertools.count(alike + 1))
        names.append(next(name for name in numbered if name not in names) if alike else plain)
    return names


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(
            f"{folder}: pictures cannot be written there ({error.strerror}); name another folder"
        ) from error


def _check_own(path: Path) -> None:
    try:
        with path.open("rb") as file:
            own = _SIGNATURE in file.read(_HEADER_BYTES + 8 + len(_SIGNATURE))
    except FileNotFoundError:
        return
    except OSError:
        own = False
    if not own:
        raise BadInput(
            f"{path}: is there and no picture of an evaluation; move it, or name another folder"
        )


def _write(path: Path, picture: Picture) -> None:
    _, encoded = cv2.imencode(".png", picture[..., ::-1])
    png, chunk = encoded.tobytes(), b"tEXt" + _SIGNATURE
    signed = struct.pack(">I", len(_SIGNATURE)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    try:
        write_atomically(path, png[:_HEADER_BYTES] + signed + png[_HEADER_BYTES:])
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written ({error.strerror}); free some space or name another folder"
        ) from error
