"""Verbs for deleting models and checkpoints and restoring them: delete, restore."""

import re
from typing import Annotated

import typer

from tianji_core import models, training
from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.store import training as runs
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show
from tianji_core.workspace import Workspace

_CHECKPOINT = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")


def delete(
    what: Annotated[str, typer.Argument(help="A name from 'models', or TRAINING:STEP for a checkpoint.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Put a model or a checkpoint into the trash; 'restore' brings it back."""
    space = opened(workspace)
    if match := _CHECKPOINT.fullmatch(what):
        run = runs.get(space.engine, int(match[1]))
        training.delete_checkpoint(space, run, int(match[2]))
    else:
        models.delete(space, what)
    show({"deleted": what}, as_json, _("已删除“{name}”，用 restore 可以恢复", name=what))


def restore(
    what: Annotated[
        str | None, typer.Argument(help="What to bring back; without it the trash is listed.")
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List the trash, or bring a deleted model or checkpoint back."""
    space = opened(workspace)
    if what is None:
        kept = _kept(space)
        show(kept, as_json, "\n".join(kept) or _("回收站是空的"))
        return
    if match := _CHECKPOINT.fullmatch(what):
        training.restore_checkpoint(space, runs.get(space.engine, int(match[1])), int(match[2]))
        name = what
    else:
        tokens = [deleted.token for deleted in models.trashed(space) if deleted.artefact.name == what]
        if not tokens:
            raise ModelError(_("回收站里没有“{token}”", token=what))
        name = models.restore(space, tokens[0]).name
    show({"restored": name}, as_json, _("已恢复“{name}”", name=name))


def _kept(space: Workspace) -> list[str]:
    """The names of what lies in the trash, as ``restore`` takes them."""
    checkpoints = [f"{deleted.run.id}:{deleted.iteration}" for deleted in training.deleted_checkpoints(space)]
    return [*(deleted.artefact.name for deleted in models.trashed(space)), *checkpoints]
