"""Importing as a background job: a dataset by name, or files too large to wait for."""

from pathlib import Path

from tianji_core import jobs
from tianji_core.dataset.hub import REVISIONS, TOKENS, check_dataset_id, check_endpoint, folder_of, hub_of
from tianji_core.dataset.hub_bounds import Hub, HubBounds
from tianji_core.dataset.reading import files_under
from tianji_core.dataset.versions import check_name
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.store import datasets, recipes
from tianji_core.store.datasets import Import
from tianji_core.store.samples import PENDING
from tianji_core.workspace import Workspace

KIND = "import"
LARGE = 32 * 1024 * 1024
"""Bytes from which a person should not have to wait for an import with the page open."""
_LOOK_BACK = 100


class ImportSubject(JobSubject):
    """The recipe that gets the samples, and where they come from: a dataset by its name, from a ``hub`` or a
    mirror of it (``endpoint``, as it was typed) at ``revision``, within ``bounds``, or a ``path``. ``after``
    is the newest import of the recipe before this one. ``only_fetch`` downloads the dataset and imports
    nothing yet. ``version`` names the dataset version that the conversations become; '' makes them samples
    of the recipe."""

    recipe: str
    after: int = 0
    dataset_id: str = ""
    hub: Hub = "huggingface"
    bounds: HubBounds = HubBounds()
    endpoint: str = ""
    path: str = ""
    only_fetch: bool = False
    version: str = ""
    revision: str = ""


class ImportArguments(ImportSubject):
    """``state`` of the new samples; ``address`` that the dataset is fetched from;
    ``encoding`` of the files, '' to recognise it. ``fetched`` imports the dataset as it was downloaded
    before."""

    worker = "tianji_core.dataset.worker:import_samples"

    state: str
    address: str = ""
    encoding: str = ""
    fetched: bool = False


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
    revision: str = "",
    version: str = "",
    hub: Hub = "huggingface",
    bounds: HubBounds = HubBounds(),
) -> Job:
    """Fetch a dataset from a hub or from its mirror ``endpoint`` and import the files that ``bounds`` choose
    in the background, as samples or as the dataset version called ``version``. A pasted address of another
    hub is fetched from there, and not from ``endpoint``.

    Raises:
        ImportFileError: the name or the address is wrong. JobError: an import runs already. DatasetError: the
            version cannot be called so.
    """
    arguments = _from_hub(recipe_key, dataset_id, state, endpoint, revision, hub, bounds)
    arguments = arguments.model_copy(update={"version": _version(workspace, version)})
    return _start(workspace, _("导入 {what}", what=arguments.dataset_id), arguments)


def start_hub_fetch(
    workspace: Workspace,
    recipe_key: str,
    dataset_id: str,
    endpoint: str = "",
    revision: str = "",
    hub: Hub = "huggingface",
    bounds: HubBounds = HubBounds(),
) -> Job:
    """Downloads a dataset in the background, to be previewed before it is imported. Raises as
    :func:`start_hub_import`."""
    arguments = _from_hub(recipe_key, dataset_id, PENDING, endpoint, revision, hub, bounds)
    arguments = arguments.model_copy(update={"only_fetch": True})
    return _start(workspace, _("下载 {what}", what=arguments.dataset_id), arguments)


def _from_hub(
    recipe_key: str,
    dataset_id: str,
    state: str,
    endpoint: str,
    revision: str,
    hub: Hub,
    bounds: HubBounds,
) -> ImportArguments:
    chosen, hub = hub, hub_of(dataset_id, hub)
    if hub != chosen:
        endpoint = ""  # it was given for the other hub, and would get the key of this one
    return ImportArguments(
        recipe=recipe_key,
        dataset_id=check_dataset_id(dataset_id),
        hub=hub,
        bounds=bounds,
        endpoint=endpoint.strip(),
        address=check_endpoint(endpoint, hub),
        revision=revision.strip() or REVISIONS[hub],
        state=state,
    )


def fetched_folder(workspace: Workspace, job: Job) -> Path | None:
    """Returns the folder of the dataset that a job has downloaded; None if it did not or the folder is
    gone."""
    subject = jobs.subject_of(job, ImportSubject)
    if subject is None or not subject.only_fetch or job.state != "succeeded":
        return None
    files, revision = subject.bounds.files, subject.revision
    folder = folder_of(workspace, subject.dataset_id, subject.hub, files, revision)
    return folder if folder.is_dir() else None


def start_fetched_import(
    workspace: Workspace,
    recipe_key: str,
    job: Job,
    state: str = PENDING,
    version: str = "",
    rows: int | None = None,
) -> Job:
    """Imports in the background what a job of :func:`start_hub_fetch` has downloaded, as it is; ``version``
    as in :func:`start_hub_import`, of at most ``rows`` (None: as many as that job was given).

    Raises:
        JobError: it is no longer there, or an import runs already. DatasetError: as there.
    """
    subject = jobs.subject_of(job, ImportSubject)
    if subject is None or fetched_folder(workspace, job) is None:
        raise JobError(_("下载好的文件不在了，请重新下载"))
    arguments = ImportArguments(
        recipe=recipe_key,
        dataset_id=subject.dataset_id,
        hub=subject.hub,
        bounds=subject.bounds.model_copy(update={"rows": rows or subject.bounds.rows}),
        endpoint=subject.endpoint,
        revision=subject.revision,
        state=state,
        fetched=True,
        version=_version(workspace, version),
    )
    return _start(workspace, _("导入 {what}", what=subject.dataset_id), arguments)


def start_path_import(
    workspace: Workspace,
    recipe_key: str,
    path: Path,
    state: str = PENDING,
    encoding: str = "",
    version: str = "",
) -> Job:
    """Import a file or a folder in the background; ``version`` as in :func:`start_hub_import`.

    Raises:
        ImportFileError: there is nothing to read. JobError: an import runs already. DatasetError: as there.
    """
    files_under(path)
    arguments = ImportArguments(
        recipe=recipe_key,
        path=str(path.absolute()),
        state=state,
        encoding=encoding,
        version=_version(workspace, version),
    )
    return _start(workspace, _("导入 {what}", what=path.name), arguments)


def _version(workspace: Workspace, name: str) -> str:
    return check_name(workspace, name) if name.strip() else ""


def _start(workspace: Workspace, title: str, arguments: ImportArguments) -> Job:
    recipes.current(workspace.engine, arguments.recipe)
    running = import_job(workspace, arguments.recipe)
    if running is not None and running.active:
        raise JobError(_("正在导入（后台任务 {id}），等它结束或先停止它", id=running.id))
    newest = datasets.listed_imports(workspace.engine, arguments.recipe, limit=1)
    after = newest[0].id if newest else 0
    subject = arguments.model_copy(update={"after": after})
    return jobs.start_worker(
        workspace, KIND, title, subject, (TOKENS[arguments.hub],) if arguments.dataset_id else ()
    )


def import_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """The newest import of a recipe in the background."""
    for job in jobs.listed(workspace, kind=KIND, limit=_LOOK_BACK):
        subject = jobs.subject_of(job, ImportSubject)
        if subject is not None and subject.recipe == recipe_key:
            return job
    return None


def imports_of(workspace: Workspace, job: Job) -> list[Import]:
    """What a job has imported, one entry per file, oldest first."""
    subject = jobs.subject_of(job, ImportSubject)
    if subject is None:
        return []
    listed = datasets.listed_imports(workspace.engine, subject.recipe)
    ended = job.ended_at
    own = (i for i in listed if i.id > subject.after and (ended is None or i.created_at <= ended))
    return sorted(own, key=lambda record: record.id)
