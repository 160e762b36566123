"""Resolutions as people type them."""

from napari_glioma_density.errors import BadInput


def demand_resolution(um_per_px: float) -> None:
    """Refuse what no picture of nuclei can have; BadInput."""
    from napari_glioma_density.slides.resolution import is_believable

    if not is_believable(um_per_px):
        raise BadInput(f"--um-per-px {um_per_px:g}: not believable; give a value from 0.05 to 5")
