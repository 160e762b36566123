"""Fields as lists show them."""

from dataclasses import dataclass
from typing import Self

from napari_glioma_density.annotation.field import FieldRecord, Origin
from napari_glioma_density.annotation.field_file import FieldNotes
from napari_glioma_density.annotation.manifest import Entry


@dataclass(frozen=True)
class FieldSummary:
    """A field as lists show it.

    Attributes
    ----------
    record
        What it is of.
    done
        Whether the reader has called it finished.
    nuclei, added, removed
        How many it holds; how many of them are not the model's; how many of those it was begun
        with are no longer the model's: deleted, or redrawn.
    seconds
        Time spent on it.
    saved
        When it was last saved (ISO 8601, UTC).
    fault
        What is wrong with its file; empty when it can be opened.
    """

    record: FieldRecord
    done: bool
    nuclei: int = 0
    added: int = 0
    removed: int = 0
    seconds: float = 0.0
    saved: str = ""
    fault: str = ""

    @property
    def name(self) -> str:
        """Name of the field."""
        return self.record.name

    @classmethod
    def of(cls, entry: Entry, notes: FieldNotes) -> Self:
        """Sum up a field."""
        of_model = sum(nucleus.origin is Origin.MODEL for nucleus in notes.nuclei.values())
        return cls(
            record=entry.record,
            done=notes.done,
            nuclei=len(notes.nuclei),
            added=len(notes.nuclei) - of_model,
            removed=max(0, entry.begun_with - of_model),
            seconds=notes.seconds,
            saved=notes.saved,
        )
