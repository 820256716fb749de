"""What this machine knows of a training elsewhere, and starting one."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.errors import PlaceError
from tianji_core.files import unwritable, write_json
from tianji_core.i18n import _
from tianji_core.ownership import check_new, copy, discard
from tianji_core.store import training as training_runs
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.training import TrainingRun
from tianji_core.training.launch import begin, prepare_training
from tianji_core.training.lock import starting
from tianji_core.training.places.bundle import base_of, make_bundle
from tianji_core.training.places.profile import Place, places
from tianji_core.training.presets import preset
from tianji_core.training.progress import work_folder
from tianji_core.training.record import record_of
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.skypilot import check_sky
from tianji_core.training.target import Target
from tianji_core.workspace import Workspace

FILE = "elsewhere.json"
CARRIED = "bundle"
"""Stands for the place of a training while its bundle is written to be carried somewhere."""


class Elsewhere(BaseModel):
    """A training elsewhere as it was seen last. ``place`` is its place as it was described then; ``seen`` the
    moment of the last look in seconds since the epoch, None before the first; ``ended`` says that its end
    was reported or asked for, so that the next start resumes it; ``trouble`` is why it cannot be asked
    now."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    place: Place
    seen: float | None = None
    ended: bool = False
    trouble: str = ""

    @property
    def delay(self) -> float | None:
        """Seconds since the training was seen last."""
        return None if self.seen is None else max(0.0, time.time() - self.seen)


def start_elsewhere(
    workspace: Workspace,
    key: str,
    settings: TrainingSettings,
    version: DatasetVersion,
    place: Place,
    title: str = "",
    target: Target | None = None,
    then: str = "",
) -> TrainingRun:
    """Makes the bundle of a training and starts the job that sends and follows it; returns at once.

    Raises:
        TrainingError: something stops it.
    """
    if place.kind == "sky":
        check_sky(place.sky, target or Target(), preset(key, workspace).device)
    with starting(workspace):
        run = prepare_training(workspace, key, settings, version, title, target, place.name)
        if not place.local:
            with _kept_whole(workspace, run):
                base = base_of(settings.base_folder, record_of(run).base_fingerprint)
                make_bundle(workspace, run, preset(key, workspace), version, base)
        keep(workspace, run, Elsewhere(place=place))
        return begin(workspace, run, then)


def pack(
    workspace: Workspace,
    key: str,
    settings: TrainingSettings,
    version: DatasetVersion,
    file: Path,
    title: str = "",
    target: Target | None = None,
) -> Path:
    """Writes the bundle of a training to a new ``file`` and returns its path. The training is stored here as
    one that was not started; nothing is stored where the file cannot be written.

    Raises:
        TrainingError: something stops it. InputError: something has this name, or it cannot be written.
    """
    try:
        check_new(file)
    except OSError as error:
        raise unwritable(file, error) from error
    run = prepare_training(workspace, key, settings, version, title, target, CARRIED)
    record = record_of(run)
    with _kept_whole(workspace, run):
        base = base_of(settings.base_folder, record.base_fingerprint)
        made = make_bundle(workspace, run, preset(key, workspace), version, base)
        here = record.model_copy(update={"place": ""}).stored()
        training_runs.change(workspace.engine, run.id, settings=here)
        try:
            copy(made, file)
        except OSError as error:
            raise unwritable(file, error) from error
    return file


@contextlib.contextmanager
def _kept_whole(workspace: Workspace, run: TrainingRun) -> Iterator[None]:
    """Removes a prepared training with its folder where its bundle is not written."""
    try:
        yield
    except BaseException:
        discard(work_folder(workspace, run))
        training_runs.remove(workspace.engine, run.id)
        raise


def keep(workspace: Workspace, run: TrainingRun, known: Elsewhere) -> None:
    """Stores what is known of a training elsewhere."""
    write_json(_path(workspace, run), known.model_dump(mode="json"), indent=None)


def elsewhere(workspace: Workspace, run: TrainingRun) -> Elsewhere | None:
    """Returns what is known of a training elsewhere; None for one on this machine.

    Raises:
        PlaceError: the file is broken.
    """
    try:
        return Elsewhere.model_validate_json(_path(workspace, run).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise PlaceError(_("{file} 坏了，请移走它", file=_path(workspace, run))) from error


def described_now(workspace: Workspace, known: Place) -> Place:
    """Returns a place as it is described now: a person may have mended it since. One that was removed, or
    became another kind, is taken as it was.

    Raises:
        PlaceError: the file of the places is broken.
    """
    now = {each.name: each for each in places(workspace)}.get(known.name, known)
    return now if (now.kind, now.local) == (known.kind, known.local) else known


def _path(workspace: Workspace, run: TrainingRun) -> Path:
    return work_folder(workspace, run) / FILE
