"""The commands that start a training: the studio runs one, the page shows one for each further machine."""

import shlex
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from tianji_core.jobs.environment import python_path
from tianji_core.project import PROJECT
from tianji_core.training import engine
from tianji_core.training.child import PATIENT, offline_variables
from tianji_core.training.presets import Preset
from tianji_core.training.target import Target


def arguments(
    target: Target, work_dir: Path, resume: Path | None = None, rank: int = 0, port: int | None = None
) -> list[str]:
    """The arguments of ``python`` on machine number ``rank``; ``resume`` is the checkpoint to go on from,
    ``port`` replaces the target's own."""
    trainer = engine.trainer_arguments(work_dir, target.deepspeed, target.distributed, resume)
    if not target.distributed:
        return trainer
    launcher = ["-m", "torch.distributed.run", f"--nnodes={target.nodes}", f"--node_rank={rank}"]
    launcher += [f"--nproc_per_node={target.processes}"]
    launcher += [f"--master_addr={target.address or '127.0.0.1'}", f"--master_port={port or target.port}"]
    return [*launcher, *trainer]


def free_port() -> int:
    """A port of this machine on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def shell_environment(chosen: Preset, target: Target, variables: Mapping[str, str]) -> str:
    """The variables of a training as assignments of a shell, in one line."""
    values = {"PYTHONPATH": python_path(), **offline_variables(), **variables}
    if chosen.device == "cpu":
        values |= {"CUDA_VISIBLE_DEVICES": "", **PATIENT}
    elif target.gpus:
        values |= {
            "CUDA_DEVICE_ORDER": "PCI_BUS_ID",
            "CUDA_VISIBLE_DEVICES": ",".join(map(str, target.gpus)),
        }
    return " ".join(f"{name}={shlex.quote(value)}" for name, value in values.items())


def node_commands(
    chosen: Preset,
    target: Target,
    work_dir: Path,
    resume: Path | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """One shell command for each machine, that of the first machine first. All machines need the project, its
    environment and the work folder under the same paths, so a shared disk. ``resume`` is the checkpoint to go
    on from, ``variables`` the environment that this training needs."""
    lines, environment = [], shell_environment(chosen, target, variables)
    for rank in range(target.nodes):
        command = shlex.join([sys.executable, *arguments(target, work_dir, resume, rank)])
        lines.append(f"cd {shlex.quote(str(PROJECT))} && {environment} {command}")
    return lines
