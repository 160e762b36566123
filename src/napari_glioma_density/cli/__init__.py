"""The command line: ``glioma-density …``, one file a command.

torch, napari and Qt are imported by the commands that need them, when they run.
"""

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program as ``app.main`` does, and heed Ctrl-C even while it loads."""
    try:
        from napari_glioma_density.cli import app

        app.main(arguments)
    except KeyboardInterrupt:  # before there was a command that could be stopped, or after it
        sys.exit(130)
