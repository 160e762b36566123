"""OME-Zarr of the nucleus mask and of the density map."""

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from napari_glioma_density.exchange.density_image import CHANNELS, density_image, patch_um
from napari_glioma_density.exchange.mask_levels import STEP, MaskLevels
from napari_glioma_density.exchange.progress import Progress
from napari_glioma_density.exchange.provenance import (
    density_description,
    mask_description,
    provenance,
)
from napari_glioma_density.exchange.whole_output import whole_folder
from napari_glioma_density.findings.findings import Findings

Version = Literal["0.5", "0.4"]

DENSITY: Final = "density"
"""Group of the density map; the mask is the image that the folder itself is."""

_PROVENANCE: Final = "glioma_density"
"""Attribute of the root that only this program writes."""
_CHUNKS_PX: Final = (960, 480)
"""Of level 0, which is then 10 000 files for the largest slides, and of the others."""
_LIKELY_PERCENT: Final = 40.0
"""Where display begins to be white: few fields are denser."""


def write_ome_zarr(
    path: Path,
    findings: Findings,
    *,
    version: Version = "0.5",
    on_progress: Progress | None = None,
) -> None:
    """Write the nucleus mask as an OME-Zarr image, and in it the group `density`, another one.

    The mask is uint8, 0 or 255, at the working resolution; every further level is the mean of
    4 × 4 px. It is the model's with corrected fields in place; regions left out of the sums are
    not cut out of it. The density is float32 in percent, one px a patch, two channels
    (`CHANNELS`), nan where nothing counts. Scales and translations are in µm and place the
    *centre* of a px, that of the mask's first one at 0, so that the images lie on each other.

    Parameters
    ----------
    path
        The folder to replace, usually ``*.ome.zarr``.
    findings
        What is said of the slide.
    version
        Of the OME-Zarr specification: 0.5 (zarr v3), the current one, or 0.4 (zarr v2) for
        programs that read no other.
    on_progress
        Told of rows of the mask written.

    Raises
    ------
    BadInput
        When something lies there that is no OME-Zarr of this program.
    StoreError
        When the folder cannot be written; what was there before is kept.
    """
    with whole_folder(path, is_ours, "OME-Zarr of this program") as part:
        zarr_format: Literal[2, 3] = 2 if version == "0.4" else 3
        root = zarr.create_group(str(part), zarr_format=zarr_format)
        _write_mask(root, findings, version, on_progress)
        density = root.create_group(DENSITY)
        _write_density(density, findings, version)


def is_ours(folder: Path) -> bool:
    """Whether a folder is an OME-Zarr image that this program wrote, of either version.

    Another program's may be a slide, the only one of its kind.
    """
    try:
        attributes = zarr.open_group(str(folder), mode="r").attrs.asdict()
        described = attributes.get("ome", attributes)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    is_image = isinstance(described, dict) and "multiscales" in described
    return is_image and isinstance(attributes.get(_PROVENANCE), dict)


def _write_mask(
    group: zarr.Group, findings: Findings, version: Version, on_progress: Progress | None
) -> None:
    levels = MaskLevels(findings.mask)
    arrays = [
        _create(group, str(level), shape, (_CHUNKS_PX[level > 0],) * 2, np.uint8, ("y", "x"))
        for level, shape in enumerate(levels.shapes)
    ]
    for row in levels.rows(on_progress):
        for cell in row:
            arrays[0][cell.window] = cell.pixels
            if len(arrays) > 1:
                arrays[1][cell.quarter_window] = cell.quarter
    for array, pixels in zip(arrays[2:], levels.held(), strict=True):
        array[:] = pixels
    um = findings.spec.working_um_per_px
    multiscale = {
        "name": f"{findings.pseudonym} nucleus mask",
        "axes": _axes("y", "x"),
        "datasets": [_dataset(str(level), um, STEP**level) for level in range(len(arrays))],
        "type": "mean",
        "metadata": {"description": mask_description(findings)},
    }
    _describe(group, version, multiscale)
    group.attrs[_PROVENANCE] = provenance(findings)


def _write_density(group: zarr.Group, findings: Findings, version: Version) -> None:
    image = density_image(findings)
    array = _create(group, "0", image.shape, image.shape, np.float32, ("c", "y", "x"), np.nan)
    array[:] = image
    scale = round(patch_um(findings) / findings.spec.working_um_per_px)
    multiscale = {
        "name": f"{findings.pseudonym} density",
        "axes": [{"name": "c", "type": "channel"}, *_axes("y", "x")],
        "datasets": [_dataset("0", findings.spec.working_um_per_px, scale, channels=True)],
        "type": "none",
        "metadata": {"description": density_description(findings)},
    }
    channels = [
        {
            "label": label,
            "color": "FFFFFF",
            "active": place == 0,
            "window": {"min": 0.0, "max": 100.0, "start": 0.0, "end": _LIKELY_PERCENT},
        }
        for place, label in enumerate(CHANNELS)
    ]
    _describe(group, version, multiscale, omero={"channels": channels})


def _create(
    group: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    dtype: type[np.generic],
    axes: tuple[str, ...],
    fill_value: float = 0,
) -> zarr.Array:
    # Blosc is the one compressor that readers of either version know in every language.
    if group.metadata.zarr_format == 3:
        compressor: Any = BloscCodec(cname="zstd", clevel=5, shuffle="shuffle")
        form: dict[str, Any] = {"dimension_names": axes}
    else:
        compressor = {"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 1}
        form = {"chunk_key_encoding": {"name": "v2", "separator": "/"}}
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        dtype=dtype,
        fill_value=fill_value,
        compressors=compressor,
        **form,
    )


def _axes(*names: str) -> list[dict[str, str]]:
    return [{"name": name, "type": "space", "unit": "micrometer"} for name in names]


def _dataset(path: str, um: float, px: int, *, channels: bool = False) -> dict[str, Any]:
    """Place a level whose px are `px` working px of `um` µm: where their centres lie."""
    scale, translation = [um * px] * 2, [um * (px - 1) / 2] * 2
    if channels:
        scale, translation = [1.0, *scale], [0.0, *translation]
    transformations = [
        {"type": "scale", "scale": scale},
        {"type": "translation", "translation": translation},
    ]
    return {"path": path, "coordinateTransformations": transformations}


def _describe(
    group: zarr.Group, version: Version, multiscale: dict[str, Any], **more: dict[str, Any]
) -> None:
    if version == "0.4":
        described = {"multiscales": [{"version": version, **multiscale}], **more}
        group.attrs.update(described)
    else:
        group.attrs["ome"] = {"version": version, "multiscales": [multiscale], **more}
