"""Nuclei added with a single click, while that is switched on."""

from psygnal import Signal

from napari_glioma_density.ui.annotation.session import AnnotationSession
from napari_glioma_density.ui.pointing import ClickWatch


class ClickAdding:
    """Grows a nucleus where the open field is clicked; drags still move the view."""

    changed = Signal(bool)
    """Switched on or off."""

    def __init__(self, annotation: AnnotationSession) -> None:
        self._annotation = annotation
        self.on = False
        self._watch = ClickWatch(annotation.session.viewer, self._clicked)

    def toggle(self) -> None:
        """Switch on, or off; what is in hand to paint or erase with is put down first."""
        self.on = not self.on
        field = self._annotation.field
        if self.on and field is not None:
            field.layers.annotation.mode = "pan_zoom"
        self.changed.emit(self.on)

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def _clicked(self, y_um: float, x_um: float) -> None:
        field = self._annotation.field
        place = field.px(y_um, x_um) if field and self.on else None
        if place is not None:
            self._annotation.actions.grow_in_field(*place)
