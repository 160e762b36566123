"""How the next field is chosen and begun."""

from collections.abc import Callable

from napari.utils.notifications import show_info

from napari_glioma_density.annotation.field import Choice, Start
from napari_glioma_density.density import Block
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.snapshot import Snapshot
from napari_glioma_density.ui.annotation.places import (
    block_at_centre,
    block_drawn,
    block_of_cell,
    demand_tissue,
    random_blocks,
)
from napari_glioma_density.ui.annotation.second_reading import FIRST
from napari_glioma_density.ui.annotation.session import AnnotationSession
from napari_glioma_density.ui.annotation.shelf import FieldShelf
from napari_glioma_density.ui.annotation.shelved import Opened, Wanted
from napari_glioma_density.ui.region import draw_region, is_drawn

NO_RUN = "Nothing is estimated here yet: estimate the density first."
FindBlocks = Callable[[Snapshot], tuple[Block, ...]]


class FieldChooser:
    """Begins fields where a person says, as the forms of the dock say."""

    def __init__(self, annotation: AnnotationSession) -> None:
        self._annotation = annotation
        self._session = annotation.session
        self.start = Start.MODEL

    def at_view(self) -> None:
        """Open the patch at the centre of the view."""
        viewer = self._session.viewer
        self._begin(lambda snapshot: (block_at_centre(viewer, snapshot.patches.lattice),))

    def at_cell(self) -> None:
        """Open the chosen cell of the grid."""
        self._begin(lambda snapshot: (block_of_cell(snapshot, self._session.cells.chosen),))

    def at_drawing(self) -> None:
        """Open the patches that a drawn rectangle touches."""
        viewer, slide = self._session.viewer, self._session.slides.slide
        if slide is not None:
            self._begin(lambda shot: (block_drawn(viewer, slide, shot.patches.lattice),))
            if not is_drawn(viewer, slide):  # on the layer that is asked for, which may be gone
                draw_region(viewer, slide)

    def at_random(self, number: int = 1) -> None:
        """Begin random patches of the tissue and open the first."""
        fields = self._annotation.fields
        self._begin(lambda snapshot: random_blocks(snapshot, fields, number), Choice.RANDOM, number)

    def open_next(self) -> None:
        """Open the next field that is not done."""
        names = [field.record.name for field in self._annotation.fields if not field.done]
        field = self._annotation.field
        every = [one.record.name for one in self._annotation.fields]
        at = every.index(field.record.name) if field and field.record.name in every else -1
        later = [name for name in every[at + 1 :] + every[: max(at, 0)] if name in names]
        if later:
            self._annotation.open_field(later[0])
        else:
            self._session.problem.emit("All other fields of this slide are done.")

    def _begin(self, find: FindBlocks, choice: Choice = Choice.BY_HAND, number: int = 1) -> None:
        snapshot = self._session.snapshot
        if snapshot is None or self._annotation.shelf is None:
            self._session.problem.emit(NO_RUN)
            return
        try:
            blocks = find(snapshot)
            demand_tissue(snapshot, blocks)
        except BadInput as error:
            self._session.problem.emit(str(error))
            return
        self._session.problem.emit("")
        if len(blocks) < number:
            show_info(f"Only {len(blocks)} patches of tissue were left to draw from.")
        # A second reader sees no model, but for the fields that come prefilled from the first.
        start = self.start if self._annotation.reader == FIRST else Start.BLANK
        wanted = [Wanted(block, start, choice, self._annotation.author) for block in blocks]

        def take(shelf: FieldShelf) -> Opened:
            first = shelf.take(wanted[0])  # and the first on the list: the next ones follow it
            shelf.begin_all(wanted[1:])
            return first

        self._annotation.open(take)
