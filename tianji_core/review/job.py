"""Asking for other wordings as a background job, and its child: ``python -m tianji_core.review.job SAMPLE TEACHER WISH
--workspace DIR``."""

import argparse
import asyncio
import sys

from tianji_core import jobs
from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.jobs import Job, Reporter, run_child
from tianji_core.review.rewriting import NUMBER, forget_rewriting, rewrite
from tianji_core.store import samples
from tianji_core.store.samples import Sample
from tianji_core.teachers import TeacherChoice, checked_choice
from tianji_core.workspace import Workspace

KIND = "rewrite"
_LOOK_BACK = 50


def start_rewriting(workspace: Workspace, sample: Sample, choice: TeacherChoice, wish: str = "") -> Job:
    """Ask for three other wordings of a sample in the background; what came before is thrown away.

    Raises:
        JobError: this sample is being rewritten already. SettingsError, TeacherAuthError: the teacher is not usable.
    """
    checked_choice(workspace, choice)
    running = rewriting_job(workspace, sample.id)
    if running is not None and running.active:
        raise JobError(_("样本 {id} 正在改写，等它结束或先停止它", id=sample.id))
    forget_rewriting(workspace, sample.id)
    argv = [sys.executable, "-m", "tianji_core.review.job", str(sample.id), choice.model_dump_json(), wish]
    title = _("改写样本 {id}", id=sample.id)
    return jobs.start(
        workspace, KIND, title, [*argv, "--workspace", str(workspace.home)], subject={"sample_id": sample.id}
    )


def rewriting_job(workspace: Workspace, sample_id: int) -> Job | None:
    """The newest rewriting of a sample among the last ones, running or not."""
    found = jobs.listed(workspace, kind=KIND, limit=_LOOK_BACK)
    return next((job for job in found if job.subject.get("sample_id") == sample_id), None)


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    reporter.begin(NUMBER, _("条"))
    sample = samples.get(workspace.engine, arguments.sample)
    found = asyncio.run(rewrite(workspace, sample, arguments.teacher, arguments.wish, reporter.update))
    print(_("写了 {n} 条候选", n=len(found.candidates)), flush=True)
    return 0


def main(argv: list[str]) -> int:
    """Rewrite one sample; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.review.job", description="rewrite a sample")
    parser.add_argument("sample", type=int)
    parser.add_argument("teacher", type=TeacherChoice.model_validate_json)
    parser.add_argument("wish")
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
