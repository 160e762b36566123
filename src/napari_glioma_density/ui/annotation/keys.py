"""Keys of annotation: free in napari's viewer and in every kind of layer."""

from napari_glioma_density.ui.annotation.actions import Actions
from napari_glioma_density.ui.keys import Key


def annotation_keys(actions: Actions) -> tuple[Key, ...]:
    """Return the keys that act on the open field."""
    return (
        Key("J", "next hint", actions.next_hint),
        Key("K", "accept hint", actions.accept),
        Key("Q", "reject hint", actions.reject),
        Key("G", "grow nucleus at pointer", actions.grow),
        Key("W", "delete nucleus", actions.delete),
        Key("Shift-S", "split", actions.split),
        Key("Shift-M", "merge", actions.merge),
        Key("U", "undo", actions.undo),
        Key("Shift-U", "redo", actions.redo),
        Key("Shift-D", "field done", actions.toggle_done),
    )
