"""Preparing what an estimate needs before its first block, while the window is at rest."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_glioma_density.slides import Slide
from napari_glioma_density.ui.courtesy import give_way

if TYPE_CHECKING:
    from napari_glioma_density.estimate import Survey
    from napari_glioma_density.nuclei.segmenter_protocol import Segmenter

LoadSegmenter = Callable[[str, str], "Segmenter"]


def load_segmenter(model: str, device: str) -> "Segmenter":
    """Load a model; torch is imported here, thus in the thread that calls."""
    from napari_glioma_density.nuclei import segmenter

    return segmenter.load_segmenter(model, device)


@dataclass(frozen=True)
class Asked:
    """A slide, with a model on a device."""

    slide: Slide
    model: str
    device: str


@dataclass(frozen=True)
class Ready:
    """A loaded model, and the slide as it will see it."""

    segmenter: "Segmenter"
    survey: "Survey"


class Readiness:
    """Gets ready for an estimate, in any thread, and keeps the last that was asked for.

    A caller that asks for what another thread is just preparing waits for it, but only for the part
    that an estimate needs.
    """

    def __init__(self, load: LoadSegmenter) -> None:
        self.load = load
        self._lock = threading.Lock()
        self._is_awaited = threading.Event()
        self._kept: tuple[int, Asked, Ready] | None = None
        self._forgotten = 0
        """How often; what was got before the last time is not what is asked for."""

    def get(self, asked: Asked, *, ahead: bool = False) -> Ready:
        """Return the loaded model and the slide's survey.

        With `ahead`, the slide's colours are read too and the model sees a blank block. An estimate
        itself does both when it needs them; a resumed one needs no colours.

        Raises
        ------
        BadInput
            When the model cannot be loaded or the slide not be measured.
        """
        if not ahead:
            self._is_awaited.set()
        with self._lock:
            if not ahead:
                self._is_awaited.clear()
            forgotten = self._forgotten
            if self._kept is None or self._kept[:2] != (forgotten, asked):
                self._kept = None
                # In a thread of its own: libraries compute in threads that the first caller starts.
                with ThreadPoolExecutor(1, "ready", initializer=give_way) as apart:
                    ready = apart.submit(self._get, asked, ahead).result()
                self._kept = forgotten, asked, ready
            return self._kept[2]

    def forget(self) -> None:
        """Get ready anew the next time: models or slide have changed; waits for nobody."""
        self._forgotten += 1

    def _get(self, asked: Asked, ahead: bool) -> Ready:
        from napari_glioma_density.estimate import Survey, rehearse_first_block

        segmenter = self.load(asked.model, asked.device)
        survey = Survey.of(asked.slide, segmenter.spec)
        if ahead and not self._is_awaited.is_set():
            rehearse_first_block(segmenter)
        if ahead and not self._is_awaited.is_set():
            survey.colours  # noqa: B018 - read now and kept
        return Ready(segmenter, survey)
