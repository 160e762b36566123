"""The command line: ``glioma-density …``, one file a command.

torch, napari and Qt are imported by the commands that need them, when they run.
"""

from napari_glioma_density.cli.app import main

__all__ = ["main"]
