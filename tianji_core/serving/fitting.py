"""Adapters that servers of other programs cannot load as they are: those that change the head or the
embeddings. A person chooses whether they are merged or stripped."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.model_folders.heads import outside_parts
from tianji_core.model_folders.manifest import Artefact
from tianji_core.models import artefact
from tianji_core.models.catalogue import made_from
from tianji_core.models.stripping import stripped
from tianji_core.serving.choosing import is_folder, resolved
from tianji_core.serving.launch import ModelRef
from tianji_core.workspace import Workspace

CHOICES = ("merge", "strip")


def unfit(workspace: Workspace, names: Sequence[str], extra: Sequence[ModelRef] = ()) -> dict[str, list[str]]:
    """Returns the adapters among these models that change more than layers: name → what they change.

    Raises:
        ModelError: as for :func:`~tianji_core.serving.choosing.resolved`, or broken files.
    """
    _full, adapters = resolved(workspace, names, extra)
    found = {each.name: outside_parts(Path(each.path)) for each in adapters}
    return {name: parts for name, parts in found.items() if parts}


def sentence(name: str, parts: Sequence[str]) -> str:
    """Returns why an adapter cannot be loaded by another program."""
    return _(
        "适配器“{name}”还改了 {parts}，vLLM 和 LMDeploy 只加载各层里的改动",
        name=name,
        parts=_("、").join(parts),
    )


def check_fit(
    workspace: Workspace, program: str, names: Sequence[str], extra: Sequence[ModelRef] = ()
) -> None:
    """Checks that another program can load these models as they are.

    Raises:
        InputError: an adapter changes more than layers; the message has both commands that help.
    """
    for name, parts in unfit(workspace, names, extra).items():
        if name in {each.name for each in extra}:
            raise InputError(
                _("{why}；先合并它，或由工坊自己的服务加载：--program studio", why=sentence(name, parts))
            )
        line = f"python -m tianji_core serve --program {program} --model {shlex.quote(','.join(names))}"
        raise InputError(
            _(
                "{why}；合并成一个模型再开：{line} --head merge；或者去掉这部分再开（回答会略有不同）：{line} --head strip",
                why=sentence(name, parts),
                line=line,
            )
        )


def without_heads(workspace: Workspace, names: Sequence[str]) -> list[str]:
    """Returns the names with each adapter that changes more than layers replaced by one without that part.

    Raises:
        ModelError: as for :func:`~tianji_core.models.stripping.stripped`.
    """
    unfitting = unfit(workspace, names)
    return [
        stripped(workspace, artefact(workspace, name)).name if name in unfitting else name for name in names
    ]


def to_merge(workspace: Workspace, names: Sequence[str]) -> Artefact:
    """Returns the one adapter that is merged in place of all these models.

    Raises:
        InputError: there are several models; a merged one is a full model of its own.
    """
    if len(names) != 1 or is_folder(names[0]):
        raise InputError(_("合并后是一个完整的模型，一次只能一个适配器；请只选它，或改用 --head strip"))
    return artefact(workspace, names[0])


def merged_before(workspace: Workspace, adapter: Artefact) -> Artefact | None:
    """Returns the newest model that was merged from an adapter, None where there is none."""
    return next(reversed(made_from(workspace, adapter, "merged")), None)
