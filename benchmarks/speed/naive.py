"""What one would write first: a patch at a time, in fp32, without context, through dask."""

import numpy as np
import tifffile
import torch

from napari_glioma_density.nuclei.registry import find_model
from napari_glioma_density.nuclei.weights import load_network
from napari_glioma_density.slides import working_plane
from napari_glioma_density.stain import normalise

from .feeds import dask_reader
from .pairs import Stopwatch
from .runs import Runs

PATCHES = 16
"""Timed are so many, evenly spread: each costs the same."""


class NaiveLoop:
    """Patches of 480 px without halo, read by dask, one at a time through the network in fp32.

    Parameters
    ----------
    runs
        The slide, and which of its patches were read.
    model
        Name of the model, whose weights are the job's.
    """

    def __init__(self, runs: Runs, model: str) -> None:
        self._runs = runs
        self._device = runs.segmenter.device
        self._network = load_network(find_model(model).path)[1].eval().to(self._device)
        windows = runs.patch_windows()
        self._windows = windows[:: max(1, len(windows) // PATCHES)]

    def seconds(self) -> float:
        """Seconds a patch."""
        watch = Stopwatch()
        with (
            self._runs.sample.open() as slide,
            tifffile.TiffFile(self._runs.sample.path) as tif,
            torch.inference_mode(),
        ):
            read = dask_reader(tif, working_plane(slide, self._runs.segmenter.spec.um_per_px))
            with watch.running():
                for window in self._windows:
                    self._nucleus_px(read(window))
        return watch.seconds / len(self._windows)

    def _nucleus_px(self, rgb: np.ndarray) -> int:
        statistics = self._runs.run.spec.colour_statistics
        seen = normalise(rgb[None], self._runs.segmenter.spec.input, statistics)
        image = torch.from_numpy(seen).permute(0, 3, 1, 2).contiguous().to(self._device)
        probability = self._network(image).softmax(dim=1)[0, 1]
        return int((probability >= self._runs.segmenter.spec.threshold).sum())
