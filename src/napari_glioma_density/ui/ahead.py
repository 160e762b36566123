"""What can be done for an estimate before it is asked for."""

from contextlib import suppress

from napari_glioma_density.density import Lattice, PatchTable
from napari_glioma_density.errors import BadInput
from napari_glioma_density.findings.snapshot import Snapshot, take_snapshot
from napari_glioma_density.ui.estimating import Phase
from napari_glioma_density.ui.readiness import Asked
from napari_glioma_density.ui.session import Session


def get_ready(session: Session, model: str, device: str) -> None:
    """Load a model, look the current slide over and put the overlays in place, still empty.

    What stands in the way is told when an estimate is asked for.
    """
    slide = session.slides.slide
    if slide is None or slide.um_per_px is None or session.estimating.phase is not Phase.READY:
        return
    asked, choices = Asked(slide, model, device), session.choices

    def look() -> tuple[Lattice, Snapshot] | None:
        with suppress(BadInput):
            plane = session.readiness.get(asked, ahead=True).survey.plane
            lattice = Lattice.over(plane.height, plane.width, plane.um_per_px)
            return lattice, take_snapshot(PatchTable.pending(lattice), choices)
        return None

    def looked(found: tuple[Lattice, Snapshot] | None) -> None:
        still = session.slides.slide is slide and session.shown is None
        if found is not None and still and session.estimating.phase is Phase.READY:
            session.overlays.expect(*found)

    session.background.submit(look, looked)
