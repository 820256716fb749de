"""A training as a job of Slurm: the script for ``sbatch``, and how the jobs of a work folder ended."""

import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.jobs.environment import child_environment
from tianji_core.project import PROJECT
from tianji_core.training import engine
from tianji_core.training.commands import arguments, shell_environment
from tianji_core.training.presets import Preset
from tianji_core.training.target import Target

_NAME = r"^[A-Za-z0-9_.,+-]*$"
_CARRIED = ("PATH", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH", "NCCL_*", "GLOO_*", "TIANJI_CHILD_*")
"""Variables of this process that the job gets: those that say where programs, libraries and networks are."""
_CPUS_PER_CARD, _CPUS_WITHOUT = 8, 4


class SlurmRequest(BaseModel):
    """What a job asks of the cluster; '' and 0 leave it to the cluster, or for ``cpus`` to the studio.

    ``time`` is minutes, MM:SS, HH:MM:SS or D-HH:MM:SS; ``memory`` is that of one machine, such as 64G;
    ``cpus`` are the cores of one machine; ``modules`` are loaded there, separated by spaces; ``container`` is
    'pyxis:IMAGE' or 'apptainer:IMAGE', in which the environment of the studio is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    partition: str = Field(default="", pattern=_NAME, max_length=100)
    account: str = Field(default="", pattern=_NAME, max_length=100)
    time: str = Field(default="", pattern=r"^(|\d{1,6}|(\d{1,3}-)?\d{1,5}(:\d{2}){0,2})$")
    memory: str = Field(default="", pattern=r"^(|\d{1,9}[KMGT]?)$")
    cpus: int = Field(default=0, ge=0, le=4096)
    modules: str = Field(default="", pattern=r"^[A-Za-z0-9_./+ -]*$", max_length=300)
    container: str = Field(default="", pattern=r"^(|(pyxis|apptainer):[A-Za-z0-9_./:@#+-]+)$", max_length=500)


def checked_request(values: Mapping[str, object]) -> SlurmRequest:
    """Returns what a person asks of the cluster.

    Raises:
        TrainingError: names the field that is not valid.
    """
    try:
        return SlurmRequest.model_validate(dict(values))
    except ValidationError as error:
        field = str(error.errors(include_url=False)[0]["loc"][0])
        examples = {
            "partition": _("分区：一个名字，例如 gpu"),
            "account": _("账户：一个名字"),
            "time": _("时限：例如 90（分钟）、12:00:00 或 1-00:00:00"),
            "memory": _("每台机器的内存：例如 64G"),
            "cpus": _("每台机器的核数：0 到 4096"),
            "modules": _("环境模块：用空格隔开的名字，例如 cuda/12.4"),
            "container": _("容器：pyxis:镜像 或 apptainer:镜像"),
        }
        raise TrainingError(_("Slurm 的这一项填得不对，{example}", example=examples[field])) from error


def slurm_script(
    chosen: Preset,
    target: Target,
    work_dir: Path,
    title: str,
    resume: Path | None = None,
    variables: Mapping[str, str] = MappingProxyType({}),
    request: SlurmRequest = SlurmRequest(),
    mounts: Sequence[Path] = (),
) -> str:
    """A script for ``sbatch``: one task per machine starts that machine's processes, which meet at the first
    machine of the allocation. The job gets no variables of the shell that submits it but those of this
    script; one that the cluster starts again goes on from its newest checkpoint; its exit code lies in the
    work folder when it has ended. A container sees ``mounts`` beside the project, the work folder and the
    environment.

    Raises:
        TrainingError: the path of the work folder cannot stand in such a script.
    """
    everywhere = target.model_copy(update={"address": "MASTER"})
    command = shlex.join([sys.executable, *arguments(everywhere, work_dir, resume)])
    for placeholder, variable in (
        ("--node_rank=0", '--node_rank="$SLURM_NODEID"'),
        ("--master_addr=MASTER", '--master_addr="$MASTER"'),
        (f"--master_port={target.port}", '--master_port="$MASTER_PORT"'),
    ):
        command = command.replace(placeholder, variable)
    # Inside srun, which unsets an exported empty CUDA_VISIBLE_DEVICES where the cluster knows cards.
    environment = shell_environment(
        chosen, target.model_copy(update={"gpus": ()}), {**_carried(), **variables}
    )
    each = f'export {environment}; exec {command} "$@"'
    newest = shlex.quote(str(work_dir / engine.NEWEST_CHECKPOINT))
    end = shlex.quote(str(work_dir)) + '/slurm-"$SLURM_JOB_ID".exit'
    start = f"srun --export=ALL --kill-on-bad-exit=1 {_contained(request, [work_dir, *mounts])}".rstrip()
    lines = [
        "#!/bin/bash",
        *_directives(chosen, target, work_dir, title, request),
        "set -euo pipefail",
        f'ended() {{ echo "$?" > {end}; }}',
        "trap ended EXIT",
        "trap 'exit 143' TERM",
        *_modules(request),
        f"cd {shlex.quote(str(PROJECT))}",
        "resume=()",
        f'if [ "${{SLURM_RESTART_COUNT:-0}}" -gt 0 ] && [ -s {newest} ]; then',
        f'    resume=(--resume "$(cat {newest})")',
        *[f"    export {name}={shlex.quote(value)}" for name, value in engine.RESUME_VARIABLES.items()],
        "fi",
        'MASTER="$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)"',
        "MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000))",
        "export MASTER MASTER_PORT",
        # srun hands the text to a shell on each machine, where SLURM_NODEID is that machine's.
        f"{start} bash -c {shlex.quote(each)} tianji \\",
        '    ${resume[@]+"${resume[@]}"}',  # an empty list is unset to a bash before 4.4
        "",
    ]
    return "\n".join(lines)


def _modules(request: SlurmRequest) -> list[str]:
    """The lines that load the modules; their scripts use variables that are not set."""
    if not request.modules.strip():
        return []
    known = "type module >/dev/null 2>&1 || . /etc/profile"
    return ["set +u", known, f"module load {request.modules.strip()}", "set -u"]


def _contained(request: SlurmRequest, mounts: Sequence[Path]) -> str:
    """The part of the command of ``srun`` that goes into the container, with the project, the environment and
    ``mounts``."""
    engine_name, _colon, image = request.container.partition(":")
    folders = list(dict.fromkeys([str(PROJECT), sys.prefix, *map(str, mounts)]))
    if engine_name == "pyxis":
        pairs = ",".join(f"{folder}:{folder}" for folder in folders)
        return f"--container-image={shlex.quote(image)} --container-mounts={shlex.quote(pairs)} "
    if engine_name == "apptainer":
        binds = " ".join(f"--bind {shlex.quote(folder)}" for folder in folders)
        return f"apptainer exec --nv {binds} {shlex.quote(image)} "
    return ""


def _directives(
    chosen: Preset, target: Target, work_dir: Path, title: str, request: SlurmRequest
) -> list[str]:
    cores = _CPUS_WITHOUT if chosen.device == "cpu" else _CPUS_PER_CARD
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", title).strip("-") or "tianji"
    wanted = {
        "job-name": name,
        "nodes": target.nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": request.cpus or cores * target.processes,
        "gpus-per-node": 0 if chosen.device == "cpu" else target.processes,
        "partition": request.partition,
        "account": request.account,
        "time": request.time,
        "mem": request.memory,
        "export": "NONE",
        "open-mode": "append",
        "output": shlex.quote(_log_path(work_dir)),
    }
    options = [f"#SBATCH --{option}={value}" for option, value in wanted.items() if value]
    return [*options, "#SBATCH --requeue"]


def _log_path(work_dir: Path) -> str:
    """The pattern of the log: Slurm replaces ``%j``, takes ``%%`` for ``%`` and drops backslashes."""
    folder = str(work_dir)
    if "\\" in folder or not folder.isprintable():
        raise TrainingError(
            _("工作区的路径里有反斜杠或换行，Slurm 认不了这样的路径；请把工作区放到别的文件夹")
        )
    return folder.replace("%", "%%") + "/slurm-%j.log"


def _carried() -> dict[str, str]:
    return {
        name: value
        for name, value in child_environment().items()
        if name in os.environ and any(fnmatchcase(name, pattern) for pattern in _CARRIED)
    }


def slurm_ends(work_dir: Path) -> dict[int, int]:
    """Returns the exit codes of the Slurm jobs that have ended, by their numbers."""
    ends = {}
    for file in work_dir.glob("slurm-*.exit"):
        number, text = file.stem.removeprefix("slurm-"), file.read_text(encoding="utf-8", errors="replace")
        if number.isdecimal() and text.strip().isdecimal():
            ends[int(number)] = int(text)
    return dict(sorted(ends.items()))
