"""A field on disk: one PNG of labels, in which all else that is known of it travels along."""

import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from napari_glioma_density.annotation.field import (
    Choice,
    FieldRecord,
    FieldState,
    FieldValues,
    Nucleus,
    Origin,
    Start,
)
from napari_glioma_density.density import Block
from napari_glioma_density.errors import StoreError
from napari_glioma_density.json_object import json_object
from napari_glioma_density.results import NUCLEUS_DTYPE
from napari_glioma_density.slides.organ import BRAIN, ORGANS

SCHEMA = 1
_KEYWORD = "glioma-density field"
_NUMBERS = ("nucleus_px", "tissue_px", "count")


@dataclass(frozen=True)
class FieldNotes:
    """What a field's file holds besides its labels.

    Attributes
    ----------
    record
        What the field is of.
    nuclei, rejected, done, revision, edits, seconds, hints
        As in `FieldState`.
    values
        What it measures; None until it was measured.
    counted
        Its counted nuclei with the fields of `NUCLEUS_DTYPE`, in working px of the slide.
    saved
        When (ISO 8601, UTC).
    """

    record: FieldRecord
    nuclei: Mapping[int, Nucleus]
    rejected: tuple[tuple[int, int], ...]
    done: bool
    revision: int
    edits: int
    seconds: float
    hints: Mapping[str, object]
    values: FieldValues | None
    counted: NDArray[np.void]
    saved: str

    @classmethod
    def of(
        cls,
        record: FieldRecord,
        state: FieldState,
        values: FieldValues | None,
        counted: NDArray[np.void] | None,
        saved: str,
    ) -> Self:
        """Gather what is noted of a state."""
        return cls(
            record,
            state.nuclei,
            state.rejected,
            state.done,
            state.revision,
            state.edits,
            state.seconds,
            state.hints,
            values,
            np.zeros(0, NUCLEUS_DTYPE) if counted is None else counted,
            saved,
        )

    def state(self, labels: NDArray[np.uint16]) -> FieldState:
        """Return the field at the moment it was saved."""
        return FieldState(
            labels,
            self.nuclei,
            self.rejected,
            self.done,
            self.revision,
            self.edits,
            self.seconds,
            self.hints,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the notes as JSON knows them."""
        values = self.values
        return {
            "schema": SCHEMA,
            "record": record_to_json(self.record),
            "nuclei": [[id_, int(n.origin), int(n.counted)] for id_, n in self.nuclei.items()],
            "rejected": [[int(y), int(x)] for y, x in self.rejected],
            "done": self.done,
            "revision": self.revision,
            "edits": self.edits,
            "seconds": self.seconds,
            "hints": dict(self.hints),
            "values": values and _values_to_json(values),
            "counted": {name: self.counted[name].tolist() for name in NUCLEUS_DTYPE.names or ()},
            "saved": self.saved,
        }

    @classmethod
    def from_json(cls, notes: dict[str, Any]) -> Self:
        """Return notes read from a file; ValueError, TypeError or KeyError when they are none."""
        record = record_from_json(notes["record"])
        columns = notes["counted"]
        counted = np.zeros(len(columns["y_px"]), NUCLEUS_DTYPE)
        for name in NUCLEUS_DTYPE.names or ():
            counted[name] = columns[name]
        return cls(
            record=record,
            nuclei={id_: Nucleus(Origin(came), bool(c)) for id_, came, c in notes["nuclei"]},
            rejected=tuple((y, x) for y, x in notes["rejected"]),
            done=bool(notes["done"]),
            revision=int(notes["revision"]),
            # Files from before they were counted: any step was taken for an edit then.
            edits=int(notes.get("edits", notes["revision"])),
            seconds=float(notes["seconds"]),
            hints=dict(notes["hints"]),
            values=_values_from_json(record.block, notes["values"]),
            counted=counted,
            saved=str(notes["saved"]),
        )


def encode_field(labels: NDArray[np.uint16], notes: FieldNotes) -> bytes:
    """Return the file of a field: a PNG of 16-bit ids with its notes in a text chunk.

    Raises
    ------
    StoreError
        When ids and nuclei differ, or the labels have not the record's size: such a file could
        not be opened again.
    """
    fault = _fault(labels, notes)
    if fault:
        raise StoreError(f"field {notes.record.name}: cannot be saved, {fault}: undo the last edit")
    text = json.dumps(
        notes.to_json() | {"labels_crc32": _checksum(labels)},
        separators=(",", ":"),
        ensure_ascii=False,
    )
    info = PngInfo()
    # Pillow reads compressed text of up to 1 MB only; a large field has nearly that.
    info.add_itxt(_KEYWORD, text, zip=False)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(labels, np.uint16)).save(
        file, "PNG", pnginfo=info, compress_level=3
    )
    return file.getvalue()


def read_notes(path: Path) -> FieldNotes:
    """Read all but the labels of a field's file.

    Raises
    ------
    StoreError
        When it is absent, damaged, or of a newer version.
    """
    return _read(path, with_labels=False)[1]


def read_field(path: Path) -> tuple[NDArray[np.uint16], FieldNotes]:
    """Read a field's file whole: its labels, (height, width), and the rest.

    Raises
    ------
    StoreError
        When it is absent, damaged, or of a newer version.
    """
    return _read(path, with_labels=True)


def _read(path: Path, *, with_labels: bool) -> tuple[NDArray[np.uint16], FieldNotes]:
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            written = json_object(picture.info[_KEYWORD])
            _demand_known(path, written)
            notes = FieldNotes.from_json(written)
            pixels = np.asarray(picture) if with_labels else None
    except FileNotFoundError:
        raise StoreError(f"{path}: is missing; {_REMEDY}") from None
    # Pillow names damage in its header SyntaxError, and in its pixels OSError.
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreError(f"{path}: is damaged ({error}); {_REMEDY}") from error
    if pixels is None:
        return np.zeros((0, 0), np.uint16), notes
    labels = pixels.astype(np.uint16)
    fault = _fault(labels, notes)
    if not fault and written["labels_crc32"] != _checksum(labels):
        fault = "its pixels are not those that were saved"
    if fault:
        raise StoreError(f"{path}: is damaged, {fault}; {_REMEDY}")
    return labels, notes


_REMEDY = "restore an earlier state of this field, or remove it"


def _demand_known(path: Path, written: dict[str, Any]) -> None:
    if written["schema"] > SCHEMA:
        raise StoreError(
            f"{path}: was written by a newer version (schema {written['schema']}): "
            "update the program"
        )


def _fault(labels: NDArray[np.uint16], notes: FieldNotes) -> str:
    """Return what keeps labels and notes from being one field; nothing when they are."""
    size = notes.record.height_px, notes.record.width_px
    if labels.shape != size:
        return f"its size is {labels.shape[::-1]} px and not {size[::-1]}"
    drawn = np.flatnonzero(np.bincount(labels.ravel(), minlength=1)[1:]) + 1
    differing = set(drawn.tolist()) ^ set(notes.nuclei)
    if differing:
        return f"{len(differing)} nuclei are drawn and not listed, or listed and not drawn"
    return ""


def _checksum(labels: NDArray[np.uint16]) -> int:
    return zlib.crc32(labels.astype("<u2").tobytes())


def _values_to_json(values: FieldValues) -> dict[str, Any]:
    read = {} if values.read_px is None else {"read_px": values.read_px.tolist()}
    return {name: getattr(values, name).tolist() for name in _NUMBERS} | read


def _values_from_json(block: Block, values: dict[str, Any] | None) -> FieldValues | None:
    if values is None:
        return None
    shape = block.rows, block.columns
    nucleus_px, tissue_px, count = (np.array(values[n], np.int64).reshape(shape) for n in _NUMBERS)
    known = "read_px" in values  # older versions did not note it
    read_px = np.array(values["read_px"], np.int64).reshape(shape) if known else None
    return FieldValues(block, nucleus_px, tissue_px, count, read_px=read_px)


def record_to_json(record: FieldRecord) -> dict[str, Any]:
    """Return a record as JSON knows it; what came later only where it says something."""
    usual = {"apart": 0, "organ": BRAIN}
    return {k: v for k, v in asdict(record).items() if k not in usual or v != usual[k]}


def record_from_json(fields: dict[str, Any]) -> FieldRecord:
    """Return the record; ValueError, TypeError or KeyError when the fields are not one's."""
    known = fields | {
        "block": Block(**fields["block"]),
        "start": Start(fields["start"]),
        "choice": Choice(fields["choice"]),
    }
    record = FieldRecord(**known)
    if record.organ not in ORGANS:
        raise ValueError(f"organ is {record.organ!r}")
    return record
