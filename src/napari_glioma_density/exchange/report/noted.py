"""What a report says of the review: of its cells by name, of other places by where they lie."""

from dataclasses import dataclass

from napari_glioma_density.exchange.extras import Extras
from napari_glioma_density.exchange.review_notes import Note


@dataclass(frozen=True)
class Noted:
    """Cells looked at, comments by cell, and notes of places that are no cell here."""

    reviewed: tuple[str, ...]
    comments: tuple[tuple[str, str], ...]
    elsewhere: tuple[Note, ...]


def gather_noted(extras: Extras) -> Noted:
    """Tell each note once: a cell of the slide may be one of a section's as well."""
    also = {name for note in extras.notes for name in note.names[1:]}
    return Noted(
        reviewed=tuple(name for name in extras.reviewed if name not in also),
        comments=tuple(item for item in extras.comments.items() if item[0] not in also),
        elsewhere=tuple(
            note
            for note in extras.notes
            if not note.names and (note.mark.reviewed or note.mark.comment)
        ),
    )
