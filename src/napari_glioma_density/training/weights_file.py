"""Whether weights can be written where they are wanted, asked before hours of training."""

import tempfile
from pathlib import Path

from napari_glioma_density.errors import BadInput, ModelError
from napari_glioma_density.nuclei.weights import read_spec


def check_weights_name(path: Path) -> None:
    """Refuse a name that is none for weights; touches nothing.

    Raises
    ------
    BadInput
        When ``path`` has another suffix than ``.safetensors``, or is no Unicode.
    """
    shown = str(path).encode("utf-8", "replace").decode()
    if shown != str(path):
        raise BadInput(f"{shown}: has letters that are no UTF-8; name another file for the weights")
    if path.suffix != ".safetensors":
        raise BadInput(f"{path}: weights are safetensors; name a file ending in .safetensors")


def check_weights_file(path: Path) -> None:
    """Make the folder of ``path`` when absent and make sure that weights can be written there.

    Raises
    ------
    BadInput
        When the name is none for weights, when the folder cannot be made or written to, or when
        something other than weights of this program is there.
    """
    check_weights_name(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise BadInput(
            f"{path}: cannot be written there ({error.strerror}); name a file in another folder"
        ) from error
    if path.exists():
        _check_own(path)


def _check_own(path: Path) -> None:
    try:
        read_spec(path)
    except ModelError as error:
        raise BadInput(
            f"{path}: is there and holds no weights of this program; move it, or name another file"
        ) from error
