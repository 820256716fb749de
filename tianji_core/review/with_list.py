"""The samples that followed a rename go back and forth with the edit of the lists that they followed."""

from contextlib import suppress

from tianji_core import jobs
from tianji_core.errors import ConflictError, JobError
from tianji_core.i18n import _
from tianji_core.review.bulk_edit_job import BulkEditArguments, bulk_edit_job, start_bulk_edit
from tianji_core.review.renaming import RenamedList, RenameEntries, edit_note
from tianji_core.store import recipes, steps
from tianji_core.store.steps import Step
from tianji_core.workspace import Workspace

_LISTS: tuple[RenamedList, ...] = ("names", "scenes", "styles")
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


def renames_of_restoring(workspace: Workspace, recipe: str, older: int) -> list[RenameEntries]:
    """Returns how the samples follow where a revision of the recipe is restored: as they followed the edits
    between, back and forth. To be asked before it is restored, as the next revision."""
    engine, now = workspace.engine, recipes.current(workspace.engine, recipe)
    back, forth = recipes.edits_between(engine, recipe, older)
    old = recipes.at(engine, recipe, older).recipe
    found = []
    for listing in _LISTS:
        became = {entry.text: entry.text for entry in getattr(now.recipe, listing)}
        for edit in (*back, *forth):
            pairs = steps.names_changed(
                engine, steps.RENAME, recipe, edit_note(edit), listing.removesuffix("s")
            )
            if edit in back:
                pairs = {after: before for before, after in pairs.items()}
            became = {text: pairs.get(name, name) for text, name in became.items()}
        kept = {entry.text for entry in getattr(old, listing)}
        renamed = {text: name for text, name in became.items() if text != name and name in kept}
        if renamed:
            found.append(RenameEntries(listing=listing, renamed=renamed, revision=now.revision + 1))
    return found


def undo_with_list(workspace: Workspace, recipe: str, revision: int) -> Step | None:
    """Undoes the step that went with an edit of the lists, or those where a restored revision renamed in
    several, and stops the job that is still making it; returns the last, None where none stands.

    Raises:
        ConflictError: a sample has changed since; nothing was done.
    """
    job, arguments = _job_of(workspace, recipe, revision)
    if job is not None and arguments is not None and job.active:
        with suppress(JobError):  # it has ended meanwhile
            jobs.stop(workspace, job.id)
        jobs.wait(workspace, job.id, _STOPPING)
    undone, note = None, edit_note(revision)
    while (step := steps.noted(workspace.engine, recipe, steps.RENAME, note, undone=False)) is not None:
        undone = steps.undo_one(workspace.engine, step)
    return undone


def redo_with_list(workspace: Workspace, recipe: str, revision: int) -> Step | None:
    """Takes the step that went with an edit of the lists again, in the background where the job that made it
    was stopped; None where none was undone.

    Raises:
        ConflictError: a sample has changed since; nothing was done. JobError: another change of samples
            runs.
    """
    taken, note = None, edit_note(revision)
    while (step := steps.noted(workspace.engine, recipe, steps.RENAME, note, undone=True)) is not None:
        taken = steps.redo_one(workspace.engine, step)
    if taken is not None:
        return taken
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
