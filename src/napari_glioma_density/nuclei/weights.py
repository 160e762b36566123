"""Weights on disk: safetensors with the model's spec in the header; nothing is unpickled."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from napari_glioma_density.durable import write_atomically
from napari_glioma_density.errors import ModelError
from napari_glioma_density.nuclei.learnt import Learnt
from napari_glioma_density.nuclei.networks import build_network
from napari_glioma_density.nuclei.networks.activations import Activations
from napari_glioma_density.nuclei.networks.unet import UNet
from napari_glioma_density.nuclei.spec import ModelSpec
from napari_glioma_density.stain import colour_input

SPEC_KEY = "glioma_density_spec"


def save_tensors(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    """Write ``tensors`` to ``path`` whole or not at all.

    Raises
    ------
    ModelError
        When the disk refuses; what stood at ``path`` before is untouched.
    """
    plain = {name: t.detach().contiguous().cpu() for name, t in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save(plain, metadata=header))
    except (OSError, SafetensorError) as error:
        raise ModelError(
            f"{path.name}: cannot be written ({error}); free disk space or choose another folder"
        ) from error


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and header of a safetensors file.

    Raises
    ------
    ModelError
        When the file is absent or damaged.
    """
    with _opened(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return tensors, file.metadata() or {}


def read_spec(path: Path) -> ModelSpec:
    """The spec in a weights file's header, without reading the weights.

    Raises
    ------
    ModelError
        When the file is absent, damaged, or carries no spec.
    """
    return _spec_of(_header(path), path)


def read_learnt(path: Path) -> Learnt:
    """What weights learnt from, by their header; of older ones names of data sets alone are known.

    Raises
    ------
    ModelError
        As :func:`read_spec` does.
    """
    header = _header(path)
    spec = _spec_of(header, path)
    return Learnt.from_json(header[SPEC_KEY], path.name) or Learnt(unlisted=spec.trained_on)


def _header(path: Path) -> dict[str, str]:
    with _opened(path) as file:
        return file.metadata() or {}


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """A safetensors file; ModelError where it cannot be read."""
    if not path.is_file():
        raise ModelError(f"{path}: no such weights file; `glioma-density models` lists models")
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path.name}: not a readable safetensors file ({error}); fetch or train it again"
        ) from error


def save_network(
    path: Path, spec: ModelSpec, network: nn.Module, learnt: Learnt | None = None
) -> None:
    """Write the weights of ``network`` with ``spec`` in the header, whole or not at all.

    Its activations, and what it ``learnt`` from, are written beside them where they are known.
    """
    tensors = dict(network.state_dict())
    if isinstance(network, UNet) and network.activations is not None:
        tensors |= network.activations.tensors()
    # One entry: safetensors writes several in any order, and the same weights are the same file.
    known = {} if learnt is None else learnt.as_dict()
    save_tensors(path, tensors, {SPEC_KEY: spec.to_json(known)})


def load_network(path: Path) -> tuple[ModelSpec, nn.Module]:
    """The spec and the network, its weights loaded, in evaluation mode.

    Raises
    ------
    ModelError
        When the file is absent, damaged, or its weights do not fit its spec.
    """
    tensors, header = load_tensors(path)
    spec = _spec_of(header, path)
    network = _untrained(spec, path)
    weights, activations = Activations.parted(tensors)
    if isinstance(network, UNet):
        network.activations = activations
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise ModelError(f"{path.name}: weights of it are no numbers; fetch or train it again")
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(
            f"{path.name}: its weights do not fit a {spec.architecture} of base width "
            f"{spec.base_width}; fetch or train it again"
        ) from error
    return spec, network.eval()


def _untrained(spec: ModelSpec, path: Path) -> nn.Module:
    """The network that a file describes; ModelError, the file named, where there is none such."""
    try:
        colour_input(spec.input)
        return build_network(spec)
    except ModelError as error:
        raise ModelError(f"{path.name}: {error}") from error


def sha256_of(path: Path) -> str:
    """Hex digest of the file, as model cards and results name the weights."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _spec_of(header: dict[str, str], path: Path) -> ModelSpec:
    if SPEC_KEY not in header:
        raise ModelError(
            f"{path.name}: carries no model description; "
            "use weights written by `glioma-density train`"
        )
    return ModelSpec.from_json(header[SPEC_KEY], path.name)
