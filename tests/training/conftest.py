"""A small data set on disk: dark discs on pale ground."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

MakeDataSet = Callable[..., Path]


@pytest.fixture
def make_data_set(tmp_path: Path) -> MakeDataSet:
    def make(name: str = "discs", fields: int = 4, side: int = 96) -> Path:
        folder = tmp_path / name
        for part in ("images", "labels"):
            (folder / part).mkdir(parents=True)
        random = np.random.default_rng(7)
        entries = []
        for number in range(fields):
            labels = np.zeros((side, side), np.uint16)
            for nucleus in range(1, 9):
                at = tuple(int(place) for place in random.integers(8, side - 8, 2))
                cv2.circle(labels, at, int(random.integers(4, 8)), nucleus, -1)
            rgb = np.where(labels[..., None] > 0, (90, 60, 130), (230, 190, 220))
            rgb = np.clip(rgb + random.normal(0, 8, rgb.shape), 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / f"images/{number}.png"), rgb[..., ::-1])
            cv2.imwrite(str(folder / f"labels/{number}.png"), labels)
            entries.append(
                {
                    "image": f"images/{number}.png",
                    "label": f"labels/{number}.png",
                    "um_per_px": 0.5,
                    "organ": "none",
                    "patient": f"p{number}",
                }
            )
        manifest = {"name": name, "licence": "CC0", "ships_weights": True, "images": entries}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    return make
