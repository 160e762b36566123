"""One session a viewer, shared by the docks that are open on it."""

from dataclasses import dataclass
from typing import Any

from napari_glioma_density.ui.readiness import LoadSegmenter, load_segmenter
from napari_glioma_density.ui.session import Session


@dataclass
class _Loan:
    session: Session
    borrowers: int = 0


_loans: dict[int, _Loan] = {}
"""By the identity of the viewer's list of layers: napari hands every dock a proxy of its own."""


def borrow_session(viewer: Any, load: LoadSegmenter = load_segmenter) -> Session:
    """Return the viewer's session, opened for the first dock that asks."""
    loan = _loans.get(_identity(viewer))
    if loan is None:
        loan = _loans[_identity(viewer)] = _Loan(Session(viewer, load))
        loan.session.begin()
    loan.borrowers += 1
    return loan.session


def has_session(viewer: Any) -> bool:
    """Whether a dock is open on a viewer."""
    return _identity(viewer) in _loans


def give_back_session(session: Session, *, clear: bool = False) -> None:
    """Close the session when no other dock uses it; `clear` takes its overlays away first."""
    key, loan = next((item for item in _loans.items() if item[1].session is session), (0, None))
    if loan is None:
        return
    loan.borrowers -= 1
    if loan.borrowers == 0:
        del _loans[key]
        if clear:
            session.clear_overlays()
            session.hotspots.clear()
            session.slides.give_back_um()
        session.close()


def _identity(viewer: Any) -> int:
    layers = viewer.layers
    return id(getattr(layers, "__wrapped__", layers))
