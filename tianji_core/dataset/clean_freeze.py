"""From fresh samples to a dataset version in one job: fix what can be fixed safely, accept what no rule finds
anything in and is not doubtful, freeze all accepted samples. What is left stays pending for a person."""

from datetime import date

from tianji_core import cleaning, jobs
from tianji_core.dataset.versions import accepted, freeze
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject, Reporter, worker_of
from tianji_core.store import datasets, samples, steps
from tianji_core.store.samples import ACCEPTED, PENDING, SampleFilter
from tianji_core.workspace import Workspace

KIND = "freeze"


class CleanFreezeSubject(JobSubject):
    """The recipe whose samples become a version, and who decides about them."""

    worker = "tianji_core.dataset.clean_freeze:clean_and_freeze"

    recipe: str
    who: str = ""


def free_version_name(workspace: Workspace, recipe_key: str) -> str:
    """Returns a version name of today that is not taken."""
    taken = {version.name for version in datasets.listed(workspace.engine)}
    base = f"{recipe_key}-{date.today():%Y%m%d}"
    return next(name for n in range(1, 10_000) if (name := base if n == 1 else f"{base}-{n}") not in taken)


def start_clean_freeze(workspace: Workspace, recipe_key: str, who: str = "") -> Job:
    """Starts :func:`clean_and_freeze` as a job.

    Raises:
        JobError: it runs already.
    """
    job = clean_freeze_job(workspace, recipe_key)
    if job is not None and job.active:
        raise JobError(_("“{title}”已经在做了", title=job.title))
    subject = CleanFreezeSubject(recipe=recipe_key, who=who)
    return jobs.start_worker(workspace, KIND, _("清洗并冻结成数据集"), subject)


def clean_freeze_job(workspace: Workspace, recipe_key: str) -> Job | None:
    """Returns the newest of these jobs of a recipe, None where there is none."""
    for job in jobs.listed(workspace, kind=KIND):
        subject = jobs.subject_of(job, CleanFreezeSubject)
        if subject is not None and subject.recipe == recipe_key:
            return job
    return None


@worker_of(CleanFreezeSubject)
def clean_and_freeze(workspace: Workspace, subject: CleanFreezeSubject, reporter: Reporter) -> int:
    """Fixes, accepts and freezes; fixing and accepting are steps of the review that can be undone. Prints the
    name of the version; returns the exit code.

    Raises:
        DatasetError: no sample is accepted. ConflictError: a person changed a sample meanwhile.
    """
    engine, key = workspace.engine, subject.recipe
    pending = SampleFilter(key, states=(PENDING,))
    quarter = max(1, samples.count(engine, pending))
    reporter.begin(4 * quarter, _("条"))
    reporter.update(0, message=_("正在按规则检查"))
    cleaning.check_new(workspace, key, progress=lambda done, _all: reporter.update(min(quarter, done)))
    reporter.update(quarter, message=_("正在修正"))
    fixed = cleaning.fix(workspace, pending, who=subject.who)
    reporter.update(2 * quarter, message=_("正在采用没有问题的"))
    clean = SampleFilter(key, states=(PENDING,), sure=True)
    taken = steps.set_state(engine, clean, ACCEPTED, subject.who or workspace.settings().reviewer)
    reporter.update(3 * quarter, message=_("正在写训练文件"))
    version = freeze(workspace, key, free_version_name(workspace, key), accepted(key))
    reporter.update(4 * quarter)
    print(
        _(
            "{name}：{n} 条。修好 {fixed} 条，采用 {taken} 条，{left} 条留待人工审核",
            name=version.name,
            n=version.count,
            fixed=fixed.count if fixed is not None else 0,
            taken=taken.count if taken is not None else 0,
            left=samples.count(engine, pending),
        ),
        flush=True,
    )
    return 0
