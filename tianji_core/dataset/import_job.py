"""Importing as a background job: a dataset by name, or files too large to wait for."""

import sys
from pathlib import Path

from tianji_core import jobs
from tianji_core.dataset.hub import check_dataset_id, check_endpoint
from tianji_core.dataset.reading import files_under
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.store import datasets, recipes
from tianji_core.store.datasets import Import
from tianji_core.store.samples import PENDING
from tianji_core.workspace import Workspace

KIND = "import"
LARGE = 32 * 1024 * 1024
"""Bytes from which a person should not have to wait for an import with the page open."""
_LOOK_BACK = 100


def is_large(path: Path) -> bool:
    """Whether the files of a path are better imported in the background.

    Raises:
        ImportFileError: there is nothing to read.
    """
    return sum(file.stat().st_size for file in files_under(path)) >= LARGE


def start_hub_import(
    workspace: Workspace,
    recipe_key: str,
    dataset_id: str,
    state: str = PENDING,
    endpoint: str = "",
    revision: str = "main",
) -> Job:
    """Fetch a dataset from Hugging Face or from the mirror ``endpoint`` and import all its files in the background.

    Raises:
        ImportFileError: the name or the address is wrong. JobError: an import runs already.
    """
    name, address = check_dataset_id(dataset_id), check_endpoint(endpoint)
    argv = ["hub", name, "--endpoint", address, "--revision", revision.strip() or "main"]
    subject: dict[str, object] = {"dataset_id": name, "endpoint": endpoint.strip()}
    return _start(workspace, recipe_key, _("导入 {what}", what=name), argv, state, subject)


def start_path_import(workspace: Workspace, recipe_key: str, path: Path, state: str = PENDING) -> Job:
    """Import a file or a folder in the background.

    Raises:
        ImportFileError: there is nothing to read. JobError: an import runs already.
    """
    files_under(path)
    argv = ["path", str(path.absolute())]
    return _start(workspace, recipe_key, _("导入 {what}", what=path.name), argv, state, {"path": str(path)})


def _start(
    workspace: Workspace, recipe_key: str, title: str, argv: list[str], state: str, subject: dict[str, object]
) -> Job:
    recipes.current(workspace.engine, recipe_key)
    running = import_job(workspace, recipe_key)
    if running is not None and running.active:
        raise JobError(_("正在导入（后台任务 {id}），等它结束或先停止它", id=running.id))
    command = [sys.executable, "-m", "tianji_core.dataset.worker", *argv]
    command += ["--recipe", recipe_key, "--state", state, "--workspace", str(workspace.home)]
    newest = datasets.listed_imports(workspace.engine, recipe_key, limit=1)
    about = {**subject, "recipe": recipe_key, "after": newest[0].id if newest else 0}
    return jobs.start(workspace, KIND, title, command, subject=about)


def import_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """The newest import of a recipe in the background."""
    found = jobs.listed(workspace, kind=KIND, limit=_LOOK_BACK)
    return next((job for job in found if job.subject.get("recipe") == recipe_key), None)


def imports_of(workspace: Workspace, job: Job) -> list[Import]:
    """What a job has imported, one entry per file, oldest first."""
    recipe, after = str(job.subject.get("recipe", "")), job.subject.get("after", 0)
    found = datasets.listed_imports(workspace.engine, recipe)
    ended = job.ended_at
    mine = (i for i in found if i.id > int(str(after)) and (ended is None or i.created_at <= ended))
    return sorted(mine, key=lambda each: each.id)
