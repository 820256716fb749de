"""Makes a change of many samples in a background job, and its worker."""

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject, Reporter, worker_of
from tianji_core.review.bulk_edit import BulkRequest, make_edit, prepare_edit
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

KIND = "edit"


class BulkEditSubject(JobSubject):
    """The recipe whose samples are changed."""

    recipe: str


class BulkEditArguments(BulkEditSubject):
    """What is done (``request``) to the samples of ``filter``, and by whom."""

    worker = "tianji_core.review.bulk_edit_job:edit_samples"

    filter: SampleFilter
    request: BulkRequest
    who: str


def start_bulk_edit(
    workspace: Workspace, sample_filter: SampleFilter, request: BulkRequest, who: str = ""
) -> Job:
    """Makes a change of all matching samples in the background, as one step that can be undone. A job that is
    stopped or killed has changed nothing.

    Raises:
        JobError: another change of this recipe's samples is being made.
    """
    running = bulk_edit_job(workspace, sample_filter.recipe)
    if running is not None and running.active:
        raise JobError(_("正在批量改样本（后台任务 {id}），等它结束或先停止它", id=running.id))
    number = samples.count(workspace.engine, sample_filter)
    title = {
        "replace": _("查找替换"),
        "inputs": _("重写输入"),
        "system": _("换系统提示"),
        "rename": _("样本跟着改名"),
    }[request.kind]
    arguments = BulkEditArguments(recipe=sample_filter.recipe, filter=sample_filter, request=request, who=who)
    return jobs.start_worker(workspace, KIND, _("{title}：{n} 条", title=title, n=number), arguments)


def bulk_edit_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """Returns the newest change of a recipe's samples in the background, running or not."""
    return jobs.newest_about(workspace, KIND, BulkEditSubject(recipe=recipe_key))


@worker_of(BulkEditArguments)
def edit_samples(workspace: Workspace, arguments: BulkEditArguments, reporter: Reporter) -> int:
    """Prepares a change and makes it in one transaction; returns the exit code.

    Raises:
        ConflictError: a sample has changed meanwhile; nothing was done.
    """
    reporter.begin(samples.count(workspace.engine, arguments.filter), _("条"))
    reporter.update(0, message=_("正在看"))
    edit = prepare_edit(workspace, arguments.filter, arguments.request, reporter.update)
    reporter.begin(len(edit.revisions), _("条"))
    reporter.update(0, message=_("正在改"))
    step = make_edit(workspace, edit, arguments.who, reporter.update)
    print(step.title if step is not None else _("没有改动"), flush=True)
    if edit.left_out:
        print(
            _("另有 {n} 条改不了：会变成空的、太长，或者格子不在配方里", n=edit.left_out),
            flush=True,
        )
    return 0
