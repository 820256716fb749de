"""在哪里训练: the processor, chosen cards, several processes, several machines, DeepSpeed; and the commands that start it.

The same command line is what the studio runs, what the page shows for every further machine, and what a Slurm script runs.
"""

import re
import shlex
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.jobs.control import python_path
from tianji_core.project import PROJECT
from tianji_core.recipe import reason_of
from tianji_core.store.training import TrainingRun
from tianji_core.training.child import PATIENT, offline_variables
from tianji_core.training.config import CONFIG_NAME
from tianji_core.training.lock import CPU, card
from tianji_core.training.presets import Preset

TRAINER = "tianji_core.training.trainer"
"""Run with ``python -m``, so that the names of this room do not shadow those of libraries."""
DEEPSPEED = (
    "deepspeed_zero1",
    "deepspeed_zero2",
    "deepspeed_zero2_offload",
    "deepspeed_zero3",
    "deepspeed_zero3_offload",
)
"""The DeepSpeed settings that xtuner brings: ZeRO stage, and whether it keeps parts in RAM."""
OWN_CHECKPOINT = {"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"}
"""The environment for going on from a checkpoint of the studio's own: it holds more than tensors, which torch.load refuses
by default."""
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}")


class Target(BaseModel):
    """Where a training runs. ``gpus`` are the cards by their driver's numbers, () for any that are free; ``processes``
    per machine, one per card; ``address`` is what the other machines reach the first one by, ``port`` is on it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpus: tuple[int, ...] = Field(default=(), max_length=64)
    """Cards, by number."""
    processes: int = Field(default=1, ge=1, le=64)
    """Processes on each machine."""
    deepspeed: str = ""
    """A name of :data:`DEEPSPEED`, or ''."""
    nodes: int = Field(default=1, ge=1, le=512)
    """Machines."""
    address: str = ""
    """Host name or IP of the first machine."""
    port: int = Field(default=29500, ge=1024, le=65535)
    """A free port of the first machine."""

    @field_validator("gpus")
    @classmethod
    def _once(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(value)) != len(value) or any(index < 0 for index in value):
            raise ValueError(_("每张卡写一次编号，从 0 起"))
        return value

    @field_validator("deepspeed")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in DEEPSPEED:
            raise ValueError(_("要填 {names} 之一", names=_("、").join(DEEPSPEED)))
        return value

    @field_validator("address")
    @classmethod
    def _host(cls, value: str) -> str:
        if value and not _HOST.fullmatch(value):
            raise ValueError(_("要填主机名或 IP"))
        return value

    @property
    def world(self) -> int:
        """Processes on all machines together: so many micro-batches are one iteration."""
        return self.processes * self.nodes

    @property
    def distributed(self) -> bool:
        """Whether torch.distributed starts the processes."""
        return self.world > 1 or bool(self.deepspeed)


def field_title(name: str) -> str:
    """A field of :class:`Target` for people."""
    return {
        "gpus": _("显卡编号"),
        "processes": _("每台机器的进程数"),
        "deepspeed": "DeepSpeed",
        "nodes": _("机器台数"),
        "address": _("第一台机器的地址"),
        "port": _("第一台机器的端口"),
    }[name]


def checked_target(device: str, values: Mapping[str, Any]) -> Target:
    """A target for a preset's device. Chosen cards are one process each.

    Raises:
        TrainingError: a value is out of bounds, or does not fit the device; names it.
    """
    try:
        target = Target.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else ""
        title = field_title(name) if name in Target.model_fields else name
        raise TrainingError(
            _(
                "训练设置“{title}”{detail}，填的是 {value}",
                title=title,
                detail=reason_of(first),
                value=first["input"],
            )
        ) from error
    if device == "cpu" and (target.gpus or target.deepspeed):
        raise TrainingError(_("这个预设在 CPU 上训练，不能选显卡或 DeepSpeed"))
    if target.gpus and target.processes not in (1, len(target.gpus)):
        raise TrainingError(
            _("选了 {n} 张卡，进程数就应当是 {n}，填的是 {given}", n=len(target.gpus), given=target.processes)
        )
    if target.nodes > 1 and not target.address:
        raise TrainingError(_("多台机器训练要填第一台机器的地址，其他机器靠它会合"))
    return target.model_copy(update={"processes": len(target.gpus) or target.processes})


def places_of(target: Target, device: str) -> tuple[list[str], int]:
    """The places that a target needs on this machine ([]: any cards), and how many."""
    if device == "cpu":
        return [CPU], 1
    return [card(index) for index in target.gpus], target.processes


def target_of(run: TrainingRun) -> Target:
    """Where a stored training runs; one process on one machine for those of an older studio."""
    return Target.model_validate(run.settings.get("target", {}))


def arguments(
    target: Target, work_dir: Path, extra: Sequence[str] = (), rank: int = 0, port: int | None = None
) -> list[str]:
    """What follows ``python`` on machine number ``rank``; ``port`` in place of the target's own."""
    tool = [str(work_dir / CONFIG_NAME), "--work-dir", str(work_dir), *extra]
    if target.deepspeed:
        tool += ["--deepspeed", target.deepspeed]
    if not target.distributed:
        return ["-m", TRAINER, *tool]
    launcher = ["-m", "torch.distributed.run", f"--nnodes={target.nodes}", f"--node_rank={rank}"]
    launcher += [f"--nproc_per_node={target.processes}"]
    launcher += [f"--master_addr={target.address or '127.0.0.1'}", f"--master_port={port or target.port}"]
    return [*launcher, "-m", TRAINER, *tool, "--launcher", "pytorch"]


def free_port() -> int:
    """A port of this machine that nobody listens on."""
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
    extra: Sequence[str] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """One line of shell for each machine, the first one's first. They need the project, its environment and the work
    folder under the same paths, so a shared disk. ``extra`` are further arguments, ``variables`` what this training
    needs in its environment."""
    lines, environment = [], _shell_environment(chosen, target, variables)
    for rank in range(target.nodes):
        command = shlex.join([sys.executable, *arguments(target, work_dir, extra, rank)])
        lines.append(f"cd {shlex.quote(str(PROJECT))} && {environment} {command}")
    return lines


def slurm_script(
    chosen: Preset,
    target: Target,
    work_dir: Path,
    title: str,
    extra: Sequence[str] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A script for ``sbatch``: one task per machine starts that machine's processes; the first machine of the
    allocation is where they meet."""
    everywhere = target.model_copy(update={"address": "MASTER"})
    command = shlex.join([sys.executable, *arguments(everywhere, work_dir, extra)])
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
