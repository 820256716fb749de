"""Servers of other programs (vLLM, LMDeploy) for a full model or a base with adapters, for more than one
GPU or machine. Their commands are in ``configs/serving``; where a program is installed, it can be started
as a job."""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import InputError, ModelError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.model_folders.adapter import read_adapter_config
from tianji_core.model_folders.manifest import read_manifest
from tianji_core.model_folders.template import TEMPLATES
from tianji_core.model_folders.trust import runs_code
from tianji_core.serving.choosing import resolved
from tianji_core.serving.fitting import check_fit
from tianji_core.serving.launch import HOST, KIND, ModelRef, ServerSubject, free_port
from tianji_core.serving.program_environments import found_program, own_program
from tianji_core.serving.programs import FOLDER, Program, program_named
from tianji_core.workspace import Workspace

DEFAULT_PORT = 8000


@dataclass(frozen=True)
class Command:
    """A command line. ``name`` is that of the program, with which ``argv`` begins; ``models`` and
    ``adapters`` are names for requests."""

    name: str
    program: Program
    argv: list[str]
    port: int
    models: tuple[str, ...]
    adapters: tuple[str, ...]

    @property
    def text(self) -> str:
        """The command line quoted for a shell."""
        return shlex.join(self.argv)

    @property
    def installed(self) -> bool:
        """Whether the program is on this machine, in its own environment or on PATH."""
        return found_program(self.name) is not None


def command(
    workspace: Workspace,
    program: str,
    names: Sequence[str],
    extra: Sequence[ModelRef] = (),
    port: int | None = None,
    gpus: int = 1,
) -> Command:
    """Returns the command that serves these models with ``program``.

    Raises:
        InputError: no such program, more than one full model, or an adapter that changes the head.
        ModelError: as for :func:`~tianji_core.serving.choosing.start_for`.
    """
    chosen = program_named(program)
    check_fit(workspace, program, names, extra)
    full, adapters = resolved(workspace, names, extra)
    if len(full) != 1:
        raise InputError(_("{program} 一次只能加载一个完整模型（可以带适配器）", program=chosen.title))
    (model,) = full
    values = {
        "model": model.path,
        "name": model.name,
        "host": HOST,
        "port": str(port or DEFAULT_PORT),
        "gpus": str(gpus),
        "rank": str(chosen.rank_for(max((_rank(Path(adapter.path)) for adapter in adapters), default=1))),
        "template": str(FOLDER / _markup_file(Path(model.path))),
    }
    parts = list(chosen.command)
    if read_manifest(Path(model.path)).template in TEMPLATES:
        parts += chosen.template
    if runs_code(workspace, Path(model.path)):
        parts += chosen.code
    if adapters:
        parts += chosen.adapters
    argv = [chosen.program, *(part.format_map(values) for part in parts)]
    argv += [f"{adapter.name}={adapter.path}" for adapter in adapters]
    names_of_adapters = tuple(adapter.name for adapter in adapters)
    return Command(program, chosen, argv, port or DEFAULT_PORT, (model.name,), names_of_adapters)


def _markup_file(folder: Path) -> str:
    template = read_manifest(folder).template
    return "llama3_markup.jinja" if template == "llama3_chat" else "chat_markup.jinja"


def start(workspace: Workspace, made: Command) -> Job:
    """Runs a command as a job of kind ``serve``. It is listed and stopped like a server of the studio.

    Raises:
        InputError: the program is not installed here, or the port is taken.
    """
    path = found_program(made.name)
    if path is None:
        raise InputError(
            _(
                "这台机器上没有 {program}；装上它：python -m tianji_core serve --program {name} --install，或把命令拿到装了它的机器上运行",
                program=made.program.title,
                name=made.name,
            )
        )
    free_port(made.port)
    subject = ServerSubject(
        port=made.port, models=made.models, adapters=made.adapters, program=made.program.program
    )
    title = _(
        "{program}：{names}", program=made.program.title, names=_("、").join(made.models + made.adapters)
    )
    variables = dict(made.program.variables)
    if path == own_program(made.name):  # compilers and tools that its packages brought
        variables["PATH"] = os.pathsep.join([str(path.parent), os.environ.get("PATH", os.defpath)])
    return jobs.start(workspace, KIND, title, [str(path), *made.argv[1:]], variables, subject)


def _rank(folder: Path) -> int:
    try:
        config = read_adapter_config(folder)
        return max((config.r, *(config.rank_pattern or {}).values()))
    except ModelError:
        return 64
