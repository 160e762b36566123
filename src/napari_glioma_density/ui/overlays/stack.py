"""All overlays of one run, in the order in which they lie over the slide."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from napari.layers import Layer

from napari_glioma_density.annotation.corrected import FieldMask
from napari_glioma_density.density import Block, Lattice
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.results.masks import mask_shapes
from napari_glioma_density.ui.background import Background
from napari_glioma_density.ui.overlays.density import OPACITY, DensityOverlay
from napari_glioma_density.ui.overlays.grid import GridOverlay
from napari_glioma_density.ui.overlays.nuclei import NucleiOverlay
from napari_glioma_density.ui.overlays.outlines import Mask, NoNuclei
from napari_glioma_density.ui.stored import ShownRun


class OverlayStack:
    """Density, nuclei and grid over the current slide.

    Layers are added one at a time by `tick`, because each takes napari a while. A layer
    the user deletes stays away until the next run is shown; painting it meanwhile does nothing.
    """

    def __init__(self, viewer: Any, background: Background) -> None:
        self._viewer = viewer
        self._background = background
        self._density: DensityOverlay | None = None
        self._nuclei: NucleiOverlay | None = None
        self._grid: GridOverlay | None = None
        self._waiting: deque[Layer] = deque()
        self._hidden: list[Layer] = []
        self._keeps_back = False
        self._kept: list[Layer] = []
        """Maps kept from a reader, off napari's list of layers, whose eyes and pictures tell."""
        self._expected: Lattice | None = None
        self._density_shown = True
        self.companions: list[Callable[[], tuple[Layer, ...]]] = []
        """Layers of others that are hidden and shown along with these."""
        self.opacity = OPACITY
        self.names_shown = True
        self.filled = False

    def expect(self, lattice: Lattice, snapshot: Snapshot) -> None:
        """Put the overlays of a run to come in place, empty, the grid veiled.

        Adding layers holds the window up; better while it is at rest than when somebody waits for
        nuclei.
        """
        if self._expected == lattice:
            self.paint(snapshot)
            return
        self.clear()
        self._make(lattice, tuple(NoNuclei(shape) for shape in mask_shapes(lattice)), snapshot)
        self._expected = lattice
        if self._grid is not None:
            self._grid.veil()

    def show(self, shown: ShownRun) -> None:
        """Replace the overlays by those of a run."""
        if self._nuclei is not None and self._grid is not None and self._is_expected(shown):
            self._expected = None
            self._nuclei.look_at(shown.masks)
            self._grid.unveil()
        else:
            self.clear()
            self._make(shown.lattice, shown.masks, shown.snapshot)
        self.set_names_shown(self.names_shown)
        self.paint(shown.snapshot)

    def _make(self, lattice: Lattice, masks: tuple[Mask, ...], snapshot: Snapshot) -> None:
        self._density = DensityOverlay(lattice, snapshot.scale)
        self._nuclei = NucleiOverlay(lattice, masks, self._background)
        self._grid = GridOverlay(snapshot.grid)
        self._waiting.extend(self._layers())
        self.set_filled(self.filled)
        self.show_density(self._density_shown)
        if self._keeps_back:
            self._take_maps()

    def _is_expected(self, shown: ShownRun) -> bool:
        """Whether the overlays in place are for this run, none of them deleted meanwhile."""
        in_place = (*self._viewer.layers, *self._waiting, *self._kept)
        return self._expected == shown.lattice and all(
            layer in in_place for layer in self._layers()
        )

    def tick(self) -> None:
        """Do what is due a few times a second: the next layer, tiles in view, following the zoom.

        What follows the zoom does so in turns, for the window's thread is soon held up.
        """
        self._add_waiting()
        if self._density is None or self._nuclei is None or self._grid is None:
            return
        zoom = self._viewer.scene.camera.zoom
        self._nuclei.draw_wanted()
        if not (self._density.follow_zoom(zoom, self.opacity) or self._nuclei.follow_zoom(zoom)):
            self._grid.follow_zoom(zoom)
        if self._expected is not None and not self._waiting:
            self._grid.rehearse()

    def _add_waiting(self) -> None:
        """Add the next layer, leaving the selection as it is."""
        if self._waiting:
            active = self._viewer.layers.selection.active
            self._viewer.add_layer(self._waiting.popleft())
            self._viewer.layers.selection.active = active

    def bring_back(self) -> None:
        """Put layers that the user deleted where they were."""
        if self._keeps_back:
            self._kept = list(self._maps())
        self._put_in_place(layer for layer in self._layers() if layer not in self._kept)

    def _put_in_place(self, wanted: Iterable[Layer]) -> None:
        """Put those layers that are missing among ours where they belong."""
        layers, above, put = self._viewer.layers, None, set(wanted)
        for layer in reversed(self._layers()):
            if layer in put and layer not in layers and layer not in self._waiting:
                active = layers.selection.active
                layers.insert(len(layers) if above is None else layers.index(above), layer)
                layers.selection.active = active
            above = layer if layer in layers else above

    def paint(self, snapshot: Snapshot) -> None:
        """Redraw what changed in the patches, the scale or the grid."""
        if self._density is not None and self._grid is not None:
            self._density.paint(snapshot)
            self._grid.show(snapshot.grid)

    def show_blocks(self, blocks: list[Block]) -> None:
        """Draw the nuclei of blocks that were written just now."""
        if self._nuclei is not None:
            for block in blocks:
                self._nuclei.mark_stale(block)

    def correct(self, fields: tuple[FieldMask, ...]) -> None:
        """Draw the outlines of fields in place of the model's."""
        if self._nuclei is not None:
            self._nuclei.correct(fields)

    def choose(self, row: int, column: int) -> None:
        """Frame a cell."""
        if self._grid is not None:
            self._grid.choose(row, column)

    def choose_none(self) -> None:
        """Frame no cell."""
        if self._grid is not None:
            self._grid.choose_none()

    def set_opacity(self, opacity: float) -> None:
        """Set the density overlay's opacity, 0–1, as seen from afar; `tick` carries it out."""
        self.opacity = opacity

    def set_filled(self, filled: bool) -> None:
        """Fill nuclei or draw their outlines alone."""
        self.filled = filled
        if self._nuclei is not None:
            self._nuclei.fill(filled)

    def set_names_shown(self, shown: bool) -> None:
        """Switch the names of cells on or off."""
        self.names_shown = shown
        if self._grid is not None and self._expected is None:
            self._grid.show_names(shown)

    def keep_back(self, kept: bool) -> None:
        """Take density and nuclei, and those of later runs, off the list of layers, or bring them.

        Lines that were hidden come back with them.
        """
        if kept is self._keeps_back:
            return
        self._keeps_back = kept
        if kept:
            self._take_maps()
        else:
            maps, self._kept = self._kept, []
            self._put_in_place(maps)
            self._show_again()

    def _take_maps(self) -> None:
        """Take the maps off the list and keep them; those that the user deleted stay away."""
        layers = self._viewer.layers
        self._kept = [each for each in self._maps() if each in layers or each in self._waiting]
        with layers.batched_update():  # or napari collects garbage after each
            for layer in self._kept:
                (self._waiting if layer in self._waiting else layers).remove(layer)

    def show_density(self, shown: bool) -> None:
        """Show the density overlay, or make room for another map."""
        self._density_shown = shown
        if self._density is not None:
            self._density.layer.visible = shown

    def place_of_maps(self) -> int:
        """Return where in the list of layers a map belongs: above density, below nuclei."""
        layers = self._viewer.layers
        if self._density is None or self._density.layer not in layers:
            return len(layers)
        return int(layers.index(self._density.layer)) + 1

    def toggle(self) -> None:
        """Hide every overlay, or show again those that were hidden so."""
        companions = (layer for layers in self.companions for layer in layers())
        layers = (*self._layers(), *companions)
        visible = [layer for layer in layers if layer.visible and layer not in self._kept]
        if not visible:
            self._show_again()
            return
        for layer in visible:
            layer.visible = False
        self._hidden = visible

    def _show_again(self) -> None:
        """Show what `toggle` has hidden."""
        hidden, self._hidden = self._hidden, []
        for layer in hidden:
            layer.visible = True

    def clear(self) -> None:
        """Take all overlays away."""
        layers = self._viewer.layers
        if gone := [layer for layer in self._layers() if layer in layers]:
            with layers.batched_update():  # or napari collects garbage after each
                for layer in gone:
                    layers.remove(layer)
        self._waiting.clear()
        self._hidden = []
        self._kept = []
        self._density = self._nuclei = self._grid = self._expected = None

    def _maps(self) -> tuple[Layer, ...]:
        """What tells of the model's results, where there is any."""
        return tuple(part.layer for part in (self._density, self._nuclei) if part is not None)

    def _layers(self) -> tuple[Layer, ...]:
        if self._density is None or self._nuclei is None or self._grid is None:
            return ()
        return (self._density.layer, self._nuclei.layer, *self._grid.layers)
