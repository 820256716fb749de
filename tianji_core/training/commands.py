"""The commands that start a training: the studio runs one, the page shows one for each further machine, and
the Slurm script runs the same."""

import re
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


def _shell_environment(chosen: Preset, target: Target, variables: Mapping[str, str]) -> str:
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
    lines, environment = [], _shell_environment(chosen, target, variables)
    for rank in range(target.nodes):
        command = shlex.join([sys.executable, *arguments(target, work_dir, resume, rank)])
        lines.append(f"cd {shlex.quote(str(PROJECT))} && {environment} {command}")
    return lines


def slurm_script(
    chosen: Preset,
    target: Target,
    work_dir: Path,
    title: str,
    resume: Path | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A script for ``sbatch``: one task per machine starts that machine's processes, which meet at the first
    machine of the allocation."""
    everywhere = target.model_copy(update={"address": "MASTER"})
    command = shlex.join([sys.executable, *arguments(everywhere, work_dir, resume)])
    command = command.replace("--node_rank=0", '--node_rank="$SLURM_NODEID"').replace(
        "--master_addr=MASTER", '--master_addr="$MASTER"'
    )
    cards = [] if chosen.device == "cpu" else [f"#SBATCH --gpus-per-node={target.processes}"]
    environment = _shell_environment(chosen, target.model_copy(update={"gpus": ()}), variables)
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", title).strip("-") or "tianji"
    return "\n".join(
        [
            "#!/bin/bash",
            f"#SBATCH --job-name={name}",
            f"#SBATCH --nodes={target.nodes}",
            "#SBATCH --ntasks-per-node=1",
            *cards,
            f"#SBATCH --output={shlex.quote(str(work_dir / 'slurm-%j.log'))}",
            "set -euo pipefail",
            f"cd {shlex.quote(str(PROJECT))}",
            'export MASTER="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"',
            f"export {environment}",
            # srun hands the text to a shell on each machine, where SLURM_NODEID is that machine's.
            f"srun bash -c {shlex.quote(command)}",
            "",
        ]
    )
