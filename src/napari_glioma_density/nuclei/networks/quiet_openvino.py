"""OpenVINO as it is to be imported: by itself it tells its makers of every start.

Nothing leaves a user's machine. The package that would send the news is its own and may be
missing; while OpenVINO loads, it seems to be.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["openvino", "ops"]

_TELLTALE: Final = "openvino_telemetry"


@contextmanager
def _seemingly_absent(package: str) -> Iterator[None]:
    found = sys.modules.get(package)
    sys.modules[package] = None  # type: ignore[assignment]  # so an import of it fails
    try:
        yield
    finally:
        del sys.modules[package]
        if found is not None:
            sys.modules[package] = found


with _seemingly_absent(_TELLTALE):
    import openvino
    from openvino import opset13 as ops
