"""The verb that pushes models and dataset versions to Hugging Face and ModelScope."""

import sys
from typing import Annotated

import typer

from tianji_core import jobs, models, push
from tianji_core.errors import PushError
from tianji_core.i18n import _
from tianji_core.push.target import Kind
from tianji_core.store import datasets
from tianji_core.verbs.common import DetachOption, JsonOption, WorkspaceOption, follow, opened, show
from tianji_core.workspace import Workspace


def push_item(
    name: Annotated[str, typer.Argument(help="Model (adapter, merged or GGUF) or dataset version.")],
    to: Annotated[str, typer.Option("--to", help="Repository on the hub: owner/name.")],
    hub: Annotated[str, typer.Option(help="modelscope or huggingface.")] = "modelscope",
    kind: Annotated[str, typer.Option(help="model or dataset; default: whichever has this name.")] = "",
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody see and download it; default: only you.")
    ] = False,
    licence: Annotated[
        str, typer.Option("--licence", help="Licence in the card; default: the base's, else other.")
    ] = "",
    into_existing: Annotated[
        bool,
        typer.Option(
            "--into-existing", help="Write into a repository that the studio did not make; replaces files."
        ),
    ] = False,
    dry: Annotated[bool, typer.Option("--dry", help="Only say what would be sent, and how much.")] = False,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Push a model or a dataset version with its card, private by default; again to go on where it stopped.

    The token comes from MODELSCOPE_API_TOKEN or HF_TOKEN.
    """
    space = opened(workspace)
    chosen = _kind(space, name, kind)
    target = push.checked_target(space, hub, chosen, to)
    plan = push.plan_push(space, target, name, licence)
    sentence = push.plan_sentence(plan, target, public)
    facts = {"url": target.url, "private": not public, "files": plan.files, "bytes": plan.size}
    if dry:
        show({**facts, "seconds": round(plan.seconds)}, as_json, sentence)
        return
    if not as_json:
        print(sentence, file=sys.stderr, flush=True)
    job = push.start_push(space, target, name, public, licence, into_existing)
    if detach:
        show(facts, as_json, _("已开始，查看进度：python -m tianji_core jobs"))
        return
    follow(space, jobs.get(space, job.id), quiet=as_json)
    show(facts, as_json, target.url)


def _kind(space: Workspace, name: str, kind: str) -> Kind:
    """Returns which of the two a name means.

    Raises:
        PushError: both, neither, or another kind.
    """
    if kind in ("model", "dataset"):
        return "model" if kind == "model" else "dataset"
    if kind:
        raise PushError(_("--kind 只能是 model 或 dataset"))
    model = any(each.name == name for each in models.artefacts(space))
    version = datasets.find(space.engine, name) is not None
    if model and version:
        raise PushError(_("模型和数据集版本里都有“{name}”，请加 --kind model 或 --kind dataset", name=name))
    if not model and not version:
        raise PushError(_("没有名叫“{name}”的模型或数据集版本", name=name))
    return "model" if model else "dataset"
