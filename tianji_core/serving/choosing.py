"""Starts a server for models that a person selects by name or folder."""

from collections.abc import Sequence
from pathlib import Path

from tianji_core.errors import ModelError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.model_folders.base import fingerprint
from tianji_core.model_folders.folders import named_folder
from tianji_core.model_folders.own_sampling import USUAL_TOP_P, usual_top_p
from tianji_core.models import Artefact, artefact, artefacts
from tianji_core.project import NANO_FOLDER
from tianji_core.serving.launch import ModelRef, ServerOptions, start_server
from tianji_core.workspace import Workspace


def start_for(
    workspace: Workspace,
    names: Sequence[str],
    port: int | None = None,
    options: ServerOptions = ServerOptions(),
    extra: Sequence[ModelRef] = (),
) -> Job:
    """Starts a server for models given by name or folder, plus ``extra`` adapters given by folder. The base
    of an adapter is served too, under the base's name, so that base and adapter can be compared.

    Raises:
        ModelError: no such model, or an adapter whose base is gone.
        InputError: as :func:`~tianji_core.serving.launch.start_server`.
    """
    full, adapters = resolved(workspace, names, extra)
    return start_server(workspace, full, adapters, port, options)


def resolved(
    workspace: Workspace, names: Sequence[str], extra: Sequence[ModelRef] = ()
) -> tuple[list[ModelRef], list[ModelRef]]:
    """Returns (full models, adapters) for names or folders. The base of each adapter is included.

    Raises:
        ModelError: no such model or folder, or an adapter whose base is gone.
    """
    folders = [each for each in dict.fromkeys(names) if is_folder(each)]
    chosen = [artefact(workspace, name) for name in dict.fromkeys(names) if name not in folders]
    for each in chosen:
        if each.kind == "gguf":
            raise ModelError(
                _(
                    "“{name}”是 GGUF 文件，工坊不加载它；用 Ollama 或 llama.cpp 打开，或选它的合并模型",
                    name=each.name,
                )
            )
    adapters = [each for each in chosen if each.kind == "adapter"]
    full = [ModelRef(each.name, str(each.path)) for each in chosen if each.kind != "adapter"]
    full += [ModelRef(each.name, str(each.path)) for each in map(named_folder, folders)]
    for each in adapters:
        base = _base(workspace, each)
        if base not in full:
            full.append(base)
    return full, [*(ModelRef(each.name, str(each.path)) for each in adapters), *extra]


def top_p_of(workspace: Workspace, names: Sequence[str]) -> float:
    """Returns the ``top_p`` with which models given by name or folder are asked where nobody chose another:
    the smallest of their own, so that models that are compared are asked alike. The usual one counts for
    those of which the workspace has no folder, such as those of another service."""
    known = {each.name: each.base if each.kind == "adapter" else each.path for each in artefacts(workspace)}
    folders = [named_folder(each).path if is_folder(each) else known.get(each) for each in names]
    return min((usual_top_p(folder) if folder else USUAL_TOP_P for folder in folders), default=USUAL_TOP_P)


def is_folder(text: str) -> bool:
    """Returns whether a model is given by its folder or NAME=DIR, not by its name in the workspace."""
    return "/" in text


def _base(workspace: Workspace, adapter: Artefact) -> ModelRef:
    if adapter.base is None or not adapter.base.is_dir():
        raise ModelError(
            _(
                "适配器“{name}”的基座 {base} 不在了（原来在 {folder}）；请把它放回原处，或选合并好的模型，它不用基座",
                name=adapter.name,
                base=adapter.base.name if adapter.base else "—",
                folder=adapter.base.parent if adapter.base else "—",
            )
        )
    if adapter.base == NANO_FOLDER and adapter.base_fingerprint not in ("", fingerprint(NANO_FOLDER)):
        raise ModelError(
            _(
                "适配器“{name}”是在旧版工坊的内置模型上练的，内置模型后来换过，两者对不上；请选合并好的模型，或者重新训练",
                name=adapter.name,
            )
        )
    folder = adapter.base.resolve()
    for known in artefacts(workspace):
        if known.kind == "base" and Path(known.path).resolve() == folder:
            return ModelRef(known.name, str(known.path))
    return ModelRef(folder.name, str(folder))
