"""The state of a training run on disk, so that it survives a kill; nothing is pickled."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.optim import Optimizer

from napari_glioma_density.errors import BadInput
from napari_glioma_density.json_object import json_object
from napari_glioma_density.nuclei.weights import load_tensors, save_tensors
from napari_glioma_density.training.learner import Learner

DIGESTS: Final = ("labels", "images")
"""Of a configuration, what runs begun by earlier versions do not tell."""
_GPU_RANDOM = "random.cuda"


@dataclass(frozen=True)
class RunState:
    """How far a run has come, and how it computes."""

    log: list[dict[str, Any]]
    """One entry an epoch done. What the adaptive DropBlock goes by is in it."""
    precision: str
    threads: int
    """Of the processor. Sums are split among them, so their number shows in the last bits."""
    device: str = "cpu"


def checkpoint_path(weights: Path) -> Path:
    """Where the run that will write ``weights`` keeps its state."""
    return weights.with_name(f"{weights.name}.checkpoint")


def save_checkpoint(path: Path, learner: Learner, configuration: str, state: RunState) -> None:
    """Write the whole state after an epoch, replacing the last one only once it is complete."""
    tensors = {
        **_prefixed("network.", learner.network.state_dict()),
        **_prefixed("average.", learner.average.state_dict()),
        **_optimiser_tensors(learner.optimiser),
        "random": torch.get_rng_state(),
        **_gpu_random(state.device),
    }
    header = {
        "configuration": configuration,
        "log": json.dumps(state.log),
        "precision": state.precision,
        "threads": str(state.threads),
        "device": state.device,
    }
    save_tensors(path, tensors, header)


def load_checkpoint(path: Path, learner: Learner, configuration: str) -> RunState | None:
    """Restore the state at ``path`` into ``learner``.

    Returns
    -------
    RunState or None
        None when the checkpoint is of another configuration and so nothing was restored.

    Raises
    ------
    BadInput
        When the run was begun on another device, whose random numbers go on nowhere else.
    """
    tensors, header = load_tensors(path)
    device = header.get("device", "cpu")
    if not is_same_run(_configuration(header), json.loads(configuration)):
        return None
    if device != learner.device:
        raise BadInput(
            f"{path.name}: this training was begun on {device}; go on with --device {device}, "
            "or delete the file to begin anew"
        )
    learner.network.load_state_dict(_stripped("network.", tensors))
    learner.average.load_state_dict(_stripped("average.", tensors))
    _restore_optimiser(learner.optimiser, _stripped("optimiser.", tensors))
    torch.set_rng_state(tensors["random"])
    if _GPU_RANDOM in tensors:
        torch.cuda.set_rng_state(tensors[_GPU_RANDOM])
    return RunState(json.loads(header["log"]), header["precision"], int(header["threads"]), device)


def _gpu_random(device: str) -> dict[str, Tensor]:
    return {_GPU_RANDOM: torch.cuda.get_rng_state()} if device == "cuda" else {}


def begun_configuration(weights: Path) -> dict[str, Any] | None:
    """Configuration of the unfinished run that will write ``weights``; None when there is none.

    Raises
    ------
    ModelError
        When its checkpoint is damaged.
    """
    path = checkpoint_path(weights)
    if not path.exists():
        return None
    return _configuration(load_tensors(path)[1])


def is_same_run(begun: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether the configuration of an unfinished run is the one asked for.

    A run that was begun before digests were kept is known by all the rest.
    """
    untold = {name for name in DIGESTS if name not in begun}
    return begun == {name: value for name, value in asked.items() if name not in untold}


def _configuration(header: dict[str, str]) -> dict[str, Any]:
    """As a checkpoint's header has it; empty when the file is of other origin."""
    try:
        return json_object(header.get("configuration", "{}"))
    except ValueError:
        return {}


def _prefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _stripped(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}


def _optimiser_tensors(optimiser: Optimizer) -> dict[str, Tensor]:
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{index}.{name}": torch.as_tensor(value)
        for index, entries in state.items()
        for name, value in entries.items()
        if value is not None
    }


def _restore_optimiser(optimiser: Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
