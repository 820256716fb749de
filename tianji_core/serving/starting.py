"""Which program answers for the models that a person wants to load: the studio's own server, or on a machine
with a card the one that the studio has installed."""

from collections.abc import Sequence
from pathlib import Path

from tianji_core.jobs import Job
from tianji_core.project import NANO_FOLDER
from tianji_core.serving import external
from tianji_core.serving.choosing import resolved, start_for
from tianji_core.serving.fitting import unfit
from tianji_core.serving.launch import ModelRef, ServerOptions, free_port
from tianji_core.serving.program_environments import own_program
from tianji_core.serving.programs import programs
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
    full models, for the built-in base, for adapters that change the head, and for options that only that
    server has.

    Raises:
        ModelError: as for :func:`~tianji_core.serving.choosing.resolved`.
    """
    if options != ServerOptions() or not (found := installed_programs()):
        return STUDIO
    full, _adapters = resolved(workspace, names, extra)
    fitting = len(full) == 1 and Path(full[0].path).resolve() != NANO_FOLDER.resolve()
    return found[0] if fitting and not unfit(workspace, names, extra) else STUDIO


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
        ModelError, InputError: as for :func:`~tianji_core.serving.choosing.start_for` and
            :func:`~tianji_core.serving.external.command`.
    """
    chosen = program or default_program(workspace, names, options, extra)
    if chosen == STUDIO:
        return start_for(workspace, names, port, options, extra)
    made = external.command(workspace, chosen, names, extra, port or free_port(None))
    return external.start(workspace, made)
