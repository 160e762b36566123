"""The slides open in a viewer, and the one that is worked on."""

from contextlib import suppress
from typing import Any
from weakref import WeakSet

from napari.layers import Image, Layer
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_glioma_density.slides import Slide
from napari_glioma_density.slides.organ import BRAIN, Organ
from napari_glioma_density.slides.resolution import GIVEN
from napari_glioma_density.ui.connections import Connections
from napari_glioma_density.ui.slide_layer import hide_file_name, set_slide, slide_of
from napari_glioma_density.ui.slide_view import SlideView
from napari_glioma_density.ui.specimen import Specimen
from napari_glioma_density.ui.world import MICROMETRE, slide_placement


class OpenSlides:
    """Follows the viewer's layers; the slide opened last becomes the current one.

    All slides begin at the world's origin and would hide one another, so only the current one is
    visible.
    """

    leaving = Signal()
    """The current slide is about to be another: what was typed of it is still to be taken."""
    changed = Signal()
    """Another slide is current, or the current one has another µm/px."""
    specimen_changed = Signal()
    """The current slide's preparation is said to be another."""
    organ_changed = Signal()
    """The current slide is said to be of another organ."""
    listed = Signal()
    """One that was not current is closed, or the layer of one has another name."""

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self.layers: list[Image] = []
        self.current: Image | None = None
        self._specimens: dict[str, Specimen] = {}
        self._organs: dict[str, Organ] = {}
        self._views: dict[Image, SlideView] = {}
        self._lent_px: WeakSet[Layer] = WeakSet()
        """Layers in µm that have px for a while."""
        for layer in list(viewer.layers):
            self._take_up(layer)
        seen = [layer for layer in self.layers if layer.visible] or self.layers
        if seen:
            self.choose(seen[-1])
        self._later = QTimer()
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._choose_another)
        self._connections = Connections()
        self._connections.add(viewer.layers.events.inserted, self._inserted)
        self._connections.add(viewer.layers.events.removed, self._removed)

    @property
    def slide(self) -> Slide | None:
        """The current slide."""
        return slide_of(self.current) if self.current is not None else None

    @property
    def organ(self) -> Organ:
        """What the current slide is of, as far as the user has said."""
        return self._organs.get(self.slide.fingerprint, BRAIN) if self.slide else BRAIN

    def set_organ(self, organ: Organ) -> None:
        """Say what the current slide is of."""
        if self.slide is not None and organ != self.organ:
            self._organs[self.slide.fingerprint] = organ
            self.organ_changed.emit()

    @property
    def specimen(self) -> Specimen:
        """How the current slide's tissue was prepared, as far as the user has said."""
        fingerprint = self.slide.fingerprint if self.slide else ""
        return self._specimens.get(fingerprint, Specimen.UNKNOWN)

    def set_specimen(self, specimen: Specimen) -> None:
        """Say how the current slide's tissue was prepared."""
        if self.slide is not None:
            self._specimens[self.slide.fingerprint] = specimen
            self.specimen_changed.emit()

    def choose(self, layer: Image | None) -> None:
        """Make a layer's slide the current one."""
        if layer is self.current:
            return
        self.leaving.emit()
        self.current = layer
        for other in self.layers:
            other.visible = other is layer
        self._share_units()
        self.changed.emit()

    def set_um_per_px(self, um_per_px: float, source: str = GIVEN) -> None:
        """Give the current slide another µm/px, and say where it comes from.

        Raises
        ------
        SlideError
            When the value is not believable.
        """
        if self.slide is None or self.current is None:
            return
        slide = self.slide.with_um_per_px(um_per_px, source)
        self.leaving.emit()
        set_slide(self.current, slide)
        self._share_units()
        self.changed.emit()

    def _share_units(self) -> None:
        """Give all layers the units of the current slide: napari warns of every mixture.

        Those in µm that are not slides, such as a region drawn on another one, have px as long as
        a slide is on show whose µm/px nobody knows.
        """
        if self.slide is not None:
            units = slide_placement(self.slide.um_per_px)["units"]
            for layer in self.layers:
                layer.units = units
            if self.slide.um_per_px is None:
                self._lend_px()
                return
        self.give_back_um()

    def give_back_um(self) -> None:
        """Give layers that have px for a while µm again."""
        lent, self._lent_px = [*self._lent_px], WeakSet()
        for layer in lent:
            layer.units = (MICROMETRE, MICROMETRE)

    def _lend_px(self) -> None:
        own = [each for each in self._viewer.layers if _is_in_um(each)]
        self._lent_px.update(own)
        for layer in own:
            layer.units = slide_placement(None)["units"]

    def close(self) -> None:
        """Stop following the viewer."""
        self._connections.close()
        with suppress(RuntimeError):  # at the interpreter's exit Qt has deleted its timers
            self._later.stop()
        for layer, view in self._views.items():
            layer.events.name.disconnect(self._tell)
            view.close()
        self._views.clear()

    def _inserted(self, event: Any) -> None:
        if self._take_up(event.value):
            self.choose(event.value)
        elif _is_in_um(event.value):
            self._share_units()

    def _take_up(self, layer: Any) -> bool:
        """Follow a layer, and return whether it is a slide's."""
        if slide_of(layer) is None:
            return False
        hide_file_name(layer)
        self.layers.append(layer)
        self._views[layer] = SlideView(layer)
        layer.events.name.connect(self._tell)
        return True

    def _tell(self) -> None:
        self.listed.emit()

    def _removed(self, event: Any) -> None:
        if event.value in self.layers:
            self.layers.remove(event.value)
            self._views.pop(event.value).close()
            event.value.events.name.disconnect(self._tell)
            if self.current in self.layers:
                self.listed.emit()
            elif self._viewer.layers:
                # napari may be deleting all that is selected, and expects each of it to be there:
                # the overlays, which go with their slide, have to wait.
                self._later.start(0)
            else:
                self._choose_another()

    def _choose_another(self) -> None:
        """Go on with another slide, if any, where the current one is closed."""
        if self.current not in self.layers:
            self.choose(self.layers[-1] if self.layers else None)


def _is_in_um(layer: Layer) -> bool:
    """Whether a plane layer is placed in µm."""
    return layer.ndim == 2 and {str(unit) for unit in layer.units} == {"micrometer"}
