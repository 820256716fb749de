"""Verbs against loss: delete and restore models and checkpoints, back up and restore the database."""

import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import models, training
from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.store import recipes
from tianji_core.store import training as runs
from tianji_core.store.answers import StoredAnswers
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace

_CHECKPOINT = re.compile(r"([0-9]{1,9}):([0-9]{1,9})")
_RECIPE = "recipe:"


def delete(
    what: Annotated[
        str, typer.Argument(help="A name from 'models', TRAINING:STEP for a checkpoint, or recipe:KEY.")
    ],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Put a model, a checkpoint or a recipe with all that was made of it into the trash; 'restore' brings it
    back."""
    space = opened(workspace)
    if match := _CHECKPOINT.fullmatch(what):
        run = runs.get(space.engine, int(match[1]))
        training.delete_checkpoint(space, run, int(match[2]))
    elif what.startswith(_RECIPE):
        models.remove_recipe(space, what.removeprefix(_RECIPE))
    else:
        models.delete(space, what)
    told = _(
        "已删除“{name}”，恢复它：python -m tianji_core restore {what}", name=what, what=shlex.quote(what)
    )
    show({"deleted": what}, as_json, told)


def restore(
    what: Annotated[
        str | None,
        typer.Argument(
            help="A model, TRAINING:STEP, recipe:KEY, or the .db file of a backup; without it: a list."
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Start with an empty database; the old one is moved aside.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Bring a deleted model, checkpoint or recipe back, or the database from a backup. Without a name: list
    them, or, where the database is lost, restore its newest backup."""
    space = opened(workspace)
    if anew:
        space.start_database_anew()
        show({"restored": ""}, as_json, _("下次打开时会建一个空的数据库；原来的在 backups/replaced 里"))
        return
    if what is None and not space.database_is_lost():
        kept = _kept(space)
        show_table(kept, as_json, (_("可以恢复的"),), [(name,) for name in kept], _("回收站是空的"))
        return
    if what is None or what.endswith(".db"):
        source = space.restore_database(None if what is None else _backup_file(space, what))
        line = _("已恢复备份 {name}，原来的数据库移到了 backups/replaced", name=source.name)
        show({"restored": source.name}, as_json, line)
        return
    if match := _CHECKPOINT.fullmatch(what):
        training.restore_checkpoint(space, runs.get(space.engine, int(match[1])), int(match[2]))
        name = what
    elif what.startswith(_RECIPE):
        models.bring_back_recipe(space, what.removeprefix(_RECIPE))
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
    saved = [each.path.name for each in space.backups()]
    gone = [f"{_RECIPE}{key}" for key in sorted(recipes.removed(space.engine))]
    return [*(deleted.artefact.name for deleted in models.trashed(space)), *checkpoints, *gone, *saved]


def _backup_file(space: Workspace, name: str) -> Path:
    """The file of a backup that is given by its name or its path."""
    here = [each.path for each in space.backups() if each.path.name == name]
    return here[0] if here else Path(name).expanduser()


def forget_answers(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Remove the answers of teachers that 'generate --reuse' takes; no sample is touched."""
    known = StoredAnswers(opened(workspace).answers)
    size = known.bytes
    known.forget()
    show({"bytes": size}, as_json, _("清空了记住的回答（{size}）；样本都还在", size=size_text(size)))


def backup(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """Back the database up; 'restore' brings a backup back. The studio does it once a day by itself."""
    space = opened(workspace)
    made = space.back_up()
    line = _("备份好了：{file}（{size}）", file=made.path, size=size_text(made.size))
    show({"file": made.path, "bytes": made.size}, as_json, line)
