"""What the fields of a slide change on the screen: numbers, outlines, frames."""

from collections.abc import Sequence
from dataclasses import replace

from napari.layers import Layer

from napari_glioma_density.annotation.corrected import FieldMask
from napari_glioma_density.annotation.field import FieldValues
from napari_glioma_density.ui.annotation.field_frames import FieldFrames
from napari_glioma_density.ui.annotation.second_reading import SECOND
from napari_glioma_density.ui.annotation.shelved import ShelvedField, counting
from napari_glioma_density.ui.identity import same_objects
from napari_glioma_density.ui.session import Session
from napari_glioma_density.ui.stored import ShownRun


class FieldEffects:
    """Hands to a session what fields correct; the fields told of last are the ones that count."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._frames = FieldFrames(session.viewer)
        self._finished: tuple[FieldValues | None, ...] = ()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The frames, once there are any."""
        return self._frames.layers

    def frame(self, fields: Sequence[ShelvedField]) -> None:
        """Frame fields, so that what was looked at is seen from afar."""
        self._frames.show([field.record for field in fields])

    def follow_zoom(self) -> None:
        """Keep the frames as wide on the screen as they are."""
        self._frames.follow_zoom()

    def outline(self, fields: Sequence[ShelvedField], own: str) -> None:
        """Draw fields as corrected in the nuclei overlay; the one named has layers of its own."""
        masks = (
            FieldMask(f.record.block, f.mask & (f.record.name != own))
            for f in fields
            if f.values is not None or f.record.name == own
        )
        self._session.overlays.correct(tuple(masks))

    def amend(self, fields: Sequence[ShelvedField], run: ShownRun | None, reader: str) -> None:
        """Let the fields that count for a run change its numbers, as long as it is on show.

        A second reader's fields change no numbers.
        """
        if run is None or self._session.shown is not run:
            return
        amendments = replace(
            self._session.choices.amendments,
            lattice=run.lattice,
            fields=() if reader == SECOND else counting(fields),
        )
        self._session.amend(amendments)
        self._tell_finished(fields)

    def close(self, *, clear: bool) -> None:
        """Let go of the viewer; `clear` takes the frames off the slide as well."""
        self._frames.close(clear=clear)

    def _tell_finished(self, fields: Sequence[ShelvedField]) -> None:
        """Finished fields say how far the model is off on this slide."""
        finished = tuple(field.values for field in fields if field.done)
        if not same_objects(finished, self._finished):
            self._finished = finished
            self._session.sureness.refresh()
