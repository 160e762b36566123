"""The specification of a made-up run; a test names only what matters to it."""

from typing import Any

from napari_glioma_density.results import RunSpec


def made_up_spec(height_px: int, width_px: int, **others: Any) -> RunSpec:
    """A run at 0.5 µm/px on a slide of 0.25 µm/px; `height_px` and `width_px` in working px."""
    usual: dict[str, Any] = {
        "model": "fast",
        "weights_sha256": "00ff",
        "architecture": "unet",
        "input": "rgb",
        "threshold": 0.5,
        "um_per_px": 0.25,
        "um_per_px_source": "Aperio MPP",
        "working_um_per_px": 0.5,
        "level": 0,
        "sixteenths": 32,
        "block_patches": 1,
        "split": frozenset(),
        "tissue_mask": True,
        "device": "cpu",
        "precision": "fp32",
        "halo_px": 96,
    }
    return RunSpec(**{**usual, "height_px": height_px, "width_px": width_px, **others})
