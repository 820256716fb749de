"""The samples that followed a rename go back and forth with the edit of the lists that they followed."""

from contextlib import suppress

from tianji_core import jobs
from tianji_core.errors import ConflictError, JobError
from tianji_core.i18n import _
from tianji_core.review.bulk_edit_job import BulkEditArguments, bulk_edit_job, start_bulk_edit
from tianji_core.review.renaming import RenameEntries, edit_note
from tianji_core.store import steps
from tianji_core.store.steps import Step
from tianji_core.workspace import Workspace

_STOPPING = 60.0
"""Seconds in which a job that is stopped has ended."""


def check_with_list(workspace: Workspace, recipe: str, revision: int, undone: bool) -> None:
    """Checks, before an edit of the lists is undone or (``undone``) redone, that its samples can go with it.

    Raises:
        ConflictError: a sample has changed since.
    """
    step = steps.noted(workspace.engine, recipe, steps.RENAME, edit_note(revision), undone=undone)
    try:
        if step is not None:
            steps.check_move(workspace.engine, step)
    except ConflictError as error:
        raise ConflictError(
            _("{error}；列表也没有动。要换名字，就在列表里改，样本会跟着", error=error)
        ) from error


def undo_with_list(workspace: Workspace, recipe: str, revision: int) -> Step | None:
    """Undoes the step that went with an edit of the lists, and stops the job that is still making it; None
    where there is none that stands.

    Raises:
        ConflictError: a sample has changed since; nothing was done.
    """
    job, arguments = _job_of(workspace, recipe, revision)
    if job is not None and arguments is not None and job.active:
        with suppress(JobError):  # it has ended meanwhile
            jobs.stop(workspace, job.id)
        jobs.wait(workspace, job.id, _STOPPING)
    step = steps.noted(workspace.engine, recipe, steps.RENAME, edit_note(revision), undone=False)
    return None if step is None else steps.undo_one(workspace.engine, step)


def redo_with_list(workspace: Workspace, recipe: str, revision: int) -> Step | None:
    """Takes the step that went with an edit of the lists again, in the background where the job that made it
    was stopped; None where none was undone.

    Raises:
        ConflictError: a sample has changed since; nothing was done. JobError: another change of samples
            runs.
    """
    step = steps.noted(workspace.engine, recipe, steps.RENAME, edit_note(revision), undone=True)
    if step is not None:
        return steps.redo_one(workspace.engine, step)
    job, arguments = _job_of(workspace, recipe, revision)
    if job is not None and arguments is not None and job.state == "stopped":
        start_bulk_edit(workspace, arguments.filter, arguments.request, arguments.who)
    return None


def _job_of(
    workspace: Workspace, recipe: str, revision: int
) -> tuple[jobs.Job | None, BulkEditArguments | None]:
    """The newest change of samples in the background, where it is the one that goes with an edit."""
    job = bulk_edit_job(workspace, recipe)
    arguments = jobs.subject_of(job, BulkEditArguments) if job is not None else None
    request = arguments.request if arguments is not None else None
    if isinstance(request, RenameEntries) and request.revision == revision:
        return job, arguments
    return None, None
