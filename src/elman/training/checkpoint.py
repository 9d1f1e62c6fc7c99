"""Saving a training so that it goes on bit for bit: the folder `last/` is a model folder with two files more.

`resume.safetensors` holds tensors (optimiser, generators, carried state, gradient norms of the epoch), `resume.json` the rest.
Everything in them is a function of recipe, data and step; no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from elman.errors import FolderError, InputError
from elman.randomness import Generators
from elman.storage import bytes_to_tensors, from_json, read_folder, tensors_to_bytes, to_json, write_folder
from elman.training.carry import pack, unpack
from elman.training.position import EpochSums, Position
from elman.training.schedules import Plateau

MODEL, TENSORS, REST = "model.safetensors", "resume.safetensors", "resume.json"


def save_checkpoint(
    folder: Path,
    model_files: Mapping[str, bytes],
    optimiser: torch.optim.Optimizer,
    generators: Generators,
    here: Position,
    facts: Mapping[str, Any],
) -> None:
    """Replace the checkpoint in `folder`. `facts` (JSON) are the caller's: what `load_checkpoint` hands back beside the position.

    Raises:
        StorageError: the disk is full or fails; the previous checkpoint is intact.
    """
    tensors = {f"generator.{name}": state for name, state in generators.state().items()}
    tensors["generator.shuffle"] = here.shuffle  # not as it is now: the plan of this epoch will be drawn again
    tensors["norms"] = torch.tensor(here.sums.norms, dtype=torch.float64)
    for number, entries in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{number}.{name}": value for name, value in entries.items() if isinstance(value, Tensor)}
    rest = asdict(here) | {"carry": pack(here.carry, tensors), "facts": dict(facts)}
    del rest["shuffle"], rest["sums"]["norms"]
    write_folder(folder, {**model_files, TENSORS: tensors_to_bytes(tensors), REST: to_json(rest)}, kind="model")


def load_checkpoint(
    folder: Path, module: torch.nn.Module, optimiser: torch.optim.Optimizer, generators: Generators
) -> tuple[Position, dict[str, Any]]:
    """Put weights, optimiser and generators back to the checkpoint in `folder`; returns the position and the caller's facts.

    Raises:
        FolderError: the folder is missing, truncated, altered, or no checkpoint of this model.
    """
    files = read_folder(folder, kind="model")
    try:
        weights, tensors, rest = files[MODEL], bytes_to_tensors(files[TENSORS]), from_json(files[REST], REST)
    except KeyError as missing:
        raise FolderError(f"{folder} is no checkpoint: it has no {missing}") from None
    try:
        module.load_state_dict(bytes_to_tensors(weights))
        _restore_optimiser(optimiser, tensors)
        generators.restore(_under("generator.", tensors))
        facts: dict[str, Any] = rest.pop("facts")
        sums = EpochSums(norms=tensors["norms"].tolist(), **rest.pop("sums"))
        device = next(module.parameters()).device
        carry = unpack(rest.pop("carry"), {name: tensor.to(device) for name, tensor in tensors.items()})
        plateau = Plateau(*rest.pop("plateau"))
        return Position(shuffle=tensors["generator.shuffle"], sums=sums, carry=carry, plateau=plateau, **rest), facts
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise FolderError(f"{folder} is not a checkpoint of this model: {reason}") from error


def refuse_other_run(folder: Path, saved: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Going on exactly needs the same settings and data: raises InputError that names the first difference."""
    for name, value in asked.items():
        if saved.get(name) != value:
            raise InputError(
                f"the run in {folder} was started with {name} = {saved.get(name)}, not {value}: "
                "resume it unchanged, or start another with another --run"
            )


def _restore_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _under("optimiser.", tensors).items():
        number, name = key.split(".", 1)
        state.setdefault(int(number), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
