"""Training a bundle on this machine. Apart from the verb ``worker``, whose processes for runs come and go
and do without the room of training."""

from pathlib import Path

import typer

from tianji_core import jobs, training
from tianji_core.i18n import _
from tianji_core.training.places import received
from tianji_core.verbs.common import follow
from tianji_core.workspace import Workspace


def train_here(space: Workspace, bundle: Path, base: str, trusted: bool) -> None:
    """Trains a bundle and follows it to its end.

    Raises:
        PlaceError: it is no bundle, or its preset is not trusted. JobError, TrainingError: the training
        failed.
    """
    run = received.train_bundle(space, bundle, base, trusted)
    if run.job_id is not None:
        follow(space, jobs.get(space, run.job_id), quiet=False)
    state = training.training_state(space, run)
    folder = training.work_folder(space, run)
    typer.echo(
        _(
            "训练 {n}：{done} / {total} 步，在 {folder}",
            n=run.id,
            done=state.iteration,
            total=state.total or 0,
            folder=folder,
        )
    )
