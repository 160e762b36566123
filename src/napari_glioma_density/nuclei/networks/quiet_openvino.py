"""How to import OpenVINO without telemetry: left to itself it reports every start to its makers.

Nothing may leave a user's machine. OpenVINO sends its telemetry through a separate, optional
package; while OpenVINO loads, that package is made to look as if it were not installed.
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
