"""What a person last asked for on a slide, kept and restored with its results."""

import errno
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from psygnal import Signal

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.results.failures import explained
from napari_glioma_density.results.specimen import ASKED, stored_choices, stored_specimen
from napari_glioma_density.ui.region import Scope
from napari_glioma_density.ui.specimen import Specimen

if TYPE_CHECKING:
    from napari_glioma_density.ui.session import Session

logger = logging.getLogger(__name__)

USUAL_DEVICE: Final = "auto"
DEVICES: Final = (USUAL_DEVICE, "cpu", "cuda", "mps")
READ_ONLY: Final = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


@dataclass(frozen=True)
class Asked:
    """How a slide's tissue was prepared, how much of it to estimate, and where.

    None is what nobody chose: on the command line only the specimen is said.
    """

    specimen: Specimen = Specimen.UNKNOWN
    device: str | None = USUAL_DEVICE
    scope: Scope | None = Scope.SLIDE


def read_asked(store: Path) -> Asked | None:
    """Return what lies in a store; None where nothing does, as in those of earlier versions.

    What cannot be understood becomes the default, and so does a device that this machine lacks: the
    store may come from another machine.
    """
    if not (store / ASKED).exists():
        return None
    known, specimen = stored_choices(store), stored_specimen(store)
    return Asked(
        next(each for each in Specimen if each.stored == specimen),
        _device(known["device"]) if "device" in known else None,
        _scope(known["scope"]) if "scope" in known else None,
    )


def _device(named: object) -> str:
    return str(named) if named in DEVICES and _is_here(str(named)) else USUAL_DEVICE


def _scope(named: object) -> Scope:
    return next((each for each in Scope if each.name.lower() == named), Scope.SLIDE)


def _is_here(device: str) -> bool:
    if device in (USUAL_DEVICE, "cpu"):
        return True
    from napari_glioma_density.nuclei.device import is_present  # brings torch

    return is_present(device)


def keep_asked(store: Path, asked: Asked) -> None:
    """Write it into a store; one that is read-only, as on a CD, stays as it is.

    Raises
    ------
    StoreError
        When the disk is full or refuses.
    """
    content = {
        "specimen": asked.specimen.stored,
        "device": asked.device,
        "scope": asked.scope and asked.scope.name.lower(),
    }
    with explained(store / ASKED, "free some space, then choose again"):
        try:
            write_atomically(store / ASKED, json.dumps(content).encode())
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            logger.info("%s: is read-only: what was chosen is not kept", store)


class Wishes:
    """Where the docks of a session leave what is chosen, and find it again."""

    changed = Signal()
    """Another device or scope holds than those on the screen."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.device, self.scope = USUAL_DEVICE, Scope.SLIDE
        self._on_disk: tuple[Path, Asked | None] | None = None
        self._is_chosen = False
        """Whether anything was chosen since this slide is on show: it holds, whatever is read."""
        session.slides.specimen_changed.connect(self._choose)
        session.slides.changed.connect(self._forget)

    def choose_device(self, device: str) -> None:
        """Estimate there from now on."""
        self.device = device
        self._choose()

    def choose_scope(self, scope: Scope) -> None:
        """Estimate as much from now on."""
        self.scope = scope
        self._choose()

    def _choose(self) -> None:
        self._is_chosen = True
        self.keep()

    def _forget(self) -> None:
        self._is_chosen = False

    def keep(self) -> None:
        """Bring to disk what is chosen, once there are results that it can lie with."""
        session, shown = self._session, self._session.shown
        if shown is None:
            return
        asked = Asked(session.slides.specimen, self.device, self.scope)
        if self._on_disk is None or self._on_disk[0] != shown.store:
            self._on_disk = shown.store, shown.asked
        if self._on_disk != (shown.store, asked):
            self._on_disk = shown.store, asked
            session.background.write(lambda: keep_asked(shown.store, asked), lambda _: None)

    def take_up(self, asked: Asked | None) -> None:
        """Keep device and scope that an estimate has begun with, and of the specimen what is known.

        It may begin before what was chosen earlier is back on the screen: `asked` is that.
        """
        slides = self._session.slides
        if asked is not None and not self._is_chosen and asked.specimen is not slides.specimen:
            slides.set_specimen(asked.specimen)
        self.keep()

    def restore(self, asked: Asked | None) -> None:
        """Take up what was chosen when a slide was last open, unless another choice was made.

        Where nothing was, all stays as it is on the screen.
        """
        if self._is_chosen:
            self.keep()
            return
        if asked is None:
            return
        self.device, self.scope = asked.device or self.device, asked.scope or self.scope
        if asked.specimen is not self._session.slides.specimen:
            self._session.slides.set_specimen(asked.specimen)
        self.changed.emit()
