"""Scores as ``evaluate --json`` prints them, of fields whose errors are known."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_glioma_density.findings.validation import CheckedField

SLIDE_SHARE, TISSUE_SHARE, TURNING = 0.08, 0.05, 4.0


def checked(seed: int, slides: int, fields: int = 10) -> list[CheckedField]:
    """Fields of slides, each slide with an error of its own."""
    random = np.random.default_rng(seed)
    made = []
    for slide in range(slides):
        shared = random.normal(0, SLIDE_SHARE)
        for found in random.uniform(1, 40, fields):
            z = shared + random.normal(0, TISSUE_SHARE)
            made.append(CheckedField(f"{slide}", found - z * np.hypot(found, TURNING), found))
    return made


def data_set(name: str, organ: str, fields: Sequence[CheckedField]) -> dict[str, Any]:
    return {
        "name": name,
        "organs": [{"organ": organ}],
        "fields": {
            "patient": [field.slide for field in fields],
            "true_density_percent": [field.true_percent for field in fields],
            "predicted_density_percent": [field.found_percent for field in fields],
        },
    }
