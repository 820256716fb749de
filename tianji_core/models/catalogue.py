"""Lists the models of the workspace, and moves models to the trash and back."""

import os
import re
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from tianji_core import jobs
from tianji_core.errors import InputError, ModelError, StudioError
from tianji_core.i18n import _
from tianji_core.model_folders.base import checked_base, fingerprint
from tianji_core.model_folders.manifest import (
    Artefact,
    fitting_template,
    has_manifest,
    kind_title,
    read_artefact,
    write_artefact,
)
from tianji_core.model_folders.remote_code import brings_code, code_hash
from tianji_core.model_folders.roots import checked_root
from tianji_core.model_folders.template import TEMPLATE
from tianji_core.models.card import learnt_from
from tianji_core.models.nano import FOLDER as NANO_FOLDER
from tianji_core.ownership import discard, move, new_folder, remove
from tianji_core.roles import acting_person
from tianji_core.store import training as training_store
from tianji_core.training import record_of
from tianji_core.workspace import Workspace

NANO = "nano-base"
TRASH = ".trash"
_ORDER = {"base": 0, "adapter": 1, "merged": 2, "gguf": 3}
_NAME = re.compile(r"[\w][\w.\-]{0,99}")


@dataclass(frozen=True)
class Trashed:
    """A deleted model; ``token`` restores it. ``deleted_at`` in seconds since the epoch."""

    token: str
    artefact: Artefact
    deleted_at: float


def artefacts(workspace: Workspace) -> list[Artefact]:
    """Returns all complete models: bases, adapters, merged ones, GGUF files, newest first. A folder without
    a readable manifest is incomplete and not listed."""
    complete = [artefact for artefact in [nano_artefact()] if artefact is not None]
    for folder in sorted(workspace.models.iterdir()):
        if folder.name.startswith(".") or not has_manifest(folder):
            continue
        try:
            artefact = read_artefact(folder, workspace.home)
        except ModelError:
            continue
        if artefact.path.is_dir():
            complete.append(artefact)
    return sorted(complete, key=lambda artefact: (_ORDER[artefact.kind], -artefact.created_at.timestamp()))


def nano_artefact() -> Artefact | None:
    """Returns the built-in base, or None where its files are incomplete."""
    try:
        base = checked_base(NANO_FOLDER)
    except StudioError:
        return None
    return Artefact(
        name=NANO,
        kind="base",
        title=_("内置纳米模型"),
        path=NANO_FOLDER,
        figures={"bytes": base.size},
        source=_("随工坊提供"),
        removable=False,
    )


def loadable(workspace: Workspace) -> list[Artefact]:
    """Returns the models that the studio itself can load: all but GGUF files."""
    return [model for model in artefacts(workspace) if model.kind != "gguf"]


def ready_first(known: Sequence[Artefact], loaded: Collection[str] = ()) -> list[str]:
    """Returns the names of the models that can be loaded in the order in which to offer them: those
    ``loaded`` already, trained ones before bases, the newest checkpoint first, and of one checkpoint the
    merged model, which answers without a base, before the adapter."""
    order = ("merged", "adapter", "base")
    fitting = [model for model in known if model.kind in order]
    newest: dict[tuple[object, ...], float] = {}
    for model in fitting:
        made = model.created_at.timestamp()
        newest[_origin(model)] = max(made, newest.get(_origin(model), made))

    def place(model: Artefact) -> tuple[bool, bool, float, int]:
        kind = order.index(model.kind)
        return (model.name not in loaded, model.kind == "base", -newest[_origin(model)], kind)

    return [model.name for model in sorted(fitting, key=place)]


def _origin(model: Artefact) -> tuple[object, ...]:
    """Returns what the forms of one checkpoint have in common."""
    if model.training_run_id is None:
        return (model.adapter or model.name,)
    return (model.training_run_id, model.checkpoint)


def made_from(workspace: Workspace, adapter: Artefact, kind: str) -> list[Artefact]:
    """Returns the models of a kind that were made from an adapter, the oldest first; those made from an
    earlier adapter of the same name are none."""
    found = [
        model
        for model in artefacts(workspace)
        if (model.kind, model.adapter, *_trained(model)) == (kind, adapter.name, *_trained(adapter))
        and model.created_at >= adapter.created_at
    ]
    return sorted(found, key=lambda model: model.created_at)


def _trained(model: Artefact) -> tuple[object, ...]:
    return (model.training_run_id, model.checkpoint, model.base_fingerprint)


def titles(workspace: Workspace) -> dict[str, str]:
    """Returns name → what people call a model: the dataset that it was trained on, the step and the kind.
    Models that would be called alike are called by their trainings; those of which one would still be called
    like another keep their names, as does a base."""
    there = artefacts(workspace)
    found = {model.name: _title(model) for model in there}
    often = Counter(found.values())
    told = {model.name: model.title if often[found[model.name]] > 1 else found[model.name] for model in there}
    often = Counter(told.values())
    return {name: title if title and often[title] == 1 else name for name, title in told.items()}


def _title(model: Artefact) -> str:
    if model.training_run_id is None or model.checkpoint is None:
        return model.title if model.name == NANO else model.name
    step = _("第 {n} 步", n=model.checkpoint)
    return " · ".join([model.dataset_name or model.title, step, kind_title(model.kind)])


def learnt_by_models(workspace: Workspace, names: Iterable[str]) -> dict[str, str]:
    """Returns name → what a model learned from, for those of ``names`` that were trained in the workspace."""
    there = {model.name: model for model in artefacts(workspace)}
    told = {name: " · ".join(learnt_from(there[name])) for name in dict.fromkeys(names) if name in there}
    return {name: text for name, text in told.items() if text}


def artefact(workspace: Workspace, name: str) -> Artefact:
    """Returns one model by name.

    Raises:
        ModelError: there is none; the message lists what there is.
    """
    by_name = {known.name: known for known in artefacts(workspace)}
    if name not in by_name:
        names = _("、").join(by_name) or _("（一个也没有）")
        raise ModelError(_("没有名叫“{name}”的模型，有的是：{known}", name=name, known=names))
    return by_name[name]


def free_name(workspace: Workspace, wanted: str) -> str:
    """Returns ``wanted`` as a valid, unused folder name, numbered where needed."""
    stem = re.sub(r"[^\w.\-]+", "-", wanted).strip("-.")[:80] or "model"
    taken = {path.name for path in workspace.models.iterdir()} | {NANO}
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def checked_name(workspace: Workspace, name: str) -> str:
    """Returns ``name`` if it can become a new model's folder.

    Raises:
        ModelError: letters that a folder must not have, or a name in use.
    """
    if not _NAME.fullmatch(name):
        raise ModelError(_("模型名“{name}”只能用文字、数字、点、横线和下划线，且不超过 100 个字", name=name))
    if name == NANO or (workspace.models / name).exists():
        raise ModelError(_("已经有名叫“{name}”的模型了，请换一个名字", name=name))
    return name


def register_folder(
    workspace: Workspace, folder: Path, name: str = "", title: str = "", trust_remote_code: bool = False
) -> Artefact:
    """Registers a base model elsewhere on this machine; its files stay where they are. ``trust_remote_code``
    allows its Python code to run, also where the model is registered already.

    Raises:
        ModelError: the folder is not complete, listed already, or the name is taken.
    """
    folder = checked_root(workspace, folder)
    base = checked_base(folder)
    for known in artefacts(workspace):
        if known.kind == "base" and known.path.resolve() == folder:
            if trust_remote_code:
                return allow_code(workspace, known.name)
            raise ModelError(_("{folder} 已经登记为“{name}”", folder=folder, name=known.name))
    chosen = checked_name(workspace, name) if name else free_name(workspace, folder.name)
    listed = Artefact(
        who=acting_person(),
        name=chosen,
        kind="base",
        title=title or folder.name,
        path=folder,
        location=str(folder),
        base_fingerprint=fingerprint(folder),
        figures={"bytes": base.size},
        template=fitting_template(folder) or TEMPLATE,
        source=_("本地文件夹"),
        trust_remote_code=trust_remote_code,
    )
    with making(workspace, chosen) as temporary:
        write_artefact(temporary, listed, workspace.home)
    return artefact(workspace, chosen)


def allow_code(workspace: Workspace, name: str) -> Artefact:
    """Allows the Python code in a model's folder to run when it is loaded.

    Raises:
        ModelError: no such model.
    """
    model = artefact(workspace, name)
    if model.removable:  # the built-in base brings no code
        allowed = model.model_copy(update={"trust_remote_code": True, "code_sha256": ""})
        write_artefact(workspace.models / name, allowed, workspace.home)
    return artefact(workspace, name)


def asks_for_code(model: Artefact) -> bool:
    """Returns whether a model brings Python code that is not allowed yet, or that has changed since."""
    if not brings_code(model.path):
        return False
    return not model.trust_remote_code or model.code_sha256 not in ("", code_hash(model.path))


class making:
    """A hidden folder that becomes ``models/<name>`` when the block succeeds and is removed when it fails."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._target = workspace.models / name
        self._folder = workspace.models / f".making-{os.getpid()}-{name}"
        sweep(workspace)

    def __enter__(self) -> Path:
        return new_folder(self._folder)

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        if kind is None:
            # safetensors makes files readable by their owner only; they get the permissions of the folder.
            readable = self._folder.stat().st_mode & 0o444
            for path in self._folder.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    path.chmod(path.stat().st_mode | readable)
            try:
                move(self._folder, self._target)
            except (OSError, InputError) as error:
                discard(self._folder)
                raise ModelError(
                    _("已经有名叫“{name}”的模型了，请换一个名字", name=self._target.name)
                ) from error
        else:
            discard(self._folder)


def sweep(workspace: Workspace) -> None:
    """Removes the incomplete folders of killed jobs."""
    for folder in workspace.models.glob(".making-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            discard(folder)


def delete(workspace: Workspace, name: str) -> Trashed:
    """Moves a model to the trash; :func:`restore` brings it back. The files of a registered folder are not
    touched.

    Raises:
        ModelError: built in, in use by a job, or the base of an adapter that is still there.
    """
    model = artefact(workspace, name)
    if not model.removable:
        raise ModelError(_("内置的“{name}”不能删除", name=name))
    children = [
        adapter.name
        for adapter in artefacts(workspace)
        if adapter.kind == "adapter" and adapter.base == model.path
    ]
    if children:
        raise ModelError(
            _("适配器 {names} 要用“{name}”做基座，请先删除它们", names=_("、").join(children), name=name)
        )
    for job in jobs.listed(workspace, active=True):
        if name in jobs.workspace_use(job).model_names or model.path == _base_of(workspace, job):
            raise ModelError(_("任务“{job}”正在用“{name}”，请先停止它", job=job.title, name=name))
    token = f"{name}~{time.time_ns() // 1_000_000}"
    trash = workspace.models / TRASH
    trash.mkdir(exist_ok=True)
    move(workspace.models / name, trash / token)
    return Trashed(token, model, time.time())


def _base_of(workspace: Workspace, job: jobs.Job) -> Path | None:
    """Returns the base of the training that a job runs, waits for, or reads checkpoints of."""
    run_id = jobs.workspace_use(job).training_run_id
    if run_id is None:
        return None
    return record_of(training_store.get(workspace.engine, run_id)).settings.base_folder


def trashed(workspace: Workspace) -> list[Trashed]:
    """Returns the models in the trash, the last deleted first."""
    deleted = []
    for folder in (workspace.models / TRASH).glob("*~*"):
        name, _tilde, stamp = folder.name.rpartition("~")
        try:
            kept = read_artefact(folder, workspace.home).model_copy(update={"name": name})
            deleted.append(Trashed(folder.name, kept, int(stamp) / 1000))
        except (ModelError, ValueError):
            continue
    return sorted(deleted, key=lambda model: -model.deleted_at)


def restore(workspace: Workspace, token: str) -> Artefact:
    """Restores a deleted model under its name, or under a numbered one where that is in use.

    Raises:
        ModelError: nothing like that in the trash.
    """
    source = _in_trash(workspace, token)
    name = free_name(workspace, token.rpartition("~")[0])
    move(source, workspace.models / name)
    return artefact(workspace, name)


def purge(workspace: Workspace, token: str) -> None:
    """Deletes a model in the trash permanently.

    Raises:
        ModelError: nothing like that in the trash.
    """
    remove(_in_trash(workspace, token))


def _in_trash(workspace: Workspace, token: str) -> Path:
    source = workspace.models / TRASH / token
    if "/" in token or "~" not in token or not source.is_dir():
        raise ModelError(_("回收站里没有“{token}”", token=token))
    return source
