"""Which program answers for the models that a person wants to load: the studio's own server, or on a machine
with a card the one that the studio has installed."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from tianji_core.errors import InputError, ModelError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.project import NANO_FOLDER
from tianji_core.serving import external
from tianji_core.serving.choosing import resolved, start_for
from tianji_core.serving.launch import ModelRef, ServerOptions, free_port
from tianji_core.serving.program_environments import own_program
from tianji_core.serving.programs import program_named, programs
from tianji_core.training.load import cards
from tianji_core.workspace import Workspace

STUDIO = "studio"
"""Names the studio's own server."""
_FIRST = ("vllm", "lmdeploy")


def installed_programs() -> list[str]:
    """Returns the programs that the studio has installed on this machine with a card, the best first; [] on
    one without a card."""
    known = sorted(programs(), key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    found = [name for name in known if own_program(name) is not None]
    return found if found and cards() else []


def default_program(
    workspace: Workspace,
    names: Sequence[str],
    options: ServerOptions = ServerOptions(),
    extra: Sequence[ModelRef] = (),
) -> str:
    """Returns the program that answers where a person names none. It is the studio's own server for several
    full models, for the built-in base, for adapters that the others cannot load (that change the head, or of
    a rank that they do not know), and for options that only that server has.

    Raises:
        ModelError: as for :func:`~tianji_core.serving.choosing.resolved`.
    """
    if options != ServerOptions() or not (found := installed_programs()):
        return STUDIO
    full, _adapters = resolved(workspace, names, extra)
    if any(Path(model.path).resolve() == NANO_FOLDER.resolve() for model in full):
        return STUDIO
    return next((program for program in found if _takes(workspace, program, names, extra)), STUDIO)


def _takes(workspace: Workspace, program: str, names: Sequence[str], extra: Sequence[ModelRef]) -> bool:
    """Returns whether a program can be started for these models."""
    try:
        external.command(workspace, program, names, extra)
    except (InputError, ModelError):
        return False
    return True


def check_options(program: str, options: ServerOptions) -> None:
    """Checks that a program takes these options: only the studio's own server takes any.

    Raises:
        InputError: it does not, as nothing would be done with them, or there is no such program.
    """
    if program == STUDIO:
        return
    title = program_named(program).title
    if given := [each.name for each in fields(options) if getattr(options, each.name) != each.default]:
        raise InputError(
            _(
                "{program} 不认 {options}；去掉它们，或由工坊自己的服务加载：--program studio",
                program=title,
                options=_("、").join(f"--{name.replace('_', '-')}" for name in given),
            )
        )


def start_default(
    workspace: Workspace,
    names: Sequence[str],
    port: int | None = None,
    options: ServerOptions = ServerOptions(),
    extra: Sequence[ModelRef] = (),
    program: str = "",
) -> Job:
    """Starts a server of ``program`` for models given by name or folder; '' is :func:`default_program`.
    ``port`` None uses a free one.

    Raises:
        ModelError, InputError: as for :func:`~tianji_core.serving.choosing.start_for`,
            :func:`~tianji_core.serving.external.command` and :func:`check_options`.
    """
    chosen = program or default_program(workspace, names, options, extra)
    check_options(chosen, options)
    if chosen == STUDIO:
        return start_for(workspace, names, port, options, extra)
    made = external.command(workspace, chosen, names, extra, port or free_port(None))
    return external.start(workspace, made)
