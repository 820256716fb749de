"""Requests other wordings of a sample in a background job, and its worker."""

import asyncio

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject, Reporter, worker_of
from tianji_core.review.rewriting import NUMBER, forget_rewriting, rewrite
from tianji_core.store import samples
from tianji_core.store.samples import Sample
from tianji_core.teachers import TeacherChoice, checked_choice, key_variables
from tianji_core.workspace import Workspace

KIND = "rewrite"


class RewritingSubject(JobSubject):
    """The sample that is rewritten."""

    sample_id: int


class RewritingArguments(RewritingSubject):
    """The subject, the ``teacher`` that rewrites, and a ``wish`` of the person in words."""

    worker = "tianji_core.review.job:rewrite_sample"

    teacher: TeacherChoice
    wish: str


def start_rewriting(workspace: Workspace, sample: Sample, choice: TeacherChoice, wish: str = "") -> Job:
    """Requests three other wordings of a sample in the background; earlier candidates are deleted.

    Raises:
        JobError: this sample is being rewritten already. SettingsError, TeacherAuthError: the teacher is not
        usable.
    """
    checked_choice(workspace, choice)
    running = rewriting_job(workspace, sample.id)
    if running is not None and running.active:
        raise JobError(_("样本 {id} 正在改写，等它结束或先停止它", id=sample.id))
    forget_rewriting(workspace, sample.id)
    title = _("改写样本 {id}", id=sample.id)
    subject = RewritingArguments(sample_id=sample.id, teacher=choice, wish=wish)
    return jobs.start_worker(workspace, KIND, title, subject, key_variables(workspace, [choice]))


def rewriting_job(workspace: Workspace, sample_id: int) -> Job | None:
    """Returns the newest rewriting of a sample among the recent jobs, running or not."""
    return jobs.newest_about(workspace, KIND, RewritingSubject(sample_id=sample_id))


@worker_of(RewritingArguments)
def rewrite_sample(workspace: Workspace, arguments: RewritingArguments, reporter: Reporter) -> int:
    """Requests other wordings of one sample; returns the exit code."""
    reporter.begin(NUMBER, _("条"))
    sample = samples.get(workspace.engine, arguments.sample_id)
    rewriting = asyncio.run(rewrite(workspace, sample, arguments.teacher, arguments.wish, reporter.update))
    print(_("写了 {n} 条候选", n=len(rewriting.candidates)), flush=True)
    for fault in rewriting.faults:
        print(_("有一条没有写成：{reason}", reason=fault), flush=True)
    return 0
