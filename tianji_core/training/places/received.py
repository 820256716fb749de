"""The far side of a bundle: it is unpacked into the workspace there, stored as a training of that workspace,
and run by its own supervisor; its state and files are told to the machine that sent it."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tianji_core import jobs
from tianji_core.errors import MissingBaseError, PlaceError, StudioError
from tianji_core.files import write_json, write_text
from tianji_core.i18n import _
from tianji_core.model_folders.base import fingerprint
from tianji_core.model_folders.trust import runs_code
from tianji_core.ownership import claim_folder, copy, discard, draft_folder, move, new_folder, sha256
from tianji_core.project import PROJECT
from tianji_core.store import training as training_runs
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine
from tianji_core.training.launch import begin, resume_training
from tianji_core.training.lock import starting
from tianji_core.training.machine_checks import gpus, machine_checks
from tianji_core.training.places import slurm_runs
from tianji_core.training.places.bundle import (
    DATA,
    HELD,
    PRESET,
    Bundle,
    read_manifest,
    unpack,
    versions_here,
)
from tianji_core.training.presets import Preset, parsed_preset, presets
from tianji_core.training.progress import training_state, work_folder
from tianji_core.training.record import TrainingRecord
from tianji_core.training.saved import KEPT, size_of
from tianji_core.training.target import places_of
from tianji_core.workspace import Workspace, highest_number

INCOMING, BUNDLE = "incoming", "bundle"
"""The folder in which bundles and bases arrive, and the one in a work folder that holds what was unpacked."""
MOST_FILES, LARGEST_LOG = 2000, 64_000_000
UNSENT = (engine.CONFIG_NAME, engine.NEWEST_CHECKPOINT, BUNDLE, KEPT, "origin", slurm_runs.SCRIPT)
"""What stays there: it names paths of that machine, or is a second name."""
STOP_PATIENCE = 25.0


def facts(workspace: Workspace) -> dict[str, Any]:
    """What a machine that wants to send something has to know of this one; sizes in bytes."""
    cards = [{"name": card.name, "total": card.total, "free": card.free} for card in gpus()]
    return {
        "cards": cards,
        "disk": shutil.disk_usage(workspace.home).free,
        "partitions": _partitions(),
        **ways(workspace),
    }


def _partitions() -> list[str]:
    try:
        return slurm_runs.partitions() if shutil.which("sinfo") else []
    except StudioError:
        return []


def ways(workspace: Workspace) -> dict[str, Any]:
    """Where files are sent to, by what they can be fetched, and the versions here."""
    rsync = shutil.which("rsync") is not None
    return {"home": str(workspace.home), "rsync": rsync, "versions": versions_here()}


def incoming(workspace: Workspace) -> Path:
    """The folder in which bundles arrive; it is made where there is none."""
    return claim_folder(workspace.home / INCOMING)


def accept(
    workspace: Workspace, bundle_id: str, base: str = "", trains: bool = True, trusted: bool = True
) -> TrainingRun:
    """Unpacks an arrived bundle, unless that was done before, and stores its training; starts nothing.
    ``base`` is a model folder on this machine, or the folder that holds the models; ``trains`` says that this
    machine itself is to train. ``trusted`` says that the bundle's preset, which is code, may be run though no
    preset of this machine is the same: who sends it over SSH can run any program here.

    Raises:
        PlaceError: the bundle is damaged, or its preset is not trusted. MissingBaseError: its base is not
            here. StudioError: the machine lacks something that the training needs.
    """
    with starting(workspace):
        if (known := find(workspace, bundle_id)) is not None:
            return known
        arrived = incoming(workspace) / f"{bundle_id}.tar"
        draft = draft_folder(workspace.runs, bundle_id)
        try:
            bundle = _unpacked(arrived, draft)
            if not trusted and not _known_preset(workspace, draft):
                discard(arrived)  # what is trusted later may be another file
                raise PlaceError(
                    _(
                        "训练包里的预设“{preset}”和这台机器上的都不一样，训练时会当作程序运行；确认来源可信后加上 --trust-preset",
                        preset=bundle.preset,
                    )
                )
            run = _stored(workspace, bundle, draft, base, trains)
        finally:
            discard(draft)
        discard(arrived)
        return run


def train_bundle(workspace: Workspace, file: Path, base: str = "", trusted: bool = False) -> TrainingRun:
    """Unpacks a bundle that was carried here, unless that was done before, and starts its training or goes on
    with it; returns at once. ``base`` and ``trusted`` as for :func:`accept`.

    Raises:
        PlaceError: it is no bundle, its preset is not trusted, or the machine lacks something.
            MissingBaseError: its base is not here.
    """
    bundle = read_manifest(file)
    arrived = incoming(workspace) / f"{bundle.id}.tar"
    if find(workspace, bundle.id) is None and not arrived.exists():
        copy(file, arrived)
    run = accept(workspace, bundle.id, base, trusted=trusted)
    start(workspace, run, again=True)
    return training_runs.get(workspace.engine, run.id)


def _unpacked(arrived: Path, draft: Path) -> Bundle:
    try:
        return unpack(arrived, draft)
    except PlaceError:
        discard(arrived)  # what is sent next begins anew
        raise


def _stored(workspace: Workspace, bundle: Bundle, draft: Path, base: str, trains: bool) -> TrainingRun:
    folder = base_here(workspace, bundle, base)
    chosen = _preset_of(bundle, draft)
    settings = bundle.settings.model_copy(update={"base": str(folder)})
    held, count = places_of(bundle.target, chosen.device)
    checks = machine_checks(workspace, chosen, None, bundle.target, gpus()) if trains else []
    for check in checks:
        if check.level == "stop":
            raise PlaceError(check.detail)
    record = TrainingRecord(
        settings=settings,
        target=bundle.target,
        bundle=bundle.id,
        places=tuple(held),
        place_count=count,
        base_fingerprint=fingerprint(folder),
        dataset_name=bundle.dataset_name,
        dataset_sha256=bundle.dataset_sha256,
        pairs_sha256=bundle.pairs_sha256,
        pairs_count=bundle.pairs_count,
        mixed=bundle.mixed,
    )
    last = highest_number(workspace.runs, "training-")
    run = training_runs.add(workspace.engine, bundle.title, bundle.preset, None, record.stored(), last)
    work = new_folder(workspace.runs / f"training-{run.id}")
    move(draft, work / BUNDLE)
    own = work / BUNDLE
    files = own / DATA, own / HELD if (own / HELD).is_file() else None
    code = runs_code(workspace, folder)
    text = engine.render(chosen.source, settings, files[0], files[1], code, chosen.device)
    write_text(work / engine.CONFIG_NAME, text)
    run = training_runs.change(workspace.engine, run.id, work_dir=str(work.relative_to(workspace.home)))
    write_json(_index(workspace, bundle.id), {"run": run.id})
    return run


def _known_preset(workspace: Workspace, folder: Path) -> bool:
    source = (folder / PRESET).read_text(encoding="utf-8")
    return any(source == each.source for each in presets(workspace))


def _preset_of(bundle: Bundle, folder: Path) -> Preset:
    source = (folder / PRESET).read_text(encoding="utf-8")
    return parsed_preset(source, folder / PRESET, bundle.preset)


def base_here(workspace: Workspace, bundle: Bundle, given: str) -> Path:
    """Returns the folder of a bundle's base on this machine: the given one, one in the workspace, one of the
    studio, or one that was sent.

    Raises:
        MissingBaseError: it is in none of them.
    """
    wanted, tried = bundle.base, []
    for folder in _candidates(workspace, bundle, given):
        try:
            found = fingerprint(folder)
        except (StudioError, OSError):
            continue
        if not wanted.fingerprint or found == wanted.fingerprint:
            return folder
        tried.append(str(folder))
    if tried:
        raise MissingBaseError(
            _("那边的 {folder} 不是同一个基座（内容不同）；请换成和这边一样的", folder=_("、").join(tried))
        )
    raise MissingBaseError(
        _(
            "没有基座 {name}；请把它放到 {folder}，或在运行位置里写上它在那边的路径，或让工坊送过去",
            name=wanted.name,
            folder=workspace.models / wanted.name,
        )
    )


def _candidates(workspace: Workspace, bundle: Bundle, given: str) -> Iterator[Path]:
    wanted = bundle.base
    if given:
        folder = Path.home() / Path(given).expanduser()
        yield from (folder, folder / wanted.name)
    yield workspace.models / wanted.name
    if wanted.inside:
        yield PROJECT / wanted.inside
    yield workspace.home / INCOMING / sent_base(bundle)


def sent_base(bundle: Bundle) -> str:
    """The name of the folder in which the base of a bundle is sent."""
    return f"base-{bundle.base.fingerprint}"


def _index(workspace: Workspace, bundle_id: str) -> Path:
    return incoming(workspace) / f"{bundle_id}.json"


def find(workspace: Workspace, bundle_id: str) -> TrainingRun | None:
    """Returns the training of a bundle that was unpacked here, None where there is none."""
    try:
        number = json.loads(_index(workspace, bundle_id).read_text(encoding="utf-8"))["run"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise PlaceError(_("{file} 坏了，请移走它", file=_index(workspace, bundle_id))) from error
    return training_runs.get(workspace.engine, int(number))


def start(workspace: Workspace, run: TrainingRun, again: bool) -> None:
    """Starts a stored training that has never been started; ``again`` resumes one that has ended early, from
    its newest checkpoint. A training that runs or is finished is left alone."""
    state = training_state(workspace, run)
    if state.active or state.orphaned or state.finished:
        return
    if run.job_id is None:
        with starting(workspace):
            if training_runs.get(workspace.engine, run.id).job_id is None:
                begin(workspace, run)
    elif again:
        resume_training(workspace, run)


def stop(workspace: Workspace, run: TrainingRun) -> None:
    """Stops a training and waits for its end; one that has ended is left alone."""
    if slurm_runs.job_of(work_folder(workspace, run)) is not None:
        slurm_runs.stop(workspace, run)
        return
    state = training_state(workspace, run)
    if run.job_id is not None and (state.active or state.orphaned):
        jobs.stop(workspace, run.job_id)
        jobs.wait(workspace, run.job_id, STOP_PATIENCE)


def state_of(workspace: Workspace, run: TrainingRun) -> dict[str, Any]:
    """The state of a training here, with the files that the other machine may fetch, by their paths in the
    work folder."""
    state = training_state(workspace, run)
    folder = work_folder(workspace, run)
    saved = [
        {"name": each.path.relative_to(folder).as_posix(), "size": each.size, "iteration": each.iteration}
        for each in state.checkpoints
    ]
    names = {str(each["name"]) for each in saved}
    job = state.job
    of_slurm = slurm_runs.state_of(workspace, run) if slurm_runs.job_of(folder) is not None else None
    told = {
        "folder": str(folder),
        "state": state.state,
        "active": state.active or state.orphaned,
        "finished": state.finished,
        "exit_code": job.exit_code if job is not None else None,
        "reason": state.reason,
        "iteration": state.iteration,
        "total": state.total,
        "loss": state.loss,
        "ahead": state.ahead,
        "checkpoints": saved,
        "files": dict(_files(folder, names)),
        **ways(workspace),
    }
    return told if of_slurm is None else {**told, **asdict(of_slurm)}


def _files(folder: Path, checkpoints: set[str]) -> Iterator[tuple[str, int]]:
    """(name, size) of the logs and of the files of the checkpoints."""
    count = 0
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        parts = name.split("/")
        if parts[0] in UNSENT or any(part.startswith((".", "__")) for part in parts):
            continue
        if path.is_symlink() or not path.is_file():
            continue
        kept = parts[0] in checkpoints
        size = size_of(path)
        if (kept or (size <= LARGEST_LOG and path.suffix != ".pth")) and count < MOST_FILES:
            count += 1
            yield name, size


def hashes(workspace: Workspace, run: TrainingRun, names: list[str]) -> dict[str, str]:
    """SHA-256 of files of a training, by their names; those that are gone are left out."""
    folder, found = work_folder(workspace, run), {}
    for name, _size in _files(folder, {name.split("/")[0] for name in names}):
        if name in names:
            found[name] = sha256(folder / name)
    return found
